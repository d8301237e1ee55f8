"""Heads as no client library writes them, sent by hand to a running server."""

import signal
import socket
from urllib.parse import urlsplit

import pytest

from support.http_callers import served, to_its_end
from support.processes import DEADLINE

LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


@pytest.fixture(scope="module")
def server(bare_environment, api):
    own = {"MCP_SESSIONS_METRICS": "true"}
    with served(bare_environment, api.url, **own) as running:
        yield running


def said_to(server, head, body=b""):
    """Send a head and a body as they are, and return all that comes until the server closes."""
    url = urlsplit(server.process.url)
    with socket.create_connection((url.hostname, url.port), DEADLINE) as connection:
        connection.sendall(head.encode("latin-1") + body)
        return to_its_end(connection)


def get(server, path, *lines, version="1.1"):
    return said_to(
        server, "\r\n".join([f"GET {path} HTTP/{version}", *lines, "connection: close", "", ""])
    )


EVERY_PATH = ("/mcp", "/healthz", "/readyz", "/metrics", "/%68ealthz", "/other")


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1:80@evil.com", "127.0.0.1:0", "127.0.0.1:x", "localhost:65536"],
)
def test_a_host_that_is_not_this_server_is_misdirected_at_every_path(server, path, host):
    assert get(server, path, f"host: {host}").startswith("HTTP/1.1 421 ")


@pytest.mark.parametrize("path", EVERY_PATH)
def test_a_page_of_another_host_is_forbidden_at_every_path(server, path):
    told = get(server, path, "host: localhost", "origin: http://localhost:80.evil.com")
    assert told.startswith("HTTP/1.1 403 ")
    assert "access-control" not in told


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.1.2.3:8080", "10.1.2.3", "[fd00::1]:8080"])
def test_what_watches_over_the_process_may_ask_by_address(server, path, host):
    assert get(server, path, f"host: {host}").startswith("HTTP/1.1 200 ")


def test_a_call_by_an_address_that_the_settings_do_not_name_is_misdirected(server):
    assert get(server, "/mcp", "host: 10.1.2.3:8080").startswith("HTTP/1.1 421 ")


def test_a_probe_of_http_1_0_needs_no_host(server):
    assert get(server, "/healthz", version="1.0").startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("host: localhost", "host: localhost"),
        ("host: localhost", "host: evil.example"),
        ("host: localhost", "content-length: 5", "content-length: 6"),
        ("host: localhost", "content-length: 5, 6"),
        ("host: localhost", "content-length: -5"),
        ("host: localhost", "content-length : 5"),
        ("host: localhost", "transfer-encoding: chunked, chunked"),
        ("host: localhost", "transfer-encoding: gzip"),
        ("host: localhost", "transfer-encoding: chunked", "transfer-encoding: chunked"),
        ("host: localhost", "content-length: 5", "transfer-encoding: chunked"),
        ("host: localhost", "transfer-encoding: chunked", "content-length: 5"),
        ("host: localhost", "content-length: 5", "transfer-encoding:", " chunked"),
    ],
    ids=lambda lines: ", ".join(lines[1:]) or "no host",
)
def test_a_head_that_can_be_read_in_two_ways_is_refused_and_closes_the_connection(server, lines):
    head = "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""])
    next_one = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    told = said_to(server, head, b"0\r\n\r\n" + next_one)
    assert told.startswith("HTTP/1.1 400 ")
    assert told.count("HTTP/1.1") == 1
    assert "connection: close" in told.lower()


@pytest.mark.parametrize("path", ["/healthz", "/mcp", "/other"])
def test_a_length_said_in_two_ways_is_refused_at_every_path(server, path):
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-length: 4"]
    head = "\r\n".join([*lines, "transfer-encoding: chunked", "", ""])
    told = said_to(server, head, b"0\r\n\r\n")
    assert told.startswith("HTTP/1.1 400 ")
    assert "said in two ways" in told


def test_a_name_folded_into_two_lines_is_no_host(server):
    assert get(server, "/healthz", "host: local", " host").startswith("HTTP/1.1 421 ")


def test_lines_that_end_with_a_bare_line_feed_are_held_to_the_same_names(server):
    for host, status in (("localhost", 200), ("evil.example", 421)):
        head = f"GET /healthz HTTP/1.1\nhost: {host}\nconnection: close\n\n"
        assert said_to(server, head).startswith(f"HTTP/1.1 {status} ")


HOSTILE_LINES = (
    "host: evil\x1b]0;owned\x07\x9b2J",
    "host: localhost\r\norigin: http://evil\x1b[2J",
    "host: localhost\r\nx: \x1b[2J\r\nexpect: \x1b[2J",
    "host: localhost\r\nauthorization: Bearer \x1b[2J",
    "host: localhost\r\nmcp-protocol-version: \x1b[2J",
    "host: localhost\r\nmcp-session-id: \x1b[2J",
    "host: localhost\r\ncontent-type: application/json\x1b[2J",
    "host: localhost\r\nupgrade: \x1b[2J\r\nconnection: upgrade",
    "host: localhost\r\n\x1b[2J: x",
)


def test_no_header_moves_the_terminal_that_shows_the_log(bare_environment, api):
    with served(bare_environment, api.url, MCP_SESSIONS_LOG_LEVEL="debug") as one:
        for lines in HOSTILE_LINES:
            rest = "accept: application/json, text/event-stream\r\nconnection: close\r\n"
            rest += "" if "content-type" in lines else "content-type: application/json\r\n"
            head = f"POST /mcp HTTP/1.1\r\n{lines}\r\n{rest}content-length: {len(LIST)}\r\n\r\n"
            assert said_to(one, head, LIST).startswith("HTTP/1.1 ")
        said = one.process.end(signal.SIGTERM).stderr
    assert "callers are refused: 421" in said
    assert all(line.isprintable() for line in said.split("\n"))

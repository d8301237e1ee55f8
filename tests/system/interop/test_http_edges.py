"""Who may ask an HTTP server, how much, and how it ends."""

import json
import signal

import httpx
import pytest

from support.messages import MODERN, older_request, request
from support.processes import DEADLINE, PROMPTLY, http_server, run

MOST_BYTES = 256 * 1024
LIST = older_request(1, "tools/list")
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture
def post(http):
    with httpx.Client(timeout=DEADLINE, trust_env=False) as client:

        def post(body=None, **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            body = json.dumps(LIST) if body is None else body
            return client.post(http.url, content=body, headers=HEADERS | named)

        yield post


def modern(name, arguments):
    """Return the body and headers of a call, whose arguments are JSON that httpx would refuse."""
    asked = request(1, "tools/call", name=name, arguments="ARGUMENTS")
    headers = {"mcp_protocol_version": MODERN, "mcp_method": "tools/call", "mcp_name": name}
    return json.dumps(asked).replace('"ARGUMENTS"', arguments), headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example"]
)
def test_a_foreign_host_is_misdirected(post, host):
    assert post(host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:1"])
def test_hosts_of_this_machine_are_let_in(post, host):
    assert post(host=host).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "file://", "null"]
)
def test_a_foreign_origin_is_forbidden(post, origin):
    assert post(origin=origin).status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:6274", "http://127.0.0.1"])
def test_a_page_of_this_machine_is_let_in(post, origin):
    assert post(origin=origin).status_code == 200


def test_a_body_of_256_kib_is_read(post):
    assert post(json.dumps(LIST).ljust(MOST_BYTES)).status_code == 200


def test_a_larger_body_is_refused(post):
    assert post(json.dumps(LIST).ljust(MOST_BYTES + 1)).status_code == 413


def test_a_larger_body_is_refused_when_its_length_was_not_told(post):
    parts = (b" " * 65_536 for _ in range(5))
    assert post(parts).status_code == 413


@pytest.mark.parametrize(
    "body",
    ["", "hello?", "null", "[]", json.dumps([LIST]), "[" * 100_000],
    ids=["nothing", "words", "null", "empty batch", "batch", "brackets"],
)
def test_a_body_that_is_no_request_is_answered_with_an_error(post, body):
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in (-32700, -32600, -32602)


def test_half_a_character_in_an_argument_is_answered(post):
    body, headers = modern("list_sessions", r'{"search": "\ud800"}')
    result = post(body, **headers).json()["result"]
    assert result["isError"]
    assert result["content"][0]["text"].startswith("invalid_arguments: search")


def test_half_a_character_in_the_name_of_an_argument_is_answered(post):
    body, headers = modern("list_sessions", r'{"\ud800": 1}')
    result = post(body, **headers).json()["result"]
    assert result["isError"]
    assert result["content"][0]["text"].startswith("invalid_arguments:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_can_reach_is_refused_in_a_sentence(environment, host):
    refused = run(environment, "http", "--port", "0", "--host", host)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"mcp-sessions: {host} can be reached from other machines")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_the_process_promptly_and_in_silence(environment, number):
    with http_server(environment) as server:
        answer = httpx.post(
            server.url, json=LIST, headers=HEADERS, timeout=DEADLINE, trust_env=False
        )
        ended = server.end(number)
    assert answer.status_code == 200
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < PROMPTLY


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_right_after_the_url_was_printed_is_not_lost(environment, number):
    with http_server(environment) as server:
        ended = server.end(number)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < PROMPTLY

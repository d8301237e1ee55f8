import logging

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mcp_sessions.auth.bearer_tokens import new_token
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.streamable_http.allowed_hosts import AllowedHosts, cors

pytestmark = pytest.mark.anyio


def settings(**named):
    named = {"TOKEN_HASHES": new_token()[1], **named}
    return HttpSettings.from_env({f"MCP_SESSIONS_{name}": value for name, value in named.items()})


async def asked(http, *headers, path="/mcp", method="POST", version="1.1"):
    """Return the status and headers of an answer, behind the check and CORS."""
    app = Starlette(
        routes=[Route(path, lambda _: PlainTextResponse("served"), methods=["GET", "POST"])],
        middleware=list(cors(http)),
    )
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": version,
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    with anyio.fail_after(20):
        await AllowedHosts(app, http, by_address=("/probe",))(scope, None, send)
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}


async def status_of(http, host, origin=None, **scope):
    headers = [("host", host)] + ([("origin", origin)] if origin else [])
    status, _ = await asked(http, *headers, **scope)
    return status


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:8080", "[::1]:9", "[::1]"])
async def test_names_of_this_machine_are_served_at_every_port(host):
    assert await status_of(settings(), host) == 200
    everywhere = settings(HOST="0.0.0.0", ALLOWED_HOSTS="mcp.example")
    assert await status_of(everywhere, host) == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mcp.example", 200),
        ("mcp.example:8443", 200),
        ("ported.example:8443", 200),
        ("ported.example:8444", 421),
        ("ported.example", 421),
        ("any.example:1", 200),
        ("public.example", 200),
        ("[2001:db8::1]:80", 200),
        ("[2001:DB8:0::1]", 200),
        ("mcp.example.evil", 421),
        ("evil.mcp.example", 421),
        ("mcp.example:80@evil.com", 421),
        ("mcp.example:80.evil.com", 421),
        ("mcp.example:0", 421),
        ("mcp.example:99999", 421),
        ("mcp.example:", 421),
        ("mcp.example, evil.com", 421),
        ("10.1.2.3", 421),
        ("", 421),
    ],
)
async def test_a_name_is_served_only_if_the_settings_name_it(host, status):
    http = settings(
        HOST="2001:db8::1",
        ALLOWED_HOSTS="MCP.example ported.example:8443 any.example:*",
        PUBLIC_URL="https://Public.example/mcp",
    )
    for path in ("/mcp", "/other"):
        assert await status_of(http, host, path=path) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("10.1.2.3:8080", 200),
        ("[fd00::1]:8080", 200),
        ("localhost", 200),
        ("evil.example", 421),
        ("10.1.2.3.evil.example", 421),
        ("10.1.2.3:80@evil.example", 421),
        ("", 421),
    ],
)
async def test_a_probe_may_name_any_address_and_no_other_host(host, status):
    assert await status_of(settings(), host, path="/probe", method="GET") == status


async def test_a_host_is_said_once():
    twice = [("host", "localhost")] * 2
    assert (await asked(settings(), *twice))[0] == 421


@pytest.mark.parametrize(
    ("path", "version", "status"),
    [("/probe", "1.0", 200), ("/probe", "1.1", 421), ("/mcp", "1.0", 421)],
)
async def test_only_a_probe_of_http_1_0_may_name_no_host(path, version, status):
    assert (await asked(settings(), path=path, version=version))[0] == status


@pytest.mark.parametrize(
    ("own", "origin", "status"),
    [
        ({}, "http://localhost:3000", 200),
        ({}, "http://127.0.0.1", 200),
        ({}, "HTTP://[::1]:3000", 200),
        ({}, "http://evil.example", 403),
        ({}, "http://localhost:80.evil.com", 403),
        ({}, "http://localhost:80@evil.com", 403),
        ({}, "http://localhost.evil", 403),
        ({}, "http://127a0b0c1", 403),
        ({}, "http://localhost:0", 403),
        ({}, "http://localhost:65536", 403),
        ({}, "http://localhost/", 403),
        ({}, "https://localhost", 403),
        ({}, "localhost", 403),
        ({}, "null", 403),
        ({"HOST": "10.0.0.1"}, "http://localhost:3000", 403),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://app.example", 200),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://APP.example", 200),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://app.example.evil", 403),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://app.example:80@evil.com", 403),
        ({"ALLOWED_ORIGINS": "app://x"}, "app://x", 200),
    ],
)
async def test_a_page_is_served_if_it_is_of_this_machine_on_loopback_or_named(own, origin, status):
    for path in ("/mcp", "/probe"):
        host = "localhost"
        assert await status_of(settings(**own), host, origin, path=path) == status


async def test_an_origin_is_said_once():
    twice = [("host", "localhost")] + [("origin", "http://localhost")] * 2
    assert (await asked(settings(), *twice))[0] == 403


async def test_only_a_page_that_may_call_may_ask_before_it_calls_and_read():
    asks = [("host", "localhost"), ("access-control-request-method", "POST")]
    for origin, may in (("http://localhost:3000", True), ("http://localhost:80.evil.com", False)):
        status, headers = await asked(settings(), *asks, ("origin", origin), method="OPTIONS")
        assert (status == 200) is may
        assert headers.get("access-control-allow-origin") == (origin if may else None)


def test_cors_is_there_only_where_pages_of_other_origins_may_call():
    assert list(cors(settings(HOST="10.0.0.1"))) == []
    assert len(list(cors(settings(HOST="10.0.0.1", ALLOWED_ORIGINS="https://app.example")))) == 1


async def test_a_refused_name_is_logged_once_and_quoted(caplog):
    http = settings()
    check = AllowedHosts(None, http, by_address=())
    sent = []

    async def send(message):
        sent.append(message)

    for _ in range(3):
        headers = [(b"host", b"evil\x1b[2J\xff" + b"x" * 500)]
        scope = {"type": "http", "http_version": "1.1", "path": "/", "headers": headers}
        await check(scope, None, send)
    (line,) = [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert line.startswith(r"callers are refused: 421, Host 'evil\x1b[2J\xffxxx")
    assert len(line) < 200

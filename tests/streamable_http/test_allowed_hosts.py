import re

import pytest
from mcp.server.transport_security import TransportSecurityMiddleware
from starlette.requests import Request

from mcp_sessions.auth.bearer_tokens import new_token
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.streamable_http.allowed_hosts import cors, transport_security

pytestmark = pytest.mark.anyio


def settings(**named):
    named = {"TOKEN_HASHES": new_token()[1], **named}
    return HttpSettings.from_env({f"MCP_SESSIONS_{name}": value for name, value in named.items()})


async def is_served(http, host, origin=None):
    """Ask the SDK's own check."""
    headers = [(b"host", host.encode()), (b"content-type", b"application/json")]
    headers += [(b"origin", origin.encode())] if origin else []
    check = TransportSecurityMiddleware(transport_security(http))
    request = Request({"type": "http", "method": "POST", "headers": headers})
    return await check.validate_request(request, is_post=True) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "[::1]:9", "[::1]"])
async def test_names_of_this_machine_are_served_at_every_port(host):
    assert await is_served(settings(), host)
    assert await is_served(settings(HOST="0.0.0.0", ALLOWED_HOSTS="mcp.example"), host)


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("mcp.example", True),
        ("mcp.example:8443", True),
        ("ported.example:8443", True),
        ("ported.example:8444", False),
        ("ported.example", False),
        ("public.example", True),
        ("[2001:db8::1]:80", True),
        ("mcp.example.evil", False),
        ("evil.mcp.example", False),
        ("", False),
    ],
)
async def test_a_name_is_served_only_if_the_settings_name_it(host, served):
    http = settings(
        HOST="2001:db8::1",
        ALLOWED_HOSTS="MCP.example ported.example:8443",
        PUBLIC_URL="https://Public.example/mcp",
    )
    assert await is_served(http, host) is served


@pytest.mark.parametrize(
    ("own", "origin", "served"),
    [
        ({}, "http://localhost:3000", True),
        ({}, "http://evil.example", False),
        ({"HOST": "10.0.0.1"}, "http://localhost:3000", False),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://app.example", True),
        ({"ALLOWED_ORIGINS": "https://app.example"}, "https://app.example.evil", False),
    ],
)
async def test_a_page_is_served_if_it_is_of_this_machine_on_loopback_or_named(own, origin, served):
    assert await is_served(settings(**own), "localhost", origin) is served


def test_cors_is_there_only_where_pages_of_other_origins_may_call():
    assert list(cors(settings(HOST="10.0.0.1"))) == []
    (named,) = cors(settings(HOST="10.0.0.1", ALLOWED_ORIGINS="https://app.example"))
    assert named.kwargs["allow_origins"] == ["https://app.example"]
    assert named.kwargs["allow_origin_regex"] is None


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        ("http://localhost", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://127a0b0c1", False),
        ("http://localhost.evil", False),
        ("https://localhost", False),
    ],
)
def test_on_loopback_pages_of_this_machine_may_read_answers(origin, local):
    (middleware,) = cors(settings())
    assert bool(re.fullmatch(middleware.kwargs["allow_origin_regex"], origin)) is local

"""Callers who present a bearer token, and those who do not."""

import re

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

from support.http_callers import KEY, failure, rows, served
from support.processes import run

OLD, NEW, UNKNOWN = (new_token()[0] for _ in range(3))
HASHES = f"{hash_of(OLD)},\n {hash_of(NEW)}"


@pytest.fixture(scope="module")
def server(bare_environment, api):
    with served(bare_environment, api.url, MCP_SESSIONS_TOKEN_HASHES=HASHES) as locked:
        yield locked


def test_the_command_prints_a_token_and_the_hash_that_lets_it_in(bare_environment, api):
    said = run(bare_environment, "token")
    assert (said.returncode, said.stderr) == (0, "")
    token = re.search(r"mcps_[\w-]{43}$", said.stdout, re.MULTILINE)[0]
    kept = re.search(r"sha256:[0-9a-f]{64}$", said.stdout, re.MULTILINE)[0]
    with served(bare_environment, api.url, MCP_SESSIONS_TOKEN_HASHES=kept) as locked:
        assert len(rows(locked.call(token, limit=2))) == 2


@pytest.mark.parametrize("token", [OLD, NEW], ids=["old", "new"])
def test_both_tokens_work_while_one_replaces_the_other(server, token):
    assert len(rows(server.call(token, limit=3))) == 3
    assert len(server.older_call(token, limit=3)["result"]["structuredContent"]["sessions"]) == 3


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(server, scheme):
    answer = server.post(b"{}", {"authorization": f"{scheme} {NEW}"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "presented",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": NEW},
        {"authorization": f"Basic {NEW}"},
        {"authorization": f"Bearer {UNKNOWN}"},
        {"authorization": f"Bearer {NEW[:-1]}"},
        {"authorization": f"Bearer {NEW} x"},
        {"authorization": f"Bearer {hash_of(NEW)}"},
        {"authorization": "Bearer " + "x" * 20_000},
        {"authorization": b"Bearer \xff\xfe"},
        {"x-api-key": NEW},
    ],
    ids=[
        "none",
        "empty",
        "no token",
        "no scheme",
        "another scheme",
        "unknown",
        "cut short",
        "two words",
        "its hash",
        "long",
        "no characters",
        "another header",
    ],
)
def test_a_caller_without_a_known_token_is_not_let_in(server, presented):
    answer = server.post(b"{}", presented)
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="invalid_token"')
    assert "resource_metadata" not in challenge  # there is no authorization server to ask


def test_neither_token_nor_key_is_ever_written_down_or_passed_on(bare_environment, upstreams):
    locked = {"MCP_SESSIONS_TOKEN_HASHES": HASHES, "MCP_SESSIONS_LOG_LEVEL": "debug"}
    with served(bare_environment, upstreams.url, **locked) as server:
        rows(server.call(NEW))
        assert server.call(UNKNOWN).status_code == 401
        said = server.process.end(15).stderr
    sent = b"".join(upstreams.requests).decode()
    assert "request status=200" in said
    assert re.search(rf"^authorization: {KEY}\r$", sent, re.IGNORECASE | re.MULTILINE)
    for token in (NEW, UNKNOWN):
        assert token not in said + sent
    assert KEY not in said


def test_without_a_key_a_caller_learns_what_to_set(bare_environment, api):
    locked = {"MCP_SESSIONS_TOKEN_HASHES": HASHES}
    with served(bare_environment, api.url, key=None, **locked) as server:
        assert failure(server.call(NEW)).startswith("not_configured: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7"])
def test_an_open_server_that_others_reach_does_not_start(bare_environment, host):
    refused = run(bare_environment, "http", "--host", host)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    for way_out in ("TOKEN_HASHES", "TENANTS_FILE", "OAUTH_ISSUER", "127.0.0.1"):
        assert way_out in refused.stderr


def test_a_server_of_every_address_needs_the_names_that_callers_use(bare_environment):
    refused = run(
        bare_environment, "http", "--host", "0.0.0.0", MCP_SESSIONS_TOKEN_HASHES=hash_of(NEW)
    )
    assert refused.returncode == 2
    assert "MCP_SESSIONS_ALLOWED_HOSTS" in refused.stderr


def test_a_server_of_every_address_serves_the_names_it_was_told(bare_environment, api):
    own = {"MCP_SESSIONS_TOKEN_HASHES": HASHES, "MCP_SESSIONS_ALLOWED_HOSTS": "sessions.example"}
    with served(bare_environment, api.url, "--host", "0.0.0.0", **own) as server:
        port = server.base.rpartition(":")[2]
        told = {"authorization": f"Bearer {NEW}"}
        reached = type(server)(
            type(server.process)(f"http://127.0.0.1:{port}/mcp", server.process.process)
        )
        for host in ("sessions.example", f"sessions.example:{port}", "127.0.0.1"):
            assert reached.post(b"{}", {**told, "host": host}).status_code == 400
        assert reached.post(b"{}", {**told, "host": "other.example"}).status_code == 421

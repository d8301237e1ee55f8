"""Every row of the README's table of refusals."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

from support.http_callers import ACCEPT, bearer, rows, served
from support.messages import MODERN
from support.processes import DEADLINE, eventually
from support.raw_upstream import Held
from support.refusals import REFUSALS

TOKENS = {"good": new_token()[0], "wrong": new_token()[0]}


@pytest.fixture(scope="module")
def server(bare_environment, api):
    own = {"MCP_SESSIONS_TOKEN_HASHES": hash_of(TOKENS["good"])}
    with served(bare_environment, api.url, **own) as running:
        yield running


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.title)
def test_what_is_refused_is_refused_as_the_table_says(server, refusal):
    path = refusal.path + (TOKENS["good"] if refusal.token == "url" else "")
    told = {**ACCEPT, **bearer(TOKENS.get(refusal.token)), **refusal.headers}
    kept = {name: value for name, value in told.items() if value is not None}
    body = iter([refusal.body]) if refusal.chunked else refusal.body
    with httpx.Client(timeout=DEADLINE, trust_env=False) as client:
        answer = client.request(refusal.method, server.base + path, headers=kept, content=body)
    assert answer.status_code == refusal.status
    assert refusal.says in answer.text + str(answer.headers)
    assert "Traceback" not in answer.text
    assert len(rows(server.call(TOKENS["good"], limit=1))) == 1  # and it serves on


def test_the_405_says_what_is_allowed(server):
    answer = httpx.get(server.process.url, headers=bearer(TOKENS["good"]), trust_env=False)
    assert answer.headers["allow"] == "POST"


def test_one_request_more_than_there_is_room_for_is_told_to_come_again(bare_environment, upstreams):
    held = Held()
    upstreams.turn_to(held.behaviour)
    own = {"MCP_SESSIONS_MAX_CALLS": "2"}
    with served(bare_environment, upstreams.url, **own) as server, ThreadPoolExecutor(2) as pool:
        inside = [pool.submit(server.call, search=f"word{n}") for n in range(2)]
        held.wait(2)
        refused = server.call()
        held.let_go()
        assert [len(rows(one.result())) for one in inside] == [20, 20]
        assert len(rows(server.call())) == 20
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["message"].startswith("Too many calls at once")


@pytest.mark.parametrize("era", [{"mcp-protocol-version": MODERN}, {}], ids=["current", "older"])
def test_a_caller_that_leaves_before_its_body_is_whole_disturbs_nobody(bare_environment, api, era):
    with served(bare_environment, api.url, MCP_SESSIONS_MAX_CALLS="1") as server:
        with server.half_sent(b" " * 100, era):
            pass
        eventually(lambda: server.call(limit=1).status_code == 200)


def test_names_are_the_same_in_capitals_and_with_a_port(bare_environment, api):
    own = {"MCP_SESSIONS_ALLOWED_HOSTS": "API.Example.com"}
    own["MCP_SESSIONS_PUBLIC_URL"] = "https://MCP.example.com:443/mcp"
    with served(bare_environment, api.url, **own) as server:
        for host in ("api.example.com", "API.example.COM:8080", "mcp.example.com", "Localhost"):
            refused = server.post(b"hello?", {"host": host})
            assert (host, refused.status_code) == (host, 400)
        assert server.post(b"hello?", {"host": "example.com"}).status_code == 421


@pytest.mark.parametrize("page", ["http://localhost:6274", "http://127.0.0.1", "http://[::1]:3000"])
def test_pages_of_this_machine_may_call_and_read_on_loopback(bare_environment, api, page):
    with served(bare_environment, api.url) as server, httpx.Client(trust_env=False) as client:
        asks = {"origin": page, "access-control-request-method": "POST"}
        before = client.options(server.process.url, headers=asks)
        assert before.headers["access-control-allow-origin"] == page
        for foreign in ("https://localhost.example", "http://localhost.example", "null"):
            refused = client.options(server.process.url, headers=asks | {"origin": foreign})
            assert "access-control-allow-origin" not in refused.headers


def test_pages_of_other_origins_may_read_only_where_they_were_allowed(bare_environment, api):
    page = "https://app.example"
    own = {"MCP_SESSIONS_ALLOWED_ORIGINS": f"{page}, https://two.example"}
    with served(bare_environment, api.url, **own) as server:
        asks = {"origin": page, "access-control-request-method": "POST"}
        asks |= {"access-control-request-headers": "authorization,mcp-method"}
        with httpx.Client(trust_env=False) as client:
            before = client.options(server.process.url, headers=asks)
            foreign = client.options(
                server.process.url, headers=asks | {"origin": "https://evil.example"}
            )
        called = server.post(b"{}", {"origin": page})
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == page
    assert "access-control-allow-origin" not in foreign.headers
    assert called.headers["access-control-allow-origin"] == page

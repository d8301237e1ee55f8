"""Whether the process lives and whether the API answers, for whoever watches over replicas."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

from support.http_callers import KEY, served
from support.raw_upstream import Door, answer, right

TENANT = '[[tenant]]\nname = "acme"\ntoken_hashes = ["{}"]\napi_key = "evr_pat_ACMESECRET"\n'


def failing(status):
    return lambda exchange: exchange.send(answer(b'{"error": "no"}', status, retry_after="60"))


def test_a_process_lives_and_is_ready_while_the_api_answers(bare_environment, upstreams):
    own = {"MCP_SESSIONS_TOKEN_HASHES": hash_of(new_token()[0])}
    with served(bare_environment, upstreams.url, **own) as server:
        for path in ("/healthz", "/readyz"):
            told = server.get(path)  # without a token
            assert (told.status_code, told.text) == (200, "ok")


@pytest.mark.parametrize(
    ("behaviour", "door", "code"),
    [
        (failing("401 Unauthorized"), Door.OPEN, "unauthorized"),
        (failing("404 Not Found"), Door.OPEN, "not_found"),
        (failing("503 Service Unavailable"), Door.OPEN, "api_unavailable"),
        (right(), Door.SHUT, "api_unreachable"),
    ],
    ids=["401", "404", "503", "shut"],
)
def test_a_server_whose_api_fails_is_not_ready_and_says_why(
    bare_environment, upstreams, behaviour, door, code
):
    upstreams.turn_to(behaviour, door)
    with served(bare_environment, upstreams.url) as server:
        told = server.get("/readyz")
        assert (told.status_code, told.json()["code"]) == (503, code)
        assert KEY not in told.text
        assert server.get("/healthz").status_code == 200


def test_a_server_without_a_key_is_not_ready(bare_environment, upstreams):
    with served(bare_environment, upstreams.url, key=None) as server:
        assert server.get("/readyz").json()["code"] == "not_configured"


def test_many_probes_ask_the_api_once(bare_environment, upstreams):
    with served(bare_environment, upstreams.url) as server, ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: server.get("/readyz").status_code, range(50)))
    assert told == [200] * 50
    assert len(upstreams.asked()) == 1


def test_where_only_tenants_have_keys_a_refusal_shows_that_the_api_is_there(
    bare_environment, upstreams, tmp_path
):
    upstreams.turn_to(failing("401 Unauthorized"))
    file = tmp_path / "tenants.toml"
    file.write_text(TENANT.format(hash_of(new_token()[0])))
    own = {"MCP_SESSIONS_TENANTS_FILE": str(file)}
    with served(bare_environment, upstreams.url, key=None, **own) as server:
        assert server.get("/readyz").status_code == 200
    assert b"authorization" not in b"".join(upstreams.asked()).lower()


def test_metrics_are_served_only_where_they_were_asked_for(bare_environment, upstreams):
    with served(bare_environment, upstreams.url) as server:
        assert server.get("/metrics").status_code == 404

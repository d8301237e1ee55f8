"""An issuer's keys: fetched once for many, and not at the whim of who presents tokens."""

import json
import time

import anyio
import jwt
import pytest
from joserfc.jwk import KeySet

from mcp_sessions.auth.oauth_issuer import KEYS_HOLD, MIN_FETCH_INTERVAL, OAuthIssuer
from mcp_sessions.http_settings import HttpSettings

from support.authority import new_key
from support.raw_upstream import Held, answer, upstream

pytestmark = pytest.mark.anyio

ISSUER, AUDIENCE = "https://issuer.example", "https://mcp.example/mcp"


@pytest.fixture(scope="module")
def key():
    return new_key("first", "ES256")


@pytest.fixture
def keys(key):
    """Serve the key from raw sockets, until told otherwise."""
    body = json.dumps(KeySet([key]).as_dict()).encode()
    with upstream() as told:
        told.turn_to(lambda exchange: exchange.send(answer(body)))
        yield told


@pytest.fixture
def issuer(keys, clock):
    settings = HttpSettings.from_env(
        {
            "MCP_SESSIONS_PUBLIC_URL": AUDIENCE,
            "MCP_SESSIONS_OAUTH_ISSUER": ISSUER,
            "MCP_SESSIONS_OAUTH_JWKS_URL": f"{keys.url}/keys",
        }
    )
    return OAuthIssuer(settings, clock)


def token(key, kid="first"):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": int(time.time()) + 300}
    return jwt.encode(claims, key.private_key, algorithm="ES256", headers={"kid": kid})


async def test_keys_are_fetched_once_for_all_who_need_them(issuer, keys, key):
    told = []

    async def ask():
        told.append(await issuer.claims(token(key)))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert [one["sub"] for one in told] == ["alice"] * 20
    assert len(keys.asked()) == 1


async def test_tokens_that_name_made_up_keys_cause_no_request_to_the_issuer(issuer, keys, key):
    assert await issuer.claims(token(key))
    for number in range(20):
        assert await issuer.claims(token(key, kid=f"made up {number}")) is None
    assert len(keys.asked()) == 1


@pytest.mark.parametrize(
    "passed",
    [MIN_FETCH_INTERVAL, KEYS_HOLD],
    ids=["fresh keys", "keys to be looked at again"],
)
async def test_a_known_key_waits_for_no_fetch_of_another(issuer, keys, key, clock, passed):
    assert await issuer.claims(token(key))
    held = Held()
    keys.turn_to(held.behaviour)
    clock.now += passed
    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(issuer.claims, token(key, kid=f"made up {number}"))
        await anyio.to_thread.run_sync(held.wait)
        with anyio.fail_after(2):  # less than a fetch may take
            assert await issuer.claims(token(key))
        held.let_go()
    assert len(keys.asked()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 5}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "x", "kid": "first"}]}',
    ],
)
async def test_known_keys_are_kept_while_the_issuer_sends_no_others(issuer, keys, key, clock, body):
    assert await issuer.claims(token(key))
    keys.turn_to(lambda exchange: exchange.send(answer(body)))
    clock.now += KEYS_HOLD
    assert await issuer.claims(token(key))
    assert len(keys.asked()) == 1


async def test_an_issuer_that_says_nonsense_lets_nobody_in(issuer, keys, key):
    keys.turn_to(lambda exchange: exchange.send(b"nonsense\r\n\r\n"))
    assert await issuer.claims(token(key)) is None

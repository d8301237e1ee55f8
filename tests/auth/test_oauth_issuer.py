"""An issuer's keys: fetched once for many, and not at the whim of who presents tokens."""

import base64
import json
import threading
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


def claims(**more):
    own = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": int(time.time()) + 300}
    return own | more


def token(key, kid="first", **head):
    headers = {"kid": kid, **head}
    return jwt.encode(claims(), key.private_key, algorithm="ES256", headers=headers)


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
        b'{"keys": [{"alg": ["ES256"], "kid": "first"}]}',
        b'{"keys": [' + b"[" * 50_000 + b"]" * 50_000 + b"]}",
        b'{"keys": [' + b"9" * 5_000 + b"]}",
    ],
    ids=lambda body: body[:30].decode(),
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


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_a_token_may_say_that_it_is_an_access_token(issuer, key, typ):
    assert await issuer.claims(token(key, typ=typ))


ANOTHER = ["logout+jwt", "dpop+jwt", "secevent+jwt", "application/logout+jwt", "at+jwt ", "JWE"]


@pytest.mark.parametrize("typ", ANOTHER)
async def test_a_token_that_says_that_it_is_of_another_type_is_refused(issuer, key, typ, caplog):
    assert await issuer.claims(token(key, typ=typ)) is None
    assert "tokens are refused: they are of another type (typ)" in caplog.text


def signed(key, head, claims):
    """Sign what no library would."""
    parts = [
        base64.urlsafe_b64encode(one if isinstance(one, bytes) else json.dumps(one).encode())
        for one in (head, claims)
    ]
    message = b".".join(part.rstrip(b"=") for part in parts)
    algorithm = jwt.get_algorithm_by_name("ES256")
    signature = base64.urlsafe_b64encode(algorithm.sign(message, key.private_key))
    return b".".join([message, signature.rstrip(b"=")]).decode()


DEEP = b"[" * 5_000 + b"]" * 5_000
HEAD = {"alg": "ES256", "kid": "first"}
ODD_HEADS = {
    "deep": b'{"alg":"none","kid":' + DEEP + b"}",
    "deep and signed": b'{"alg":"ES256","kid":"first","x":' + DEEP + b"}",
    "deeper than an object": DEEP,
    "a number of 5,000 digits": b'{"alg":"ES256","kid":"first","x":' + b"9" * 5_000 + b"}",
    "a list": b"[]",
    "no algorithm": {"kid": "first"},
    "a list as algorithm": {**HEAD, "alg": ["ES256"]},
    "a list as kid": {**HEAD, "kid": ["first"]},
    "an object as kid": {**HEAD, "kid": {"first": 1}},
    "a number as type": {**HEAD, "typ": 5},
    "a list as type": {**HEAD, "typ": ["JWT"]},
    "an empty type": {**HEAD, "typ": ""},
    "null as type": {**HEAD, "typ": None},
    "an unknown extension": {**HEAD, "crit": ["x"], "x": 1},
    "half a character": {**HEAD, "kid": "\ud800"},
    "not UTF-8": b"\xff",
}


@pytest.mark.parametrize("odd", ODD_HEADS)
async def test_a_token_with_an_odd_header_is_none(issuer, key, odd):
    assert await issuer.claims(signed(key, HEAD, claims()))
    assert await issuer.claims(signed(key, ODD_HEADS[odd], claims())) is None


@pytest.mark.parametrize(
    "payload",
    [DEEP, b'{"exp":' + b"9" * 5_000 + b"}", b"[]", b"5", b"\xff", b"", b'{"exp":1e999}'],
    ids=["deep", "digits", "list", "number", "not UTF-8", "empty", "infinite"],
)
async def test_a_signed_token_with_an_odd_payload_is_none(issuer, key, payload):
    assert await issuer.claims(signed(key, HEAD, payload)) is None


@pytest.mark.parametrize(
    "odd",
    [{"exp": float("inf")}, {"exp": float("nan")}, {"exp": []}, {"aud": {}}, {"sub": 5}],
    ids=str,
)
async def test_a_signed_token_with_an_odd_claim_is_none(issuer, key, odd):
    assert await issuer.claims(signed(key, HEAD, claims()))
    assert await issuer.claims(signed(key, HEAD, claims(**odd))) is None


async def test_an_odd_key_beside_a_good_one_is_said_once_and_not_quoted(
    issuer, keys, key, clock, caplog
):
    good = KeySet([key]).as_dict()["keys"]
    body = json.dumps({"keys": [{**good[0], "kid": ["CANARY"]}, *good]}).encode()
    keys.turn_to(lambda exchange: exchange.send(answer(body)))
    for _ in range(3):
        assert await issuer.claims(token(key))
        clock.now += KEYS_HOLD
    (record,) = caplog.records
    said = "keys of the issuer's are passed over: number 1 (its kid is no text, or too long)"
    assert record.getMessage() == said
    assert len(keys.asked()) == 3


@pytest.mark.parametrize(
    "body", [b'{"keys":' + DEEP * 10 + b"}", b"9" * 5_000], ids=["deep", "digits"]
)
async def test_hostile_json_in_place_of_keys_is_said_in_a_sentence(issuer, keys, key, caplog, body):
    keys.turn_to(lambda exchange: exchange.send(answer(body)))
    assert await issuer.claims(token(key)) is None
    said = caplog.records[0].getMessage()
    assert said == "the issuer's keys cannot be had: no JSON that can be read"


@pytest.mark.parametrize(
    ("start", "drop"),
    [(b"content-length: 100000\r\n\r\n", b" "), (b"", b"x: y\r\n")],
    ids=["body", "headers"],
)
async def test_keys_that_drip_are_given_up_and_their_connection_is_closed(
    issuer, keys, key, start, drop
):
    closed = threading.Event()

    def drip(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n" + start)
        try:
            while exchange.wait(0.1):
                exchange.send(drop)
        except OSError:
            closed.set()

    keys.turn_to(drip)
    with anyio.fail_after(30):
        assert await issuer.claims(token(key)) is None
        assert await anyio.to_thread.run_sync(closed.wait, 20)

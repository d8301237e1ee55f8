import tracemalloc

import pytest

from mcp_sessions.auth.bearer_tokens import BearerTokens, hash_of, new_token
from mcp_sessions.http_settings import HttpSettings, token_hash

pytestmark = pytest.mark.anyio


def callers(*hashes):
    listed = ",".join(hashes)
    return BearerTokens(HttpSettings.from_env({"MCP_SESSIONS_TOKEN_HASHES": listed}), None)


def test_new_tokens_differ_and_come_with_the_hash_that_the_settings_take():
    made = [new_token() for _ in range(100)]
    assert len({token for token, _ in made}) == len({kept for _, kept in made}) == 100
    for token, kept in made:
        assert token_hash(kept) == hash_of(token)
        assert token not in kept


def test_a_token_has_256_random_bits_and_a_prefix_that_scanners_find():
    token, _ = new_token()
    assert token.startswith("mcps_")
    assert len(token.removeprefix("mcps_")) == 43


async def test_a_known_token_makes_a_caller_that_does_not_hold_it():
    token, kept = new_token()
    caller = await callers(new_token()[1], kept).verify_token(token)
    assert caller is not None
    assert caller.token == ""
    assert token not in repr(caller)


@pytest.mark.parametrize(
    "changed",
    [
        lambda token: token[:-1],
        lambda token: f"{token}x",
        lambda token: f" {token}",
        str.upper,
        hash_of,
        lambda _: "",
        lambda _: "ü",
        lambda _: "a.b.c",
        lambda token: token * 1000,
    ],
)
async def test_a_text_that_resembles_a_known_token_is_no_token(changed):
    token, kept = new_token()
    assert await callers(kept).verify_token(changed(token)) is None


async def test_every_hash_is_compared_wherever_the_right_one_stands(monkeypatch):
    compared = []

    def compare(known, presented):
        compared.append(known)
        return known == presented

    # Patched because only the time that it takes would show from outside which were compared.
    monkeypatch.setattr("mcp_sessions.auth.bearer_tokens.hmac.compare_digest", compare)
    tokens = [new_token() for _ in range(5)]
    hashes = [kept for _, kept in tokens]
    known = callers(*hashes)
    for token in (tokens[0][0], tokens[4][0], "none of them"):
        compared.clear()
        await known.verify_token(token)
        assert compared == hashes


async def test_a_token_too_long_to_be_one_costs_no_hash():
    """To be hashed it would have to be encoded, and so take its own size of memory again."""
    known, presented = callers(new_token()[1]), "x" * 20_000_000
    tracemalloc.start()
    try:
        assert await known.verify_token(presented) is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()

from random import Random
from string import ascii_letters, digits

import pytest

from mcp_sessions.results.credentials.mask import MASK, masked
from mcp_sessions.results.credentials.random_tokens import looks_random

DRAWN = "Zx9Kq2Lm8Pw4Rt6YbV1nD3sF"
BASE58 = "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM"


@pytest.mark.parametrize(
    "secret",
    [DRAWN, f"acme_{DRAWN}", f"x-live-{DRAWN[:16]}", f"{DRAWN}+/{DRAWN[:15]}=", BASE58[:36]],
)
def test_a_long_mixture_is_masked(secret):
    assert masked(f"try {secret}.") == f"try {MASK}."


@pytest.mark.parametrize(
    "text",
    [
        f"pi_{DRAWN}",
        f"chatcmpl-{DRAWN}",
        f"pk_live_{DRAWN}",
        "AROAIOSFODNN7EXAMPLE2",
        f"sub_sched_{DRAWN}",
        f"sha512-{DRAWN}{DRAWN}==",
        f"ssh-ed25519 AAAAC3Nza{DRAWN}",
        BASE58,
        f"wallet {BASE58[:36]}",
        f"https://docs.example.com/d/{DRAWN}/edit",
        f"Qm{BASE58}",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "AbstractSingletonProxyFactoryBean2Impl",
        "Http2ClientConnectionPoolManagerImpl",
        "src/Components/UserProfile2/AvatarEditor.tsx",
    ],
)
def test_a_public_mixture_is_shown(text):
    assert masked(text) == text


def test_a_key_that_is_spelled_letter_by_letter_is_masked():
    assert masked("it is " + " ".join("sk_live_51hWxpH") + " they say") == f"it is {MASK} they say"


def test_a_token_beside_the_public_id_of_its_account_is_masked():
    token = "0a1b2c3d4e5f" * 3
    assert masked(f"AC{token[:32]} and {token[4:]}") == f"AC{token[:32]} and {MASK}"
    assert masked(f"commit {token[4:]}") == f"commit {token[4:]}"


def test_most_of_what_is_drawn_at_random_looks_random():
    chance = Random(7)
    drawn = ["".join(chance.choices(ascii_letters + digits, k=32)) for _ in range(1_000)]
    assert sum(map(looks_random, drawn)) >= 960

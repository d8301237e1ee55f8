import base64

import pytest
from joserfc.jwk import KeySet

from mcp_sessions.auth.signing_keys import SigningKeys

from support.authority import new_key

CANARY = "CANARY"  # which no sentence may quote


@pytest.fixture(scope="module")
def described():
    """Return the JWKs of a key of each kind."""
    kinds = ("RS256", "PS256", "ES256", "EdDSA")
    return KeySet([new_key(kind, kind) for kind in kinds]).as_dict()["keys"]


def without(described, *names):
    return {name: value for name, value in described.items() if name not in names}


def test_keys_of_every_kind_are_found_by_their_ids(described):
    keys = SigningKeys.of_document({"keys": described})
    assert (len(keys), keys.passed_over) == (4, "")
    assert [keys.of(kind, kind).key_id for kind in ("RS256", "ES256", "EdDSA")] == [
        "RS256",
        "ES256",
        "EdDSA",
    ]
    assert keys.of("another", "RS256") is None
    assert keys.of(None, "RS256") is None


ODD = {
    "no object": lambda _: CANARY,
    "null": lambda _: None,
    "a number": lambda _: 5,
    "a list": lambda _: [[CANARY]],
    "kid a list": lambda key: {**key, "kid": [CANARY]},
    "kid an object": lambda key: {**key, "kid": {CANARY: 1}},
    "kid a number": lambda key: {**key, "kid": 5},
    "alg a list": lambda key: {**key, "alg": ["ES256"]},
    "alg an object": lambda key: {**key, "alg": {}},
    "alg unknown": lambda key: {**key, "alg": CANARY},
    "alg none": lambda key: {**key, "alg": "none"},
    "alg for encryption": lambda key: {**key, "alg": "RSA-OAEP"},
    "alg of another kind": lambda key: {**key, "alg": "HS256"},
    "use a list": lambda key: {**key, "use": ["sig"]},
    "kty unknown": lambda key: {**key, "kty": CANARY},
    "kty a list": lambda key: {**key, "kty": ["EC"]},
    "no kty": lambda key: without(key, "kty"),
    "a shared secret": lambda key: {"kty": "oct", "kid": key["kid"], "k": CANARY},
    "crv unknown": lambda key: {**key, "crv": CANARY},
    "crv a list": lambda key: {**key, "crv": []},
    "no crv": lambda key: without(key, "crv"),
    "no x": lambda key: without(key, "x"),
    "x a number": lambda key: {**key, "x": 5},
    "x short": lambda key: {**key, "x": "AA"},
    "x empty": lambda key: {**key, "x": ""},
    "x no base64": lambda key: {**key, "x": "\ud800"},
    "x huge": lambda key: {**key, "x": "A" * 200_000},
    "no point of the curve": lambda key: {**key, "y": key["x"]},
    "RSA huge": lambda _: {"kty": "RSA", "n": "A" * 200_000, "e": "AQAB", "kid": "big"},
    "RSA without n": lambda _: {"kty": "RSA", "e": "AQAB", "kid": "big"},
    "RSA of 0": lambda _: {"kty": "RSA", "n": "AA", "e": "AA", "kid": "big"},
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_an_odd_key_spoils_no_other_and_is_named_by_its_place(described, odd, first):
    good = described[2]
    one = ODD[odd](good)
    keys = SigningKeys.of_document({"keys": [one, good] if first else [good, one]})
    assert len(keys) == 1
    assert keys.of("ES256", "ES256").key_id == "ES256"
    assert keys.passed_over.startswith("number 1 (" if first else "number 2 (")
    assert CANARY not in keys.passed_over


def test_a_key_for_encryption_is_passed_over_in_silence(described):
    keys = SigningKeys.of_document({"keys": [{**described[0], "use": "enc"}, described[2]]})
    assert (len(keys), keys.passed_over) == (1, "")


def test_many_odd_keys_are_told_of_by_number(described):
    keys = SigningKeys.of_document({"keys": [5] * 500 + [described[0]]})
    assert keys.passed_over.endswith("number 5 (it is no JSON object), and 495 more")


def test_members_that_make_no_public_key_are_not_looked_at(described):
    more = {"d": [5], "x5c": "A" * 10_000, "key_ops": {}, "x5t": 5, "another": [[]]}
    assert len(SigningKeys.of_document({"keys": [{**described[0], **more}]})) == 1


@pytest.mark.parametrize("listed", [{}, None, [], [5]], ids=str)
def test_a_document_without_a_usable_key_is_refused(listed):
    with pytest.raises(ValueError, match=r"no JWK set|no key among them"):
        SigningKeys.of_document({"keys": listed})


def test_of_two_keys_with_one_id_the_one_of_the_algorithms_kind_is_taken(described):
    both = [{**described[0], "kid": "same"}, {**described[2], "kid": "same"}]
    keys = SigningKeys.of_document({"keys": both})
    assert [keys.of("same", name).key_type for name in ("RS256", "ES256")] == ["RSA", "EC"]


def test_the_only_key_serves_tokens_that_name_none(described):
    assert SigningKeys.of_document({"keys": described[:1]}).of(None, "RS256") is not None
    nameless = SigningKeys.of_document({"keys": [without(described[0], "kid")]})
    assert nameless.of("any", "RS256") is not None


def test_a_large_key_is_still_taken():
    n = base64.urlsafe_b64encode(b"\xff" * 2_048).rstrip(b"=").decode()
    assert len(SigningKeys.of_document({"keys": [{"kty": "RSA", "n": n, "e": "AQAB"}]})) == 1

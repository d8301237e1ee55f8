"""An issuer's signing keys, read one by one from its JWK set: an odd one spoils no other.

PyJWT makes the keys; what it is given are the few members that make up a public key, as text of
a length that a key can have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import jwt

# No symmetric one: a public key must not serve as a shared secret, and "none" is no signature.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_KINDS: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # of key, for an algorithm
_PUBLIC: Final = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
_MAX_CHARS: Final = 2_800  # of a member; RSA's n of 16,384 bits has 2,731

_MAX_TOLD: Final = 5  # of those that are passed over


class _NoKey(Exception):
    """What a key lacks, in a sentence that quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys that can be used, and why which others are passed over."""

    keys: Sequence[jwt.PyJWK] = ()
    passed_over: str = ""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the keys of a JWK set.

        Raises:
            ValueError: there is none that can be used.
        """
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise ValueError("no JWK set")  # noqa: TRY004 - of what came, not of an argument
        keys, passed_over = [], []
        for number, described in enumerate(listed, 1):
            if isinstance(described, dict) and described.get("use") == "enc":
                continue
            try:
                keys.append(_key(described))
            except Exception as fault:  # noqa: BLE001 - whatever is wrong with it is its own
                why = str(fault) if isinstance(fault, _NoKey) else type(fault).__name__
                passed_over.append(f"number {number} ({why})")
        if not keys:
            raise ValueError("no key among them that can be used")
        more = len(passed_over) - _MAX_TOLD
        told = ", ".join(passed_over[:_MAX_TOLD])
        return cls(keys, f"{told}, and {more} more" if more > 0 else told)

    def of(self, kid: object, algorithm: str) -> jwt.PyJWK | None:
        """Return a key by its id; where it or the token has none, the only one there is."""
        if len(self.keys) == 1 and None in (kid, self.keys[0].key_id):
            return self.keys[0]
        named = [key for key in self.keys if kid is not None and key.key_id == kid]
        fitting = (key for key in named if key.key_type == _KINDS.get(algorithm[:2]))
        return next(fitting, named[0] if named else None)


def _key(described: Any) -> jwt.PyJWK:
    """Return the public key that a JWK describes.

    Raises:
        _NoKey, or whatever PyJWT and what is below it raises: it describes none.
    """
    if not isinstance(described, dict):
        raise _NoKey("it is no JSON object")
    told = {name: described[name] for name in _PUBLIC if described.get(name) is not None}
    for name, value in told.items():
        if not isinstance(value, str) or len(value) > _MAX_CHARS:
            raise _NoKey(f"its {name} is no text, or too long")
    key = jwt.PyJWK(told)
    if key.algorithm_name not in ALGORITHMS:
        raise _NoKey("its algorithm is none that is taken")
    return key

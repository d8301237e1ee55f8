"""An issuer in a process of its own, and tokens that it would or would not have signed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

SCOPE = "sessions:read"
_SCRIPT = Path(__file__).with_name("authorization_server.py")
_KINDS = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
_SIZES: dict[str, Any] = {"RS256": 2048, "PS256": 2048, "ES256": "P-256", "EdDSA": "Ed25519"}


def new_key(kid: str, algorithm: str = "RS256") -> Any:
    """Return a private key."""
    told = {"kid": kid, "alg": algorithm, "use": "sig"}
    return _KINDS[algorithm].generate_key(_SIZES[algorithm], told, private=True)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A running authorization server."""

    url: str
    keys: Mapping[str, Any]  # by kid
    file: Path
    process: subprocess.Popen[str]

    def publish(self, *keys: Any) -> None:
        """Have these keys and no others; the first one signs."""
        publish(self.file, *keys)

    def token(
        self, audience: str, *, kid: str = "first", signed_by: Any = None, **claims: Any
    ) -> str:
        """Return a token; a claim given as None is left out."""
        key = signed_by or self.keys[kid]
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": audience,
            "sub": "alice",
            "client_id": "program",
            "iat": now,
            "exp": now + 300,
            "scope": SCOPE,
            **claims,
        }
        kept = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(
            kept, key.private_key, algorithm=key.alg, headers={"kid": kid, "typ": "at+jwt"}
        )


def publish(file: Path, *keys: Any) -> None:
    """Write a set of private keys, which an issuer reads at once or not at all."""
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(KeySet(list(keys)).as_dict(private=True)))
    beside.replace(file)


@contextmanager
def issuer(folder: Path) -> Iterator[Issuer]:
    """Run an authorization server with a key of every kind."""
    kinds = {"first": "RS256", "pss": "PS256", "curve": "ES256", "edwards": "EdDSA"}
    keys = {kid: new_key(kid, algorithm) for kid, algorithm in kinds.items()}
    file = folder / "keys.json"
    publish(file, *keys.values())
    with subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the authorization server did not start"
            yield Issuer(url, keys, file, process)
        finally:
            process.kill()

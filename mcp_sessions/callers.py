"""Who is calling: bearer tokens known by their hashes, and an issuer's JWTs.

The only room that sees inbound tokens; none of them ever goes to the API.
"""

import hmac
import json
import logging
import secrets
import urllib.request
from functools import partial
from hashlib import sha256
from typing import Any, Final

import anyio
import jwt
from mcp.server.auth.provider import AccessToken

from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.tenants import Tenants

logger = logging.getLogger(__name__)

# No symmetric one: a public key must not serve as a shared secret, and "none" is no signature.
_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_LEEWAY: Final = 10  # seconds that two clocks may differ
_FETCH_WITHIN: Final = 5.0  # seconds for the issuer's metadata, and for its keys
_MOST_METADATA: Final = 256 * 1024  # bytes
_LONGEST_TOKEN: Final = 16 * 1024  # characters


class Caller(AccessToken):
    """A caller whose token was good; `tenant` is None where no tenant is theirs."""

    tenant: str | None = None


def new_token() -> tuple[str, str]:
    """Return a new token of 256 random bits, and its hash."""
    token = f"mcps_{secrets.token_urlsafe(32)}"
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """Return what is kept of a token; random ones need no slow hash."""
    return f"sha256:{sha256(token.encode()).hexdigest()}"


class Callers:
    """Verifies bearer tokens, for the SDK's authentication."""

    def __init__(self, settings: HttpSettings, tenants: Tenants | None) -> None:
        self._hashes = dict.fromkeys(settings.token_hashes)
        self._tenants = tenants
        self._scopes = list(settings.oauth_scopes)
        self._issuer = _Issuer(settings) if settings.oauth_issuer else None

    async def verify_token(self, token: str) -> Caller | None:
        """Return who presents `token`, or None if it is not good."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        found, tenant = self._known(hash_of(token))
        if found:
            return Caller(token="", client_id=tenant or "", scopes=self._scopes, tenant=tenant)
        if self._issuer is None or token.count(".") != 2:  # noqa: PLR2004 - header.payload.signature
            return None
        claims = await self._issuer.claims(token)
        return None if claims is None else self._caller(claims)

    def _known(self, presented: str) -> tuple[bool, str | None]:
        """Compare with every hash, so that the time tells nothing of which one was near."""
        hashes = self._tenants.current().token_hashes if self._tenants else self._hashes
        found: tuple[bool, str | None] = (False, None)
        for known, tenant in hashes.items():
            if hmac.compare_digest(known, presented):
                found = (True, tenant)
        return found

    def _caller(self, claims: dict[str, Any]) -> Caller:
        subject = claims["sub"] if isinstance(claims.get("sub"), str) else ""
        client = claims.get("client_id", claims.get("azp"))
        client = client if isinstance(client, str) else ""
        tenant = None
        if self._tenants is not None:
            register = self._tenants.current()
            tenant = register.subjects.get(subject) or register.client_ids.get(client)
        return Caller(
            token="",
            client_id=client,
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]),
            subject=subject,
            tenant=tenant,
        )


def _scopes(claims: dict[str, Any]) -> list[str]:
    """Read RFC 9068's `scope`, or `scp` as some issuers write it."""
    said = claims.get("scope", claims.get("scp", ""))
    given = said.split() if isinstance(said, str) else said
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []


class _Issuer:
    """An authorization server: its keys, fetched when first needed and again when they change."""

    def __init__(self, settings: HttpSettings) -> None:
        self._issuer = settings.oauth_issuer or ""
        self._audience = settings.public_url or ""
        self._jwks_url = settings.oauth_jwks_url
        self._keys: jwt.PyJWKClient | None = None

    async def claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token claims, or None if it is not this issuer's for this server."""
        # Fetching blocks, and what a caller that left began is of use to the next.
        verify = partial(anyio.to_thread.run_sync, self._verified, token, abandon_on_cancel=True)
        try:
            return await verify()
        except jwt.PyJWKClientConnectionError as fault:
            logger.error("the issuer's keys cannot be had: %s", type(fault).__name__)  # noqa: TRY400 - as above
        except (jwt.PyJWTError, ValueError) as fault:
            logger.info("a token was refused: %s", type(fault).__name__)
        except OSError as fault:
            logger.error("the issuer's metadata cannot be had: %s", type(fault).__name__)  # noqa: TRY400 - as above
        return None

    def _verified(self, token: str) -> dict[str, Any]:
        if jwt.get_unverified_header(token).get("alg") not in _ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        claims: dict[str, Any] = jwt.decode(
            token,
            self._client().get_signing_key_from_jwt(token).key,
            algorithms=list(_ALGORITHMS),
            audience=self._audience,
            issuer=self._issuer,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    def _client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            url = self._jwks_url or _announced(self._issuer)
            self._keys = jwt.PyJWKClient(url, timeout=_FETCH_WITHIN)
        return self._keys


def _announced(issuer: str) -> str:
    """Return the address of an issuer's keys, as its metadata names it.

    Raises:
        OSError: it has none, or cannot be asked.
        ValueError: it is another issuer's, or none.
    """
    failed: OSError = FileNotFoundError(issuer)
    for address in _metadata_of(issuer):
        try:
            with urllib.request.urlopen(address, timeout=_FETCH_WITHIN) as answer:  # noqa: S310 - checked by the settings
                metadata = json.loads(answer.read(_MOST_METADATA))
        except OSError as fault:
            failed = fault
            continue
        if metadata.get("issuer") != issuer or not isinstance(metadata.get("jwks_uri"), str):
            raise ValueError("not this issuer's metadata")
        return str(metadata["jwks_uri"])
    raise failed


def _metadata_of(issuer: str) -> tuple[str, str]:
    """Return where RFC 8414 and OpenID Connect Discovery keep an issuer's metadata."""
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    return (
        f"{scheme}://{host}/.well-known/oauth-authorization-server{slash}{path}",
        f"{scheme}://{host}{slash}{path}/.well-known/openid-configuration",
    )

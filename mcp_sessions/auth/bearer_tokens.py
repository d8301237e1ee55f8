"""Verifies bearer tokens: those known by their hashes, and an OAuth issuer's JWTs.

With `oauth_issuer` the only module that verifies inbound tokens; none of them goes to the API.
"""

import hmac
import logging
import secrets
from hashlib import sha256
from typing import Any, Final

from mcp.server.auth.provider import AccessToken

from mcp_sessions.auth.oauth_issuer import LEEWAY, OAuthIssuer
from mcp_sessions.auth.tenants_file import TenantsFile
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

_MAX_TOKEN_CHARS: Final = 16 * 1024  # characters


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


class BearerTokens:
    """A token verifier for the SDK's authentication."""

    def __init__(self, settings: HttpSettings, tenants: TenantsFile | None) -> None:
        self._hashes = dict.fromkeys(settings.token_hashes)
        self._tenants = tenants
        self._scopes = list(settings.oauth_scopes)
        self._issuer = OAuthIssuer(settings) if settings.oauth_issuer else None
        self._log = SeldomLog(logger)

    async def verify_token(self, token: str) -> Caller | None:
        """Return who presents `token`, or None if it is not good."""
        if len(token) > _MAX_TOKEN_CHARS or not token.isascii():
            return None
        found, tenant = self._known(hash_of(token))
        if found:
            return Caller(token="", client_id=tenant or "", scopes=self._scopes, tenant=tenant)
        if self._issuer is None or token.count(".") != 2:  # noqa: PLR2004 - header.payload.signature
            return None
        claims = await self._issuer.claims(token)
        try:
            return None if claims is None else self._caller(claims)
        except Exception as fault:  # noqa: BLE001 - claims that no caller can be made of
            why = type(fault).__name__
            self._log.warning(why, "tokens are refused: %s", why)
            return None

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
            expires_at=int(claims["exp"]) + LEEWAY,
            subject=subject,
            tenant=tenant,
        )


def _scopes(claims: dict[str, Any]) -> list[str]:
    """Read RFC 9068's `scope`, or `scp` as some issuers write it."""
    said = claims.get("scope", claims.get("scp", ""))
    given = said.split() if isinstance(said, str) else said
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []

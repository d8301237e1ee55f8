"""An OAuth authorization server: its signing keys, and the claims of the tokens it signed.

The keys are fetched by the API's HTTP client and its bounded reader, under one deadline; PyJWT
parses them and verifies the tokens.

Keys are fetched when one is first needed and when a token names one that is not known, but never by
two at once and never again and again for whoever makes up names of keys.
"""

import json
import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

import anyio
import jwt

from mcp_sessions.api.body import read_body
from mcp_sessions.api.connections import httpx, new_client
from mcp_sessions.api.failures import FOREIGN
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

# No symmetric one: a public key must not serve as a shared secret, and "none" is no signature.
_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
LEEWAY: Final = 10  # seconds that two clocks may differ
KEYS_HOLD: Final = 300.0  # seconds, after which they are looked at again
MIN_FETCH_INTERVAL: Final = 10.0  # seconds after a fetch, whatever came of it
_FETCH_WITHIN: Final = 5.0  # seconds for the metadata and the keys together
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_MAX_DOCUMENT_BYTES: Final = 256 * 1024  # of each

# PyJWT's error is for a set without a key that can be used.
_UNAVAILABLE: Final[tuple[type[Exception], ...]] = (
    *FOREIGN,
    TimeoutError,
    ValueError,
    RecursionError,
    jwt.PyJWTError,
)


class OAuthIssuer:
    """Verifies that a token is this issuer's, and for this server."""

    def __init__(self, settings: HttpSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issuer = settings.oauth_issuer or ""
        self._audience = settings.public_url or ""
        self._jwks_url = settings.oauth_jwks_url
        self._keys: list[jwt.PyJWK] = []
        self._fetched = self._tried = -math.inf
        self._fetching = anyio.Lock()
        self._log = SeldomLog(logger)

    async def claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token claims, or None if it is not good or its key not known."""
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid"))
            return None if key is None else self._verified(token, key)
        # A TypeError is PyJWT's for a key of another kind than the algorithm.
        except (jwt.PyJWTError, ValueError, TypeError) as fault:
            self._refused(type(fault).__name__)
            return None

    def _refused(self, why: str) -> None:
        self._log.warning(why, "tokens are refused: %s", why)

    def _verified(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=list(_ALGORITHMS),
            audience=self._audience,
            # Tokens and metadata do not always agree on the last slash.
            issuer=[self._issuer.rstrip("/"), f"{self._issuer.rstrip('/')}/"],
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    async def _key(self, kid: Any) -> jwt.PyJWK | None:
        """Return a key by its id; one that is known waits for no fetch that another began."""
        if kid is not None and not isinstance(kid, str):
            return None
        known = self._known(kid)
        fresh = self._clock() - self._fetched < KEYS_HOLD
        if known is not None and (fresh or self._fetching.locked()):
            return known
        async with self._fetching:
            if self._clock() - self._tried >= MIN_FETCH_INTERVAL:
                await self._fetch()
        if (known := self._known(kid)) is None:
            self._refused(_why_unknown(kid, len(self._keys)))
        return known

    def _known(self, kid: str | None) -> jwt.PyJWK | None:
        """Return a key by its id; where it or the token has none, the only one there is."""
        if len(self._keys) == 1 and None in (kid, self._keys[0].key_id):
            return self._keys[0]
        return next((key for key in self._keys if kid is not None and key.key_id == kid), None)

    async def _fetch(self) -> None:
        """Fetch the keys, though the caller leave; those known stay where none can be had."""
        self._tried = self._clock()
        try:
            with anyio.fail_after(_FETCH_WITHIN, shield=True):
                self._keys = await self._fetch_keys()
        except _UNAVAILABLE as fault:
            what = "metadata" if self._jwks_url is None else "keys"
            why = str(fault) if type(fault) is ValueError else type(fault).__name__
            logger.error("the issuer's %s cannot be had: %s", what, why)  # noqa: TRY400 - a sentence
        else:
            self._fetched = self._clock()

    async def _fetch_keys(self) -> list[jwt.PyJWK]:
        async with new_client(_FETCH_WITHIN) as client:
            if self._jwks_url is None:
                self._jwks_url = await self._announced_url(client)
            document = await _fetch_json(client, self._jwks_url)
        keys = jwt.PyJWKSet.from_dict(document).keys
        return [k for k in keys if k.public_key_use != "enc" and k.algorithm_name in _ALGORITHMS]

    async def _announced_url(self, client: httpx.AsyncClient) -> str:
        """Return the address of the issuer's keys, as its metadata names it.

        Raises:
            ValueError: it is another issuer's metadata, or none.
            One of FOREIGN: there is none.
        """
        first, second = _metadata_urls(self._issuer)
        try:
            metadata = await _fetch_json(client, first)
        except FOREIGN:
            metadata = await _fetch_json(client, second)
        named, jwks_url = metadata.get("issuer"), metadata.get("jwks_uri")
        if not isinstance(named, str) or named.rstrip("/") != self._issuer.rstrip("/"):
            raise ValueError("metadata of another issuer than MCP_SESSIONS_OAUTH_ISSUER")
        if not isinstance(jwks_url, str):
            raise ValueError("metadata without jwks_uri")  # noqa: TRY004 - of what came
        return jwks_url


def _why_unknown(kid: str | None, keys: int) -> str:
    if kid is None:
        return f"it names no key (kid), and the issuer has {keys}"
    return "it names a key (kid) that the issuer does not have"


def _metadata_urls(issuer: str) -> tuple[str, str]:
    """Return where RFC 8414 and OpenID Connect Discovery keep an issuer's metadata."""
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    return (
        f"{scheme}://{host}/.well-known/oauth-authorization-server{slash}{path}",
        f"{scheme}://{host}{slash}{path}/.well-known/openid-configuration",
    )


async def _fetch_json(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """Fetch a JSON object of at most 256 KiB.

    Raises:
        ValueError: what is there is something else.
        One of FOREIGN: it cannot be had.
    """
    async with client.stream("GET", address, headers=_HEADERS) as response:
        response.raise_for_status()
        document = json.loads(await read_body(response, _MAX_DOCUMENT_BYTES))
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - of what came, not of an argument
    return document

"""An OAuth authorization server: its signing keys, and the claims of the tokens it signed.

The keys are fetched by the API's HTTP client and its bounded reader, under one deadline, and
`signing_keys` reads them; PyJWT verifies the tokens.

Keys are fetched when one is first needed and when a token names one that is not known, but never by
two at once and never again and again for whoever makes up names of keys.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import jwt

from mcp_sessions.api.body import read_body
from mcp_sessions.api.connections import httpx, new_client
from mcp_sessions.api.failures import FOREIGN
from mcp_sessions.auth.signing_keys import ALGORITHMS, SigningKeys
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

LEEWAY: Final = 10  # seconds that two clocks may differ
KEYS_HOLD: Final = 300.0  # seconds, after which they are looked at again
MIN_FETCH_INTERVAL: Final = 10.0  # seconds after a fetch, whatever came of it
_FETCH_WITHIN: Final = 5.0  # seconds for the metadata and the keys together
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_MAX_DOCUMENT_BYTES: Final = 256 * 1024  # of each

_ABSENT: Final[tuple[type[Exception], ...]] = (*FOREIGN, ValueError)

# What the header says that an access token is (RFC 9068), if it says it: a token that the issuer
# made for a logout, a proof or an event is none.
_TYPES: Final = frozenset({"jwt", "at+jwt"})


class OAuthIssuer:
    """Verifies that a token is this issuer's, and for this server."""

    def __init__(self, settings: HttpSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issuer = settings.oauth_issuer or ""
        self._audience = settings.public_url or ""
        self._jwks_url = settings.oauth_jwks_url
        self._keys = SigningKeys()
        self._fetched = self._tried = -math.inf
        self._fetching = anyio.Lock()
        self._log = SeldomLog(logger)

    async def claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token claims, or None if it is not good or its key not known."""
        try:
            header = jwt.get_unverified_header(token)
            if (fault := _fault_of(header)) is not None:
                self._refused(fault)
                return None
            key = await self._key(header)
            return None if key is None else self._verified(token, key)
        except Exception as fault:  # noqa: BLE001 - whatever a stranger's token does, it is none
            self._refused(type(fault).__name__)
            return None

    def _refused(self, why: str) -> None:
        self._log.warning(why, "tokens are refused: %s", why)

    def _verified(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=list(ALGORITHMS),
            audience=self._audience,
            # Tokens and metadata do not always agree on the last slash.
            issuer=[self._issuer.rstrip("/"), f"{self._issuer.rstrip('/')}/"],
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    async def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK | None:
        """Return a token's key; one that is known waits for no fetch that another began."""
        kid, algorithm = header.get("kid"), header["alg"]
        known = self._keys.of(kid, algorithm)
        fresh = self._clock() - self._fetched < KEYS_HOLD
        if known is not None and (fresh or self._fetching.locked()):
            return known
        async with self._fetching:
            if self._clock() - self._tried >= MIN_FETCH_INTERVAL:
                await self._fetch()
        if (known := self._keys.of(kid, algorithm)) is None:
            self._refused(_why_unknown(kid, len(self._keys)))
        return known

    async def _fetch(self) -> None:
        """Fetch the keys, though the caller leave; those known stay where none can be had."""
        self._tried = self._clock()
        try:
            with anyio.fail_after(_FETCH_WITHIN, shield=True):
                keys = SigningKeys.of_document(await self._fetch_document())
        except Exception as fault:  # noqa: BLE001 - whatever the issuer sends, known keys stay
            what = "metadata" if self._jwks_url is None else "keys"
            why = str(fault) if type(fault) is ValueError else type(fault).__name__
            logger.error("the issuer's %s cannot be had: %s", what, why)  # noqa: TRY400 - a sentence
            return
        if keys.passed_over not in ("", self._keys.passed_over):
            logger.warning("keys of the issuer's are passed over: %s", keys.passed_over)
        self._keys = keys
        self._fetched = self._clock()

    async def _fetch_document(self) -> dict[str, Any]:
        async with new_client(_FETCH_WITHIN) as client:
            if self._jwks_url is None:
                self._jwks_url = await self._announced_url(client)
            return await _fetch_json(client, self._jwks_url)

    async def _announced_url(self, client: httpx.AsyncClient) -> str:
        """Return the address of the issuer's keys, as its metadata names it.

        Raises:
            ValueError: it is another issuer's metadata, or none.
            One of FOREIGN: there is none.
        """
        first, second = _metadata_urls(self._issuer)
        try:
            metadata = await _fetch_json(client, first)
        except _ABSENT:
            metadata = await _fetch_json(client, second)
        named, jwks_url = metadata.get("issuer"), metadata.get("jwks_uri")
        if not isinstance(named, str) or named.rstrip("/") != self._issuer.rstrip("/"):
            raise ValueError("metadata of another issuer than MCP_SESSIONS_OAUTH_ISSUER")
        if not isinstance(jwks_url, str):
            raise ValueError("metadata without jwks_uri")  # noqa: TRY004 - of what came
        return jwks_url


def _fault_of(header: Mapping[str, Any]) -> str | None:
    """Return why a token with this header is no access token, or None if it may be one."""
    named = header.get("typ", "JWT")
    if not isinstance(named, str) or named.lower().removeprefix("application/") not in _TYPES:
        return "they are of another type (typ) than JWT or at+jwt"
    if header.get("alg") not in ALGORITHMS:
        return "they are signed by no algorithm (alg) that is taken"
    if not isinstance(header.get("kid", ""), str):
        return "they name a key (kid) by no text"
    if "crit" in header:
        return "they ask for an extension (crit), and none is known"
    return None


def _why_unknown(kid: object, keys: int) -> str:
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
        body = await read_body(response, _MAX_DOCUMENT_BYTES)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("no JSON that can be read") from None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - of what came, not of an argument
    return document

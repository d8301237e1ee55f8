"""One GET with one credential: the key, the bounds, and the transport's failures in our words.

The only room that sees the key.
"""

import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Final
from urllib.parse import urlsplit

import anyio

from mcp_sessions import __version__
from mcp_sessions.api.body import BodyBroken, BodyTooLarge, read_body
from mcp_sessions.api.connections import ConnectionPool, httpx
from mcp_sessions.api.failures import MAX_ERROR_BODY_BYTES, failure_of_status
from mcp_sessions.errors import (
    ApiTimeout,
    ApiUnreachable,
    BadResponse,
    ResponseTooLarge,
    SessionsError,
)
from mcp_sessions.settings import Settings
from mcp_sessions.telemetry.instruments import UpstreamRequest, upstream_request
from mcp_sessions.wire.limits import ROUTE

logger = logging.getLogger(__name__)

_OK: Final = 200
# One request may take this share of the time left, so that a smaller one has time too.
_SHARE_OF_TIME_LEFT: Final = 0.6

# The first row that fits is the translation; the order is from the special to the general.
_TRANSPORT: Final[tuple[tuple[type[Exception], type[SessionsError], str], ...]] = (
    (httpx.ConnectTimeout, ApiUnreachable, "No connection to the API came about in time."),
    (httpx.TimeoutException, ApiTimeout, "The API did not answer in time."),
    (httpx.ProxyError, ApiUnreachable, "The proxy of this server's environment refused."),
    (httpx.ConnectError, ApiUnreachable, "No connection to the API could be made."),
    (httpx.TransportError, ApiUnreachable, "The connection to the API broke."),
    (httpx.InvalidURL, ApiUnreachable, "EVERRUNS_API_URL is no address that can be asked."),
    (httpx.HTTPError, ApiUnreachable, "The API could not be asked."),
    (OSError, ApiUnreachable, "The API could not be asked."),
)
_FOREIGN: Final = tuple(foreign for foreign, _, _ in _TRANSPORT)
_TLS_HINT: Final = (
    "Tell the user to check EVERRUNS_API_URL, and SSL_CERT_FILE if an authority of their own"
    " signed the API's certificate."
)


class ApiRequest:
    """Sends GET requests to one API with one credential."""

    def __init__(self, connections: ConnectionPool, settings: Settings) -> None:
        self._connections = connections
        self._url = httpx.URL(f"{settings.api_url}{ROUTE}")
        self._host = urlsplit(settings.api_url).hostname or ""
        self._headers = _headers(settings)
        self._most_bytes = settings.max_response_bytes
        self._deadline = settings.deadline
        self.credential = blake2b(repr(self._headers).encode(), digest_size=8).hexdigest()
        """Tells credentials apart without naming them."""

    async def get(self, parameters: Mapping[str, str | int]) -> bytearray:
        """Return the body of an answer of status 200, unpacked.

        Raises:
            SessionsError: there is none, in this server's words.
        """
        async with self._connections.client(self.credential) as client:
            left = anyio.current_effective_deadline() - anyio.current_time()
            with anyio.move_on_after(_SHARE_OF_TIME_LEFT * min(left, self._deadline)):
                return await self._observed(client, parameters)
        raise ApiTimeout("The API did not answer in time.", final=True)

    async def _observed(
        self, client: httpx.AsyncClient | None, parameters: Mapping[str, str | int]
    ) -> bytearray:
        started, size = time.monotonic(), 0
        with upstream_request(self._host, ROUTE, parameters) as request:
            try:
                body = await self._asked(client, parameters, request)
                size = len(body)
            except SessionsError as fault:
                request.failed(fault.code)
                raise
            finally:
                logger.debug(
                    "request status=%s bytes=%d ms=%.0f offset=%s limit=%s",
                    request.status or "none",
                    size,
                    (time.monotonic() - started) * 1000,
                    parameters.get("offset", 0),
                    parameters.get("limit", ""),
                )
        return body

    async def _asked(
        self,
        client: httpx.AsyncClient | None,
        parameters: Mapping[str, str | int],
        request: UpstreamRequest,
    ) -> bytearray:
        if client is None:
            raise ApiUnreachable(
                "The proxy or CA settings of this server's environment cannot be used.",
                hint="Tell the user to check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like"
                " where this MCP server is configured, and to restart it.",
                permanent=True,
            )
        try:
            headers = request.headers(self._headers)
            url = self._url.copy_merge_params(dict(parameters))
            async with client.stream("GET", url, headers=headers) as response:
                request.status = response.status_code
                if response.status_code != _OK:
                    raise await _failure(response, parameters)
                return await self._body(response)
        except _FOREIGN as fault:
            raise _translated(fault) from None

    async def _body(self, response: httpx.Response) -> bytearray:
        encoding = response.headers.get("content-encoding", "")
        announced = response.headers.get("content-length")
        try:
            return await read_body(response.aiter_raw(), encoding, self._most_bytes, announced)
        except BodyTooLarge:
            raise ResponseTooLarge(
                f"The API's answer is larger than {self._most_bytes} bytes, the most this server"
                " reads."
            ) from None
        except BodyBroken as fault:
            if fault.early:
                raise ApiUnreachable("The API's answer broke off.") from None
            raise BadResponse("The API's answer could not be decompressed.") from None


def _headers(settings: Settings) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"mcp-sessions/{__version__}",
    }
    if settings.api_key is not None:
        headers["Authorization"] = _authorization(settings.api_key.get_secret_value())
    if settings.org_id is not None:
        headers["X-Org-Id"] = settings.org_id
    return headers


def _authorization(key: str) -> str:
    """Send a token bare, which every version of the API reads, and a JWT as a bearer.

    A key that already names its scheme goes as it is.
    """
    is_jwt = key.startswith("eyJ") and key.count(".") == 2 and " " not in key  # noqa: PLR2004 - header.payload.signature
    return f"Bearer {key}" if is_jwt else key


async def _failure(response: httpx.Response, parameters: Mapping[str, str | int]) -> SessionsError:
    """Read what a failure says of itself, as far as it can be read."""
    body = bytearray()
    encoding = response.headers.get("content-encoding", "")
    with suppress(BodyBroken, BodyTooLarge, *_FOREIGN):
        body = await read_body(response.aiter_raw(), encoding, MAX_ERROR_BODY_BYTES)
    return failure_of_status(response.status_code, response.headers, bytes(body), parameters)


def _translated(fault: Exception) -> SessionsError:
    kind, message = next((k, m) for foreign, k, m in _TRANSPORT if isinstance(fault, foreign))
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"the API's certificate is not trusted: {cause.verify_message}"
            return kind(f"TLS failed: {reason}.", hint=_TLS_HINT, permanent=True)
        if isinstance(cause, ssl.SSLError):
            reason = "no secure connection to the API could be agreed"
            return kind(f"TLS failed: {reason}.", hint=_TLS_HINT, permanent=True)
        cause = cause.__cause__ or cause.__context__
    return kind(message)

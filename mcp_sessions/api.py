"""The only way out: the key, the request, its bounds, and foreign failures in our words.

Source of the route and its failures: the Everruns API, `GET /v1/sessions`.
"""

import logging
import math
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from pydantic import BaseModel, ValidationError

from mcp_sessions import __version__
from mcp_sessions.errors import (
    ApiTimeout,
    ApiUnavailable,
    ApiUnreachable,
    BadResponse,
    InvalidArguments,
    NotConfigured,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResponseTooLarge,
    SessionsError,
    Unauthorized,
)
from mcp_sessions.settings import Settings
from mcp_sessions.wire import NotAPage, Page, SessionT, read_page

logger = logging.getLogger(__name__)

_OK: Final = 200
_LONGEST_WAIT: Final = 86_400  # seconds; a longer one is no advice
_ERROR_BODY: Final = 16_384  # bytes read of a failure, for the wait that it may name

# The first row that fits is the translation; the order is from the special to the general.
_TRANSPORT: Final[tuple[tuple[type[Exception], type[SessionsError], str], ...]] = (
    (httpx.TimeoutException, ApiTimeout, "The API did not answer in time."),
    (httpx.ProxyError, ApiUnreachable, "The proxy of this server's environment refused."),
    (httpx.ConnectError, ApiUnreachable, "No connection to the API could be made."),
    (httpx.DecodingError, BadResponse, "The API's answer could not be decompressed."),
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
_CHECK_AGENT: Final = "Check agent_id (agent_ and 32 hex digits), then call again."
_CHECK_ORGANIZATION: Final = "Tell the user to check EVERRUNS_ORG_ID."
_STATUS: Final[dict[int, tuple[type[SessionsError], str]]] = {
    400: (InvalidArguments, "The API refused the request as malformed."),
    401: (Unauthorized, "The API refused the key."),
    403: (PermissionDenied, "The API does not allow this key to list these sessions."),
    404: (NotFound, "The API has no session list at this address."),
    408: (ApiTimeout, "The API gave up waiting."),
    413: (InvalidArguments, "The API refused the arguments as too long."),
    414: (InvalidArguments, "The API refused the arguments as too long."),
    422: (InvalidArguments, "The API refused the request as malformed."),
    429: (RateLimited, "The API answered that there were too many requests."),
}


@asynccontextmanager
async def open_api(settings: Settings) -> AsyncIterator["SessionsApi"]:
    """Own the HTTP client for as long as the server lives.

    Proxy and CA variables of the environment are honoured, but for the embedded API, which is on
    this machine.
    """
    async with AsyncExitStack() as stack:
        client: httpx.AsyncClient | None = None
        # A proxy or CA variable that cannot be used must not keep the server from starting.
        with suppress(ImportError, ValueError, OSError, httpx.InvalidURL):
            client = await stack.enter_async_context(
                httpx.AsyncClient(
                    headers=_headers(settings),
                    timeout=settings.deadline,
                    follow_redirects=False,
                    trust_env=not settings.demo,
                )
            )
        yield SessionsApi(client, settings)


class SessionsApi:
    """Reads pages of `GET /v1/sessions`."""

    def __init__(self, client: httpx.AsyncClient | None, settings: Settings) -> None:
        self._client = client
        self._url = f"{settings.api_url}/v1/sessions"
        self._most_bytes = settings.max_response_bytes
        self._configured = settings.api_key is not None or settings.no_key

    async def page(
        self, parameters: Mapping[str, str | int], session: type[SessionT]
    ) -> Page[SessionT]:
        """Read one page, each row as `session`.

        Raises:
            SessionsError: whatever went wrong, in this server's words.
        """
        if not self._configured:
            raise NotConfigured("No Everruns API key is set, so the API cannot be asked.")
        body = await self._get(parameters)
        try:
            return read_page(body, session)
        except NotAPage as fault:
            raise BadResponse(f"The API's answer is {fault}.") from None

    async def _get(self, parameters: Mapping[str, str | int]) -> bytes:
        if self._client is None:
            raise ApiUnreachable(
                "The proxy or CA settings of this server's environment cannot be used.",
                hint="Tell the user to check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like"
                " where this MCP server is configured, and to restart it.",
                permanent=True,
            )
        started = time.monotonic()
        status: int | str = "failed"
        size = 0
        try:
            async with self._client.stream("GET", self._url, params=dict(parameters)) as response:
                status = response.status_code
                if status != _OK:
                    raise _refusal(response, await _read(response, _ERROR_BODY), parameters)
                body = await _read(response, self._most_bytes + 1)
                size = len(body)
        except _FOREIGN as fault:
            raise _translated(fault) from None
        finally:
            elapsed = (time.monotonic() - started) * 1000
            logger.debug("GET /v1/sessions status=%s bytes=%d ms=%.0f", status, size, elapsed)
        if size > self._most_bytes:
            raise ResponseTooLarge(
                f"The API's answer is larger than {self._most_bytes} bytes, the most this server"
                " reads."
            )
        return body


def _headers(settings: Settings) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": f"mcp-sessions/{__version__}"}
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


async def _read(response: httpx.Response, most: int) -> bytes:
    """Read at most `most` bytes, counted after decompression, and leave the rest unread."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part[: most - size])
        size += len(parts[-1])
        if size >= most:
            break
    return b"".join(parts)


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


def _refusal(
    response: httpx.Response, body: bytes, parameters: Mapping[str, str | int]
) -> SessionsError:
    status = response.status_code
    wait = _retry_after(response.headers.get("retry-after"), body)
    if status in _STATUS:
        kind, message = _STATUS[status]
        hint = None
        if kind is InvalidArguments:
            hint = _CHECK_AGENT if "agent_id" in parameters else _CHECK_ORGANIZATION
        return kind(f"{message} (HTTP {status})", hint=hint, retry_after=wait)
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        return ApiUnavailable(f"The API failed. (HTTP {status})", retry_after=wait)
    if response.is_redirect:
        return BadResponse(f"The API redirects elsewhere, which is not followed. (HTTP {status})")
    return BadResponse(f"The API answered in an unexpected way. (HTTP {status})")


class _Wait(BaseModel):
    retry_after_seconds: float


def _retry_after(header: str | None, body: bytes) -> int | None:
    """Read the wait that the API asks for, in seconds or as a date, else the one in its body."""
    seconds: float | None = None
    if header is not None:
        try:
            seconds = float(header)
        except ValueError:
            seconds = _seconds_until(header)
    if seconds is None:
        try:
            seconds = _Wait.model_validate_json(body).retry_after_seconds
        except ValidationError:
            return None
    return max(1, math.ceil(seconds)) if 0 <= seconds <= _LONGEST_WAIT else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

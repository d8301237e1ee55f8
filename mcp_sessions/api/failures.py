"""What went wrong with a request, in this server's words.

`translated` reads the failures of libraries, by one table. `failure_of_status` reads failed
answers, which come in five shapes: `application/problem+json`, `{"error": text}`,
`{"error": {"code", "message"}}`, plain text, and the HTML page of a proxy. What is read of them is
the code and the wait; no word of theirs is passed on.
"""

import ssl
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mcp_sessions.api.body import BodyCutShort, BodyTooLarge, BodyUndecodable
from mcp_sessions.api.connections import UnusableEnvironment, httpx
from mcp_sessions.api.retry_after import retry_after
from mcp_sessions.errors import (
    ApiTimeout,
    ApiUnavailable,
    ApiUnreachable,
    BadResponse,
    InvalidArguments,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResponseTooLarge,
    SessionsError,
    Unauthorized,
)
from mcp_sessions.wire.extract import TooManyValues
from mcp_sessions.wire.read import CutShort, NotRows

MAX_ERROR_BODY_BYTES: Final = 16_384
"""Bytes that are read of a failure."""

_CHECK_AGENT: Final = "Check agent_id (agent_ and 32 hex digits), then call again."
_CHECK_ORGANIZATION: Final = "Tell the user to check EVERRUNS_ORG_ID."
_WEB_PAGE: Final = " What answered is a web page, so a proxy or gateway stands before the API."

_MALFORMED = (InvalidArguments, "The API refused the request as malformed.")
_TOO_LONG = (InvalidArguments, "The API refused the arguments as too long.")
_KEY = (Unauthorized, "The API refused the key.")
_POLICY = (PermissionDenied, "The API does not allow this key to list these sessions.")
_NOWHERE = (NotFound, "The API has no session list at this address.")
_TOO_MANY = (RateLimited, "The API answered that there were too many requests.")
_DOWN = (ApiUnavailable, "The API failed.")
_SLOW = (ApiTimeout, "The API gave up waiting.")
_STATUS: Final[dict[int, tuple[type[SessionsError], str]]] = {
    400: _MALFORMED,
    401: _KEY,
    403: _POLICY,
    404: _NOWHERE,
    408: _SLOW,
    413: _TOO_LONG,
    414: _TOO_LONG,
    422: _MALFORMED,
    429: _TOO_MANY,
}
# Everruns' own words, which a status that stands for several things leaves open.
_CODE: Final[dict[str, tuple[type[SessionsError], str]]] = {
    "unauthorized": _KEY,
    "permission_denied": _POLICY,
    "not_found": _NOWHERE,
    "rate_limited": _TOO_MANY,
    "service_unavailable": _DOWN,
}
_OPEN: Final = (200, 400, 500)  # statuses whose meaning a code may tell


# The first row that fits is the translation; the order is from the special to the general.
_TRANSLATIONS: Final[tuple[tuple[type[Exception], type[SessionsError], str], ...]] = (
    (httpx.ConnectTimeout, ApiUnreachable, "No connection to the API came about in time."),
    (httpx.TimeoutException, ApiTimeout, "The API did not answer in time."),
    (httpx.ProxyError, ApiUnreachable, "The proxy of this server's environment refused."),
    (httpx.ConnectError, ApiUnreachable, "No connection to the API could be made."),
    (httpx.TransportError, ApiUnreachable, "The connection to the API broke."),
    (httpx.InvalidURL, ApiUnreachable, "EVERRUNS_API_URL is no address that can be asked."),
    (httpx.HTTPError, ApiUnreachable, "The API could not be asked."),
    (OSError, ApiUnreachable, "The API could not be asked."),
    (
        BodyTooLarge,
        ResponseTooLarge,
        "The API's answer is larger than {} bytes, the most this server reads.",
    ),
    (
        TooManyValues,
        ResponseTooLarge,
        "The API's answer would take more memory than this server has for it.",
    ),
    (BodyCutShort, ApiUnreachable, "The API's answer broke off."),
    (BodyUndecodable, BadResponse, "The API's answer could not be decompressed."),
    (CutShort, ApiUnreachable, "The API's answer broke off."),
    (NotRows, BadResponse, "The API's answer is {}."),
)
FOREIGN: Final[tuple[type[Exception], ...]] = (
    UnusableEnvironment,
    *(foreign for foreign, _, _ in _TRANSLATIONS),
)
"""What `translated` translates."""
_TLS_HINT: Final = (
    "Tell the user to check EVERRUNS_API_URL, and SSL_CERT_FILE if an authority of their own"
    " signed the API's certificate."
)
_ENVIRONMENT_HINT: Final = (
    "Tell the user to check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like where this MCP"
    " server is configured, and to restart it."
)


def translated(fault: Exception) -> SessionsError:
    """Return one of FOREIGN in this server's words; only TLS faults and proxies are for good."""
    if isinstance(fault, UnusableEnvironment):
        return ApiUnreachable(
            "The proxy or CA settings of this server's environment cannot be used.",
            hint=_ENVIRONMENT_HINT,
            permanent=True,
        )
    if (reason := _tls_reason(fault)) is not None:
        return ApiUnreachable(f"TLS failed: {reason}.", hint=_TLS_HINT, permanent=True)
    kind, message = next((k, m) for foreign, k, m in _TRANSLATIONS if isinstance(fault, foreign))
    return kind(message.format(*fault.args))


def _tls_reason(fault: BaseException | None) -> str | None:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return f"the API's certificate is not trusted: {fault.verify_message}"
        if isinstance(fault, ssl.SSLError):
            return "no secure connection to the API could be agreed"
        fault = fault.__cause__ or fault.__context__
    return None


class _ErrorBody(BaseModel):
    """A failure's code and wait, wherever its shape has them; what does not fit is absent."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    code: str | None = None
    retry_after_seconds: Annotated[float, Field(allow_inf_nan=False)] | None = None
    error: "_ErrorBody | None" = None

    @field_validator("*", mode="wrap")
    @classmethod
    def _absent(cls, value: object, read: Callable[[object], object]) -> object:
        try:
            return read(value)
        except ValidationError:
            return None


def failure_of_status(
    status: int, headers: Mapping[str, str], body: bytes, parameters: Mapping[str, str | int]
) -> SessionsError:
    """Return what a failed request means; `headers` takes names in any case."""
    named = _named(body)
    wait = retry_after(headers, _wait(named))
    kind, message = _meaning(status, named)
    hint = None
    if kind is InvalidArguments:
        hint = _CHECK_AGENT if "agent_id" in parameters else _CHECK_ORGANIZATION
    page = _WEB_PAGE if _is_web_page(headers, body) else ""
    return kind(f"{message} (HTTP {status}){page}", hint=hint, retry_after=wait)


def failure_in(body: bytes, parameters: Mapping[str, str | int]) -> SessionsError | None:
    """Return the failure that an answer of status 200 names instead of a page, if it does."""
    named = _named(body[:MAX_ERROR_BODY_BYTES])
    code = _code(named)
    return (
        failure_of_status(200, {}, body[:MAX_ERROR_BODY_BYTES], parameters)
        if code in _CODE
        else None
    )


def _meaning(status: int, named: _ErrorBody) -> tuple[type[SessionsError], str]:
    code = _code(named)
    if status in _OPEN and code in _CODE:
        return _CODE[code]
    if status in _STATUS:
        return _STATUS[status]
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        return _DOWN
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirections
        return BadResponse, "The API redirects elsewhere, which is not followed."
    return BadResponse, "The API answered in an unexpected way."


def _code(named: _ErrorBody) -> str | None:
    return named.code or (named.error.code if named.error else None)


def _wait(named: _ErrorBody) -> float | None:
    if named.retry_after_seconds is None and named.error is not None:
        return named.error.retry_after_seconds
    return named.retry_after_seconds


def _named(body: bytes) -> _ErrorBody:
    try:
        return _ErrorBody.model_validate_json(body)
    except (ValidationError, ValueError, RecursionError):
        return _ErrorBody()


def _is_web_page(headers: Mapping[str, str], body: bytes) -> bool:
    says = headers.get("content-type", "").lower().startswith("text/html")
    return says or body.lstrip()[:5].lower() in (b"<!doc", b"<html")

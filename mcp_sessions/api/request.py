"""One GET with one credential, and the page or the session that it brings.

The only module that unwraps the API key.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

import anyio

from mcp_sessions import __version__
from mcp_sessions.api.body import Grow, read_body
from mcp_sessions.api.connections import ConnectionPool, UnusableEnvironment, httpx
from mcp_sessions.api.failures import (
    FOREIGN,
    MAX_ERROR_BODY_BYTES,
    failure_in,
    failure_of_status,
    translated,
)
from mcp_sessions.deadline import for_one_request
from mcp_sessions.errors import ApiTimeout, ResponseTooLarge, SessionsError
from mcp_sessions.settings import Settings
from mcp_sessions.telemetry.instruments import UpstreamRequest, upstream_request
from mcp_sessions.wire.extract import TooManyValues
from mcp_sessions.wire.limits import MAX_LIMIT, ONE_ROUTE, ROUTE
from mcp_sessions.wire.models import Page, SessionT
from mcp_sessions.wire.read import NotRows, parse_page, parse_session

logger = logging.getLogger(__name__)

MIN_ROWS: Final = 3
"""The smallest answer that proves itself: a newer row, the one that is wanted, an older one."""
_OK: Final = 200

Parameters = Mapping[str, str | int]


def fewer_rows(limit: int) -> int:
    """Return what to ask for instead of `limit` rows that were too large or came too slowly."""
    return max(MIN_ROWS, limit // 4)


class _Asked(NamedTuple):
    """What a request asks for; the route is its path as traces name it."""

    url: httpx.URL
    route: str
    parameters: Parameters


class ApiRequest:
    """Sends GET requests to one API with one credential.

    `max_rows` is how many rows to ask for: fewer than the API's own most after an answer that was
    too large to be read, until light ones have come.
    """

    def __init__(self, connections: ConnectionPool, settings: Settings, tenant: str = "") -> None:
        self._connections = connections
        self._url = httpx.URL(f"{settings.api_url}{ROUTE}")
        self._host = urlsplit(settings.api_url).hostname or ""
        self._headers = _headers(settings)
        self._max_bytes = settings.max_response_bytes
        self._deadline = settings.deadline
        self.max_rows = MAX_LIMIT
        self.credential = "" if settings.api_key is None else _credential(self._headers)
        """Tells credentials apart without naming them; empty where there is no key."""
        self.asker = f"{self.credential} {tenant}" if tenant else self.credential
        """Tells apart who asks with it; tenants may have the same."""

    async def get(self, parameters: Parameters, grow: Grow) -> bytearray:
        """Return the body of a page of status 200, unpacked, for which `grow` finds memory.

        Raises:
            SessionsError: there is none, in this server's words.
        """
        try:
            return await self._body(_Asked(self._url, ROUTE, parameters), grow)
        except ResponseTooLarge:
            self._ask_for_less(parameters)
            raise

    async def get_one(self, session_id: str, grow: Grow) -> bytearray:
        """Return the body of one session's answer, as `get` does of a page."""
        url = httpx.URL(f"{self._url}/{quote(session_id, safe='')}")
        return await self._body(_Asked(url, ONE_ROUTE, {}), grow)

    async def _body(self, asked: _Asked, grow: Grow) -> bytearray:
        try:
            async with self._connections.client(self.credential, self.asker) as client:
                with anyio.move_on_after(for_one_request(self._deadline)):
                    return await self._observed(client, asked, grow)
        except UnusableEnvironment as fault:
            raise translated(fault) from None
        raise ApiTimeout("The API did not answer in time.", final=True)

    def page_of(
        self, body: bytearray, parameters: Parameters, session: type[SessionT]
    ) -> Page[SessionT]:
        """Return the page that a body is, each row as `session`.

        Raises:
            SessionsError: it is none, in this server's words.
        """
        limit = _limit_of(parameters)
        try:
            page = parse_page(body, session, limit)
        except FOREIGN as fault:
            if isinstance(fault, TooManyValues):
                self._ask_for_less(parameters)
            named = failure_in(bytes(body), parameters) if isinstance(fault, NotRows) else None
            raise (named or translated(fault)) from None
        if 2 * len(body) <= self._max_bytes:
            self.max_rows = max(self.max_rows, min(MAX_LIMIT, 2 * limit))
        return page

    def session_of(self, body: bytearray, session: type[SessionT]) -> SessionT | None:
        """Return the session that a body is; an object without an id is none.

        Raises:
            SessionsError: it is none, in this server's words.
        """
        try:
            found = parse_session(body, session)
        except FOREIGN as fault:
            raise (failure_in(bytes(body), {}) or translated(fault)) from None
        if found is None and (named := failure_in(bytes(body), {})):
            raise named
        return found

    def _ask_for_less(self, parameters: Parameters) -> None:
        self.max_rows = min(self.max_rows, fewer_rows(_limit_of(parameters)))

    async def _observed(self, client: httpx.AsyncClient, asked: _Asked, grow: Grow) -> bytearray:
        started, size = time.monotonic(), 0
        with upstream_request(self._host, asked.route, asked.parameters) as request:
            try:
                body = await self._sent(client, asked, request, grow)
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
                    asked.parameters.get("offset", 0),
                    asked.parameters.get("limit", ""),
                )
        return body

    async def _sent(
        self,
        client: httpx.AsyncClient,
        asked: _Asked,
        request: UpstreamRequest,
        grow: Grow,
    ) -> bytearray:
        try:
            headers = request.headers(self._headers)
            url = asked.url.copy_merge_params(dict(asked.parameters))
            async with client.stream("GET", url, headers=headers) as response:
                request.status = response.status_code
                if response.status_code != _OK:
                    raise await _failure(response, asked.parameters)
                return await read_body(response, self._max_bytes, grow)
        except FOREIGN as fault:
            raise translated(fault) from None


def _limit_of(parameters: Parameters) -> int:
    return int(parameters.get("limit", MAX_LIMIT))


def _credential(headers: dict[str, str]) -> str:
    """Return a digest of the key, a dot and one of all that is sent, the organization too."""
    parts = (headers["Authorization"], repr(headers))
    return ".".join(blake2b(part.encode(), digest_size=8).hexdigest() for part in parts)


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


async def _failure(response: httpx.Response, parameters: Parameters) -> SessionsError:
    """Read what a failure says of itself, as far as it can be read."""
    body = bytearray()
    with suppress(*FOREIGN):
        body = await read_body(response, MAX_ERROR_BODY_BYTES)
    return failure_of_status(response.status_code, response.headers, bytes(body), parameters)

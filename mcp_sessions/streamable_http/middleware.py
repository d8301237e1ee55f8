"""ASGI middleware: one length, and at /mcp trace context, allowed methods and a limit on calls."""

import json
import logging
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_sessions.auth.bearer_tokens import Caller
from mcp_sessions.fair_slots import FairSlots
from mcp_sessions.server import TENANT
from mcp_sessions.streamable_http.connection import ADMITTED
from mcp_sessions.streamable_http.request_body import (
    BODY_WITHIN,
    MAX_COMING_BYTES,
    BodyLate,
    BufferedBody,
    ComingBodies,
)
from mcp_sessions.telemetry.instruments import caller_trace, refused
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

_REFUSED: Final = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})
_OVERLOADED: Final = -32000
_NO_REQUEST: Final = -32600


class OneLength:
    """Refuses a request that says its length in two ways, and closes the connection.

    Whoever stands before this server may have gone by the other one, and taken for the beginning of
    a next request what is the end of this body, or the other way round.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = SeldomLog(logger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._is_odd(scope):
            await self._app(scope, receive, send)
            return
        refused(400)
        self._log.warning(400, "callers are refused: 400, a length beside Transfer-Encoding")
        response = _error_response(
            400, "The length of the body is said in two ways.", {"Connection": "close"}
        )
        await response(scope, receive, send)

    def _is_odd(self, scope: Scope) -> bool:
        """Tell whether chunks come with a length, or by a version of HTTP that has none."""
        headers = Headers(scope=scope)
        strange = "content-length" in headers or scope["http_version"] == "1.0"
        return strange and "transfer-encoding" in headers


class Negotiation:
    """Chooses the form of the answer by `Accept`, and reads `Content-Type` in any spelling.

    The SDK asks callers to accept both JSON and event streams: who takes JSON alone is served by
    `json_app`, which never streams.
    """

    def __init__(self, app: ASGIApp, json_app: ASGIApp) -> None:
        self._app = app
        self._json_app = json_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = MutableHeaders(raw=list(scope["headers"]))
        accepted = _media_types(headers.getlist("accept")) if "accept" in headers else {"*/*"}
        takes_json = not accepted.isdisjoint({"application/json", "application/*", "*/*"})
        takes_events = not accepted.isdisjoint({"text/event-stream", "text/*", "*/*"})
        if takes_json:
            headers["accept"] = "application/json, text/event-stream"
        if "content-type" in headers:
            media_type, *parameters = headers["content-type"].split(";")
            headers["content-type"] = ";".join([media_type.strip().lower(), *parameters])
        app = self._app if takes_events or not takes_json else self._json_app
        await app({**scope, "headers": headers.raw}, receive, send)


def _media_types(values: list[str]) -> set[str]:
    """Return the media types of an Accept header that are not refused by a weight of 0."""
    parts = (part.lower().replace(" ", "").split(";") for part in ",".join(values).split(","))
    return {name for name, *rest in parts if name and not _REFUSED.intersection(rest)}


class TraceContext:
    """Continues the trace of the request's `traceparent`, and counts refused requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = SeldomLog(logger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:  # noqa: PLR2004 - HTTP's
                refused(message["status"])
                if message["status"] != 405:  # noqa: PLR2004 - older clients ask for a stream first
                    status = message["status"]
                    self._log.warning(status, "callers are refused: %d", status)
            await send(message)

        with caller_trace(Headers(scope=scope)):
            await self._app(scope, receive, watched)


class PostOnly:
    """Refuses other methods than POST, and with `tenants` callers who are no tenant."""

    def __init__(self, app: ASGIApp, *, tenants: bool = False) -> None:
        self._app = app
        self._tenants = tenants

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            # A stateless server has neither a stream to listen to nor a session to end.
            response = _error_response(405, "Only POST is served here.", {"Allow": "POST"})
            await response(scope, receive, send)
            return
        if self._tenants:
            user = scope.get("user")
            caller = user.access_token if isinstance(user, AuthenticatedUser) else None
            if not isinstance(caller, Caller) or caller.tenant is None:
                response = _error_response(
                    403, "The token is good, but no tenant of this server's."
                )
                await response(scope, receive, send)
                return
            scope[TENANT] = caller.tenant
        await self._app(scope, receive, send)


class CallLimit:
    """Limits the calls at once, of which one is a call only once its body has come, and in time.

    Where there are tenants, none of them has more slots than are left to all others.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_calls: int,
        *,
        tenants: bool = False,
        body_within: float = BODY_WITHIN,
        max_coming: int = MAX_COMING_BYTES,
    ) -> None:
        self._app = app
        self.body_within = body_within
        self._coming = ComingBodies(max_coming)
        self._slots = FairSlots(max_calls, fair=tenants)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = BufferedBody(receive)
        try:
            if not await body.read(self.body_within, self._coming):
                return
        except BodyLate:
            await _error_response(408, "The body did not come in time.")(scope, receive, send)
            return
        if body.amend():
            await self._call(scope, body.receive, send)
        else:
            response = _error_response(400, "An id is a string or a whole number.")
            await response(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = scope.get(TENANT, "")
        if not self._slots.take(who):
            response = _error_response(
                503, "Too many calls at once; try again.", {"Retry-After": "1"}
            )
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})[ADMITTED] = True
        try:
            await self._app(scope, receive, send)
        finally:
            self._slots.release(who)


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Say why a request is not served, as JSON-RPC has it where no id was read."""
    code = _OVERLOADED if status == 503 else _NO_REQUEST  # noqa: PLR2004 - HTTP's
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")

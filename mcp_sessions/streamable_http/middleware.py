"""ASGI middleware of /mcp: lower-case Host, trace context, allowed methods, limit on calls."""

import json
from collections import deque
from typing import Final

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_sessions.auth.bearer_tokens import Caller
from mcp_sessions.fair_slots import FairSlots
from mcp_sessions.server import TENANT
from mcp_sessions.telemetry.instruments import caller_trace, refused

MAX_BODY_BYTES: Final = 256 * 1024  # the longest sensible call is a tenth of this
_BODY_WITHIN: Final = 10.0  # seconds; a call is a few hundred bytes
_OVERLOADED: Final = -32000
_NO_REQUEST: Final = -32600


class LowercaseHost:
    """Lower-cases `Host`, because the SDK compares allowed hosts case-sensitively."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = [(k, v.lower() if k == b"host" else v) for k, v in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, send)


class TraceContext:
    """Continues the trace of the request's `traceparent`, and counts refused requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:  # noqa: PLR2004 - HTTP's
                refused(message["status"])
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
    """Limits the calls at once, and the time in which a body has to come.

    Where there are tenants, none of them has more slots than are left to all others.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_calls: int,
        *,
        tenants: bool = False,
        body_within: float = _BODY_WITHIN,
    ) -> None:
        self._app = app
        self.body_within = body_within
        self._slots = FairSlots(max_calls, fair=tenants)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        who = scope.get(TENANT, "")
        if not self._slots.take(who):
            response = _error_response(
                503, "Too many calls at once; try again.", {"Retry-After": "1"}
            )
            await response(scope, receive, send)
            return
        body = _BufferedBody(receive)
        try:
            if await body.read(self.body_within):
                await self._app(scope, body.receive, send)
        except _BodyLate:
            await _error_response(408, "The body did not come in time.")(scope, receive, send)
        finally:
            self._slots.release(who)


class _BodyLate(Exception):
    """The body did not come in time."""


class _BufferedBody:
    """A request's body, read before the request is worked on."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages = deque[Message]()

    async def read(self, seconds: float) -> bool:
        """Read the body, or more of it than is allowed; return False if the caller left instead.

        Raises:
            _BodyLate: its time is over.
        """
        size = 0
        with anyio.move_on_after(seconds):
            while size <= MAX_BODY_BYTES:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return False
                self._messages.append(message)
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
            return True
        raise _BodyLate

    async def receive(self) -> Message:
        """Return the next ASGI message."""
        return self._messages.popleft() if self._messages else await self._receive()


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Say why a request is not served, as JSON-RPC has it where no id was read."""
    code = _OVERLOADED if status == 503 else _NO_REQUEST  # noqa: PLR2004 - HTTP's
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")

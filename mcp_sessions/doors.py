"""The doors that an HTTP request passes, each a small ASGI class: trace, entrance, crowd."""

import json
from typing import Final

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_sessions.callers import Caller
from mcp_sessions.server import TENANT
from mcp_sessions.telemetry import caller_trace, refused

_BODY_WITHIN: Final = 10.0  # seconds; a call is a few hundred bytes
_OVERLOADED: Final = -32000
_NO_REQUEST: Final = -32600


class Traced:
    """Continues the trace of the request's `traceparent`, and counts what was refused."""

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


class Entrance:
    """Lets in POST alone, and with `tenants` nobody who is none."""

    def __init__(self, app: ASGIApp, *, tenants: bool = False) -> None:
        self._app = app
        self._tenants = tenants

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            # A stateless server has neither a stream to listen to nor a session to end.
            response = _error(405, "Only POST is served here.", {"Allow": "POST"})
            await response(scope, receive, send)
            return
        if self._tenants:
            user = scope.get("user")
            caller = user.access_token if isinstance(user, AuthenticatedUser) else None
            if not isinstance(caller, Caller) or caller.tenant is None:
                response = _error(403, "The token is good, but no tenant of this server's.")
                await response(scope, receive, send)
                return
            scope[TENANT] = caller.tenant
        await self._app(scope, receive, send)


class Crowd:
    """Lets in as many at once as there is room for, and nobody whose body does not come."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._room = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not self._room:
            response = _error(503, "Too many calls at once; try again.", {"Retry-After": "1"})
            await response(scope, receive, send)
            return
        self._room -= 1
        body = _Body(receive)
        try:
            await self._app(scope, body.receive, send)
        except _BodyLate:
            await _error(408, "The body did not come in time.")(scope, receive, send)
        finally:
            self._room += 1


class _BodyLate(Exception):
    """The body was not there when its time was over."""


class _Body:
    """Receives a request, its body within a deadline."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._until = anyio.current_time() + _BODY_WITHIN
        self._whole = False

    async def receive(self) -> Message:
        """Return the next ASGI message.

        Raises:
            _BodyLate: it is late.
        """
        if self._whole:
            return await self._receive()
        with anyio.move_on_at(self._until):
            message = await self._receive()
            self._whole = not message.get("more_body", False)
            return message
        raise _BodyLate


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Say why a request is not served, as JSON-RPC has it where no id was read."""
    code = _OVERLOADED if status == 503 else _NO_REQUEST  # noqa: PLR2004 - HTTP's
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")

"""The doors that an HTTP request passes, each a small ASGI class: name, trace, entrance, crowd."""

import json
from collections import deque
from typing import Final

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_sessions.auth.bearer_tokens import Caller
from mcp_sessions.fair_slots import Turns
from mcp_sessions.server import TENANT
from mcp_sessions.telemetry.instruments import caller_trace, refused

MOST_BODY_BYTES: Final = 256 * 1024  # the longest sensible call is a tenth of this
_BODY_WITHIN: Final = 10.0  # seconds; a call is a few hundred bytes
_OVERLOADED: Final = -32000
_NO_REQUEST: Final = -32600


class Named:
    """Spells the name that the server is called by as the names that it answers to are spelled."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = [(k, v.lower() if k == b"host" else v) for k, v in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, send)


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
    """Lets in as many at once as there is room for, and nobody whose body does not come.

    Where there are tenants, none of them has more room than is left to all others.
    """

    def __init__(self, app: ASGIApp, most: int, *, tenants: bool = False) -> None:
        self._app = app
        self._room = Turns(most, fair=tenants)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        who = scope.get(TENANT, "")
        if not self._room.take(who):
            response = _error(503, "Too many calls at once; try again.", {"Retry-After": "1"})
            await response(scope, receive, send)
            return
        body = _Body(receive)
        try:
            if await body.came():
                await self._app(scope, body.receive, send)
        except _BodyLate:
            await _error(408, "The body did not come in time.")(scope, receive, send)
        finally:
            self._room.give_back(who)


class _BodyLate(Exception):
    """The body was not there when its time was over."""


class _Body:
    """A request's body, read before anybody works on it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came = deque[Message]()

    async def came(self) -> bool:
        """Wait until it is there, or more of it than may be; False if the caller left instead.

        Raises:
            _BodyLate: its time is over.
        """
        size = 0
        with anyio.move_on_after(_BODY_WITHIN):
            while size <= MOST_BODY_BYTES:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return False
                self._came.append(message)
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
            return True
        raise _BodyLate

    async def receive(self) -> Message:
        """Return the next ASGI message."""
        return self._came.popleft() if self._came else await self._receive()


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Say why a request is not served, as JSON-RPC has it where no id was read."""
    code = _OVERLOADED if status == 503 else _NO_REQUEST  # noqa: PLR2004 - HTTP's
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")

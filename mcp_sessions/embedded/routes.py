"""`GET /v1/sessions`, at the root and under `/api`, as a real server answers it."""

import json
import secrets
import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mcp_sessions.embedded.faults import Fault
from mcp_sessions.embedded.parameters import Asked, Pairs, pairs, read
from mcp_sessions.embedded.record import LINKS, WAITING
from mcp_sessions.embedded.store import Row, SessionStore

_ROUTE = "/v1/sessions"
_LOGGED = ("authorization", "x-org-id", "user-agent", "accept", "accept-encoding", "traceparent")
_LOG_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """How the API behaves where real servers differ; no key and no organization let anyone in."""

    status_spelling: Literal["waitingfortoolresults", "waiting_for_tool_results"] = (
        "waitingfortoolresults"
    )
    shuffle_ties: bool = False
    api_key: str | None = field(default=None, repr=False)
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it came in, whatever it was answered; `headers` holds lower-case names."""

    method: str
    path: str
    query: Pairs
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class SessionsRoute:
    """The one route: a queue of faults for the next requests, and a log of the latest ones."""

    store: SessionStore
    options: EmbeddedOptions = field(default_factory=EmbeddedOptions)
    faults: deque[Fault] = field(default_factory=deque)
    requests: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_LOG_SIZE))

    async def list_sessions(self, request: Request) -> Response:
        """Answer one request: a queued fault, a refusal, or a page."""
        query = pairs(request.scope["query_string"])
        self.requests.append(_seen(request, query))
        fault = self._next_fault() or self._refusal(request)
        if fault:
            return fault.response()
        try:
            asked = read(query)
        except ValueError as error:
            words = f"Failed to deserialize query string: {error}"
            return Fault(400, "plain", words).response()
        try:
            rows, total = self.store.page(
                asked.agent_id,
                asked.search,
                asked.offset,
                asked.limit,
                shuffle_ties=self.options.shuffle_ties,
            )
        except sqlite3.Error:
            return Fault(500, "error_text", "Internal server error").response()
        return Response(
            self._page(request, query, asked, rows, total), media_type="application/json"
        )

    def _next_fault(self) -> Fault | None:
        try:
            return self.faults.popleft()
        except IndexError:
            return None

    def _refusal(self, request: Request) -> Fault | None:
        """Return 401 for a wrong key, and 404 for an organization that is not this one."""
        key, organization = self.options.api_key, self.options.organization_id
        if key is not None:
            sent = request.headers.get("authorization", "").encode()
            forms = [f"{scheme}{key}".encode() for scheme in ("", "Bearer ", "ApiKey ")]
            if not any(secrets.compare_digest(sent, form) for form in forms):
                return Fault(401, detail="Invalid or missing API key")
        if (
            organization is not None
            and request.headers.get("x-org-id", organization) != organization
        ):
            return Fault(404, detail="Organization not found")
        return None

    def _page(
        self, request: Request, query: Pairs, asked: Asked, rows: Iterable[Row], total: int
    ) -> str:
        """Return the envelope around rows that are already JSON."""
        origin = f"{request.url.scheme}://{request.url.netloc}"
        here = f"{origin}{request.url.path}"
        links = {
            "self_url": here,
            "view_url": f"{origin}/sessions",
            "ui_link": f"{origin}/sessions",
        }
        data = ",".join(_row(row, links, self.options.status_spelling) for row in rows)
        rest = {"total": total, "offset": asked.offset, "limit": asked.limit}
        turns = _turns(here, query, asked, total)
        return f'{{"data":[{data}],{json.dumps(rest | turns, separators=(",", ":"))[1:]}'


def create_app(route: SessionsRoute) -> Starlette:
    """Return the ASGI app of the route; every other path is a 404, every other method a 405."""
    app = Starlette(
        routes=[
            Route(prefix + _ROUTE, route.list_sessions, methods=["GET"]) for prefix in ("", "/api")
        ],
        exception_handlers={404: _unknown_route, 405: _wrong_method},
    )
    app.router.redirect_slashes = False
    return app


async def _unknown_route(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return Fault(404, "error_text", "Not found").response()


async def _wrong_method(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    response = Fault(405).response()
    response.headers["allow"] = "GET, HEAD"
    return response


def _seen(request: Request, query: Pairs) -> SeenRequest:
    headers = {name: request.headers[name] for name in _LOGGED if name in request.headers}
    return SeenRequest(request.method, request.url.path, query, headers)


def _row(row: Row, links: dict[str, str], waiting: str) -> str:
    if row.status is None:
        return row.body
    status = json.dumps(waiting if row.status == WAITING else row.status, ensure_ascii=False)
    text = f'{{{row.body},"status":{status}'
    if not row.linked:
        for name in LINKS:
            text += f',"{name}":{json.dumps(f"{links[name]}/{row.id}")}'
    return text + "}"


def _turns(here: str, query: Pairs, asked: Asked, total: int) -> dict[str, str]:
    """Return the links to the pages around this one; a page of no rows leads nowhere."""
    kept = [pair for pair in query if pair[0] not in {"offset", "limit"}]

    def page_at(offset: int) -> str:
        return f"{here}?{urlencode([*kept, ('limit', asked.limit), ('offset', offset)])}"

    turns = {}
    if asked.limit and asked.offset + asked.limit < total:
        turns["next_url"] = page_at(asked.offset + asked.limit)
    if asked.limit and asked.offset:
        turns["prev_url"] = page_at(max(0, asked.offset - asked.limit))
    return turns

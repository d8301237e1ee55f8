"""`GET /v1/sessions` and `GET /v1/sessions/{id}`, at the root and under `/api`, as a real server.

Source of both: the Everruns API and what its servers do.
"""

import json
import re
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mcp_sessions.embedded.faults import Fault, by_chance
from mcp_sessions.embedded.parameters import Asked, Pairs, pairs, read
from mcp_sessions.embedded.quota import Quota
from mcp_sessions.embedded.record import LINKS, WAITING
from mcp_sessions.embedded.store import Row, SessionStore

_ROUTE = "/v1/sessions"
_SESSION_ID = re.compile(r"session_[0-9a-f]{32}")
_LIST_ONLY = ("preview", "output_preview")
_LOGGED = ("authorization", "x-org-id", "user-agent", "accept", "accept-encoding", "traceparent")
_LOG_SIZE = 10_000
_SEED = 20

StatusSpelling = Literal["waitingfortoolresults", "waiting_for_tool_results"]


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """How the API behaves where real servers differ; no key and no organization let anyone in.

    More than `requests_per_minute` of one address get 429, and `fault_share` of all requests, by
    a chance that is the same in every run, a failure that passes by itself.
    """

    status_spelling: StatusSpelling = "waitingfortoolresults"
    shuffle_ties: bool = False
    api_key: str | None = field(default=None, repr=False)
    organization_id: str | None = None
    requests_per_minute: int | None = None
    fault_share: float = 0


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it came in, and the status it got; `headers` holds lower-case names."""

    method: str
    path: str
    query: Pairs
    headers: dict[str, str]
    status: int


class SessionsRoute:
    """The two routes: a queue of faults for the next requests, and a log of the latest ones."""

    def __init__(self, store: SessionStore, options: EmbeddedOptions | None = None) -> None:
        self.store = store
        self.options = options or EmbeddedOptions()
        self.faults: deque[Fault] = deque()
        self.requests: deque[SeenRequest] = deque(maxlen=_LOG_SIZE)
        self._quota = Quota(self.options.requests_per_minute)
        self._entropy = Random(_SEED)  # noqa: S311 - the same faults in every run

    async def list_sessions(self, request: Request) -> Response:
        """Answer one request for a page, and log it before the answer leaves."""
        query = pairs(request.scope["query_string"])
        fault = self._fault(request)
        response = fault.response() if fault else self._list(request, query)
        self.requests.append(_seen(request, query, response.status_code))
        return response

    async def get_session(self, request: Request) -> Response:
        """Answer one request for a session, and log it before the answer leaves."""
        fault = self._fault(request)
        response = fault.response() if fault else self._session(request)
        query = pairs(request.scope["query_string"])
        self.requests.append(_seen(request, query, response.status_code))
        return response

    def _fault(self, request: Request) -> Fault | None:
        return self._over_quota(request) or self._next_fault() or self._fault_for(request)

    def _session(self, request: Request) -> Response:
        """Return a session without the texts that only lists carry, or a refusal."""
        id_ = request.path_params["session_id"]
        if not _SESSION_ID.fullmatch(id_):
            words = "Invalid URL: session_id: expected session_ followed by 32 lowercase hex digits"
            return Fault(400, "plain", words).response()
        try:
            row = self.store.session(id_)
        except sqlite3.Error:
            return Fault(500, "error_text", "Internal server error").response()
        if row is None:
            return Fault(404, detail="Session not found").response()
        here = str(request.url.path).removesuffix(f"/{id_}")
        session = json.loads(_row(row, _links(request, here), self.options.status_spelling))
        alone = {name: value for name, value in session.items() if name not in _LIST_ONLY}
        text = json.dumps(alone, ensure_ascii=False, separators=(",", ":"))
        return Response(text, media_type="application/json")

    def _list(self, request: Request, query: Pairs) -> Response:
        """Return a page or a refusal."""
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

    def _over_quota(self, request: Request) -> Fault | None:
        """Return 429 for an address that has used up its minute."""
        address = request.client.host if request.client else ""
        wait = self._quota.wait(address, time.monotonic())
        return Fault(429, retry_after=wait) if wait else None

    def _next_fault(self) -> Fault | None:
        """Return the fault that is next in the queue, else perhaps one by chance."""
        try:
            return self.faults.popleft()
        except IndexError:
            return by_chance(self._entropy, self.options.fault_share)

    def _fault_for(self, request: Request) -> Fault | None:
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
        links = _links(request, request.url.path)
        data = ",".join(_row(row, links, self.options.status_spelling) for row in rows)
        rest = {"total": total, "offset": asked.offset, "limit": asked.limit}
        links = _page_links(links["self_url"], query, asked, total)
        return f'{{"data":[{data}],{json.dumps(rest | links, separators=(",", ":"))[1:]}'


def create_app(route: SessionsRoute) -> Starlette:
    """Return the ASGI app of both routes; every other path is a 404, every other method a 405."""
    one = f"{_ROUTE}/{{session_id}}"
    app = Starlette(
        routes=[
            Route(prefix + path, answer, methods=["GET"])
            for prefix in ("", "/api")
            for path, answer in ((_ROUTE, route.list_sessions), (one, route.get_session))
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


def _seen(request: Request, query: Pairs, status: int) -> SeenRequest:
    headers = {name: request.headers[name] for name in _LOGGED if name in request.headers}
    return SeenRequest(request.method, request.url.path, query, headers, status)


def _links(request: Request, path: str) -> dict[str, str]:
    """Return what the links of a row begin with; `path` is that of the list."""
    origin = f"{request.url.scheme}://{request.url.netloc}"
    return {
        "self_url": f"{origin}{path}",
        "view_url": f"{origin}/sessions",
        "ui_link": f"{origin}/sessions",
    }


def _row(row: Row, links: dict[str, str], waiting: str) -> str:
    if row.status is None:
        return row.body
    status = json.dumps(waiting if row.status == WAITING else row.status, ensure_ascii=False)
    text = f'{{{row.body},"status":{status}'
    if not row.linked:
        for name in LINKS:
            text += f',"{name}":{json.dumps(f"{links[name]}/{row.id}")}'
    return text + "}"


def _page_links(here: str, query: Pairs, asked: Asked, total: int) -> dict[str, str]:
    """Return the links to the pages around this one; a page of no rows leads nowhere."""
    kept = [pair for pair in query if pair[0] not in {"offset", "limit"}]

    def page_at(offset: int) -> str:
        return f"{here}?{urlencode([*kept, ('limit', asked.limit), ('offset', offset)])}"

    links = {}
    if asked.limit and asked.offset + asked.limit < total:
        links["next_url"] = page_at(asked.offset + asked.limit)
    if asked.limit and asked.offset:
        links["prev_url"] = page_at(max(0, asked.offset - asked.limit))
    return links

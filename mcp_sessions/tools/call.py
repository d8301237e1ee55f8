"""Answers one call of a tool: arguments in, a result or an error out, within the deadline."""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio
from mcp_types import CallToolResult

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.deadline import end_of_reading
from mcp_sessions.errors import ApiTimeout, Internal, InvalidArguments, SessionsError
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.paging.lookup import look_up
from mcp_sessions.paging.page import Bounds, Progress, SessionPage, read_page
from mcp_sessions.results import rows
from mcp_sessions.results.contained import with_found, words_of
from mcp_sessions.results.fields import rows_of
from mcp_sessions.results.models import Row
from mcp_sessions.settings import Settings
from mcp_sessions.telemetry.instruments import call_ended
from mcp_sessions.tools.lookup_result import lookup_result
from mcp_sessions.tools.result import error_result, page_result
from mcp_sessions.wire.models import FullSession, Session, SessionT

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionTools:
    """Answers calls of the two tools, for one credential; `tenant` is its name if it has one."""

    api: SessionsApi
    settings: Settings
    tenant: str | None = None

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None, progress: Progress
    ) -> CallToolResult:
        """Answer a call of the tool `name`, one of NAMES, within the deadline.

        `progress` is told rows examined and their bound while filters walk the list. Whatever
        goes wrong is an answer too: `isError`, and text that begins with the code.
        """
        code = "cancelled"
        try:
            result = await self._result_of(name, arguments, progress)
            code = "ok"
        except SessionsError as fault:
            code = fault.code
            result = error_result(fault)
        finally:
            call_ended(name, code)
        return result

    async def _result_of(
        self, name: str, arguments: Mapping[str, Any] | None, progress: Progress
    ) -> CallToolResult:
        try:
            with anyio.fail_after(self.settings.deadline):
                return await self._page(self._place(name, arguments), progress)
        except SessionsError:
            raise
        except TimeoutError:
            seconds = f"{self.settings.deadline:g}"
            raise ApiTimeout(f"The API did not answer within {seconds} seconds.") from None
        except Exception as fault:  # noqa: BLE001 - whatever it is, the agent gets an answer
            # Without the exception's own message: it may quote what the API sent.
            trace = "".join(traceback.format_tb(fault.__traceback__))
            logger.error("%s failed: %s\n%s", name, type(fault).__name__, trace)  # noqa: TRY400
            raise Internal("This server failed in a way it did not foresee.") from None

    def _place(self, name: str, arguments: Mapping[str, Any] | None) -> Place:
        """Return where the call begins, inside the scope if there is one."""
        match name:
            case ListSessions.tool:
                place = Place(ListSessions.read(arguments))
            case GetSessionPage.tool:
                place = self._cursors().resume(GetSessionPage.read(arguments))
            case _:  # defined, and forgotten here: no call of it may pass for another's
                raise NotImplementedError(name)
        own, asked = self.settings.agent_id, place.query.agent_id
        if own is None or asked == own:
            return place
        if asked is not None:
            raise InvalidArguments(
                f"agent_id must be {own}: this server shows only that agent's sessions.",
                hint="Leave agent_id out.",
            )
        return replace(place, query=place.query.model_copy(update={"agent_id": own}))

    def _cursors(self) -> CursorCodec:
        settings = self.settings
        if settings.demo:  # the same sessions in every process, whatever its port
            return CursorCodec.of("made-up sessions", None, settings.agent_id)
        tenant = () if self.tenant is None else (self.tenant,)
        return CursorCodec.of(settings.api_url, settings.org_id, settings.agent_id, *tenant)

    async def _page(self, place: Place, progress: Progress) -> CallToolResult:
        query = place.query
        if query.session_ids is not None:
            return await self._looked_up(query, query.session_ids)
        if query.fields is not None:
            row = rows_of(query.fields)
            return await self._result(await self._read(place, FullSession, progress), row)
        if query.detail == "full":
            return await self._result(await self._read(place, FullSession, progress), rows.full)
        light = rows.brief if query.detail == "brief" else rows.standard
        return await self._result(await self._read(place, Session, progress), light)

    async def _result(
        self, page: SessionPage[SessionT], row: Callable[[SessionT], Row]
    ) -> CallToolResult:
        if page.place.query.contains is not None:
            row = _with_found(row, words_of(page.place.query.contains))
        return await page_result(page, row, self._cursors(), self.settings)

    async def _looked_up(self, query: ListSessions, ids: Sequence[str]) -> CallToolResult:
        if query.fields is not None:
            return await self._lookup(query, ids, FullSession, rows_of(query.fields))
        if query.detail == "full":
            return await self._lookup(query, ids, FullSession, rows.full)
        row = rows.brief if query.detail == "brief" else rows.standard
        return await self._lookup(query, ids, Session, row)

    async def _lookup(
        self,
        query: ListSessions,
        ids: Sequence[str],
        session: type[SessionT],
        row: Callable[[SessionT], Row],
    ) -> CallToolResult:
        settings = self.settings
        until = end_of_reading(settings.deadline)
        lookup = await look_up(self.api, ids, session, until, scope=settings.agent_id)
        return await lookup_result(lookup, query, row, settings)

    async def _read(
        self, place: Place, session: type[SessionT], progress: Progress
    ) -> SessionPage[SessionT]:
        # What was found when the time runs out still has to be told.
        bounds = Bounds(self.settings.max_examined, end_of_reading(self.settings.deadline))
        scope = self.settings.agent_id
        return await read_page(self.api, place, session, bounds, progress=progress, scope=scope)


def _with_found(
    row: Callable[[SessionT], Row], words: tuple[str, ...]
) -> Callable[[SessionT], Row]:
    return lambda session: with_found(row(session), session, words)

"""Reads the sessions of given ids, a few at once, in the order they were asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic

import anyio

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.errors import ApiTimeout, InvalidArguments, NotFound, SessionsError
from mcp_sessions.wire.models import SessionT

AT_ONCE: Final = 4
"""Requests that one call has in flight."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Lookup(Generic[SessionT]):
    """What came of each id: a session, that there is none, or the failure to read it."""

    found: Sequence[SessionT]
    not_found: Sequence[str]
    unread: Sequence[tuple[str, SessionsError]]


@dataclass(slots=True)
class _Reader(Generic[SessionT]):
    """What one call has read so far; an id without an outcome is one that there is not."""

    api: SessionsApi
    session: type[SessionT]
    scope: str | None
    slots: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(AT_ONCE))
    outcomes: dict[str, SessionT | SessionsError] = field(default_factory=dict)
    refused: SessionsError | None = None  # by the API or by the settings, whatever is asked

    async def read(self, id_: str, tasks: anyio.CancelScope) -> None:
        try:
            found = await self.api.session(id_, self.session, self.slots)
        except (NotFound, InvalidArguments):
            del self.outcomes[id_]
        except SessionsError as fault:
            self.outcomes[id_] = fault
            if fault.category == "auth":
                self.refused = fault
                tasks.cancel()
        else:
            if found is None or found.id != id_ or self._is_foreign(found):
                del self.outcomes[id_]
            else:
                self.outcomes[id_] = found

    def _is_foreign(self, session: SessionT) -> bool:
        return self.scope is not None and session.agent_id != self.scope


async def look_up(
    api: SessionsApi,
    ids: Sequence[str],
    session: type[SessionT],
    until: float,
    *,
    scope: str | None = None,
) -> Lookup[SessionT]:
    """Read the sessions of distinct ids; `scope` is the only agent whose sessions there are.

    What is not read `until` then, on the event loop's clock, is unread. An id that no session can
    have, an answer under another id and another agent's session are as one that there is not.

    Raises:
        SessionsError: the API refused the key, or there is none to ask with.
    """
    reader = _Reader(api, session, scope)
    late = ApiTimeout("The API did not answer within the call's deadline.")
    asked = [id_ for id_ in ids if _ID.fullmatch(id_)]
    reader.outcomes.update(dict.fromkeys(asked, late))
    with anyio.move_on_at(until):
        async with anyio.create_task_group() as tasks:
            for id_ in asked:
                tasks.start_soon(reader.read, id_, tasks.cancel_scope)
    if reader.refused is not None:
        raise reader.refused
    outcomes = reader.outcomes
    return Lookup(
        found=[one for id_ in ids if isinstance(one := outcomes.get(id_), session)],
        not_found=[id_ for id_ in ids if id_ not in outcomes],
        unread=[(id_, one) for id_ in ids if isinstance(one := outcomes.get(id_), SessionsError)],
    )

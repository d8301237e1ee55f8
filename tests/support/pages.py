"""Pages of a list, read one after another by the paging alone, without a tool around them."""

import anyio

from mcp_sessions.api.client import open_api
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.page import Bounds, SessionPage, read_page
from mcp_sessions.wire.models import Session

from support.calls import DEADLINE, settings_for

FAR = 10**9  # seconds; no deadline
Pages = list[SessionPage[Session]]


async def unwatched(_examined: int, _bound: int) -> None:
    """Take the progress of a walk that nobody watches."""


def pages(
    url: str,
    place: Place,
    *,
    examined: int = 1_000,
    until: float = FAR,
    most: int = 100,
    scope: str | None = None,
) -> Pages:
    """Read pages from `place` to the end of the list, `until` seconds from now."""

    async def walk() -> Pages:
        read: Pages = []
        following: Place | None = place
        async with open_api(settings_for(url)) as api:
            bounds = Bounds(examined, anyio.current_time() + until)
            while following is not None and len(read) < most:
                page = await read_page(
                    api, following, Session, bounds, progress=unwatched, scope=scope
                )
                read.append(page)
                following = page.following
        return read

    async def in_time() -> Pages:
        with anyio.fail_after(DEADLINE):
            return await walk()

    return anyio.run(in_time)


def ids(*read: SessionPage[Session]) -> list[str]:
    """Return the ids of the rows of these pages, in order."""
    return [entry.session.id for page in read for entry in page.rows]

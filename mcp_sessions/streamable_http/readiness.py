"""Whether the API can be used just now, for readiness probes."""

import time
from collections.abc import Callable
from typing import Final

import anyio

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.errors import (
    ApiTimeout,
    PermissionDenied,
    RateLimited,
    SessionsError,
    Unauthorized,
)
from mcp_sessions.server import ToolsByTenant
from mcp_sessions.wire.models import Session

_ANSWER_HOLDS: Final = 5.0  # seconds
_PROBE_WITHIN: Final = 5.0  # seconds


class Readiness:
    """Asks the API for one row, at most every five seconds."""

    def __init__(self, tools: ToolsByTenant, clock: Callable[[], float] = time.monotonic) -> None:
        self._tools = tools
        self._clock = clock
        self._api: SessionsApi | None = None
        self._asking = anyio.Lock()
        self._last: tuple[float, SessionsError | None] | None = None

    async def failure(self) -> SessionsError | None:
        """Return why the API cannot be used, or None if it can, as of the last five seconds.

        Where only tenants have keys, a refusal shows as well as a page that the API is there.
        """
        async with self._asking:
            now = self._clock()
            if self._last is None or now - self._last[0] >= _ANSWER_HOLDS:
                self._last = (now, await self._ask())
            return self._last[1]

    async def _ask(self) -> SessionsError | None:
        keyless = self._tools.tenants is not None
        if self._api is None:
            without_key = {"api_key": None, "no_key": True} if keyless else {}
            self._api = self._tools.api(self._tools.settings.model_copy(update=without_key))
        try:
            with anyio.fail_after(_PROBE_WITHIN):
                await self._api.page({"limit": 1, "offset": 0}, Session)
        except TimeoutError:
            return ApiTimeout(f"The API did not answer within {_PROBE_WITHIN:g} seconds.")
        except RateLimited:
            return None
        except (Unauthorized, PermissionDenied) as fault:
            return None if keyless else fault
        except SessionsError as fault:
            return fault
        return None

"""The desk: what each caller's calls are answered with, one way out for each credential."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio

from mcp_sessions.api.client import SessionsApi, Upstream, open_upstream
from mcp_sessions.auth.tenants import Register, Tenants
from mcp_sessions.errors import (
    ApiTimeout,
    PermissionDenied,
    RateLimited,
    SessionsError,
    Unauthorized,
)
from mcp_sessions.settings import Settings
from mcp_sessions.tools.call import SessionTools
from mcp_sessions.wire.models import Session

_ANSWER_HOLDS = 5.0  # seconds
_ASK = "Tell the user to ask whoever runs this MCP server."
_PATIENCE = 5.0  # seconds that a readiness probe waits for the API


class Desk:
    """Gives out tools; without tenants they are the same for everybody.

    Open, it owns the connections to the API, until it is closed.
    """

    def __init__(self, settings: Settings, tenants: Tenants | None = None) -> None:
        self._settings = settings
        self._tenants = tenants
        self._upstream: Upstream | None = None
        self._register: Register | None = None
        self._given: dict[str | None, SessionTools] = {}
        self._probe: SessionsApi | None = None
        self._asking = anyio.Lock()
        self._asked: tuple[float, SessionsError | None] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Own the way out for as long as the server lives."""
        fair = self._tenants is not None
        async with open_upstream(self._settings, fair=fair) as self._upstream:
            yield self

    def tools(self, tenant: str | None = None) -> SessionTools:
        """Return the tools of a tenant, or of everybody.

        Raises:
            PermissionDenied: there is no such tenant any more, or everybody has to be one.
        """
        settings = self._settings_of(tenant)
        given = self._given.get(tenant)
        if given is None or given.settings is not settings:
            given = self._given[tenant] = SessionTools(self._way_out(settings), settings, tenant)
        return given

    async def failure(self) -> SessionsError | None:
        """Return why the API cannot be used just now, or None if it can; known for 5 s.

        Where only tenants have keys, a refusal shows as well as a page that the API is there.
        """
        async with self._asking:
            now = time.monotonic()
            if self._asked is None or now - self._asked[0] >= _ANSWER_HOLDS:
                self._asked = (now, await self._ask())
            return self._asked[1]

    def _settings_of(self, tenant: str | None) -> Settings:
        if self._tenants is None:
            return self._settings
        register = self._tenants.current()
        if register is not self._register:
            self._register = register
            for gone in self._given.keys() - register.tenants.keys():
                del self._given[gone]
        if tenant is None or tenant not in register.tenants:
            raise PermissionDenied("This server knows no such tenant any more.", hint=_ASK)
        return register.tenants[tenant].settings

    def _way_out(self, settings: Settings) -> SessionsApi:
        if self._upstream is None:
            raise RuntimeError("the desk is closed")
        return self._upstream.api(settings)

    async def _ask(self) -> SessionsError | None:
        if self._probe is None:
            nobodys = {"api_key": None, "no_key": True} if self._tenants else {}
            self._probe = self._way_out(self._settings.model_copy(update=nobodys))
        try:
            with anyio.fail_after(_PATIENCE):
                await self._probe.page({"limit": 1, "offset": 0}, Session)
        except TimeoutError:
            return ApiTimeout(f"The API did not answer within {_PATIENCE:g} seconds.")
        except RateLimited:
            return None
        except (Unauthorized, PermissionDenied) as fault:
            return None if self._tenants else fault
        except SessionsError as fault:
            return fault
        return None

"""The tenants file, looked at once a second, and taken only when it is whole.

A file that is being written may be a good one that says less, and its times and size may be as
before, so what decides is what it holds:

- What two looks, a second apart, find the same in the file and in all files of its keys is taken;
  the first time too, for which the start waits.
- A scope (`org_id`, `agent_id`) that a tenant has lost is kept until nothing has changed for 30
  seconds. Everything else counts at once, so that who is taken out is out.
- Whatever cannot be used changes nothing, and is said once.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from mcp_sessions.auth.held_scopes import HeldScopes
from mcp_sessions.auth.tenants import FilesRead, TenantRegister, entries_in
from mcp_sessions.errors import InvalidSettings
from mcp_sessions.regular_file import UnreadableFile, read_regular_file
from mcp_sessions.settings import MAX_KEY_BYTES, Settings
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 1024 * 1024
LOOK_EVERY: Final = 1.0  # seconds
SCOPE_HELD: Final = 30.0  # seconds without a change, after which a scope may be lost
_PATIENCE: Final = 10.0  # seconds for a file to be still, and for the file system to answer
_STAY: Final = "the tenants stay as they were: %s"


class TenantsFile:
    """The tenants as the file has them, while `watched` at most some seconds ago.

    It is made when the file has been found whole.

    Raises:
        InvalidSettings: when it is made, if the file or the settings beside it cannot be used.
    """

    def __init__(
        self,
        file: Path,
        common: Settings,
        variables: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        _refuse_common_scope(common)
        self._file = file
        self._common = common
        self._variables = variables
        self._clock = clock
        self._log = SeldomLog(logger, clock)
        self._parsed: tuple[bytes | str, frozenset[Path]] = ("", frozenset())
        self._seen = self._taken = self._first_whole(sleep)
        self._since = self._still = clock()  # when a look found something else, and the same
        self._recent = False  # scopes that the files no longer have are still held
        self._scopes = HeldScopes()
        self._register, _ = self._scopes.applied(self._built())

    def current(self) -> TenantRegister:
        """Return the register."""
        return self._register

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look at the file every second until the block ends."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch)
            yield
            group.cancel_scope.cancel()

    def look(self) -> None:
        """Look at the files once, and take what they hold if it is whole; never raises."""
        try:
            self._judge(self._read())
        except InvalidSettings as fault:  # once for what the files hold
            logger.error(_STAY, fault)  # noqa: TRY400 - a sentence
        except Exception as fault:  # noqa: BLE001 - whatever it is, the server lives on
            self._log.warning(type(fault).__name__, _STAY, type(fault).__name__)

    async def _watch(self) -> None:
        """Look in a thread, since a file system that hangs must not stop the server."""
        while True:
            await anyio.sleep(LOOK_EVERY)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._say_if_slow)
                    await anyio.to_thread.run_sync(self.look, abandon_on_cancel=True)
                    group.cancel_scope.cancel()
            except Exception as fault:  # noqa: BLE001 - there is no thread to be had
                self._log.warning("thread", _STAY, type(fault).__name__)

    async def _say_if_slow(self) -> None:
        await anyio.sleep(_PATIENCE)
        logger.error(_STAY, f"{self._file} or a key's file has not been read for {_PATIENCE:g} s.")

    def _first_whole(self, sleep: Callable[[float], None]) -> FilesRead:
        until = self._clock() + _PATIENCE
        seen = self._read()
        while True:
            sleep(LOOK_EVERY)
            found = self._read()
            if found == seen:
                return found
            if self._clock() >= until:
                raise InvalidSettings(
                    f"MCP_SESSIONS_TENANTS_FILE or a key's file changes all the time for"
                    f" {_PATIENCE:g} s: write it beside, and rename it.",
                    where=self._file,
                )
            seen = found

    def _judge(self, found: FilesRead) -> None:
        now = self._clock()
        if found != self._seen:
            self._seen, self._since = found, now
            if now - self._still >= _PATIENCE:
                self._log.warning("restless", _STAY, f"{self._file} changes all the time.")
            return
        self._still = now
        if found != self._taken:
            self._taken, self._recent = found, False  # whatever comes of it
            self._take(self._built())
            self._recent = True
        elif self._recent and now - self._since >= SCOPE_HELD:
            self._recent = False
            self._scopes.forget()
            self._take(self._built())

    def _take(self, register: TenantRegister) -> None:
        register, keeping = self._scopes.applied(register)
        known = self._register.tenants
        # One that is as it was stays the same object, and keeps what is remembered for it.
        self._register = register.with_tenants(
            known[name] if known.get(name) == tenant else tenant
            for name, tenant in register.tenants.items()
        )
        logger.info("%d tenants read", len(register.tenants))
        if keeping:
            logger.warning(
                "%s lost org_id or agent_id: kept until the file has been still for %g s",
                ", ".join(keeping),
                SCOPE_HELD,
            )

    def _built(self) -> TenantRegister:
        entries = entries_in(self._taken[self._file], self._file)
        return TenantRegister.of(self._file, entries, self._taken, self._common, self._variables)

    def _read(self) -> FilesRead:
        content = _content_of(self._file, MAX_FILE_BYTES)
        if content != self._parsed[0]:
            self._parsed = (content, self._key_files(content))
        keys = {file: _content_of(file, MAX_KEY_BYTES) for file in self._parsed[1]}
        return {**keys, self._file: content}

    def _key_files(self, content: bytes | str) -> frozenset[Path]:
        """Return the files of keys that the tenants file names; none if it cannot be used."""
        try:
            entries = entries_in(content, self._file)
        except InvalidSettings:
            return frozenset()
        return frozenset(one.api_key_file for one in entries if one.api_key_file is not None)


def _content_of(file: Path, max_bytes: int) -> bytes | str:
    try:
        return read_regular_file(file, max_bytes)
    except UnreadableFile as fault:
        return str(fault)


def _refuse_common_scope(common: Settings) -> None:
    """Refuse an organization or agent beside the file: ignored, it would be no limit."""
    given = {"EVERRUNS_ORG_ID": common.org_id, "MCP_SESSIONS_AGENT_ID": common.agent_id}
    for name, value in given.items():
        if value is not None:
            raise InvalidSettings(
                f"{name} is set beside MCP_SESSIONS_TENANTS_FILE, where each tenant has its own:"
                " unset it."
            )

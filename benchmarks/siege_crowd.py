"""The besiegers: greedy, hostile and heavy tenants, and strangers without a token.

As a program it reads its orders in JSON from standard input, besieges a server for as long as they
say, and then tells in JSON how each kind was answered. It is a process of its own, so that it takes
no time from those who measure.
"""

import asyncio
import json
import secrets
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count, cycle

from siege_api import GIANT
from siege_callers import HOST, Audit, Kept, request, tool_call
from siege_tenants import CANARY, Tenant

_PATIENCE = 60.0  # seconds for an answer
_GREEDY_AT_ONCE, _HEAVY_AT_ONCE = 4, 16
_HOSTILE_EVERY, _HEAVY_EVERY, _FORGED_EVERY, _BYTE_EVERY = 1.0, 15.0, 0.1, 1.0  # seconds
_GIANT_EVERY = 4  # hostile calls
_UNREAD_AT_ONCE = 300  # connections
_UNREAD_AFTER, _UNREAD_EVERY = 1.0, 45.0  # seconds to the first wave, and between two
_HALF_HEADS, _SLOW_BODIES = 20, 40
_PIPELINED = 45_000  # bytes of requests whose answers are never read
_ESTABLISHED = 1  # the first byte of Linux's TCP_INFO
_MOST_READ = 1 << 16
_ANNOUNCED = 2_000  # bytes of a slow body

_FORGERIES: tuple[dict[str, str], ...] = (
    {},
    {"authorization": f"Bearer mcps_{CANARY}0123456789abcdef0123456789abcdef"},
    {"authorization": "Bearer " + "eyJ-" * 2_000},
    {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."},
    {"authorization": "Basic YWxpY2U6cGFzc3dvcmQ="},
    {"host": "evil.example"},
    {"host": f"{HOST}:80@evil.example"},
    {"host": f"{HOST}.evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:80.evil.example"},
    {"origin": f"https://{HOST}@evil.example"},
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who besieges a port, each kind by the name of its method."""

    port: int
    tenants: dict[str, Tenant]
    audit: Audit

    async def greedy(self) -> None:
        """Search for another word as soon as there is an answer."""
        async with asyncio.TaskGroup() as group:
            for caller in range(_GREEDY_AT_ONCE):
                group.create_task(self._keep_searching(caller))

    async def _keep_searching(self, caller: int) -> None:
        kept = Kept(self.port)
        for number in count():
            words = f"word{caller} {number}"
            await self.audit.call(kept, self.tenants["greedy"], _PATIENCE, search=words)
            await asyncio.sleep(0)

    async def hostile(self) -> None:
        """Read pages of long texts, sometimes giant ones, that repeat how keys begin."""
        kept = Kept(self.port)
        for number in count():
            kind = "long" if number % _GIANT_EVERY else GIANT
            asked = {"search": f"{kind} {number}", "limit": 100, "detail": "full"}
            await self.audit.call(kept, self.tenants["hostile"], _PATIENCE, **asked)
            await asyncio.sleep(_HOSTILE_EVERY)

    async def heavy(self) -> None:
        """Read many pages of 15 MB at once."""
        callers = [Kept(self.port) for _ in range(_HEAVY_AT_ONCE)]
        for number in count():
            async with asyncio.TaskGroup() as group:
                for caller, kept in enumerate(callers):
                    asked = {"search": f"wave{number} {caller}", "limit": 100}
                    calling = self.audit.call(kept, self.tenants["heavy"], _PATIENCE, **asked)
                    group.create_task(calling)
            await asyncio.sleep(_HEAVY_EVERY)

    async def unread(self) -> None:
        """Ask for more than a connection holds, on many, and never read."""
        sent = request("GET", "/healthz")
        await asyncio.sleep(_UNREAD_AFTER)
        while True:
            async with asyncio.TaskGroup() as group:
                for _ in range(_UNREAD_AT_ONCE):
                    group.create_task(self._never_read(sent * (_PIPELINED // len(sent))))
                await asyncio.sleep(_UNREAD_EVERY)

    async def _never_read(self, sent: bytes) -> None:
        """Stay until the server has had enough, or the wave is over."""
        loop = asyncio.get_running_loop()
        with socket.socket() as connection, suppress(OSError):
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            async with asyncio.timeout(_UNREAD_EVERY):
                await loop.sock_connect(connection, ("127.0.0.1", self.port))
                await loop.sock_sendall(connection, sent)
                while _state(connection) == _ESTABLISHED:  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(_BYTE_EVERY)
            self.audit.ends["dropped"] += 1
            return
        self.audit.ends["stayed, or reset"] += 1

    async def half_heads(self) -> None:
        """Begin requests and say no more."""
        sent = f"POST /mcp HTTP/1.1\r\nhost: {HOST}\r\nx-more: ".encode()
        await self._many(_HALF_HEADS, lambda: self._send(sent))

    async def slow_bodies(self) -> None:
        """Send bodies a byte a second."""
        sent = tool_call(None, "list_sessions", {}, content_length=str(_ANNOUNCED))
        await self._many(_SLOW_BODIES, lambda: self._send(sent[:-50], dripping=True))

    async def forged(self) -> None:
        """Call with names, origins and tokens that are not to be let in."""
        for headers in cycle(_FORGERIES):
            await self._send(tool_call(None, "list_sessions", {}, **headers))
            await asyncio.sleep(_FORGED_EVERY)

    async def _many(self, at_once: int, do: Callable[[], Awaitable[None]]) -> None:
        async def again_and_again() -> None:
            while True:
                await do()
                await asyncio.sleep(_BYTE_EVERY)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(again_and_again())

    async def _send(self, sent: bytes, *, dripping: bool = False) -> None:
        """Send on a new connection, and read until something comes or the server closes."""
        try:
            async with asyncio.timeout(_PATIENCE), self._connection() as (reader, writer):
                writer.write(sent)
                drip = asyncio.create_task(_drip(writer)) if dripping else None
                try:
                    body = await reader.read(_MOST_READ)
                finally:
                    if drip is not None:
                        drip.cancel()
        except OSError as fault:
            self.audit.ends[type(fault).__name__] += 1
            return
        self.audit.look(body)
        status = body[9:12].decode(errors="replace") or "closed"
        self.audit.let_in += status == "200"
        self.audit.ends[status] += 1

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


KINDS = ("greedy", "hostile", "heavy", "unread", "half_heads", "slow_bodies", "forged")


async def _drip(writer: StreamWriter) -> None:
    while True:
        await asyncio.sleep(_BYTE_EVERY)
        writer.write(secrets.token_hex(1)[:1].encode())


def _state(connection: socket.socket) -> int:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


async def besiege(port: int, tenants: dict[str, Tenant], kinds: list[str], seconds: float) -> str:
    """Let all kinds at the server for a while, and return in JSON how it answered each."""
    audits = {kind: Audit() for kind in kinds}
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for kind, audit in audits.items():
                group.create_task(getattr(Crowd(port, tenants, audit), kind)())
            await asyncio.sleep(seconds)  # a crowd of nobody stays too
    return json.dumps({kind: audit.told() for kind, audit in audits.items()})


if __name__ == "__main__":
    orders = json.loads(sys.stdin.readline())
    orders["tenants"] = {name: Tenant(**told) for name, told in orders["tenants"].items()}
    print(asyncio.run(besiege(**orders)))

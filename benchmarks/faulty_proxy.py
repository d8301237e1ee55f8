"""A proxy that breaks a share of the exchanges, before an embedded API that fails by itself.

As a program it serves made-up sessions until its standard input ends, and then tells in JSON what
it did. The faults are the same in every run, but for which request meets which.
"""

import argparse
import asyncio
import gzip
import json
import socket
import struct
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx

from mcp_sessions import embedded

GARBAGE = ("no HTTP", "no JSON")
_SEED = 20
_NOISE = 2_000  # bytes
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
_KEPT = ("content-type", "retry-after")


def sessions(count: int) -> Iterator[dict[str, Any]]:
    """Yield the seed's sessions, each of a time of its own, so that their order is the only one."""
    for row, session in enumerate(embedded.seed_sessions(count)):
        moment = datetime.fromisoformat(session["created_at"]) + timedelta(microseconds=row)
        yield session | {"created_at": moment.isoformat()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: how the exchange would go if nothing broke it."""

    status: int
    headers: list[str]
    body: bytes

    def head(self, *framing: str) -> bytes:
        """Return the status line and the headers, with those that say where the body ends."""
        lines = [f"HTTP/1.1 {self.status} Answered", *self.headers, *framing]
        return "\r\n".join([*lines, "", ""]).encode()

    def whole(self) -> bytes:
        """Return the answer as it ought to arrive."""
        return self.head(f"content-length: {len(self.body)}") + self.body


@dataclass(slots=True)
class FaultyProxy:
    """Passes requests on; breaks `share` of the exchanges, or is silent for `slow` seconds."""

    origin: httpx.AsyncClient
    share: float
    slow: float
    entropy: Random = field(default_factory=lambda: Random(_SEED))  # noqa: S311 - repeatable
    counts: Counter[str] = field(default_factory=Counter)
    garbage: list[tuple[float, str]] = field(default_factory=list)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests of one connection until it is broken or its client leaves."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        except asyncio.CancelledError:
            pass  # the proxy is leaving; streams would report the cancelled task as a fault
        finally:
            writer.close()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Answer one request, and tell whether its connection can be used again."""
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        got = await self.origin.get(target)
        headers = [f"{name}: {got.headers[name]}" for name in _KEPT if name in got.headers]
        answer = Answer(got.status_code, headers, got.content)
        broken = self.entropy.random() < self.share
        fault = self.entropy.choice(list(_FAULTS)) if broken else None
        self.counts[fault or f"HTTP {answer.status}"] += 1
        if fault is None:
            writer.write(answer.whole())
            await writer.drain()
            return True
        if fault in GARBAGE:
            self.garbage.append((time.monotonic(), target))
        await _FAULTS[fault](self, answer, writer)
        return False

    async def reset(self, _: Answer, writer: StreamWriter) -> None:
        """Reset the connection."""
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        writer.transport.abort()

    async def close(self, _: Answer, __: StreamWriter) -> None:
        """Close the connection before the answer."""

    async def cut_body(self, answer: Answer, writer: StreamWriter) -> None:
        """Send half of the body that was announced."""
        writer.write(answer.head(f"content-length: {len(answer.body)}") + _half(answer.body))

    async def cut_chunk(self, answer: Answer, writer: StreamWriter) -> None:
        """Send half of a chunk, and nothing after it."""
        size = f"{len(answer.body):x}\r\n".encode()
        writer.write(answer.head("transfer-encoding: chunked") + size + _half(answer.body))

    async def cut_gzip(self, answer: Answer, writer: StreamWriter) -> None:
        """Send half of a compressed body, as if it were all."""
        half = _half(gzip.compress(answer.body, 1))
        framing = ("content-encoding: gzip", f"content-length: {len(half)}")
        writer.write(answer.head(*framing) + half)

    async def no_http(self, _: Answer, writer: StreamWriter) -> None:
        """Send noise."""
        writer.write(self.entropy.randbytes(_NOISE))

    async def no_json(self, _: Answer, writer: StreamWriter) -> None:
        """Send the page of something else."""
        page = b"<html><body>Please sign in</body></html>"
        writer.write(Answer(200, ["content-type: text/html"], page).whole())

    async def be_slow(self, answer: Answer, writer: StreamWriter) -> None:
        """Send the answer when nobody waits for it any more."""
        await asyncio.sleep(self.slow)
        writer.write(answer.whole())


_FAULTS: dict[str, Callable[[FaultyProxy, Answer, StreamWriter], Awaitable[None]]] = {
    "reset": FaultyProxy.reset,
    "closed": FaultyProxy.close,
    "cut body": FaultyProxy.cut_body,
    "cut chunk": FaultyProxy.cut_chunk,
    "cut gzip": FaultyProxy.cut_gzip,
    "no HTTP": FaultyProxy.no_http,
    "no JSON": FaultyProxy.no_json,
    "slow": FaultyProxy.be_slow,
}


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def main() -> None:
    """Serve, announce the base URL in a line, and tell what was done when the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=400, help="(%(default)s)")
    parser.add_argument("--share", type=float, default=0.2, help="of faults (%(default)s)")
    parser.add_argument("--slow", type=float, default=5.0, help="seconds (%(default)s)")
    given = parser.parse_args()
    each = 1 - (1 - given.share) ** 0.5  # of the API and of the proxy, so that both make the share
    options = embedded.EmbeddedOptions(fault_share=each)
    with embedded.SessionStore() as store, embedded.serve(store, options) as api:
        store.create_many(sessions(given.sessions))
        asyncio.run(_serve(api.url, each, given.slow))


async def _serve(url: str, share: float, slow: float) -> None:
    origin = url.removesuffix("/api")
    limits = httpx.Limits(keepalive_expiry=1.0)  # sooner than the API closes what is idle
    async with httpx.AsyncClient(
        base_url=origin, trust_env=False, timeout=60, limits=limits
    ) as client:
        proxy = FaultyProxy(client, share, slow)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}/api", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.close()
        print(json.dumps({"counts": proxy.counts, "garbage": proxy.garbage}))


if __name__ == "__main__":
    main()

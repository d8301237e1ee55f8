"""The API under siege: pages of each tenant's kind by its key, and faults now and then.

As a program it serves until its standard input ends, and then tells in JSON what it did. Argument:
the faults to make, of FAULTS, between commas.
"""

import asyncio
import json
import socket
import struct
import sys
import time
from collections import Counter
from functools import cache
from itertools import count
from urllib.parse import parse_qs, urlsplit

from siege_tenants import CANARY, NAMES, OUTSIDE, SECRETS, Tenant

FAULTS = ("faults", "strays")
GIANT = "giant"  # the search that finds texts of a million characters
HEAVY_BYTES = 15_000_000  # of a page
_LATENCY = 0.01  # seconds
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
_FAILS_EVERY, _RESETS_EVERY, _STRAY_EVERY = 97, 131, 10  # requests
_STRAY_AFTER = 0.005  # seconds
_FIRST_WAIT, _WAIT_EVERY, _WAIT = 10, 120, 20  # seconds; what the greedy one's key is told
_HOSTILE_ROWS, _GIANT_ROWS, _LIGHT_ROWS = 150, 14, 1_000
_LONG, _GIANT = 4_000, 1_000_000  # characters
_PREFIXES = ("eyJ-", "sk-", "://a", "ghp_", "AKIA", "xoxb-", "password=", "-----BEGIN ", "-u a:")
_PROBLEM = json.dumps({"title": CANARY, "status": 503, "detail": SECRETS[0]}).encode()
_PAGE = 100


class Pages:
    """What the API answers to a tenant's query."""

    def __init__(self) -> None:
        self.tenants = {t.key: t for n, name in enumerate(NAMES, 1) for t in [_tenant(name, n)]}
        self._serial = count(1)
        self._heavy = cache(self._make_heavy)

    def answer(self, tenant: Tenant, query: dict[str, str], headers: dict[str, str]) -> bytes:
        """Return the whole answer."""
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
        search = query.get("search")
        match tenant.name:
            case "heavy":
                return self._heavy(tenant, offset, limit)
            case "hostile":
                return self._hostile(tenant, search or "", offset, limit)
            case "greedy":
                places = range(offset, min(offset + limit, _LIGHT_ROWS))
                return _page(map(json.dumps, map(tenant.light_row, places)), offset, _LIGHT_ROWS)
        asked = (headers.get("x-org-id"), query.get("agent_id"))
        lost = tenant.scoped and asked != (tenant.org_id, tenant.agent_id)
        rows = (OUTSIDE if lost else tenant).light_list(search)
        return _page(map(json.dumps, rows[offset : offset + limit]), offset, len(rows))

    def _make_heavy(self, tenant: Tenant, offset: int, limit: int) -> bytes:
        content = "x" * (HEAVY_BYTES // _PAGE)
        rows = (
            tenant.light_row(place) | {"initial_files": [{"path": "/a", "content": content}]}
            for place in range(offset, min(offset + limit, _PAGE))
        )
        return _page(map(json.dumps, rows), offset, _PAGE)

    def _hostile(self, tenant: Tenant, search: str, offset: int, limit: int) -> bytes:
        """Return rows of long texts, no two of which are ever the same."""
        rows = []
        for place in range(offset, min(offset + limit, _HOSTILE_ROWS)):
            giant = GIANT in search and place < _GIANT_ROWS
            prefix = _PREFIXES[place % len(_PREFIXES)]
            text = prefix * ((_GIANT if giant else _LONG) // len(prefix))
            row, number = tenant.light_row(place), next(self._serial)
            secret = SECRETS[number % len(SECRETS)]
            if place % 2 or not giant:  # a giant row has one giant text, or 14 would be too many
                row["title"] = f"{number} {secret} {text}"
            if not place % 2 or not giant:
                row["tags"] = [f"{text}{number}", secret]
            rows.append(json.dumps(row | {"preview": f"{text[:_LONG]} {secret}"}))
        return _page(rows, offset, _HOSTILE_ROWS)


def _tenant(name: str, number: int) -> Tenant:
    return Tenant(name, number, "", scoped=name == NAMES[-1])


def _page(rows: "map[str] | list[str]", offset: int, total: int) -> bytes:
    body = f'{{"data":[{",".join(rows)}],"offset":{offset},"total":{total}}}'.encode()
    return _response("200 OK", body)


def _response(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", "content-type: application/json", *headers]
    return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body


class Api:
    """The pages, what is broken on the way, and how often that was."""

    def __init__(self, faults: list[str]) -> None:
        self.pages = Pages()
        self.counts: Counter[str] = Counter()
        self._faults = faults
        self._asked = 0
        self._next_wait = time.monotonic() + _FIRST_WAIT

    def fault_for(self, tenant: Tenant) -> str | None:
        """Return what becomes of the next request, if it is not to be answered alone."""
        self._asked += 1
        if "faults" in self._faults:
            if tenant.name == "greedy" and time.monotonic() > self._next_wait:
                self._next_wait = time.monotonic() + _WAIT_EVERY
                return "429"
            if self._asked % _FAILS_EVERY == 0:
                return "503"
            if self._asked % _RESETS_EVERY == 0:
                return "reset"
        if "strays" in self._faults and self._asked % _STRAY_EVERY == 0:
            return "stray with" if self._asked % (2 * _STRAY_EVERY) else "stray after"
        return None


class Connection(asyncio.Protocol):
    """Requests one after the other; they have no bodies."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._read = b""
        self._asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole, after a while."""
        *whole, self._read = (self._read + data).split(b"\r\n\r\n")
        for request in whole:
            self._asked += 1
            asyncio.get_running_loop().call_later(_LATENCY, self._answer, request.decode())

    def _answer(self, request: str) -> None:
        first, *lines = request.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        asked = parse_qs(urlsplit(first.split(" ")[1]).query)
        query = {name: values[0] for name, values in asked.items()}
        tenant = self._api.pages.tenants[headers["authorization"]]
        fault = self._api.fault_for(tenant)
        self._api.counts[fault or "200"] += 1
        match fault:
            case "429":
                self._write(_response("429 Too Many", b"{}", f"retry-after: {_WAIT}"))
            case "503":
                self._write(_response("503 Down", _PROBLEM))
            case "reset":
                connection = self._transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                self._transport.abort()
            case _:
                self._answer_well(fault, tenant, query, headers)

    def _answer_well(
        self, fault: str | None, tenant: Tenant, query: dict[str, str], headers: dict[str, str]
    ) -> None:
        answer = self._api.pages.answer(tenant, query, headers)
        rows = map(tenant.light_row, range(_PAGE // 2))
        stray = _page(map(json.dumps, rows), 0, _PAGE // 2) if fault else b""
        self._write(answer + stray if fault == "stray with" else answer)
        if fault == "stray after":
            loop = asyncio.get_running_loop()
            loop.call_later(_STRAY_AFTER, self._write_if_idle, stray, self._asked)

    def _write_if_idle(self, stray: bytes, asked: int) -> None:
        """Write what nobody could tell from an answer if a request had come meanwhile."""
        if self._asked == asked:
            self._write(stray)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


async def serve(faults: list[str]) -> None:
    """Serve until standard input ends."""
    api, loop = Api(faults), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(api.counts))
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1].split(",")))

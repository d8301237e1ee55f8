"""An upstream made of raw sockets: a behaviour writes what bytes it likes, for ever if it must."""

import json
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from threading import Event, Lock, Semaphore, Thread
from typing import Any

from support.rows import page_of, row

PATIENCE = 60  # seconds that a socket may block before the test is given up
_POLL = 0.1
_TLS_GREETING = b"\x16"
_TO_RESET = struct.pack("ii", 1, 0)  # linger for no time at all

TOTAL = 60
_MOST = 100


class ListenerState(Enum):
    """What a client meets before it can send a request."""

    OPEN = "open"
    SHUT = "shut"  # the port is known and nobody listens
    FOREIGN = "foreign"  # a certificate of an authority that the client does not know
    PLAIN = "plain"  # no TLS at all on an https URL
    MUTE = "mute"  # a TLS handshake that is never answered


Door = ListenerState  # the name that tests/system/http still has for it

SECURE = (
    ListenerState.FOREIGN,
    ListenerState.PLAIN,
    ListenerState.MUTE,
)  # those of an upstream that speaks TLS


@dataclass(slots=True)
class Exchange:
    """One request, and the connection to answer it on."""

    connection: socket.socket
    head: bytes
    number: int  # of the requests since the upstream was told how to behave, from 1
    behaviour: "Behaviour"
    over: Event  # the upstream was told to behave otherwise
    elsewhere: str  # the URL of another upstream
    kept: bool = False  # the connection is good for another request

    def send(self, data: bytes) -> None:
        """Write all of `data`."""
        self.connection.sendall(data)

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether the client may still be there for more."""
        return not self.over.wait(seconds)

    def asked(self, name: str, default: int) -> int:
        """Return a whole number of the request's query."""
        found = re.search(rb"[?&]%b=(\d+)" % name.encode(), self.head.split(b"\r\n", 1)[0])
        return int(found[1]) if found else default


Behaviour = Callable[[Exchange], None]


def page(rows: Sequence[str], **envelope: object) -> bytes:
    """Return a page of rows that are JSON already."""
    said = json.dumps({"total": TOTAL, "offset": 0, "limit": _MOST, **envelope})
    text = f'{{"data":[{",".join(rows)}],{said[1:]}'
    return text.encode("utf-8", "surrogateescape")  # a byte that is no character stays one


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer of a known length, after which the connection is closed."""
    named = {"content-type": "application/json", "content-length": len(body), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "connection: close"])
    return head.encode() + b"\r\n\r\n" + body


def page_answer(rows: Sequence[object], **envelope: object) -> bytes:
    """Return an answer with a page of `rows`, which are all that there are."""
    told = {"total": len(rows), "offset": 0, "limit": _MOST, **envelope}
    return answer(page_of(*rows, **told))


@dataclass(slots=True)
class Upstream:
    """A listener at `url` that answers as it was last told to."""

    url: str
    port: int
    behaviour: Behaviour
    elsewhere: str
    trusted: ssl.SSLContext | None
    foreign: ssl.SSLContext | None
    _listener: socket.socket
    requests: list[bytes] = field(default_factory=list)
    _state: ListenerState = ListenerState.OPEN
    _acceptor: Thread | None = None
    _connections: set[socket.socket] = field(default_factory=set)
    _threads: list[Thread] = field(default_factory=list)
    _over: Event = field(default_factory=Event)
    _since: int = 0
    _lock: Lock = field(default_factory=Lock)

    def turn_to(self, behaviour: Behaviour, state: ListenerState = ListenerState.OPEN) -> None:
        """Behave otherwise from the next request on, and end what goes on; count from zero."""
        self._over.set()
        with self._lock:
            self.behaviour, self._over, self._since = behaviour, Event(), len(self.requests)
        if state is not self._state:
            self._leave()
            self._state, self._listener = state, _bound(self.port)
            self.listen()

    def asked(self) -> list[bytes]:
        """Return the requests since the last turn."""
        with self._lock:
            return self.requests[self._since :]

    def listen(self) -> None:
        """Let clients come in; where it is shut, the port is only kept from other servers."""
        if self._state is not ListenerState.SHUT:
            self._listener.listen()
            self._acceptor = self._start(self._accept, self._listener)

    def close(self) -> None:
        """End every thread and connection."""
        self._over.set()
        self._leave()
        self._join(self._threads)

    def _leave(self) -> None:
        """Listen no more, and cut every connection."""
        with suppress(OSError), self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
        self._join([self._acceptor] if self._acceptor else [])
        with self._lock:
            left = list(self._connections)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _join(self, threads: Sequence[Thread]) -> None:
        until = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
            assert not thread.is_alive()

    def _start(self, work: Callable[[Any], None], on: socket.socket) -> Thread:
        thread = Thread(target=work, args=(on,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                self._start(self._converse, connection)

    def _converse(self, plain: socket.socket) -> None:
        """Answer requests on a connection for as long as both sides keep it."""
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with plain, suppress(OSError), self._spoken(plain) as connection:
            with self._lock:
                self._connections.add(connection)
            try:
                while (exchange := self._next(connection)) is not None:
                    exchange.behaviour(exchange)
                    if not exchange.kept:
                        break
            finally:
                with self._lock:
                    self._connections.discard(connection)

    def _spoken(self, plain: socket.socket) -> socket.socket:
        if self._state is ListenerState.MUTE:
            self._over.wait(PATIENCE)
        if self._state is ListenerState.PLAIN or self.trusted is None:
            return plain
        context = self.foreign if self._state is ListenerState.FOREIGN else self.trusted
        return context.wrap_socket(plain, server_side=True)

    def _next(self, connection: socket.socket) -> Exchange | None:
        head = b""
        while b"\r\n\r\n" not in head and not head.startswith(_TLS_GREETING):
            part = connection.recv(65_536)
            if not part:
                return None
            head += part
        with self._lock:
            self.requests.append(head)
            number = len(self.requests) - self._since
            told = (self.behaviour, self._over, self.elsewhere)
            return Exchange(connection, head, number, *told)


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(_POLL)
    listener.bind(("127.0.0.1", port))
    return listener


@contextmanager
def upstream(
    elsewhere: str = "",
    trusted: ssl.SSLContext | None = None,
    foreign: ssl.SSLContext | None = None,
) -> Iterator[Upstream]:
    """Serve the right list until told otherwise, over TLS if there is a certificate.

    `elsewhere` is where redirects point.
    """
    scheme = "http" if trusted is None else "https"
    listener = _bound(0)
    port = listener.getsockname()[1]
    url = f"{scheme}://127.0.0.1:{port}/api"
    served = Upstream(url, port, right(), elsewhere, trusted, foreign, listener)
    served.listen()
    try:
        yield served
    finally:
        served.close()


@contextmanager
def scripted(
    answers: Sequence[bytes | None], tls: ssl.SSLContext | None = None
) -> Iterator[Upstream]:
    """Serve the n-th bytes to the n-th request, the last to later ones; None is silence."""
    with upstream(trusted=tls) as served:
        served.turn_to(in_turn(*answers))
        yield served


def in_turn(*answers: bytes | None) -> Behaviour:
    """Answer the n-th request with the n-th bytes, later ones with the last; None is silence."""

    def behave(exchange: Exchange) -> None:
        data = answers[min(exchange.number, len(answers)) - 1]
        (falls_silent() if data is None else sends(data))(exchange)

    return behave


def right(**more: object) -> Behaviour:
    """Serve the list as it is, honouring offset and limit, with `more` in every row."""

    def behave(exchange: Exchange) -> None:
        offset, limit = exchange.asked("offset", 0), min(exchange.asked("limit", 20), _MOST)
        numbers = range(offset, min(offset + limit, TOTAL))
        rows = [json.dumps(row(number, **more)) for number in numbers]
        body = page(rows, offset=offset, limit=limit)
        exchange.send(answer(body).replace(b"\r\nconnection: close", b"", 1))
        exchange.kept = True

    return behave


def cuts(
    rows: Sequence[Mapping[str, object]], most: Callable[[int], int], **envelope: object
) -> Behaviour:
    """Serve a list of rows, but of the rows that were asked for only the first `most` of them."""

    def behave(exchange: Exchange) -> None:
        offset, limit = exchange.asked("offset", 0), min(exchange.asked("limit", 20), _MOST)
        found = rows[offset : offset + limit]
        told = {"total": len(rows), "offset": offset, "limit": limit, **envelope}
        body = page_of(*found[: most(len(found))], **told)
        exchange.send(answer(body).replace(b"\r\nconnection: close", b"", 1))
        exchange.kept = True

    return behave


def first(fault: Behaviour, count: int = 1, then: Behaviour | None = None) -> Behaviour:
    """Do wrong to the first requests, and right by those that follow."""
    otherwise = then or right()

    def behave(exchange: Exchange) -> None:
        (fault if exchange.number <= count else otherwise)(exchange)

    return behave


def sends(*parts: bytes) -> Behaviour:
    """Write these bytes and close."""

    def behave(exchange: Exchange) -> None:
        for part in parts:
            exchange.send(part)

    return behave


def says(body: bytes, status: str = "200 OK", **headers: str) -> Behaviour:
    """Answer with this body."""
    return sends(answer(body, status, **headers))


def resets(*parts: bytes) -> Behaviour:
    """Write these bytes and reset the connection."""

    def behave(exchange: Exchange) -> None:
        sends(*parts)(exchange)
        linger = (socket.SOL_SOCKET, socket.SO_LINGER, _TO_RESET)
        exchange.connection.setsockopt(*linger)

    return behave


def falls_silent(*parts: bytes) -> Behaviour:
    """Write these bytes and then nothing, with the connection open."""

    def behave(exchange: Exchange) -> None:
        sends(*parts)(exchange)
        exchange.wait(PATIENCE)

    return behave


def pours(head: bytes, block: bytes, count: int | None = None, tail: bytes = b"") -> Behaviour:
    """Write a head, then a block so often, or for as long as anybody reads."""

    def behave(exchange: Exchange) -> None:
        exchange.send(head)
        poured = 0
        while poured != count and not exchange.over.is_set():
            exchange.send(block)
            poured += 1
        exchange.send(tail)

    return behave


def drips(head: bytes, drop: bytes, seconds: float) -> Behaviour:
    """Write a head, then a little now and then for as long as anybody reads."""

    def behave(exchange: Exchange) -> None:
        exchange.send(head)
        while exchange.wait(seconds):
            exchange.send(drop)

    return behave


def slow(seconds: Callable[[int], float]) -> Behaviour:
    """Serve the right list, after a time that depends on the limit that was asked for."""
    serve = right()

    def behave(exchange: Exchange) -> None:
        if exchange.wait(seconds(exchange.asked("limit", 20))):
            serve(exchange)

    return behave


def spoiled(rows: Mapping[int, str], **envelope: object) -> Behaviour:
    """Serve the right list, but for the JSON of some rows and for what is around them."""

    def behave(exchange: Exchange) -> None:
        offset, limit = exchange.asked("offset", 0), exchange.asked("limit", 20)
        numbers = range(offset, min(offset + limit, TOTAL))
        texts = [rows.get(number) or json.dumps(row(number)) for number in numbers]
        exchange.send(answer(page(texts, **{"offset": offset, "limit": limit, **envelope})))

    return behave


class Held:
    """Requests that an upstream keeps waiting until they are let go."""

    def __init__(self) -> None:
        self._here = Semaphore(0)
        self._go = Event()

    def behaviour(self, exchange: Exchange) -> None:
        """Answer rightly, but not before it is let go."""
        self._here.release()
        while not self._go.wait(_POLL):
            if not exchange.wait(0):
                return
        right()(exchange)

    def wait(self, count: int = 1) -> None:
        """Wait until so many more requests are here."""
        for _ in range(count):
            assert self._here.acquire(timeout=PATIENCE)

    def let_go(self) -> None:
        """Answer all of them, and all that come."""
        self._go.set()


class Unanswered:
    """Requests that are never answered, and whether one's connection was closed."""

    def __init__(self) -> None:
        self._here = Semaphore(0)
        self._left = Event()

    def behaviour(self, exchange: Exchange) -> None:
        """Wait until the client is gone."""
        self._here.release()
        if exchange.connection.recv(1) == b"":
            self._left.set()

    def wait(self) -> None:
        """Wait until a request is here."""
        assert self._here.acquire(timeout=PATIENCE)

    def wait_until_closed(self) -> None:
        """Wait until the client has closed a request's connection."""
        assert self._left.wait(PATIENCE)

"""TCP connections of the HTTP client on which the server speaks only when it is asked.

HTTP/1.1 has nothing that ties an answer to its request but their order. A server, or a hop before
it, that sends one answer too many shifts every later one by a place, and a request is shown what
another asked for. So a connection on which anything came that no request called for is never
written to again.

What came is found wherever it may lie. Here, because all that arrives is gathered in one place,
decrypted, and while nobody reads as well. In the HTTP parser's own buffer, by what the parser is
given: the last byte that there is stays here until the parser has used up all others and asks for
more. An answer that ends before that byte is asked for is followed by something.
"""

import asyncio
import selectors
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import anyio
import anyio.lowlevel
import httpcore
from httpcore import SOCKET_OPTION

_MAX_UNREAD: Final = 256 * 1024  # bytes that are taken from the socket before they are read
_NEXT_ADDRESS_AFTER: Final = 0.25  # seconds, as RFC 8305 advises
_SOCKS: Final = (b"\x05", b"\x01")  # how its requests begin, and those to log in (RFC 1928, 1929)
_INFO: Final = {"client_addr": "sockname", "server_addr": "peername"}
_Failures = dict[type[Exception], type[Exception]]
# The first row that fits is the translation.
_READING: Final[_Failures] = {TimeoutError: httpcore.ReadTimeout}
_CONNECTING: Final[_Failures] = {
    TimeoutError: httpcore.ConnectTimeout,
    OSError: httpcore.ConnectError,
    UnicodeError: httpcore.ConnectError,  # no name that can be looked up
}
# Windows has no poll(), and elsewhere select() knows no descriptor above 1,023.
_Selector: Final[type[selectors.BaseSelector]] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)


class HalfDuplexStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection whose sides speak in turns; it refuses to write while anything lies unread."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._unread = bytearray()
        self._paused = False
        self._held_back = 1
        self._ended = False
        self._fault: Exception | None = None
        self._arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection that has just been made."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Gather what has come, whether or not anybody waits for it."""
        self._unread += data
        if len(self._unread) > _MAX_UNREAD:
            self._paused = True
            self._transport.pause_reading()
        self._arrived.set()

    def eof_received(self) -> None:
        """Note that nothing more will come, and let the connection be closed."""
        self._ended = True
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is closed, and why."""
        self._fault = exc
        self.eof_received()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come; its last byte only when that is all there is. b"" is the end."""
        if not self._unread and not self._ended:
            self._arrived.clear()
            with _failures(_READING), anyio.fail_after(timeout):
                await self._arrived.wait()
        elif len(self._unread) > 1:  # others have their turn, and deadlines are kept
            await anyio.lowlevel.checkpoint()
        if not self._unread and self._fault is not None:
            raise httpcore.ReadError(self._fault) from self._fault
        with memoryview(self._unread) as unread:
            data = bytes(unread[: min(max_bytes, max(1, len(unread) - self._held_back))])
        del self._unread[: len(data)]
        if self._paused and len(self._unread) <= _MAX_UNREAD:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpcore's
        """Hand the bytes of a request over; they are few, so that nothing waits for the network.

        Raises:
            httpcore.RemoteProtocolError: something was said that nobody asked for.
        """
        if not buffer:
            return
        if self._ended:
            raise httpcore.WriteError
        # Below TLS there may be more than answers, such as tickets for the next connection.
        if self._unread or (self._tls is None and self._is_readable()):
            raise httpcore.RemoteProtocolError("The server spoke without being asked.")
        # The HTTP client takes what a SOCKS proxy says in one piece, or not at all.
        self._held_back = 0 if buffer.startswith(_SOCKS) else 1
        self._transport.write(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt the connection, and forget what came in the clear."""
        self._unread.clear()
        if self._ended:  # which the handshake would not be told again
            raise httpcore.ConnectError
        loop = asyncio.get_running_loop()
        try:
            with _failures(_CONNECTING), anyio.fail_after(timeout):
                transport = await loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            self._transport.abort()
            raise
        self.connection_made(cast(asyncio.Transport, transport))
        return self

    async def aclose(self) -> None:
        """Close the connection without waiting for the other side."""
        self._transport.abort()
        await anyio.lowlevel.cancel_shielded_checkpoint()

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection by httpcore's names.

        An idle connection that `is_readable` has ended, or was sent something unasked, and is
        closed by the HTTP client.
        """
        if info == "is_readable":
            return bool(self._unread) or self._ended or self._is_readable()
        return self._transport.get_extra_info(_INFO.get(info, info))

    @property
    def _tls(self) -> ssl.SSLObject | None:
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return tls

    def _is_readable(self) -> bool:
        """Tell what has come but not been taken from the socket yet."""
        descriptor: int = self._transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return True
        with _Selector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            return bool(selector.select(0))


class HalfDuplexNetwork(httpcore.AsyncNetworkBackend):
    """Opens half-duplex connections; `used` once it has opened one."""

    used = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of a host's addresses that answers."""
        loop = asyncio.get_running_loop()
        with _failures(_CONNECTING), anyio.fail_after(timeout):
            transport, stream = await loop.create_connection(
                HalfDuplexStream,
                host,
                port,
                local_addr=None if local_address is None else (local_address, 0),
                happy_eyeballs_delay=_NEXT_ADDRESS_AFTER,
            )
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        self.used = True
        return stream

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries."""
        await anyio.sleep(seconds)


@contextmanager
def _failures(table: _Failures) -> Iterator[None]:
    """Raise failures of sockets and TLS as httpcore's."""
    try:
        yield
    except tuple(table) as fault:
        raise next(to for kind, to in table.items() if isinstance(fault, kind))(fault) from fault

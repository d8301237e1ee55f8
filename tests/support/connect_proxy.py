"""Proxies that pass bytes on between a client and the upstream it names: CONNECT and SOCKS5."""

import re
import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

_PATIENCE = 60  # seconds that a socket may block before the test is given up
Greeting = Callable[[socket.socket], tuple[str, int]]


def connect(client: socket.socket) -> tuple[str, int]:
    """Answer a CONNECT request, and return where to."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    host, port = re.match(rb"CONNECT ([^:]+):(\d+) ", head).groups()
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return host.decode(), int(port)


def socks5(client: socket.socket) -> tuple[str, int]:
    """Answer a client that logs in with a name, and return where to."""
    client.recv(257)
    client.sendall(b"\x05\x02")
    client.recv(513)
    client.sendall(b"\x01\x00")
    asked = client.recv(262)
    client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    host = asked[5:-2].decode() if asked[3] == 3 else socket.inet_ntoa(asked[4:8])
    return host, int.from_bytes(asked[-2:])


@contextmanager
def proxy(greet: Greeting) -> Iterator[str]:
    """Serve a proxy; gives host and port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(_PATIENCE)
            with suppress(OSError), socket.create_connection(greet(self.request)) as target:
                target.settimeout(_PATIENCE)
                back = Thread(target=_pass_on, args=(target, self.request))
                back.start()
                _pass_on(self.request, target)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)

"""The API on a loopback socket, over real HTTP."""

import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from mcp_sessions.embedded.faults import Fault
from mcp_sessions.embedded.routes import EmbeddedOptions, SeenRequest, SessionsRoute, create_app
from mcp_sessions.embedded.store import SessionStore
from mcp_sessions.signals import STOP_SIGNALS

_HOST = "127.0.0.1"
_LEAVE_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class EmbeddedApi:
    """A served API: where it is, what it holds, what it will fail with and what it was asked."""

    url: str
    store: SessionStore
    faults: deque[Fault]
    requests: deque[SeenRequest]


@contextmanager
def serve(
    store: SessionStore, options: EmbeddedOptions | None = None, port: int = 0
) -> Iterator[EmbeddedApi]:
    """Serve the store from a thread until the block ends; port 0 is any free one.

    The socket listens before the thread starts, so the first request never comes too early.
    Raises OSError if the port is taken.
    """
    route = SessionsRoute(store, options)
    with _listener(port) as listener:
        server = uvicorn.Server(_config(create_app(route)))
        thread = threading.Thread(
            target=server.run, args=([listener],), name="embedded-api", daemon=True
        )
        thread.start()
        try:
            url = f"http://{_HOST}:{listener.getsockname()[1]}/api"
            yield EmbeddedApi(url, store, route.faults, route.requests)
        finally:
            server.should_exit = True
            thread.join(_LEAVE_WITHIN)


def run(
    store: SessionStore,
    options: EmbeddedOptions | None = None,
    port: int = 0,
    *,
    announce: Callable[[str], object],
) -> None:
    """Serve the store until SIGINT or SIGTERM, after telling `announce` the URL.

    Called from the main thread, whose signal handlers it gives back.
    """
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in STOP_SIGNALS}
    try:
        with serve(store, options, port) as api:
            announce(api.url)
            while not stopped.wait(0.5):  # on Windows only a wait that ends sees a signal
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listener(port: int) -> socket.socket:
    """Return a listening socket of protocol TCP by name.

    asyncio turns Nagle's algorithm off only for those; with it, every answer takes 40 ms.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: Starlette) -> uvicorn.Config:
    """Return a configuration that logs no request and leaves the process's logging alone."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )

"""Serves Streamable HTTP on a socket, and answers calls in flight before it ends."""

import gc
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import anyio
import uvicorn
from sse_starlette.sse import AppStatus

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import PATH, HttpSettings
from mcp_sessions.settings import Settings
from mcp_sessions.signals import STOP_SIGNALS
from mcp_sessions.streamable_http.app import create_app
from mcp_sessions.streamable_http.connection import DeadlineConnection
from mcp_sessions.telemetry.exporters import exporting

_BACKLOG: Final = 128  # connections that wait to be taken, all of which may be at once
_GRACE_SECONDS: Final = 2  # seconds beyond their deadline that calls in flight are left at the end


def serve_http(settings: Settings, http: HttpSettings, environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM; calls in flight are answered first.

    Raises:
        InvalidSettings: the address or the tenants file cannot be used.
    """
    with (
        exporting(environ, prometheus=http.metrics),
        _listening(http.host, http.port) as listener,
    ):
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(settings, http, environ),
                http=DeadlineConnection,
                backlog=_BACKLOG,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_keep_alive=math.ceil(http.keep_alive),
                timeout_graceful_shutdown=math.ceil(settings.deadline) + _GRACE_SECONDS,
            )
        )
        # Streams of events would be cut at a signal; theirs are calls, which end by their deadline.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        # uvicorn listens to signals only once it runs, and raises them again once it has stopped.
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
        host = f"[{http.host}]" if ":" in http.host else http.host
        port = listener.getsockname()[1]
        print(f"Serving MCP at http://{host}:{port}{PATH}", file=sys.stderr, flush=True)
        gc.freeze()  # what is loaded stays: no collection need look at it again
        # Not uvicorn's own run: under anyio's every wait need not find out which loop it is in.
        anyio.run(server.serve, [listener])


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Own a listening socket, bound before anything is served, so that port 0 is known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise InvalidSettings(f"cannot listen on {host} port {port}: {reason}.") from None
        yield listener

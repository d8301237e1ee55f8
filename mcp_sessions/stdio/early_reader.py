"""Reads stdin in a thread while the SDK loads, and answers what a record has the answer to."""

import json
import os
import select
import sys
import threading
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from mcp_sessions.stdio.descriptors import CHUNK_BYTES, Descriptors, is_pollable
from mcp_sessions.stdio.early_answers import EarlyAnswers
from mcp_sessions.stdio.line_splitter import Line, LineSplitter, LongLine

_MAX_KEPT_BYTES: Final = 1024 * 1024  # of lines; what comes after them waits in the pipe


class EarlyInput(NamedTuple):
    """What was read before the SDK was loaded and is left to it, in order."""

    lines: list[Line]
    splitter: LineSplitter
    """It holds the beginning of the next line."""
    ended: bool = False
    answered_ids: tuple[str | int, ...] = ()
    """Ids of requests among `lines` that need no second answer."""
    unsent: bytes = b""
    """The rest of an answer whose beginning was written."""


class EarlyReader:
    """A thread that reads and answers, from `start` until `finish`.

    `environ` has the settings that the server's definitions depend on.
    """

    def __init__(self, descriptors: Descriptors, environ: Mapping[str, str]) -> None:
        self._descriptors = descriptors
        self._answers = EarlyAnswers.of(environ)
        self._wake_read, self._wake_write = os.pipe()
        self._lines: list[Line] = []
        self._kept_bytes = 0
        self._splitter = LineSplitter()
        self._ended = False
        self._answer_pending = False  # by the SDK; what comes later has to wait for it
        self._answered_ids: list[str | int] = []
        self._unsent = b""
        self._thread = threading.Thread(target=self._read, name="early-reader", daemon=True)

    def start(self) -> None:
        """Start reading, where there are answers and stdin can be polled."""
        if self._answers is not None and is_pollable(self._descriptors.stdin):
            self._thread.start()

    @property
    def client_left(self) -> bool:
        """Tell whether stdin has ended and nothing is left to answer."""
        return self._ended and not self._answer_pending

    def finish(self) -> EarlyInput:
        """Stop the thread, and return what is left for the SDK."""
        os.write(self._wake_write, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)
        answered = tuple(self._answered_ids)
        return EarlyInput(self._lines, self._splitter, self._ended, answered, self._unsent)

    def _read(self) -> None:
        while not self._is_done() and self._wait_for(self._descriptors.stdin, select.POLLIN):
            try:
                chunk = os.read(self._descriptors.stdin, CHUNK_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            for line in self._splitter.split(chunk or b"\n"):
                self._handle(line)
            self._ended |= not chunk

    def _is_done(self) -> bool:
        return self._ended or self._kept_bytes > _MAX_KEPT_BYTES

    def _wait_for(self, descriptor: int, event: int) -> bool:
        """Wait until the descriptor is ready; False if `finish` comes first."""
        poll = select.poll()
        poll.register(descriptor, event)
        poll.register(self._wake_read, select.POLLIN)
        return self._wake_read not in dict(poll.poll())

    def _handle(self, line: Line) -> None:
        """Answer a line or keep it for the SDK, and all that follow the first kept request too."""
        request: Any = None if self._answer_pending else _parsed(line)
        response = None if self._answers is None else self._answers.response_to(request)
        if response is None:
            self._keep(line)
            self._answer_pending |= not (_is_blank(line) or _is_notification(request))
            return
        if request["method"] == "initialize":  # the SDK has to see it as well
            self._keep(line)
            self._answered_ids.append(request["id"])
        self._write(_line(response))

    def _keep(self, line: Line) -> None:
        self._lines.append(line)
        self._kept_bytes += sys.getsizeof(line)

    def _write(self, data: bytes) -> None:
        """Write an answer as far as the client reads it before `finish`; later ones wait for it."""
        try:
            while data and self._wait_for(self._descriptors.stdout, select.POLLOUT):
                data = data[os.write(self._descriptors.stdout, data[: select.PIPE_BUF]) :]
        except OSError:  # the client has left
            self._ended = True
        else:
            self._unsent = data
            self._answer_pending |= bool(data)


def _parsed(line: Line) -> Any:
    """Parse what the SDK would parse as well: UTF-8 alone, and no lone surrogates."""
    if isinstance(line, LongLine):
        return None
    try:
        request = json.loads(line.removeprefix(BOM_UTF8).decode())
        json.dumps(request, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return request


def _is_blank(line: Line) -> bool:
    return isinstance(line, bytes) and not line.strip()


def _is_notification(message: Any) -> bool:
    return isinstance(message, dict) and "method" in message and "id" not in message


def _line(response: Mapping[str, Any]) -> bytes:
    return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

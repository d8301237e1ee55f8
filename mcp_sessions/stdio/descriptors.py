"""The file descriptors of stdin and stdout, taken for MCP alone."""

import os
import select
import stat
from typing import Final, NamedTuple, Self

CHUNK_BYTES: Final = 1 << 16
"""Bytes of one read; what a pipe holds."""
_STDERR: Final = 2


class Descriptors(NamedTuple):
    """Duplicates of stdin and stdout that nothing else in the process knows."""

    stdin: int
    stdout: int

    @classmethod
    def claim(cls) -> Self:
        """Take stdin and stdout away from everybody else: a stray print goes to stderr."""
        # Where one of the three was closed, /dev/null takes its number, not the next open file.
        while (null := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
            pass
        claimed = cls(os.dup(0), os.dup(1))
        os.dup2(null, 0)
        os.dup2(_STDERR, 1)
        os.close(null)
        return claimed


def is_pollable(descriptor: int) -> bool:
    """Tell whether readiness of `descriptor` can be waited for without reading or writing."""
    kind = os.fstat(descriptor).st_mode
    return os.name == "posix" and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind))


def has_hung_up(descriptor: int) -> bool:
    """Tell whether nobody can write to `descriptor` any more, though it may hold more to read."""
    if os.name != "posix":
        return False
    poll = select.poll()
    poll.register(descriptor, getattr(select, "POLLRDHUP", 0))  # of a socket, where it is known
    return any(event != select.POLLNVAL for _, event in poll.poll(0))

"""Stdin and stdout for MCP alone, as descriptors."""

import os
import stat
from typing import Final, NamedTuple, Self

CHUNK: Final = 1 << 16  # bytes; what a pipe holds
_STDERR: Final = 2


class Pipes(NamedTuple):
    """Two descriptors that nothing else in the process knows."""

    stdin: int
    stdout: int

    @classmethod
    def claimed(cls) -> Self:
        """Take stdin and stdout away from everybody else: a stray print goes to stderr."""
        # One of the three that was closed is nothing, and not what happens to be opened next.
        while (nothing := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
            pass
        pipes = cls(os.dup(0), os.dup(1))
        os.dup2(nothing, 0)
        os.dup2(_STDERR, 1)
        os.close(nothing)
        return pipes


def can_wait_for(descriptor: int) -> bool:
    """Tell whether the platform can wait for `descriptor` without reading or writing it."""
    kind = os.fstat(descriptor).st_mode
    return os.name == "posix" and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind))


def split(rest: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that a chunk ends, and the beginning of the next."""
    *lines, rest = (rest + chunk).split(b"\n")
    return lines, rest

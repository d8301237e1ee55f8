"""Reads small regular files, and never waits for a pipe, a device or a file without end."""

import os
import stat
from pathlib import Path
from typing import Final

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes to is open at once, and refused
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class UnreadableFile(Exception):
    """A file cannot be read, for the reason that is its argument and quotes nothing."""


def read_regular_file(file: Path, max_bytes: int) -> bytes:
    """Return what a regular file of at most `max_bytes` bytes holds.

    Raises:
        UnreadableFile: there is none.
    """
    try:
        descriptor = os.open(file, _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableFile("it is no regular file")
            content = bytearray()
            while part := os.read(descriptor, max_bytes + 1 - len(content)):
                content += part
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as fault:  # a ValueError is for a NUL in the name
        raise UnreadableFile(type(fault).__name__) from None
    if len(content) > max_bytes:
        raise UnreadableFile(f"it is larger than {max_bytes} bytes")
    return bytes(content)

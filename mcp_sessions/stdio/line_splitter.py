"""Cuts what is read into lines, of which one that is too long is passed over but for its ends."""

from typing import Final, NamedTuple

MAX_LINE_BYTES: Final = 1024 * 1024
"""Bytes of a line, without its end."""
_END_BYTES: Final = 1024  # of a long line's two ends; what holds its id holds no more


class LongLine(NamedTuple):
    """The ends of a line that was too long to be kept."""

    head: bytes
    tail: bytes


Line = bytes | LongLine


class LineSplitter:
    """Cuts chunks into lines; it holds the beginning of the next, never more than a line may have.

    It goes from one reader to the next, so that a line may begin in one and end in the other.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        # Grown in place: a line in tiny pieces would else be copied once for each of them.
        self._begun = bytearray()
        self._head: bytes | None = None  # of a line that is too long, of which `_begun` is the tail

    def split(self, chunk: bytes) -> list[Line]:
        """Return the lines that a chunk ends, without their ends."""
        *ended, begun = chunk.split(b"\n")
        lines = []
        for piece in ended:
            self._add(piece)
            lines.append(self.take())
        self._add(begun)
        return lines

    def take(self) -> Line:
        """Return the line that has begun as if it ended here; nothing if none has."""
        line = bytes(self._begun)
        head, self._head = self._head, None
        self._begun.clear()
        return line if head is None else LongLine(head, line)

    def _add(self, piece: bytes) -> None:
        self._begun += piece
        if self._head is None and len(self._begun) > self._max_bytes:
            self._head = bytes(self._begun[:_END_BYTES])
        if self._head is not None:
            del self._begun[:-_END_BYTES]

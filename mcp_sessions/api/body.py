"""An answer's bytes, gathered within a bound on what comes over the wire and what it unpacks to.

The decompression is zlib's, told how much it may give back: an HTTP client's own unpacks a whole
chunk at once, which for a bomb is a thousand times what came.
"""

import zlib
from collections.abc import AsyncIterable

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 256 * 1024  # bytes unpacked at once


class BodyTooLarge(Exception):
    """The body is larger than the bound, on the wire or unpacked."""


class BodyBroken(Exception):
    """The body cannot be unpacked; `early` says that its end is missing."""

    def __init__(self, *, early: bool) -> None:
        super().__init__("unpacked in vain")
        self.early = early


async def read_body(
    parts: AsyncIterable[bytes], encoding: str, max_bytes: int, announced: str | None = None
) -> bytearray:
    """Read a body of at most `max_bytes` bytes; `announced` is its Content-Length, as sent.

    Raises:
        BodyTooLarge: as soon as that is known, before reading where the length is announced.
        BodyBroken: the encoding is not one that was asked for, or not what was sent.
    """
    if announced is not None and announced.isdecimal() and int(announced[:18]) > max_bytes:
        raise BodyTooLarge
    match encoding.strip().lower():
        case "" | "identity":
            return await _gathered(parts, max_bytes)
        case "gzip" | "x-gzip":
            return await _unpacked(parts, max_bytes)
        case _:
            raise BodyBroken(early=False)


async def _gathered(parts: AsyncIterable[bytes], max_bytes: int) -> bytearray:
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > max_bytes:
            raise BodyTooLarge
    return body


async def _unpacked(parts: AsyncIterable[bytes], max_bytes: int) -> bytearray:
    body, packed = bytearray(), 0
    gzip = zlib.decompressobj(_GZIP)
    async for part in parts:
        packed += len(part)
        rest = part
        while rest:
            if gzip.eof:  # one gzip file after another is one body
                gzip = zlib.decompressobj(_GZIP)
            try:
                body += gzip.decompress(rest, _STEP)
            except zlib.error:
                raise BodyBroken(early=False) from None
            if len(body) > max_bytes or packed > max_bytes:
                raise BodyTooLarge
            rest = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
    if packed and not gzip.eof:
        raise BodyBroken(early=True)
    return body

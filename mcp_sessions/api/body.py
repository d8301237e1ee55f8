"""An answer's bytes, gathered within a bound on what comes over the wire and what it unpacks to.

The decompression is zlib's, told how much it may give back: an HTTP client's own unpacks a whole
chunk at once, which for a bomb is a thousand times what came.
"""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 256 * 1024  # bytes unpacked at once


class BodyTooLarge(Exception):
    """The body is larger than the bound, which is its argument, on the wire or unpacked."""


class BodyCutShort(Exception):
    """The end of the packed body is missing."""


class BodyUndecodable(Exception):
    """The body's encoding is not one that was asked for, or not what was sent."""


Grow = Callable[[int], Awaitable[None]]
"""Waits until there is memory for a body of so many bytes."""


async def _at_once(_: int) -> None:
    """Find memory for a small body."""


class Answer(Protocol):
    """An HTTP client's answer, whose body is still to come."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are taken in any case."""

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes over the wire."""


async def read_body(answer: Answer, max_bytes: int, grow: Grow = _at_once) -> bytearray:
    """Read a body of at most `max_bytes` bytes, and unpack it, as `grow` finds memory for it.

    Raises:
        BodyTooLarge: as soon as that is known, before reading where the length is announced.
        BodyCutShort, BodyUndecodable: it cannot be unpacked.
    """
    announced = answer.headers.get("content-length", "")
    if announced.isdecimal():
        if int(announced[:18]) > max_bytes:
            raise BodyTooLarge(max_bytes)
        await grow(int(announced))  # at once what is known, or many would each hold a part
    match answer.headers.get("content-encoding", "").strip().lower():
        case "" | "identity":
            return await _gathered(answer.aiter_raw(), max_bytes, grow)
        case "gzip" | "x-gzip":
            return await _unpacked(answer.aiter_raw(), max_bytes, grow)
        case _:
            raise BodyUndecodable


async def _gathered(parts: AsyncIterator[bytes], max_bytes: int, grow: Grow) -> bytearray:
    body = bytearray()
    async for part in parts:
        if len(body) + len(part) > max_bytes:
            raise BodyTooLarge(max_bytes)
        await grow(len(body) + len(part))
        body += part
    return body


async def _unpacked(parts: AsyncIterator[bytes], max_bytes: int, grow: Grow) -> bytearray:
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
                raise BodyUndecodable from None
            if len(body) > max_bytes or packed > max_bytes:
                raise BodyTooLarge(max_bytes)
            await grow(len(body) + _STEP)
            rest = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
    if packed and not gzip.eof:
        raise BodyCutShort
    return body

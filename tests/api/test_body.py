import gzip
import zlib

import anyio
import pytest

from mcp_sessions.api.body import BodyCutShort, BodyTooLarge, BodyUndecodable, read_body

MOST = 1_000


class Sent:
    """An answer whose body comes in parts, of which `taken` were read."""

    def __init__(self, parts, headers):
        self.headers = headers
        self.taken = 0
        self._parts = parts

    async def aiter_raw(self):
        for part in self._parts:
            self.taken += 1
            yield part


def body_of(*parts, encoding="", announced=""):
    """Read the parts, and tell how many of them were taken."""
    sent = Sent(parts, {"content-encoding": encoding, "content-length": announced})
    try:
        return bytes(anyio.run(read_body, sent, MOST)), sent.taken
    except BodyTooLarge:
        return None, sent.taken


def test_a_body_within_the_bound_is_read_whole():
    assert body_of(b"ab", b"", b"c") == (b"abc", 3)
    assert body_of(b"x" * MOST) == (b"x" * MOST, 1)


def test_reading_a_body_stops_at_the_bound():
    assert body_of(b"x" * 600, b"x" * 600, b"x") == (None, 2)


def test_an_announced_length_over_the_bound_is_not_read_at_all():
    assert body_of(b"x", announced="1001") == (None, 0)
    assert body_of(b"x", announced="9" * 5_000) == (None, 0)
    assert body_of(b"x", announced="1000") == (b"x", 1)
    assert body_of(b"x", announced="many") == (b"x", 1)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_packed_body_is_unpacked_however_it_is_cut(size):
    packed = gzip.compress(b"abc" * 100)
    parts = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert body_of(*parts, encoding="GZIP")[0] == b"abc" * 100


def test_one_packed_file_after_another_is_one_body():
    assert body_of(gzip.compress(b"ab") + gzip.compress(b"c"), encoding="gzip") == (b"abc", 1)


def test_a_bomb_is_refused_in_its_first_part():
    bomb = gzip.compress(b"0" * 50_000_000)
    parts = [bomb[i : i + 4_096] for i in range(0, len(bomb), 4_096)]
    assert body_of(*parts, encoding="gzip") == (None, 1)


def test_packed_bytes_that_unpack_to_nothing_are_bounded_too():
    empty = gzip.compress(b"")
    assert body_of(*[empty] * 100, encoding="gzip") == (None, MOST // len(empty) + 1)


@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        (gzip.compress(b"abc", mtime=0)[:-1], "gzip", BodyCutShort),
        (gzip.compress(b"abc", mtime=0)[:5], "gzip", BodyCutShort),
        (b"no gzip", "gzip", BodyUndecodable),
        (gzip.compress(b"abc", mtime=0) + b"no gzip", "gzip", BodyUndecodable),
        (zlib.compress(b"abc"), "deflate", BodyUndecodable),
        (b"abc", "br", BodyUndecodable),
        (gzip.compress(gzip.compress(b"abc", mtime=0), mtime=0), "gzip, gzip", BodyUndecodable),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_told_from_one_that_was_cut_off(body, encoding, told):
    with pytest.raises(told):
        body_of(body, encoding=encoding)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_memory_is_found_for_every_byte_before_it_is_read(encoding):
    text = bytes(1_000_000)
    whole = gzip.compress(text) if encoding else text
    parts = [whole[at : at + 100_000] for at in range(0, len(whole), 100_000)]
    found = []

    async def grow(size):
        found.append(size)

    async def read():
        sent = Sent(parts, {"content-encoding": encoding, "content-length": str(len(whole))})
        return await read_body(sent, 2_000_000, grow)

    assert len(anyio.run(read)) == len(text) <= max(found)
    assert found[0] == len(whole)
    assert found[1:] == sorted(found[1:])
    with_deadline = Sent(parts, {"content-encoding": encoding})

    async def wait(_):
        await anyio.sleep_forever()

    async def wait_in_vain():
        with anyio.move_on_after(0.01):
            await read_body(with_deadline, 2_000_000, wait)

    anyio.run(wait_in_vain)
    assert with_deadline.taken == 1

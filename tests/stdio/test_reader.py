"""Lines as they are read from a pipe, and from a file."""

import os

import anyio
import pytest

from mcp_sessions.stdio.descriptors import CHUNK_BYTES
from mcp_sessions.stdio.line_splitter import MAX_LINE_BYTES, LineSplitter, LongLine
from mcp_sessions.stdio.reader import read_lines

pytestmark = pytest.mark.anyio

DEADLINE = 20


@pytest.fixture
def pipe():
    """Return a pipe's two ends as files; tests close the second one where it must end."""
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as reader, os.fdopen(write, "wb", 0) as writer:
        yield reader, writer


async def all_lines(file, rest=b""):
    with anyio.fail_after(DEADLINE):
        splitter = LineSplitter()
        assert splitter.split(rest) == []
        return [line async for line in read_lines(file.fileno(), splitter)]


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\n\ntwo", [b"one", b"", b"two"]),
        (b"\n", [b""]),
        (b"one\r\n\xff\n", [b"one\r", b"\xff"]),
    ],
)
async def test_a_pipe_gives_its_lines_and_a_last_one_without_an_end(pipe, said, lines):
    reader, writer = pipe
    writer.write(said)
    writer.close()
    assert await all_lines(reader) == lines


async def test_a_file_gives_the_same_lines_as_a_pipe(tmp_path):
    file = tmp_path / "lines"
    file.write_bytes(b"one\n\n" + b"x" * 3 * CHUNK_BYTES + b"\nlast")
    with file.open("rb") as opened:
        lines = await all_lines(opened)
    assert lines == [b"one", b"", b"x" * 3 * CHUNK_BYTES, b"last"]


async def test_what_was_read_before_begins_the_first_line(pipe):
    reader, writer = pipe
    writer.write(b" a line\nmore")
    writer.close()
    assert await all_lines(reader, b"half") == [b"half a line", b"more"]


async def test_what_was_read_before_is_a_line_though_nothing_follows(pipe):
    reader, writer = pipe
    writer.close()
    assert await all_lines(reader, b"half") == [b"half"]


async def test_a_line_is_given_before_the_next_has_come(pipe):
    reader, writer = pipe
    lines = read_lines(reader.fileno(), LineSplitter())
    with anyio.fail_after(DEADLINE):
        for said in (b"one", b"two"):
            writer.write(said + b"\n")
            assert await anext(lines) == said
    await lines.aclose()


async def test_a_line_longer_than_any_chunk_comes_whole(pipe):
    reader, writer = pipe
    long = (bytes(range(11, 256)) * 5_000)[:MAX_LINE_BYTES]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, _write_and_close, writer, long + b"\nnext\n")
        assert await all_lines(reader) == [long, b"next"]


@pytest.mark.parametrize("last", [b"\nnext", b""], ids=["with an end", "without an end"])
async def test_of_a_line_that_is_too_long_a_pipe_and_a_file_give_the_two_ends(pipe, tmp_path, last):
    reader, writer = pipe
    said = b"first\n<" + b"\0" * MAX_LINE_BYTES + b">" + last
    file = tmp_path / "lines"
    file.write_bytes(said)
    with file.open("rb") as opened:
        from_file = await all_lines(opened)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, _write_and_close, writer, said)
        from_pipe = await all_lines(reader)
    assert from_pipe == from_file
    first, long, *rest = from_pipe
    assert (first, rest) == (b"first", [b"next"] if last else [])
    assert isinstance(long, LongLine)
    assert (long.head[:1], long.tail[-1:]) == (b"<", b">")


def _write_and_close(writer, data):
    with writer:
        rest = memoryview(data)
        while rest:
            rest = rest[writer.write(rest) :]


async def test_another_process_that_reads_from_the_same_pipe_costs_only_what_it_took(pipe):
    reader, writer = pipe
    os.set_blocking(reader.fileno(), False)
    lines = read_lines(reader.fileno(), LineSplitter())
    async with anyio.create_task_group() as tasks:
        got = []

        async def take():
            got.append(await anext(lines))

        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        writer.write(b"theirs\n")
        assert reader.read(100) == b"theirs\n"  # before the loop comes to it
        await anyio.wait_all_tasks_blocked()
        writer.write(b"ours\n")
    assert got == [b"ours"]
    await lines.aclose()

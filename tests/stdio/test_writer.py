"""Lines as they are written to a pipe that somebody reads, reads late, or does not read."""

import os

import anyio
import pytest

from mcp_sessions.stdio.writer import LineWriter

pytestmark = pytest.mark.anyio

DEADLINE = 20
MUCH = b"x" * 1_000_000 + b"\n"  # more than a pipe holds


@pytest.fixture
def pipe():
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as reader, os.fdopen(write, "wb", 0) as writer:
        yield reader, writer


def read_all(reader):
    return b"".join(iter(lambda: reader.read(65_536), b""))


async def test_lines_of_many_tasks_come_whole_though_the_pipe_is_small(pipe):
    reader, writer = pipe
    lines = [bytes([65 + number]) * 100_000 + b"\n" for number in range(20)]
    out = LineWriter(writer.fileno())

    async def write_all():
        async with anyio.create_task_group() as tasks:
            for line in lines:
                tasks.start_soon(out.write, line)
        writer.close()

    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write_all)
            read = await anyio.to_thread.run_sync(read_all, reader)
    assert sorted(read.splitlines(keepends=True)) == lines


async def test_a_line_is_ended_though_its_writer_is_cancelled(pipe):
    reader, writer = pipe
    out, read = LineWriter(writer.fileno()), b""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(out.write, MUCH)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + DEADLINE):
            while not read.endswith(b"\n"):
                await anyio.wait_readable(reader)
                read += reader.read(65_536)
    assert read == MUCH


async def test_a_closed_writer_gives_up_a_line_that_nobody_reads_and_lets_none_follow(pipe):
    _, writer = pipe
    out = LineWriter(writer.fileno())
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_fails, out, MUCH)
            await anyio.wait_all_tasks_blocked()
            out.close()
        await _fails(out, b"next\n")


async def _fails(out, data):
    with pytest.raises(anyio.ClosedResourceError):
        await out.write(data)


async def test_a_closed_writer_still_writes_what_has_room(pipe):
    reader, writer = pipe
    out = LineWriter(writer.fileno())
    out.close()
    with anyio.fail_after(DEADLINE):
        await out.write(b"last\n")
    assert reader.read(100) == b"last\n"


async def test_a_reader_who_left_is_an_error_of_the_system(pipe):
    reader, writer = pipe
    out = LineWriter(writer.fileno())
    reader.close()
    with anyio.fail_after(DEADLINE), pytest.raises(BrokenPipeError):
        await out.write(b"line\n")


async def test_a_file_is_written_as_a_pipe_is(tmp_path):
    file = tmp_path / "lines"
    with file.open("wb", 0) as opened, anyio.fail_after(DEADLINE):
        out = LineWriter(opened.fileno())
        await out.write(b"one\n")
        out.close()
        await out.write(MUCH)
        out.release()
    assert file.read_bytes() == b"one\n" + MUCH


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_pipe_blocks_again_as_it_did_before(pipe, blocking):
    _, writer = pipe
    os.set_blocking(writer.fileno(), blocking)
    out = LineWriter(writer.fileno())
    assert not os.get_blocking(writer.fileno())
    out.release()
    assert os.get_blocking(writer.fileno()) is blocking

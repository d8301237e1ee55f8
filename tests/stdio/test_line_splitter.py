import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.stdio.line_splitter import MAX_LINE_BYTES, LineSplitter, LongLine

KIB = 1024


def lines_of(chunks, most):
    splitter = LineSplitter(most)
    lines = [line for chunk in chunks for line in splitter.split(chunk)]
    return [*lines, splitter.take()]


@given(st.lists(st.binary(max_size=9)), st.integers(0, 9))
def test_lines_are_the_same_however_they_are_cut_into_chunks(chunks, most):
    lines = lines_of(chunks, most)
    whole = b"".join(chunks).split(b"\n")
    assert len(lines) == len(whole)
    for line, said in zip(lines, whole, strict=True):
        if len(said) <= most:
            assert line == said
        else:
            assert isinstance(line, LongLine)
            assert (said.startswith(line.head), line.tail) == (True, said)


@pytest.mark.parametrize("size", [MAX_LINE_BYTES, MAX_LINE_BYTES + 1], ids=["at", "beyond"])
@pytest.mark.parametrize("chunk", [4_093, 64 * KIB])
def test_a_line_is_whole_up_to_the_bound_and_only_its_ends_beyond(size, chunk):
    said = b"<" + b"x" * (size - 2) + b">"
    data = said + b"\nnext\n"
    lines = lines_of([data[at : at + chunk] for at in range(0, len(data), chunk)], MAX_LINE_BYTES)
    first = said if size == MAX_LINE_BYTES else LongLine(said[:KIB], said[-KIB:])
    assert lines == [first, b"next", b""]


@pytest.mark.parametrize("block", [b"\0" * 64 * KIB, b"x", b"x" * 1_000])
def test_a_line_without_end_takes_no_more_memory_than_a_line_may_have(block):
    splitter = LineSplitter(64 * KIB)
    tracemalloc.start()
    try:
        for _ in range(min(2_000, 8 * 64 * KIB // len(block)) if len(block) > 1 else 200_000):
            assert splitter.split(block) == []
        assert tracemalloc.get_traced_memory()[1] < 400 * KIB
    finally:
        tracemalloc.stop()
    (line,) = splitter.split(b"\n")
    assert isinstance(line, LongLine)
    assert splitter.split(b"next\n") == [b"next"]


def test_a_splitter_that_is_handed_on_remembers_what_it_passes_over():
    splitter = LineSplitter(10)
    assert splitter.split(b"x" * 11) == []
    (line,) = splitter.split(b"more\n")
    assert isinstance(line, LongLine)
    assert line.tail.endswith(b"more")

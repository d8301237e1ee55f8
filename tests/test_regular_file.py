import os
from pathlib import Path

import pytest

from mcp_sessions.regular_file import UnreadableFile, read_regular_file

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file"


def refused(file, most=10):
    with pytest.raises(UnreadableFile) as fault:
        read_regular_file(file, most)
    return str(fault.value)


@pytest.mark.parametrize("content", [b"", b"x", b"0123456789"])
def test_a_file_up_to_the_bound_is_read_as_it_is(file, content):
    file.write_bytes(content)
    assert read_regular_file(file, 10) == content


def test_a_link_is_read_as_what_it_points_at(file, tmp_path):
    (tmp_path / "target").write_bytes(b"text")
    file.symlink_to(tmp_path / "target")
    assert read_regular_file(file, 10) == b"text"


def test_a_file_beyond_the_bound_is_refused(file):
    file.write_bytes(b"0123456789x")
    assert refused(file) == "it is larger than 10 bytes"


def test_a_file_whose_size_is_not_told_is_read():
    assert read_regular_file("/proc/self/comm", 100)


def test_a_pipe_is_refused_at_once_whether_or_not_somebody_writes(file):
    os.mkfifo(file)
    assert refused(file) == "it is no regular file"
    end = os.open(file, os.O_RDWR)
    try:
        os.write(end, b"evr_pat_key")
        assert refused(file) == "it is no regular file"
    finally:
        os.close(end)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/dev/zero", "it is no regular file"),
        ("/", "it is no regular file"),
        ("/nowhere/file", "FileNotFoundError"),
        ("/dev/null/file", "NotADirectoryError"),
        ("a\0b", "ValueError"),
        ("x" * 5_000, "OSError"),
    ],
)
def test_what_is_no_file_is_refused_for_its_reason(path, says):
    assert refused(path) == says


def test_no_descriptor_is_left_open_by_a_refusal(file):
    os.mkfifo(file)
    before = len(list(DESCRIPTORS.iterdir()))
    for path in (file, "/", "/dev/zero", "/nowhere/file", "/proc/self/maps") * 30:
        refused(path)
    assert len(list(DESCRIPTORS.iterdir())) < before + 30

import json
import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.stdio.descriptors import is_pollable, split_lines

CHILD = """
import json, os, sys
for number in json.loads(sys.argv[1]):
    os.close(number)
from mcp_sessions.stdio.descriptors import Descriptors
claimed = Descriptors.claim()
print("a stray print", flush=True)
own = min(claimed) > 2 or sys.argv[1] != "[]"
left = os.read(0, 1)
answer = {"own": own, "read": os.read(claimed.stdin, 9).decode(), "left": left.decode()}
os.write(claimed.stdout, json.dumps(answer).encode())
"""


def child(*closed):
    """Claim the descriptors in a process of its own, some of which are closed before."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(closed)],
        input="line\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_stdin_and_stdout_are_the_claimers_alone_and_prints_go_to_stderr():
    done = child()
    assert json.loads(done.stdout) == {"own": True, "read": "line\n", "left": ""}
    assert done.stderr == "a stray print\n"


@pytest.mark.parametrize(("closed", "told"), [(0, '"read": ""'), (2, '"read": "line\\n"')])
def test_a_descriptor_that_was_closed_is_claimed_as_an_empty_one(closed, told):
    done = child(closed)
    assert told in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nothing can be polled")
def test_pipes_and_sockets_can_be_polled_and_files_cannot(tmp_path):
    near, far = socket.socketpair()
    read, write = os.pipe()
    with near, far, os.fdopen(read), os.fdopen(write, "w"), (tmp_path / "x").open("w") as file:
        assert all(map(is_pollable, (read, write, near.fileno())))
        assert not is_pollable(file.fileno())


@given(st.lists(st.binary(max_size=9)))
def test_lines_are_the_same_however_they_are_cut_into_chunks(chunks):
    rest, lines = b"", []
    for chunk in chunks:
        ended, rest = split_lines(rest, chunk)
        lines += ended
    assert [*lines, rest] == b"".join(chunks).split(b"\n")

import json
import os
import socket
import subprocess
import sys

import pytest

from mcp_sessions.stdio.descriptors import has_hung_up, is_pollable

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


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nothing can be polled")
def test_a_pipe_or_socket_has_hung_up_once_nobody_can_write_though_it_holds_more(tmp_path):
    near, far = socket.socketpair()
    read, write = os.pipe()
    with near, far, os.fdopen(read), (tmp_path / "x").open("w") as file:
        os.write(write, b"more")
        far.send(b"more")
        assert not any(map(has_hung_up, (read, near.fileno(), file.fileno())))
        os.close(write)
        assert has_hung_up(read)
        far.close()
        assert has_hung_up(near.fileno())

"""More than a client may say at once, piped into the server, and what memory it takes."""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from mcp_sessions.stdio.line_splitter import MAX_LINE_BYTES

from support.messages import TOOLS, initialize, list_call, older_request, request
from support.processes import COMMAND, DEADLINE, peak_bytes, stdio_server

MIB = 2**20
MOST_BYTES = 200 * MIB  # of the whole process, which takes 65 MiB when it does nothing
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

LONG = {
    "NULs": b"\0" * 64 * MIB,
    "one more than a line may have": b"x" * (MAX_LINE_BYTES + 1),
    "a call with its id in front": json.dumps(
        {**request("bad", "tools/call"), "params": {"x": "y" * 8 * MIB}}
    ).encode(),
    "an older call with its id at the end": json.dumps(
        {"method": "ping", "params": {"x": "y" * MIB}, "jsonrpc": "2.0", "id": "bad"}
    ).encode(),
}


@pytest.mark.parametrize("loaded", [False, True], ids=["while it loads", "once it has loaded"])
@pytest.mark.parametrize("long", LONG)
@pytest.mark.parametrize("first", [request(1, "tools/list"), initialize("2025-11-25")])
def test_a_line_that_is_too_long_gets_an_error_and_the_next_is_served(
    environment, long, loaded, first
):
    with stdio_server(environment) as server:
        server.ask(first)
        if loaded:
            server.ask(older_request("unknown", "sessions/unknown"))
        server.send(LONG[long], list_call("next", limit=1))
        refused, answer = server.receive(), server.receive()
        assert refused["error"]["code"] == -32600
        assert refused["id"] == ("bad" if "call" in long else None)
        assert answer["id"] == "next"
        assert not answer["result"].get("isError")
        if (peak := peak_bytes(server.process.pid)) is not None:
            assert peak < MOST_BYTES
        ended = server.end()
    assert (ended.code, ended.messages, ended.stderr) == (0, [], "")


def test_a_line_that_is_as_long_as_it_may_be_is_served(environment):
    asked = json.dumps(request(1, "tools/list"))
    with stdio_server(environment) as server:
        server.send(asked.ljust(MAX_LINE_BYTES).encode())
        answer = server.receive()
        assert [tool["name"] for tool in answer["result"]["tools"]] == TOOLS
        server.send(asked.ljust(MAX_LINE_BYTES + 1).encode())
        assert server.receive()["error"]["code"] == -32600


def test_a_long_line_in_a_file_and_at_its_end_is_refused_and_the_rest_is_served(
    environment, tmp_path
):
    file = tmp_path / "asked"
    lines = (LONG["NULs"], json.dumps(request(1, "tools/list")).encode(), LONG["NULs"])
    file.write_bytes(b"\n".join(lines))
    with file.open("rb") as stdin:
        done = subprocess.run(
            COMMAND,
            env=environment,
            stdin=stdin,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(str(answer["id"]) for answer in answers) == ["1", "None", "None"]


@needs_proc
@pytest.mark.parametrize("reads", [True, False], ids=["is read", "is not read"])
@pytest.mark.parametrize("line", [b"words", json.dumps(list_call(1, limit=1)).encode()])
def test_a_flood_of_small_lines_takes_no_more_memory_than_what_is_worked_on_at_once(
    environment, line, reads
):
    with stdio_server(environment) as server:
        server.ask(list_call(0, limit=1))
        flood = Thread(target=_pour, args=(server, line), daemon=True)
        flood.start()
        if reads:
            for _ in range(1_500):  # more than are worked on at once
                server.receive()
        else:
            flood.join(3)  # more than it takes to send what there is room for
            assert flood.is_alive()
        assert peak_bytes(server.process.pid) < MOST_BYTES
        server.process.kill()
        flood.join(DEADLINE)


def _pour(server, line):
    block = (line + b"\n") * 1_000
    with suppress(OSError):  # it is gone
        while True:
            os.write(server.process.stdin.fileno(), block)

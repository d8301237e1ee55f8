"""How a stdio server ends: promptly, with 0, in silence, and with everything closed."""

import json
import os
import signal
import subprocess

import pytest

from support.messages import initialize, list_call, request
from support.processes import COMMAND, DEADLINE, PROMPTLY, stdio_server
from support.raw_upstream import Unanswered

ENDS = pytest.mark.parametrize(
    "end", [None, signal.SIGINT, signal.SIGTERM], ids=["EOF", "SIGINT", "SIGTERM"]
)


def assert_peace(ended):
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < PROMPTLY


@ENDS
def test_a_call_in_flight_does_not_keep_the_server_and_its_connection_is_closed(
    upstream_environment, upstreams, end
):
    waiting = Unanswered()
    upstreams.turn_to(waiting.behaviour)
    with stdio_server(upstream_environment) as server:
        server.send(list_call())
        waiting.wait()
        ended = server.end(end)
    assert_peace(ended)
    assert [message["error"]["message"] for message in ended.messages] == ["Connection closed"]
    waiting.wait_until_closed()


@ENDS
def test_a_server_may_end_while_it_still_loads(upstream_environment, end):
    with stdio_server(upstream_environment) as server:
        server.ask(request(1, "tools/list"))  # answered from the record, long before the SDK stands
        assert_peace(server.end(end))


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("closing", [False, True], ids=["at once", "while it closes"])
def test_a_second_signal_changes_nothing(upstream_environment, upstreams, first, second, closing):
    waiting = Unanswered()
    upstreams.turn_to(waiting.behaviour)
    with stdio_server(upstream_environment) as server:
        server.send(list_call())
        waiting.wait()
        server.process.send_signal(first)
        if closing:
            waiting.wait_until_closed()
        assert_peace(server.end(second))


def ended(process, end):
    if end is None:
        process.stdin.close()
    else:
        process.send_signal(end)
    assert process.wait(DEADLINE) == 0
    assert process.stderr.read() == b""


@ENDS
def test_a_client_that_reads_nothing_does_not_keep_the_server_and_finds_whole_lines(
    upstream_environment, end
):
    with stdio_server(upstream_environment) as server:
        server.ask(list_call(0))
        for number in range(100):  # some 200 KB of answers into a pipe of 64
            server.send(list_call(number, limit=50))
        ended(server.process, end)
        *lines, _ = server.process.stdout.read().split(b"\n")  # the last one may be cut short
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)


@ENDS
def test_a_client_that_sends_garbage_and_reads_nothing_does_not_keep_the_server(
    upstream_environment, end
):
    with stdio_server(upstream_environment) as server:
        server.ask(list_call(0))
        server.send(*[b"garbage"] * 2_000)
        ended(server.process, end)


def test_garbage_may_be_the_last_that_a_client_says(upstream_environment):
    with stdio_server(upstream_environment) as server:
        server.ask(list_call(0))
        server.process.stdout.close()
        server.send(b"garbage")
        assert server.process.wait(DEADLINE) == 0
        assert server.process.stderr.read() == b""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_were_closed_are_nothing(upstream_environment, closed):
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND],
        env=upstream_environment,
        input=json.dumps(request(1, "tools/list")).encode() + b"\n",
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert told == ([1] if closed == "2>&-" else [])


def test_stdout_blocks_again_for_whoever_shares_it(upstream_environment):
    read, write = os.pipe()
    with subprocess.Popen(
        COMMAND, env=upstream_environment, stdin=subprocess.PIPE, stdout=write
    ) as process:
        with os.fdopen(read, "rb") as answers:
            process.stdin.write(json.dumps(list_call()).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(answers.readline())["id"] == 1
            assert not os.get_blocking(write)
            process.stdin.close()
            assert process.wait(DEADLINE) == 0
        assert os.get_blocking(write)
    os.close(write)


class Terminal:
    """A server whose stdin or stdout is a terminal."""

    def __init__(self, upstream_environment, of):
        self.master, slave = os.openpty()
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, of: slave}
        self.process = subprocess.Popen(COMMAND, env=upstream_environment, stderr=pipe, **streams)
        os.close(slave)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        with self.process:
            self.process.kill()

    def hang_up(self):
        os.close(self.master)


def test_a_terminal_that_hangs_up_ends_the_server(upstream_environment):
    terminal = Terminal(upstream_environment, "stdin")
    with terminal as process:
        os.write(terminal.master, json.dumps(list_call()).encode() + b"\n")
        assert json.loads(process.stdout.readline())["id"] == 1
        terminal.hang_up()
        assert process.wait(DEADLINE) == 0
        assert b"Traceback" not in process.stderr.read()


@ENDS
def test_a_terminal_that_nobody_reads_does_not_keep_the_server(upstream_environment, end):
    terminal = Terminal(upstream_environment, "stdout")
    with terminal as process:
        for number in range(20):
            process.stdin.write(json.dumps(list_call(number, limit=50)).encode() + b"\n")
        process.stdin.flush()
        assert os.read(terminal.master, 1) == b"{"  # some 40 KB of answers have begun
        ended(process, end)
        terminal.hang_up()


def test_a_client_that_leaves_without_closing_stdin_ends_the_server(upstream_environment):
    with stdio_server(upstream_environment) as server:
        server.ask(list_call(0))
        process = server.process
        process.stdout.close()
        server.send(list_call(1))
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("first", [initialize("2025-11-25"), request(1, "tools/list")], ids=str)
def test_what_was_asked_before_the_end_of_stdin_is_answered(upstream_environment, first):
    with stdio_server(upstream_environment) as server:
        server.send(first, list_call(2, limit=3))
        ended = server.end()
    assert_peace(ended)
    answers = {message["id"]: message["result"] for message in ended.messages}
    assert answers.keys() == {first["id"], 2}


def test_files_serve_as_well_as_pipes(upstream_environment, tmp_path):
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    asked.write_text('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\nwords\n')
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        done = subprocess.run(
            COMMAND,
            env=upstream_environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=DEADLINE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(answered.read_bytes().splitlines()) == 2


def test_a_client_that_closes_stdin_after_more_than_is_worked_on_at_once_is_not_kept(
    upstream_environment,
):
    """It has hung up, though what it sent lies unread in the pipe."""
    with stdio_server(upstream_environment) as server:
        server.ask(list_call(0))
        server.send(*[b"no"] * 20_000)  # of their answers 64 KB are taken
        ended(server.process, None)

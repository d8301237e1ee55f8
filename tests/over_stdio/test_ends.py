"""How a stdio server ends: promptly, with 0, in silence, and with everything closed."""

import signal
import subprocess
import threading

import pytest
from interop.servers import COMMAND, DEADLINE, PROMPTLY, initialize, request, stdio_server
from over_http.servers import Held

ENDS = pytest.mark.parametrize(
    "end", [None, signal.SIGINT, signal.SIGTERM], ids=["EOF", "SIGINT", "SIGTERM"]
)


def call(number=1, **arguments):
    return request(number, "tools/call", name="list_sessions", arguments=arguments)


class Holding(Held):
    """Requests that are never answered, and whether their connections were closed."""

    def __init__(self):
        super().__init__()
        self.left = threading.Event()

    def behave(self, exchange):
        self._here.release()
        exchange.connection.settimeout(DEADLINE)
        if exchange.connection.recv(1) == b"":
            self.left.set()


def assert_peace(ended):
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < PROMPTLY


@ENDS
def test_a_call_in_flight_does_not_keep_it_and_its_connection_is_closed(
    environment, upstreams, end
):
    holding = Holding()
    upstreams.turn_to(holding.behaviour)
    with stdio_server(environment) as server:
        server.send(call())
        holding.wait()
        ended = server.end(end)
    assert_peace(ended)
    assert [message["error"]["message"] for message in ended.messages] == ["Connection closed"]
    assert holding.left.wait(DEADLINE)


@ENDS
def test_it_may_end_while_it_still_loads(environment, end):
    with stdio_server(environment) as server:
        server.ask(request(1, "tools/list"))  # answered from the record, long before the SDK stands
        assert_peace(server.end(end))


@ENDS
def test_a_client_that_reads_nothing_does_not_keep_it(environment, end):
    with stdio_server(environment) as server:
        server.ask(call(0))
        for number in range(100):  # some 200 KB of answers into a pipe of 64
            server.send(call(number, limit=50))
        process = server._process
        if end is None:
            process.stdin.close()
        else:
            process.send_signal(end)
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == b""


def test_a_client_that_leaves_without_closing_stdin_ends_it(environment):
    with stdio_server(environment) as server:
        server.ask(call(0))
        process = server._process
        process.stdout.close()
        server.send(call(1))
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("first", [initialize("2025-11-25"), request(1, "tools/list")], ids=str)
def test_what_was_asked_before_the_end_of_stdin_is_answered(environment, first):
    with stdio_server(environment) as server:
        server.send(first, call(2, limit=3))
        ended = server.end()
    assert_peace(ended)
    answers = {message["id"]: message["result"] for message in ended.messages}
    assert answers.keys() == {first["id"], 2}


def test_files_serve_as_well_as_pipes(environment, tmp_path):
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    asked.write_text('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\nwords\n')
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        done = subprocess.run(
            COMMAND,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=DEADLINE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(answered.read_bytes().splitlines()) == 2

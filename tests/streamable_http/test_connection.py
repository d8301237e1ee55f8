"""Connections that uvicorn would keep for ever."""

import asyncio
import socket
import threading
from contextlib import ExitStack, contextmanager

import h11
import pytest
import uvicorn

from mcp_sessions.streamable_http.connection import ADMITTED, DeadlineConnection

from support.processes import DEADLINE, eventually

HEAD = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
SOME = HEAD.replace(b"/ ", b"/some ")
BODY = HEAD.replace(b"GET", b"POST").replace(b"here", b"here\r\ncontent-length: 4")
CHUNKS = HEAD.replace(b"GET", b"POST").replace(b"here", b"here\r\ntransfer-encoding: chunked")
SOME_BYTES = 40_000
MUCH = b"x" * 4_000_000


def closing(head):
    """Return a head after whose answer the connection ends."""
    return head.replace(b"here", b"here\r\nconnection: close")


class Hasty(DeadlineConnection):
    head_within = 0.3
    read_within = 0.3
    whole_within = 0.9

    @staticmethod
    def max_connections():
        return 5


class Patient(Hasty):
    read_within = 1.5
    whole_within = 60.0


class App:
    """Answers in two parts, with more than a socket holds or less, and counts the requests.

    At /held and /admitted it waits until it may go on, and at /body for the body.
    """

    def __init__(self):
        self.begun, self.left = 0, threading.Semaphore(0)
        self.go = threading.Event()

    async def __call__(self, scope, receive, send):
        self.begun += 1
        if scope["path"] == "/admitted":
            scope["state"][ADMITTED] = True
        if scope["path"] in ("/held", "/admitted"):
            await asyncio.to_thread(self.go.wait, DEADLINE)
        if scope["path"] == "/body" and (await receive())["type"] == "http.disconnect":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = {"/some": MUCH[:SOME_BYTES], "/much": MUCH}.get(scope["path"], b"ok")
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.left.release()


@contextmanager
def running(app, protocol=Hasty):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        config = uvicorn.Config(
            app, http=protocol, lifespan="off", ws="none", log_config=None, timeout_keep_alive=1
        )
        server = uvicorn.Server(config)
        server.address = listener.getsockname()
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            app.go.set()
            server.should_exit = True
            thread.join(DEADLINE)
            assert not thread.is_alive()


@pytest.fixture
def app():
    return App()


@pytest.fixture
def server(app):
    with running(app) as server:
        yield server


@pytest.fixture
def address(server):
    return server.address


@pytest.fixture
def callers():
    """Return a list of connections that are closed in the end."""
    callers = []
    yield callers
    for caller in callers:
        caller.close()


def connect(address, window=None):
    connection = socket.socket()
    connection.settimeout(DEADLINE)
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.connect(address)
    return connection


def to_its_end(connection):
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def is_open(connection):
    """Tell whether nothing has come yet, not even an end."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        connection.settimeout(DEADLINE)


@pytest.mark.parametrize("begun", [b"", HEAD[:9], b"\r\n", HEAD + HEAD[:9]], ids=repr)
def test_headers_that_do_not_come_are_not_waited_for(address, begun):
    connection = connect(address)
    connection.sendall(begun)
    assert to_its_end(connection).startswith(b"HTTP/1.1 200" if HEAD in begun else b"")


def test_a_connection_that_is_used_stays(address):
    with connect(address) as connection:
        for _ in range(3):
            connection.sendall(HEAD[:9])
            connection.sendall(HEAD[9:])
            told = b""
            while not told.endswith(b"0\r\n\r\n"):
                told += connection.recv(65_536)
            assert told.startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_reads_is_given_up(address, app):
    connection = connect(address, window=4_096)
    connection.sendall(HEAD.replace(b"/ ", b"/much "))
    assert app.left.acquire(timeout=DEADLINE)
    assert to_its_end(connection).count(b"x") < len(MUCH)


def test_an_answer_that_is_read_is_whole(app):
    with running(app, Patient) as server:
        connection = connect(server.address)
        connection.sendall(closing(HEAD.replace(b"/ ", b"/much ")))
        assert to_its_end(connection).count(b"x") == len(MUCH)


def test_an_answer_that_is_read_slowly_but_steadily_is_whole(app):
    with running(app, Patient) as server, connect(server.address, window=65_536) as connection:
        connection.sendall(closing(HEAD.replace(b"/ ", b"/much ")))
        told = []
        eventually(lambda: told.append(connection.recv(65_536)) or not told[-1])
    assert b"".join(told).count(b"x") == len(MUCH)


@pytest.mark.parametrize(
    "asked",
    [SOME, closing(SOME), SOME * 20, SOME + b"?\r\n\r\n", HEAD * 2_000],
    ids=["kept", "closed", "many", "nonsense behind it", "many small ones"],
)
def test_not_a_byte_lies_unread_for_ever(server, app, callers, asked):
    callers.append(connect(server.address, window=4_096))
    callers[0].sendall(asked)
    eventually(lambda: app.begun)
    eventually(lambda: not server.server_state.connections)


def test_a_caller_who_reads_drop_by_drop_does_not_stay(server, callers):
    callers.append(connect(server.address, window=4_096))
    callers[0].sendall(HEAD.replace(b"/ ", b"/much "))
    callers[0].recv(1)
    eventually(lambda: callers[0].recv(4_096) and not server.server_state.connections)


def test_a_request_is_not_begun_before_the_last_answer_is_sent(server, app, callers):
    callers.append(connect(server.address, window=4_096))
    callers[0].sendall(SOME * 50)
    eventually(lambda: app.begun)
    eventually(lambda: not server.server_state.connections)
    assert app.begun == 1


def test_requests_sent_at_once_are_all_answered_to_a_caller_who_reads(address):
    connection = connect(address)
    connection.sendall(SOME * 3 + closing(SOME))
    assert to_its_end(connection).count(b"x") == 4 * SOME_BYTES


def test_a_connection_whose_body_comes_after_the_answer_is_kept(server):
    with connect(server.address) as connection:
        connection.sendall(BODY)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"late")
        (kept,) = server.server_state.connections
        eventually(lambda: kept.conn.their_state is h11.IDLE and kept.is_idle())
    eventually(lambda: not server.server_state.connections)


@pytest.mark.parametrize("path", [b"/ ", b"/body "], ids=["answered", "not answered"])
def test_a_body_that_breaks_off_into_nonsense_ends_the_connection_in_silence(address, caplog, path):
    connection = connect(address)
    connection.sendall(CHUNKS.replace(b"/ ", path))
    if path == b"/ ":
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    connection.sendall(b"nonsense\r\n")
    to_its_end(connection)
    assert {
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    } == set()


def served_and_idle(address):
    connection = connect(address)
    connection.sendall(HEAD)
    told = b""
    while not told.endswith(b"0\r\n\r\n"):
        told += connection.recv(65_536)
    return connection


def test_each_new_connection_beyond_the_bound_takes_the_place_of_an_idle_one(address):
    idle = [served_and_idle(address) for _ in range(5)]
    newer = [served_and_idle(address) for _ in range(3)]
    assert sum(map(is_open, [*idle, *newer])) <= 5
    for connection in [*idle, *newer]:
        connection.close()


@pytest.mark.parametrize(
    "begun",
    [b"", HEAD[:9], BODY.replace(b"/ ", b"/body "), SOME, HEAD.replace(b"/ ", b"/held ")],
    ids=["silent", "half a head", "no body", "unread", "not admitted"],
)
def test_whoever_was_not_admitted_for_longest_makes_room(app, begun):
    with running(app, Patient) as server, ExitStack() as stack:
        for number in range(5):
            caller = stack.enter_context(connect(server.address, window=4_096))
            caller.sendall(begun)
            eventually(lambda n=number: len(server.server_state.connections) == n + 1)
        newer = connect(server.address)
        newer.sendall(closing(HEAD))
        assert to_its_end(newer).startswith(b"HTTP/1.1 200")


def test_where_all_are_admitted_calls_a_new_connection_is_closed_at_once(address, app):
    callers = [connect(address) for _ in range(5)]
    for number, caller in enumerate(callers):
        caller.sendall(closing(HEAD.replace(b"/ ", b"/admitted ")))
        eventually(lambda n=number: app.begun > n)
    assert to_its_end(connect(address)) == b""
    app.go.set()
    for caller in callers:
        assert to_its_end(caller).startswith(b"HTTP/1.1 200")


def test_who_sends_many_requests_before_reading_is_answered_a_few(address):
    connection = connect(address)
    connection.sendall(HEAD * 100)
    assert to_its_end(connection).count(b"HTTP/1.1 200") == 9

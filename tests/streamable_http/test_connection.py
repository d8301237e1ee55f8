"""Connections that uvicorn would keep for ever."""

import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from mcp_sessions.streamable_http.connection import DeadlineConnection

from support.processes import DEADLINE

HEAD = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
MUCH = b"x" * 4_000_000


class Hasty(DeadlineConnection):
    head_within = 0.3
    read_within = 0.3

    @staticmethod
    def max_connections():
        return 5


class App:
    """Answers with more than a socket holds, in two parts, and counts those who were served."""

    def __init__(self):
        self.left = threading.Semaphore(0)

    async def __call__(self, scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = b"ok" if scope["path"] == "/" else MUCH
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.left.release()


@contextmanager
def running(app):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=Hasty, lifespan="off", log_config=None, timeout_keep_alive=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
            assert not thread.is_alive()


@pytest.fixture
def app():
    return App()


@pytest.fixture
def address(app):
    with running(app) as address:
        yield address


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


def test_an_answer_that_is_read_is_whole(address):
    connection = connect(address)
    connection.sendall(
        HEAD.replace(b"/ ", b"/much ").replace(b"here", b"here\r\nconnection: close")
    )
    assert to_its_end(connection).count(b"x") == len(MUCH)


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


def test_more_connections_than_there_is_room_for_are_closed_at_once(address):
    silent = [connect(address) for _ in range(5)]
    assert to_its_end(connect(address)) == b""
    assert all(is_open(connection) for connection in silent)
    for connection in silent:
        assert to_its_end(connection) == b""
    served = connect(address)
    served.sendall(HEAD.replace(b"here", b"here\r\nconnection: close"))
    assert to_its_end(served).startswith(b"HTTP/1.1 200")

"""How an HTTP server ends: calls in flight are answered, nobody else comes in, nothing is said."""

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from support.http_callers import rows, served
from support.processes import DEADLINE, eventually
from support.raw_upstream import Held

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)


def address(server):
    url = urlsplit(server.process.url)
    return url.hostname, url.port


def is_refused(server):
    try:
        socket.create_connection(address(server), DEADLINE).close()
    except ConnectionRefusedError:
        return True
    return False


@SIGNALS
def test_calls_in_flight_are_answered_and_new_ones_refused(bare_environment, upstreams, number):
    held = Held()
    upstreams.turn_to(held.behaviour)
    with (
        served(bare_environment, upstreams.url) as server,
        ThreadPoolExecutor(4) as pool,
    ):
        inside = [pool.submit(server.call, search=f"word{n}") for n in range(3)]
        older = pool.submit(server.older_call, search="older")
        held.wait(4)
        server.process.process.send_signal(number)
        eventually(lambda: is_refused(server))
        with pytest.raises(TimeoutError):  # the event streams' library sees the signal sooner
            older.result(timeout=1.5)
        held.let_go()
        assert [len(rows(one.result())) for one in inside] == [20] * 3
        assert len(older.result()["result"]["structuredContent"]["sessions"]) == 20
        ended = server.process.end(number) if server.process.process.poll() is None else None
        code = server.process.process.wait(DEADLINE)
        said = ended.stderr if ended else server.process.process.stderr.read().decode()
    assert (code, said) == (0, "")


@SIGNALS
def test_a_call_that_the_api_never_answers_ends_with_its_deadline(
    bare_environment, upstreams, number
):
    held = Held()
    upstreams.turn_to(held.behaviour)
    own = {"MCP_SESSIONS_DEADLINE": "1"}
    with (
        served(bare_environment, upstreams.url, **own) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        inside = pool.submit(server.call)
        held.wait()
        ended = server.process.end(number)
        assert inside.result().json()["result"]["content"][0]["text"].startswith("api_timeout")
    assert (ended.code, ended.stderr) == (0, "")


def test_connections_that_idle_or_never_finish_a_request_do_not_keep_the_server(
    bare_environment, upstreams
):
    own = {"MCP_SESSIONS_DEADLINE": "1"}
    with (
        served(bare_environment, upstreams.url, **own) as server,
        httpx.Client(trust_env=False) as idle,
        socket.create_connection(address(server), DEADLINE) as half,
        socket.create_connection(address(server), DEADLINE) as deaf,
    ):
        idle.get(f"{server.base}/healthz")
        half.sendall(b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n")
        deaf.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 2_000)
        ended = server.process.end(signal.SIGTERM)
    assert (ended.code, ended.stderr) == (0, "")


def test_a_second_signal_does_not_break_a_call_in_flight_into_a_traceback(
    bare_environment, upstreams
):
    held = Held()
    upstreams.turn_to(held.behaviour)
    with served(bare_environment, upstreams.url) as server:
        call = threading.Thread(target=lambda: _quietly(server))
        call.start()
        held.wait()
        server.process.process.send_signal(signal.SIGINT)
        eventually(lambda: is_refused(server))
        ended = server.process.end(signal.SIGINT)
        held.let_go()
        call.join(DEADLINE)
    assert ended.code == 0
    assert ended.stderr == ""


def _quietly(server):
    with suppress(httpx.TransportError):
        server.call()

import gzip
import re
import ssl
from threading import Event

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpcore
import pytest
import trustme

from mcp_sessions.api.client import open_api
from mcp_sessions.api.network_stream import HalfDuplexNetwork
from mcp_sessions.wire.models import Session

from support.calls import settings_for
from support.connect_proxy import connect, proxy, socks5
from support.raw_upstream import PATIENCE, answer, scripted, upstream
from support.rows import page_of

CLOSING = b"\r\nconnection: close"
SEGMENT = 64 * 1024  # bytes that the HTTP client reads at once


def body_of(number, size=0):
    body = page_of({"id": f"session_{number}"}, total=9, offset=number, limit=1)
    return body.ljust(size)


def plain(number, size=0, **headers):
    """Return an answer of `size` bytes after which the connection is kept."""
    body = body_of(number)
    for _ in range(2):  # the second time the length of the length is known
        kept = answer(body, **headers).replace(CLOSING, b"", 1)
        body = body.ljust(len(body) + size - len(kept))
    return answer(body, **headers).replace(CLOSING, b"", 1)


def chunked(number):
    body = body_of(number)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(body), body)


def packed(number):
    return answer(gzip.compress(body_of(number)), content_encoding="gzip").replace(CLOSING, b"", 1)


def hinted(number):
    return b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + plain(number)


def refused(_number):
    return answer(b"", "429 Too Many Requests").replace(CLOSING, b"", 1)


class Server:
    """Answers each request by its offset, then says more; knows who came on which connection."""

    def __init__(self, answered, stray=b"", *, at_once=True):
        self.answered, self.stray, self.at_once = answered, stray, at_once
        self.ports = []
        self.go, self.gone = Event(), Event()

    def behaviour(self, exchange):
        self.ports.append(exchange.connection.getpeername()[1])
        sent = self.answered(exchange.asked("offset", 0))
        exchange.send(sent + self.stray if self.at_once else sent)
        if not self.at_once:
            assert self.go.wait(PATIENCE)
            exchange.send(self.stray)
            self.gone.set()
        exchange.kept = True


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(params=["TCP", "TLS"])
def tls(request, authority, tmp_path, monkeypatch):
    """Return what the server's TLS is made of, or None; the client trusts its authority."""
    if request.param == "TCP":
        return None
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def rows_read(url, server=None, count=3):
    """Read rows 0, 1, … of a list by one client, and return their numbers as they were shown."""

    async def run():
        shown = []
        with anyio.fail_after(PATIENCE):
            async with open_api(settings_for(url)) as api:
                for offset in range(count):
                    page = await api.page({"offset": offset, "limit": 1}, Session)
                    shown += [int(re.search(r"\d+", row.id)[0]) for row in page.data]
                    if server is not None:
                        server.go.set()
                        assert await anyio.to_thread.run_sync(server.gone.wait, PATIENCE)
                        server.go.clear()
                        server.gone.clear()
        return shown

    return anyio.run(run)


STRAYS = {
    "a whole answer": plain(7),
    "a chunked answer": chunked(7),
    "an answer in two TLS records": plain(7, 20_000),
    "an answer longer than one read": plain(7, 3 * SEGMENT),
    "half an answer": plain(7)[:-9],
    "an informational answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a line end": b"\r\n",
    "one byte": b" ",
}


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS.keys())
@pytest.mark.parametrize("answered", [plain, chunked, packed, hinted])
def test_an_answer_too_many_in_the_same_segment_is_shown_to_nobody(answered, stray, tls):
    server = Server(answered, stray)
    with upstream(trusted=tls) as served:
        served.turn_to(server.behaviour)
        assert rows_read(served.url) == [0, 1, 2]
    assert len(set(server.ports)) == 3


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS.keys())
def test_an_answer_too_many_that_comes_later_is_shown_to_nobody(stray, tls):
    server = Server(plain, stray, at_once=False)
    with upstream(trusted=tls) as served:
        served.turn_to(server.behaviour)
        assert rows_read(served.url, server) == [0, 1, 2]
    assert len(set(server.ports)) == 3


@pytest.mark.parametrize("size", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 4 * SEGMENT])
@pytest.mark.parametrize("more", [1, 16_000, 3 * SEGMENT])
def test_an_answer_too_many_behind_full_reads_is_shown_to_nobody(size, more, tls):
    server = Server(lambda number: plain(number, size), plain(7, more))
    with upstream(trusted=tls) as served:
        served.turn_to(server.behaviour)
        assert rows_read(served.url) == [0, 1, 2]
    assert len(set(server.ports)) == 3


def big(number):
    return plain(number, 4 * SEGMENT)


def huge(number):
    return plain(number, 30 * SEGMENT)


def exact(number):
    return plain(number, SEGMENT)


@pytest.mark.parametrize("answered", [plain, chunked, packed, hinted, big, huge, exact])
def test_a_connection_without_a_stray_byte_is_used_again(answered, tls):
    server = Server(answered)
    with upstream(trusted=tls) as served:
        served.turn_to(server.behaviour)
        assert rows_read(served.url) == [0, 1, 2]
    assert len(set(server.ports)) == 1


@pytest.mark.parametrize(("greet", "scheme"), [(connect, "http"), (socks5, "socks5")])
@pytest.mark.parametrize("stray", [b"", plain(7)])
def test_connections_through_a_proxy_are_kept_unless_there_is_a_stray_byte(
    greet, scheme, stray, tls, monkeypatch
):
    server = Server(plain, stray)
    with proxy(greet) as tunnels, upstream(trusted=tls) as served:
        answers_itself = tls is None and greet is connect  # as no tunnel is asked for then
        address = f"127.0.0.1:{served.port}" if answers_itself else tunnels
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:word@{address}")
        served.turn_to(server.behaviour)
        assert rows_read(served.url) == [0, 1, 2]
    assert len(set(server.ports)) == (3 if stray else 1)


@pytest.mark.parametrize("seen_by_the_loop", [True, False])
def test_a_request_is_not_written_where_the_server_has_spoken_first(seen_by_the_loop):
    async def run(port, server):
        with anyio.fail_after(PATIENCE):
            stream = await HalfDuplexNetwork().connect_tcp("127.0.0.1", port)
            await stream.write(b"GET /api?offset=0 HTTP/1.1\r\n\r\n")
            assert await stream.read(100) == b"}"
            assert not stream.get_extra_info("is_readable")
            server.go.set()
            assert server.gone.wait(PATIENCE)  # with the loop held up, so that it reads nothing
            for _ in range(5 if seen_by_the_loop else 0):
                await anyio.lowlevel.checkpoint()
            assert stream.get_extra_info("is_readable")
            with pytest.raises(httpcore.RemoteProtocolError):
                await stream.write(b"GET /api?offset=1 HTTP/1.1\r\n\r\n")
            await stream.aclose()

    server = Server(lambda _: b"}", b"x", at_once=False)
    with upstream() as served:
        served.turn_to(server.behaviour)
        anyio.run(run, served.port, server)
        assert len(served.requests) == 1


def test_no_handshake_is_begun_on_a_connection_that_has_ended():
    async def run(port):
        with anyio.fail_after(PATIENCE):
            stream = await HalfDuplexNetwork().connect_tcp("127.0.0.1", port)
            await stream.write(b"CONNECT api.example:443 HTTP/1.1\r\n\r\n")
            assert await stream.read(1)
            while await stream.read(SEGMENT):
                pass
            with pytest.raises(httpcore.ConnectError):
                await stream.start_tls(ssl.create_default_context(), "api.example")
            await stream.aclose()

    with scripted([b"HTTP/1.1 200 OK\r\n\r\n"]) as served:
        anyio.run(run, served.port)


def test_a_large_answer_that_is_read_late_arrives_whole():
    async def run(port):
        with anyio.fail_after(PATIENCE):
            stream = await HalfDuplexNetwork().connect_tcp("127.0.0.1", port)
            await stream.write(b"GET /api?offset=0 HTTP/1.1\r\n\r\n")
            for _ in range(2_000):  # more than is gathered beforehand comes meanwhile
                await anyio.lowlevel.checkpoint()
            read = bytearray()
            while len(read) < len(huge(0)):
                read += await stream.read(SEGMENT)
            await stream.aclose()
        assert read == huge(0)

    with upstream() as served:
        served.turn_to(Server(huge).behaviour)
        anyio.run(run, served.port)


def test_reads_of_what_has_come_already_give_others_their_turn():
    async def run(port):
        turns = 0

        async def take_turns():
            nonlocal turns
            while True:
                turns += 1
                await anyio.lowlevel.checkpoint()

        with anyio.fail_after(PATIENCE):
            stream = await HalfDuplexNetwork().connect_tcp("127.0.0.1", port)
            await stream.write(b"GET /api?offset=0 HTTP/1.1\r\n\r\n")
            await stream.read(1)
            async with anyio.create_task_group() as others:
                others.start_soon(take_turns)
                for _ in range(1_000):
                    await stream.read(1)
                others.cancel_scope.cancel()
            await stream.aclose()
        assert turns >= 500

    with upstream() as served:
        served.turn_to(Server(exact).behaviour)
        anyio.run(run, served.port)


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "a..b"])
def test_a_host_that_cannot_be_looked_up_is_no_connection(host):
    async def run():
        with anyio.fail_after(PATIENCE), pytest.raises(httpcore.ConnectError):
            await HalfDuplexNetwork().connect_tcp(host, 80)

    anyio.run(run)

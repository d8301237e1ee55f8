import re
import socket
import ssl
from queue import Queue
from threading import Event

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import httpcore
import httpx
import pytest
import trustme

from mcp_sessions.api.client import open_api, open_shared_api
from mcp_sessions.api.connections import open_connections
from mcp_sessions.api.memory_budget import MemoryBudget, MemoryShare
from mcp_sessions.api.request import ApiRequest
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Session

from support.calls import call_tool, failure_of, fault_of, read_page, settings_for
from support.raw_upstream import PATIENCE, answer, page_answer, scripted, upstream

OK = page_answer([{"id": "session_1"}])


def test_a_closed_port_is_unreachable():
    with scripted([OK]) as upstream:
        pass
    assert fault_of(settings_for(upstream.url)).code == "api_unreachable"


def test_a_proxy_of_the_environment_is_asked_for_the_api(monkeypatch):
    with scripted([OK]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api"))
        read_page(settings_for("http://api.example/api"))
        assert proxy.requests[0].startswith(b"GET http://api.example/api/v1/sessions?")


def test_the_embedded_api_is_never_asked_through_a_proxy(monkeypatch):
    with scripted([OK]) as upstream, scripted([OK]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api"))
        read_page(Settings(api_url=upstream.url, no_key=True, demo=True))
        assert proxy.requests == []


def test_a_cookie_that_the_api_sets_is_not_sent_back():
    body = OK.partition(b"\r\n\r\n")[2]

    async def read_twice(settings):
        with anyio.fail_after(20):
            async with open_api(settings) as api:
                for offset in range(2):
                    await api.page({"offset": offset, "limit": 1}, Session)

    with scripted([answer(body, set_cookie="session=CANARY; Path=/"), OK]) as upstream:
        anyio.run(read_twice, settings_for(upstream.url))
        assert len(upstream.requests) == 2
        assert b"cookie" not in upstream.requests[1].lower()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_certificate_that_nobody_vouches_for_is_named(tls):
    with scripted([OK], tls) as upstream:
        failed = fault_of(settings_for(upstream.url))
    assert failed.code == "api_unreachable"
    assert failed.message.startswith("TLS failed: the API's certificate is not trusted")
    assert upstream.requests == []


def test_the_authorities_of_the_environment_are_trusted(tls, authority, tmp_path, monkeypatch):
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with scripted([OK], tls) as upstream:
        assert read_page(settings_for(upstream.url)).data[0].id == "session_1"


def test_a_server_that_speaks_no_tls_is_named():
    with scripted([OK]) as upstream:
        failed = fault_of(settings_for(upstream.url.replace("http:", "https:")))
    assert failed.code == "api_unreachable"
    assert failed.message.startswith("TLS failed: no secure connection")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "foo://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://[::1"),
        ("SSL_CERT_FILE", "/nonexistent/authority.pem"),
    ],
)
def test_proxy_or_ca_settings_that_cannot_be_used_are_an_answer(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    shown = failure_of(call_tool(settings_for("https://api.example/api")))
    assert shown.startswith("api_unreachable: The proxy or CA settings")
    assert shown.endswith("The same call will fail again. (permanent)")


class KeyServer:
    """Answers each key with a row named after it, as often as it is told to."""

    def __init__(self, times=1):
        self.times = times
        self.ports = {}  # of each key's requests, in order
        self.left = Queue()  # keys whose connection the client has closed

    def behaviour(self, exchange):
        key = re.search(rb"(?i)\r\nauthorization: (\w+)", exchange.head)[1].decode()
        self.ports.setdefault(key, []).append(exchange.connection.getpeername()[1])
        sent = page_answer([{"id": f"session_{key}"}]).replace(b"\r\nconnection: close", b"", 1)
        exchange.send(sent * self.times)
        if exchange.connection.recv(1, socket.MSG_PEEK):  # its next request
            exchange.kept = True
        else:
            self.left.put(key)


def shown_to(url, keys, afterwards=lambda: None):
    """Read a page with each of the keys in turn, and return whose rows were shown."""

    async def run():
        shown = []
        with anyio.fail_after(PATIENCE):
            async with open_shared_api(settings_for(url)) as shared:
                apis = {key: shared.api(Settings(api_url=url, api_key=key)) for key in set(keys)}
                for offset, key in enumerate(keys):
                    page = await apis[key].page({"offset": offset, "limit": 1}, Session)
                    shown.append(page.data[0].id.removeprefix("session_"))
                await anyio.to_thread.run_sync(afterwards)
        return shown

    return anyio.run(run)


@pytest.mark.parametrize("times", [1, 2, 6])
def test_no_credential_is_shown_what_a_server_said_to_another(times):
    server, keys = KeyServer(times), ["anna", "bert"] * 3
    with upstream() as served:
        served.turn_to(server.behaviour)
        assert shown_to(served.url, keys) == keys
    assert not set(server.ports["anna"]) & set(server.ports["bert"])


def test_a_credential_keeps_its_connection_while_others_come_and_go():
    server = KeyServer()
    with upstream() as served:
        served.turn_to(server.behaviour)
        shown_to(served.url, [f"k{number % 20}" for number in range(60)])
    assert {len(set(ports)) for ports in server.ports.values()} == {1}


def test_where_connections_run_out_the_one_idle_longest_makes_room():
    keys = [f"k{number}" for number in range(33)]
    server = KeyServer()
    with upstream() as served:
        served.turn_to(server.behaviour)
        # All but the first and the last have theirs still, and k0 takes the one of k1 then.
        shown = shown_to(served.url, [*keys, *keys[1:], "k0", "k1"])
        assert shown == [*keys, *keys[1:], "k0", "k1"]
    connections = {key: len(set(ports)) for key, ports in server.ports.items()}
    assert connections == dict.fromkeys(keys, 1) | {"k0": 2, "k1": 2}


def test_the_connection_that_makes_room_is_closed_before_another_is_opened():
    server, left = KeyServer(), []

    def wait_for_three():
        left.extend(server.left.get(timeout=PATIENCE) for _ in range(3))

    with upstream() as served:
        served.turn_to(server.behaviour)
        shown_to(served.url, [f"k{number}" for number in range(35)], wait_for_three)
        assert sorted(left) == ["k0", "k1", "k2"]


REAL_TRANSPORT = httpx.AsyncHTTPTransport


class ElsewherePool(httpcore.AsyncConnectionPool):
    def create_connection(self, origin):
        return httpcore.AsyncHTTPConnection(origin)


class OtherTransport(httpx.AsyncHTTPTransport):
    """A transport of another version, which connects through a network of its own."""

    def __init__(self, **_options):
        self._pool = ElsewherePool()


class RenamedTransport(httpx.AsyncBaseTransport):
    """A transport of another version, in which nothing has the name that it has today."""

    def __init__(self, **options):
        self.inner = REAL_TRANSPORT(**options)

    async def handle_async_request(self, request):
        return await self.inner.handle_async_request(request)

    async def aclose(self):
        await self.inner.aclose()


@pytest.mark.parametrize("transport", [OtherTransport, RenamedTransport])
def test_a_connection_whose_stray_bytes_would_not_be_seen_is_not_used_again(transport, monkeypatch):
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", transport)
    server, keys = KeyServer(times=2), ["anna"] * 3
    with upstream() as served:
        served.turn_to(server.behaviour)
        assert shown_to(served.url, keys) == keys
    assert len(set(server.ports["anna"])) == 3


class BreakingOff:
    """Sends half of its first answer, and the rest when it is told to."""

    def __init__(self):
        self.here, self.go = anyio.Event(), Event()
        self.ports = []

    def behaviour(self, exchange):
        offset = exchange.asked("offset", 0)
        body = b'{"data":[{"id":"session_%d"}],"total":9,"offset":%d,"limit":1}' % (offset, offset)
        sent = answer(body).replace(b"\r\nconnection: close", b"", 1)
        self.ports.append(exchange.connection.getpeername()[1])
        exchange.send(sent[:-5])
        if exchange.number == 1:
            self.said_half()
            assert self.go.wait(PATIENCE)
        exchange.send(sent[-5:])
        exchange.kept = True


def test_the_connection_of_a_request_that_was_given_up_is_not_used_again():
    server = BreakingOff()

    async def run(settings):
        loop_token = anyio.lowlevel.current_token()
        server.said_half = lambda: anyio.from_thread.run_sync(server.here.set, token=loop_token)
        with anyio.fail_after(PATIENCE):
            share = MemoryShare(MemoryBudget(0, 0), "")
            async with open_connections(settings) as connections:
                request = ApiRequest(connections, settings)
                async with anyio.create_task_group() as given_up:
                    given_up.start_soon(request.get, {"offset": 0, "limit": 1}, share.grow_to)
                    await server.here.wait()
                    given_up.cancel_scope.cancel()
                server.go.set()
                return await request.get({"offset": 1, "limit": 1}, share.grow_to)

    with upstream() as served:
        served.turn_to(server.behaviour)
        body = anyio.run(run, settings_for(served.url))
    assert b"session_1" in body
    assert len(set(server.ports)) == 2

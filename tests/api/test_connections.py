import ssl

import anyio
import pytest
import trustme

from mcp_sessions.api.client import open_api
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Session

from support.calls import call_tool, failure_of, fault_of, read_page, settings_for
from support.raw_upstream import answer, page_answer, scripted

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

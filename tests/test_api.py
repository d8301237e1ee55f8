import gzip
import json
import ssl

import anyio
import pytest
import trustme
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mcp_sessions.api import retries
from mcp_sessions.api.client import open_api
from mcp_sessions.errors import SessionsError
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Session

from calls import DEADLINE, call_tool, failure_of, settings_for, text_of
from raw_api import http_answer, page_answer, raw_api

OK = page_answer([{"id": "session_1"}])
KEY = "evr_pat_CANARYKEY123"


@pytest.fixture(autouse=True, scope="module")
def no_waits():
    """Ask again at once where the API names no wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retries, "_backoff", lambda _state: 0.0)
        yield


def read(settings, **parameters):
    async def once():
        with anyio.fail_after(min(DEADLINE, settings.deadline)):
            async with open_api(settings) as api:
                return await api.page({"offset": 0, "limit": 20} | parameters, Session)

    return anyio.run(once)


def fault(settings):
    with pytest.raises(SessionsError) as failed:
        read(settings)
    return failed.value


def headers_of(request):
    lines = request.decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("evr_pat_0123", "evr_pat_0123"),
        ("Bearer evr_pat_0123", "Bearer evr_pat_0123"),
        ("ApiKey evr_pat_0123", "ApiKey evr_pat_0123"),
        ("eyJhbGciOi.eyJzdWIi.c2lnbg", "Bearer eyJhbGciOi.eyJzdWIi.c2lnbg"),
        ("Bearer eyJhbGciOi.eyJzdWIi.c2lnbg", "Bearer eyJhbGciOi.eyJzdWIi.c2lnbg"),
    ],
)
def test_a_token_goes_bare_a_jwt_as_bearer_and_a_scheme_as_it_is(key, sent):
    with raw_api([OK]) as upstream:
        read(Settings(api_url=upstream.url, api_key=key))
    assert headers_of(upstream.requests[0])["authorization"] == sent


def test_a_development_server_is_asked_without_a_key_only_when_told_so():
    with raw_api([OK]) as upstream:
        read(Settings(api_url=upstream.url, no_key=True))
        assert fault(Settings(api_url=upstream.url)).code == "not_configured"
    assert len(upstream.requests) == 1
    assert "authorization" not in headers_of(upstream.requests[0])


def test_the_organization_goes_in_its_header():
    with raw_api([OK]) as upstream:
        read(settings_for(upstream.url, org_id="org_7"))
    assert headers_of(upstream.requests[0])["x-org-id"] == "org_7"


def test_the_base_url_keeps_its_path_and_every_value_is_encoded():
    with raw_api([OK]) as upstream:
        read(
            settings_for(upstream.url + "/deeper"), search="a&b=c ü#?/%\n", agent_id="agent_1/../x"
        )
    line = upstream.requests[0].split(b"\r\n")[0].decode()
    assert line.startswith("GET /api/deeper/v1/sessions?")
    assert "search=a%26b%3Dc+%C3%BC%23%3F%2F%25%0A" in line.replace("%20", "+")
    assert "agent_id=agent_1%2F..%2Fx" in line.replace("/..", "%2F..").replace("../", "..%2F")


BODIES = {
    "problem": json.dumps({"title": "CANARYBODY", "status": 0, "detail": "CANARYBODY"}).encode(),
    "error text": b'{"error":"CANARYBODY"}',
    "error object": b'{"error":{"code":"CANARYBODY","message":"CANARYBODY"}}',
    "plain text": b"CANARYBODY",
    "html": b"<html><h1>CANARYBODY</h1></html>",
    "empty": b"",
}


@pytest.mark.parametrize("shape", BODIES)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400 Bad Request", "invalid_arguments"),
        ("401 Unauthorized", "unauthorized"),
        ("403 Forbidden", "permission_denied"),
        ("404 Not Found", "not_found"),
        ("408 Request Timeout", "api_timeout"),
        ("414 URI Too Long", "invalid_arguments"),
        ("418 I'm a teapot", "bad_response"),
        ("422 Unprocessable", "invalid_arguments"),
        ("429 Too Many Requests", "rate_limited"),
        ("500 Internal Server Error", "api_unavailable"),
        ("502 Bad Gateway", "api_unavailable"),
        ("503 Service Unavailable", "api_unavailable"),
        ("204 No Content", "bad_response"),
        ("302 Found", "bad_response"),
    ],
)
def test_every_refusal_has_its_code_and_quotes_nothing(shape, status, code):
    body = b"" if status.startswith("204") else BODIES[shape]
    with raw_api([http_answer(body, status=status)]) as upstream:
        failed = fault(settings_for(upstream.url))
    assert failed.code == code
    assert f"(HTTP {status[:3]})" in failed.message
    assert "CANARY" not in failed.message + failed.hint


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        (["retry-after: 60"], b"", 60),
        (["retry-after: 0"], b"", 1),
        (["retry-after: Wed, 01 Jan 2020 00:00:00 GMT"], b"", 1),
        ([], b'{"title":"x","retry_after_seconds":7}', 7),
        (["retry-after: soon"], b'{"retry_after_seconds":7.4}', 8),
        (["retry-after: 99999999999"], b"", None),
        (["retry-after: nan"], b"", None),
        ([], b'{"retry_after_seconds":"x"}', None),
        ([], b"<html>", None),
    ],
)
def test_the_wait_that_the_api_asks_for_is_read(headers, body, seconds):
    answer = http_answer(body, status="429 Too Many Requests", headers=headers)
    with raw_api([answer]) as upstream:
        assert fault(settings_for(upstream.url, deadline=1)).retry_after == seconds


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "api_unreachable"),
        (b"nonsense\r\n\r\n", "api_unreachable"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "api_unreachable"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "api_unreachable"),
        (http_answer(b"no gzip", headers=["content-encoding: gzip"]), "bad_response"),
        (http_answer(b"{}", headers=["content-encoding: br"]), "bad_response"),
        (
            http_answer(gzip.compress(b"{}")[:-4], headers=["content-encoding: gzip"]),
            "api_unreachable",
        ),
        (http_answer(b'{"data":[{"id":"sess'), "api_unreachable"),
        (http_answer(b"<html>", kind="html"), "bad_response"),
        (http_answer(b""), "bad_response"),
        (http_answer(b"[]"), "bad_response"),
        (http_answer(b"[" * 100_000), "bad_response"),
    ],
)
def test_every_broken_answer_has_its_code(answer, code):
    with raw_api([answer]) as upstream:
        assert fault(settings_for(upstream.url)).code == code


def test_a_closed_port_is_unreachable():
    with raw_api([OK]) as upstream:
        pass
    assert fault(settings_for(upstream.url)).code == "api_unreachable"


def test_silence_ends_at_the_deadline_of_the_call():
    with raw_api([None]) as upstream:
        shown = failure_of(call_tool(settings_for(upstream.url, deadline=1)))
    assert shown.startswith("api_timeout: The API did not answer")
    assert "Trying again may help." in shown


def test_a_redirect_is_not_followed_and_its_target_gets_nothing():
    with raw_api([OK]) as elsewhere:
        target = f"location: {elsewhere.url}/stolen"
        answer = http_answer(b"", status="307 Temporary Redirect", headers=[target])
        with raw_api([answer]) as upstream:
            failed = fault(settings_for(upstream.url))
    assert "redirects elsewhere" in failed.message
    assert elsewhere.requests == []


def test_an_answer_larger_than_allowed_is_refused():
    answer = page_answer([{"id": "session_1", "title": "x" * 70_000}])
    with raw_api([answer]) as upstream:
        failed = fault(settings_for(upstream.url, max_response_bytes=65_536))
    assert failed.code == "response_too_large"
    assert "smaller limit" in failed.hint


def test_a_compressed_answer_is_measured_as_it_unpacks():
    bomb = gzip.compress(b"[" + b"0" * 20_000_000)
    answer = http_answer(bomb, headers=["content-encoding: gzip"])
    with raw_api([answer]) as upstream:
        failed = fault(settings_for(upstream.url, max_response_bytes=65_536))
    assert failed.code == "response_too_large"


def test_a_compressed_page_is_read():
    body = gzip.compress(b'{"data":[{"id":"session_1"}]}')
    answer = http_answer(body, headers=["content-encoding: gzip"])
    with raw_api([answer]) as upstream:
        assert read(settings_for(upstream.url)).data[0].id == "session_1"


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=2_000))
def test_any_bytes_as_a_body_give_a_page_or_one_of_our_errors(body):
    with raw_api([http_answer(body)]) as upstream:
        result = call_tool(settings_for(upstream.url))
    assert not result.is_error or text_of(result).split(":")[0] in {
        "bad_response",
        "api_unreachable",
    }


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=1, max_size=500))
def test_any_bytes_as_an_answer_give_one_of_our_errors(answer):
    with raw_api([answer]) as upstream:
        shown = failure_of(call_tool(settings_for(upstream.url, deadline=5)))
    assert shown.split(":")[0] in {"api_unreachable", "bad_response", "api_timeout"}


@pytest.mark.parametrize("level", ["debug", "info"])
def test_logs_name_a_request_without_key_or_search_words(level, caplog):
    caplog.set_level(level.upper())
    with raw_api([OK]) as upstream:
        settings = settings_for(upstream.url, log_level=level)
        call_tool(settings, arguments={"search": "CANARYSEARCH"})
    assert KEY not in caplog.text
    if level == "debug":
        assert "request status=200 bytes=70 " in caplog.text


def test_a_proxy_of_the_environment_is_asked_for_the_api(monkeypatch):
    with raw_api([OK]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api"))
        read(settings_for("http://api.example/api"))
        assert proxy.requests[0].startswith(b"GET http://api.example/api/v1/sessions?")


def test_the_embedded_api_is_never_asked_through_a_proxy(monkeypatch):
    with raw_api([OK]) as upstream, raw_api([OK]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api"))
        read(Settings(api_url=upstream.url, no_key=True, demo=True))
        assert proxy.requests == []


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_certificate_that_nobody_vouches_for_is_named(tls):
    with raw_api([OK], tls) as upstream:
        failed = fault(settings_for(upstream.url))
    assert failed.code == "api_unreachable"
    assert failed.message.startswith("TLS failed: the API's certificate is not trusted")
    assert upstream.requests == []


def test_the_authorities_of_the_environment_are_trusted(tls, authority, tmp_path, monkeypatch):
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with raw_api([OK], tls) as upstream:
        assert read(settings_for(upstream.url)).data[0].id == "session_1"


def test_a_server_that_speaks_no_tls_is_named():
    with raw_api([OK]) as upstream:
        failed = fault(settings_for(upstream.url.replace("http:", "https:")))
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


def test_a_wait_is_told_only_where_waiting_helps():
    answer = http_answer(b"", status="401 Unauthorized", headers=["retry-after: 60"])
    with raw_api([answer]) as upstream:
        assert fault(settings_for(upstream.url)).retry_after is None


@pytest.mark.parametrize(
    ("parameters", "named"), [({"agent_id": "agent_x"}, "agent_id"), ({}, "EVERRUNS_ORG_ID")]
)
def test_a_refused_request_names_what_may_be_wrong(parameters, named):
    answer = http_answer(b"", status="400 Bad Request")
    with raw_api([answer]) as upstream, pytest.raises(SessionsError) as failed:
        read(settings_for(upstream.url), **parameters)
    assert named in failed.value.hint

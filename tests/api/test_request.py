from urllib.parse import parse_qsl, urlsplit

import anyio
import pytest

from mcp_sessions.api.client import open_api
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Session

from support.calls import KEY, call_tool, fault_of, read_page, settings_for
from support.raw_upstream import answer, page_answer, scripted

OK = page_answer([{"id": "session_1"}])
BODY = OK.partition(b"\r\n\r\n")[2]


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
    with scripted([OK]) as upstream:
        read_page(Settings(api_url=upstream.url, api_key=key))
    assert headers_of(upstream.requests[0])["authorization"] == sent


def test_a_development_server_is_asked_without_a_key_only_when_told_so():
    with scripted([OK]) as upstream:
        read_page(Settings(api_url=upstream.url, no_key=True))
        assert fault_of(Settings(api_url=upstream.url)).code == "not_configured"
    assert len(upstream.requests) == 1
    assert "authorization" not in headers_of(upstream.requests[0])


def test_the_organization_goes_in_its_header():
    with scripted([OK]) as upstream:
        read_page(settings_for(upstream.url, org_id="org_7"))
    assert headers_of(upstream.requests[0])["x-org-id"] == "org_7"


def test_the_base_url_keeps_its_path_and_every_value_is_encoded():
    asked = {"search": "a&b=c ü#?/%\n", "agent_id": "agent_1/../x"}
    with scripted([OK]) as upstream:
        read_page(settings_for(upstream.url + "/deeper"), **asked)
    method, target, version = upstream.requests[0].split(b"\r\n")[0].decode("ascii").split(" ")
    url = urlsplit(target)
    assert (method, url.path, version) == ("GET", "/api/deeper/v1/sessions", "HTTP/1.1")
    assert dict(parse_qsl(url.query)) == {**asked, "offset": "0", "limit": "20"}


def test_a_redirect_is_not_followed_and_its_target_gets_nothing():
    with scripted([OK]) as elsewhere:
        target = f"{elsewhere.url}/stolen"
        sent = answer(b"", "307 Temporary Redirect", location=target)
        with scripted([sent]) as upstream:
            failed = fault_of(settings_for(upstream.url))
    assert "redirects elsewhere" in failed.message
    assert elsewhere.requests == []


@pytest.mark.parametrize("level", ["debug", "info"])
def test_logs_name_a_request_without_key_or_search_words(level, caplog):
    caplog.set_level(level.upper())
    with scripted([OK]) as upstream:
        settings = settings_for(upstream.url, log_level=level)
        call_tool(settings, arguments={"search": "CANARYSEARCH"})
    assert KEY not in caplog.text
    ours = [record for record in caplog.records if record.name.startswith("mcp_sessions")]
    assert not [record for record in ours if "CANARYSEARCH" in record.getMessage()]
    if level == "debug":
        assert f"request status=200 bytes={len(BODY)} " in caplog.text


@pytest.mark.parametrize(
    ("id_", "segment"),
    [
        ("session_1-A", "session_1-A"),
        ("../x", "..%2Fx"),
        ("a?b#c", "a%3Fb%23c"),
        ("é %", "%C3%A9%20%25"),
    ],
)
def test_an_id_is_one_segment_of_the_path_whatever_is_in_it(id_, segment):
    async def read(url):
        with anyio.fail_after(20):
            async with open_api(settings_for(url)) as api:
                await api.session(id_, Session, anyio.Semaphore(1))

    with scripted([answer(b"{}")]) as upstream:
        anyio.run(read, f"{upstream.url}/deeper")
    target = upstream.requests[0].split(b" ")[1].decode("ascii")
    assert target == f"/api/deeper/v1/sessions/{segment}"
    assert headers_of(upstream.requests[0])["authorization"] == KEY

"""A thousand sessions with a planted credential wherever one may hide: none may come out."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.embedded import SessionStore, seed_sessions, serve
from mcp_sessions.results import models as summary
from mcp_sessions.results import rows
from mcp_sessions.results.text import render
from mcp_sessions.wire import models as wire
from mcp_sessions.wire.read import parse_page

from support.calls import call_tool, settings_for, text_of
from support.raw_upstream import answer, scripted
from support.rows import row

# What upstream may hide, and where: each path ends in a value that is a credential.
HIDING_PLACES = (
    ("mcpServers", "crm", "headers", "Authorization"),
    ("mcpServers", "crm", "env", "TOKEN"),
    ("mcpServers", "crm", "args", 0),
    ("mcpServers", "crm", "command"),
    ("mcpServers", "crm", "url"),
    ("mcpServers", "crm", "oauth_provider_id"),
    ("capabilities", 0, "config", "token"),
    ("hints", "openai_api_key"),
    ("blueprint_config", "deploy_key"),
    ("initial_files", 0, "content"),
    ("system_prompt",),
    ("tools", 0, "parameters", "default"),
    ("tools", 0, "full_parameters", "default"),
    ("tools", 0, "hints", "x"),
    ("tools", 0, "description"),
    ("owner", "metadata", "cookie"),
    ("effective_owner", "metadata", "cookie"),
    ("allowed_actions", 0, "href"),
    ("network_access", "allowed", 0),
    ("view_url",),
    ("self_url",),
    ("x_future", "secret"),
)


def planted(path, value):
    """Return `value` at the end of `path`, in nested objects and lists."""
    for step in reversed(path):
        value = [value] if isinstance(step, int) else {step: value}
    return value


def with_credentials(number):
    session = row(number, created_at=None)  # so that each list is read by offset alone
    for place, path in enumerate(HIDING_PLACES):
        secret = f"CANARY-{number}-{place}"
        if path[0].endswith("_url"):
            secret = f"https://u:{secret}@app.example/s/{number}?t={secret}#{secret}"
        session = merged(session, planted(path, secret))
    return session


def merged(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        both = {name: merged(one[name], other[name]) for name in one.keys() & other.keys()}
        return {**one, **other, **both}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    return other


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_a_credential_planted_anywhere_appears_in_no_result_and_no_log(detail, caplog):
    caplog.set_level(logging.DEBUG)
    rows = [with_credentials(number) for number in range(1_000)]
    assert json.dumps(rows).count("CANARY") >= 1_000 * len(HIDING_PLACES)
    for start in range(0, 1_000, 100):
        body = json.dumps({"data": rows[start : start + 100]}).encode()
        with scripted([answer(body), answer(b'{"data":[]}')]) as upstream:
            roomy = settings_for(upstream.url, max_result_chars=1_000_000)
            result = call_tool(roomy, arguments={"limit": 100, "detail": detail})
        assert result.structured_content["returned"] == 100
        assert "CANARY" not in text_of(result) + json.dumps(result.structured_content)
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_no_planted_credential_of_the_seed_appears(detail):
    store = SessionStore()
    rows = list(seed_sessions(1_000))
    assert json.dumps(rows).count("CANARY") > 1_000
    store.create_many(rows)
    with serve(store) as served:
        roomy = settings_for(served.url, max_result_chars=1_000_000)
        result = call_tool(roomy, arguments={"limit": 100, "detail": detail})
        seen = result.structured_content["returned"]
        while "next_cursor" in result.structured_content:
            assert "CANARY" not in text_of(result) + json.dumps(result.structured_content)
            cursor = {"cursor": result.structured_content["next_cursor"]}
            result = call_tool(roomy, "get_session_page", cursor)
            seen += result.structured_content["returned"]
        assert "CANARY" not in text_of(result) + json.dumps(result.structured_content)
        assert seen == 1_000


SHOWN = {"name", "path", "ref", "type"}  # of what is shown by its shape
names = st.text(max_size=5).filter(lambda name: name not in SHOWN)
canaries = st.recursive(
    st.just("CANARY"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner),
)


@given(st.dictionaries(st.sampled_from([path[0] for path in HIDING_PLACES[:-4]]), canaries))
def test_a_hiding_place_of_any_shape_gives_nothing_away(fields):
    """Names of tools, files and servers are shown, so keys stay short and values are canaries."""
    body = json.dumps({"data": [{"id": "session_1", **fields}]}).encode()
    (session,) = parse_page(body, wire.FullSession, 100).data
    row = rows.full(session)
    page = summary.PageSummary(
        sessions=[row], returned=1, offset=0, limit=20, detail="full", has_more=False
    )
    assert "CANARY" not in render(page) + json.dumps(page.compact())

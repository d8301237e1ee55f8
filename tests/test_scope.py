"""One agent's own sessions: neither an argument nor a cursor reaches another's."""

import json

import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.tools.definitions import definitions

from calls import call_tool, failure_of, settings_for, text_of
from raw_api import page_answer, raw_api

OWN = "agent_" + "0197" + "0" * 24 + "0000"
OTHER = "agent_" + "f" * 32


@pytest.fixture
def own(api):
    rows = call_tool(settings_for(api.url), arguments={"limit": 50}).structured_content["sessions"]
    return next(row["agent_id"] for row in rows if "agent_id" in row)


def test_the_definitions_say_whose_sessions_these_are_and_ask_for_no_agent():
    for tool in definitions(OWN):
        assert tool.description.startswith(f"Shows only the sessions of agent {OWN}.")
        assert "agent_id" not in json.dumps(tool.input_schema) + tool.description


def test_every_session_shown_is_the_agents_own(api, own):
    scoped = settings_for(api.url, agent_id=own)
    result = call_tool(scoped, arguments={"limit": 5})
    while True:
        content = result.structured_content
        for row in content["sessions"]:
            assert {**row, **content.get("shared", {})}["agent_id"] == own
        if not content["has_more"]:
            break
        result = call_tool(scoped, "get_session_page", {"cursor": content["next_cursor"]})


def test_an_equal_argument_is_accepted_and_another_refused(api, own):
    scoped = settings_for(api.url, agent_id=own)
    assert not call_tool(scoped, arguments={"agent_id": own}).is_error
    for name, arguments in (
        ("list_sessions", {"agent_id": OTHER}),
        ("get_session_page", {"agent_id": OTHER, "offset": 0}),
    ):
        refused = failure_of(call_tool(scoped, name, arguments))
        assert refused.startswith(f"invalid_arguments: agent_id must be {own}")


def test_a_cursor_of_an_unlocked_server_is_refused(api, own):
    page = call_tool(settings_for(api.url), arguments={"limit": 5})
    cursor = {"cursor": page.structured_content["next_cursor"]}
    refused = failure_of(call_tool(settings_for(api.url, agent_id=own), "get_session_page", cursor))
    assert refused.startswith("invalid_cursor: The cursor belongs to another")


@pytest.mark.parametrize("agent_id", [None, OTHER])
def test_a_forged_cursor_reaches_nobody_elses(api, own, agent_id):
    forged = CursorCodec.of(api.url, None, own).write(Place(ListSessions(agent_id=agent_id)))
    result = call_tool(settings_for(api.url, agent_id=own), "get_session_page", {"cursor": forged})
    if agent_id is None:
        assert result.structured_content["filters"]["agent_id"] == own
    else:
        assert failure_of(result).startswith("invalid_arguments: agent_id must be")


def test_rows_of_others_are_dropped_whatever_the_api_sends():
    times = ("2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z")
    agents = (OWN, OTHER, None)
    rows = [
        {"id": f"session_{n}", "title": f"of {agent}", "agent_id": agent, "created_at": time}
        for n, (agent, time) in enumerate(zip(agents, times, strict=True))
    ]
    with raw_api([page_answer(rows)]) as upstream:
        result = call_tool(settings_for(upstream.url, agent_id=OWN))
        asked = upstream.requests[0]
    assert [row["id"] for row in result.structured_content["sessions"]] == ["session_0"]
    assert OTHER not in text_of(result)
    assert "total" not in result.structured_content
    assert f"agent_id={OWN}".encode() in asked

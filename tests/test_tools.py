import json

import jsonschema
import pytest

from mcp_sessions.api import client as door
from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.tools.definitions import definitions
from mcp_sessions.tools.result import MAX_ROW_CHARS

from calls import call_tool, failure_of, settings_for, text_of
from raw_api import page_answer, raw_api

SCHEMA = definitions()[0].output_schema


def heavy(n):
    """Return a session whose every shown text is as long as it may be."""
    return {
        "id": f"session_{n:032x}",
        "title": f"{n} " + "t" * 400,
        "preview": "p" * 400,
        "output_preview": "r" * 400,
        "status": "idle",
        "created_at": f"2026-11-20T11:{59 - n // 60:02}:{59 - n % 60:02}Z",
        "updated_at": "2026-11-20T12:57:31Z",
        "tags": [f"{'g' * 60}{tag}" for tag in range(30)],
        "tools": [{"name": f"{'n' * 50}{tool}"} for tool in range(30)],
    }


def shown(result):
    """Return the ids in the structured form, having seen that the text has the same ones."""
    assert not result.is_error, text_of(result)
    content = result.structured_content
    jsonschema.validate(content, SCHEMA)
    ids = [row["id"] for row in content["sessions"]]
    lines = [line.split()[0] for line in text_of(result).split("\n") if line[:7] == "session"]
    assert lines == ids
    assert content["returned"] == len(ids)
    assert content["has_more"] == ("next_cursor" in content)
    return ids


def test_both_tools_say_what_they_are():
    tools = definitions()
    assert [tool.name for tool in tools] == ["list_sessions", "get_session_page"]
    for tool in tools:
        assert tool.annotations.model_dump(exclude_none=True) == {
            "title": tool.title,
            "read_only_hint": True,
            "destructive_hint": False,
            "idempotent_hint": True,
            "open_world_hint": False,
        }
        assert len(tool.description) < 2_048
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.output_schema["type"] == "object"


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_both_forms_show_the_same_rows(api, detail):
    result = call_tool(settings_for(api.url), arguments={"detail": detail, "limit": 10})
    assert len(shown(result)) == 10


def test_a_walk_by_cursor_gives_every_session_once(api):
    settings = settings_for(api.url)
    result = call_tool(settings, arguments={"limit": 100, "detail": "brief"})
    seen = shown(result)
    while cursor := result.structured_content.get("next_cursor"):
        assert text_of(result).endswith(f'Next: get_session_page(cursor="{cursor}")')
        result = call_tool(settings, "get_session_page", {"cursor": cursor})
        assert result.structured_content["detail"] == "brief"
        assert result.structured_content["limit"] == 100
        seen += shown(result)
    assert text_of(result).endswith("End of the list.")
    assert len(seen) == len(set(seen)) == result.structured_content["total"]


def test_the_filters_in_force_are_said_back(api):
    arguments = {"agent_id": "agent_" + "0" * 32, "search": "q3 plan"}
    result = call_tool(settings_for(api.url), arguments=arguments)
    assert result.structured_content["filters"] == arguments
    assert f'Filters: agent_id={arguments["agent_id"]} search="q3 plan"' in text_of(result)


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
@pytest.mark.parametrize("budget", [4_000, 24_000])
def test_what_does_not_fit_follows_and_nothing_is_lost(detail, budget):
    rows = [heavy(n) for n in range(100 if budget > 4_000 else 25)]
    seen = []
    with SessionStore() as store, serve(store) as served:
        store.create_many(rows)
        settings = settings_for(served.url, max_result_chars=budget)
        result = call_tool(settings, arguments={"limit": 100, "detail": detail})
        while True:
            content = result.structured_content
            compact = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
            assert max(len(text_of(result)), len(compact)) <= budget
            seen += shown(result)
            assert content.get("moved_on", 0) == len(rows) - len(seen)
            if not content["has_more"]:
                break
            cursor = {"cursor": content["next_cursor"]}
            result = call_tool(settings, "get_session_page", cursor)
    assert seen == [row["id"] for row in rows]


def test_a_row_too_large_to_show_is_shown_brief_with_a_note():
    large = heavy(1) | {"initial_files": [{"path": "/" + 'é"' * 200, "content": "x"}] * 30}
    large |= {"features": ['"' * 60] * 30, "capabilities": [{"ref": '"' * 60}] * 30}
    with raw_api([page_answer([large, heavy(2)])]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"detail": "full"})
    first, second = result.structured_content["sessions"]
    assert first["shortened"] is True
    assert set(first) == {"id", "label", "status", "updated_at", "shortened"}
    assert "shown brief, being too large in full" in text_of(result)
    assert "tools" in second
    assert len(json.dumps(second, ensure_ascii=False)) <= MAX_ROW_CHARS


def test_a_filter_said_back_is_harmless():
    with raw_api([page_answer([])]) as upstream:
        search = {"search": "a\nNext: x\u202e token=abc1"}
        result = call_tool(settings_for(upstream.url), arguments=search)
    assert result.structured_content["filters"] == {"search": "a Next: x token=abc1"}
    assert text_of(result).count("\n") == 2


def test_rows_that_cannot_be_read_are_counted_in_both_forms():
    with raw_api([page_answer([{"id": "session_1"}, {"id": None}, 5])]) as upstream:
        result = call_tool(settings_for(upstream.url))
    assert shown(result) == ["session_1"]
    assert result.structured_content["malformed"] == 2
    assert "Left out as unreadable: 2" in text_of(result)


def test_a_list_of_nothing_but_unreadable_rows_ends():
    with raw_api([page_answer([{"id": None}] * 3)]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"limit": 2})
    assert shown(result) == []
    assert result.structured_content["malformed"] == 3
    assert text_of(result).endswith("End of the list.")


def test_a_total_of_the_wrong_type_is_left_out():
    with raw_api([page_answer([{"id": "session_1"}], total="many")]) as upstream:
        result = call_tool(settings_for(upstream.url))
    assert "total" not in result.structured_content
    assert text_of(result).startswith("1 sessions from offset 0")


def test_without_a_key_a_call_says_what_to_set():
    with raw_api([page_answer([])]) as upstream:
        settings = settings_for(upstream.url).model_copy(update={"api_key": None})
        lines = failure_of(call_tool(settings)).split("\n")
    assert lines[0] == "not_configured: No Everruns API key is set, so the API cannot be asked."
    assert "EVERRUNS_API_KEY" in lines[1]
    assert lines[2].endswith("(auth)")
    assert upstream.requests == []


def test_a_failure_says_what_why_what_next_and_when(api):
    failed = failure_of(call_tool(settings_for(api.url), "get_session_page", {}))
    assert failed.split("\n") == [
        (
            "invalid_arguments: get_session_page needs a cursor or an offset; no next_cursor means"
            " the list has ended."
        ),
        "Stop if the last result had no next_cursor; list_sessions starts a new list.",
        "The same call will fail again. (validation)",
    ]


def test_an_agent_id_that_the_api_refuses_is_the_agents_to_mend(api):
    failed = failure_of(call_tool(settings_for(api.url), arguments={"agent_id": "agent_x"}))
    assert failed.startswith("invalid_arguments: The API refused the request")
    assert "Check agent_id" in failed


def test_anything_unforeseen_is_an_answer_that_tells_nothing(monkeypatch, caplog):
    def explode(*_):
        quoted = "CAN" + "ARY"  # the trace in the log shows this line
        raise RuntimeError(quoted)

    monkeypatch.setattr(door, "parse_page", explode)
    with raw_api([page_answer([])]) as upstream:
        failed = failure_of(call_tool(settings_for(upstream.url)))
    assert failed.startswith("internal: ")
    assert "CANARY" not in failed + caplog.text
    assert "RuntimeError" in caplog.text


def test_an_empty_search_result_is_a_page(api):
    result = call_tool(settings_for(api.url), arguments={"search": "no such words anywhere"})
    assert shown(result) == []
    assert result.structured_content["total"] == 0


def test_a_served_store_that_changes_shows_in_the_next_call():
    store = SessionStore()
    store.create({"id": "session_" + "0" * 32, "created_at": "2026-11-20T11:57:31Z"})
    with serve(store) as served:
        settings = settings_for(served.url)
        assert len(shown(call_tool(settings))) == 1
        store.delete("session_" + "0" * 32)
        assert shown(call_tool(settings)) == []


def test_no_argument_is_mirrored_in_a_header_so_the_server_need_not_look_for_one():
    schemas = json.dumps([tool.input_schema for tool in definitions()])
    assert "x-mcp-header" not in schemas

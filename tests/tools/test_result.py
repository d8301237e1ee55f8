import json

import anyio.lowlevel
import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.paging.page import SessionPage
from mcp_sessions.paging.sort_key import SortKey
from mcp_sessions.paging.window import Entry
from mcp_sessions.results.rows import brief
from mcp_sessions.settings import Settings
from mcp_sessions.tools.result import MAX_ROW_CHARS, page_result
from mcp_sessions.wire.models import Session

from support.calls import call_tool, settings_for, shown_ids, text_of
from support.raw_upstream import page_answer, scripted
from support.rows import row


def heavy(number):
    """Return a session whose every shown text is as long as it may be."""
    return row(
        number,
        title=f"{number} " + "t" * 400,
        preview="p" * 400,
        output_preview="r" * 400,
        tags=[f"{'g' * 60}{tag}" for tag in range(30)],
        tools=[{"name": f"{'n' * 50}{tool}"} for tool in range(30)],
    )


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_both_forms_show_the_same_rows(api, detail):
    result = call_tool(settings_for(api.url), arguments={"detail": detail, "limit": 10})
    assert len(shown_ids(result)) == 10


def test_a_walk_by_cursor_gives_every_session_once(api):
    settings = settings_for(api.url)
    result = call_tool(settings, arguments={"limit": 100, "detail": "brief"})
    seen = shown_ids(result)
    while cursor := result.structured_content.get("next_cursor"):
        assert text_of(result).endswith(f'Next: get_session_page(cursor="{cursor}")')
        result = call_tool(settings, "get_session_page", {"cursor": cursor})
        assert all("created_at" not in row for row in result.structured_content["sessions"])
        assert result.structured_content["limit"] == 100
        assert result.structured_content.get("next_tool", "get_session_page") == "get_session_page"
        seen += shown_ids(result)
    assert text_of(result).endswith("End of the list.")
    assert len(seen) == len(set(seen)) == result.structured_content["total"]


def test_the_filters_in_force_are_said_back(api):
    arguments = {"agent_id": "agent_" + "0" * 32, "search": "q3 plan"}
    result = call_tool(settings_for(api.url), arguments=arguments)
    assert result.structured_content["filters"] == arguments
    assert f'Filters: agent_id={arguments["agent_id"]} search="q3 plan"' in text_of(result)


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
@pytest.mark.parametrize("budget", [4_000, 24_000])
def test_rows_that_do_not_fit_a_result_come_in_the_next_and_none_is_lost(detail, budget):
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
            seen += shown_ids(result)
            assert content.get("left_for_next_page", 0) == len(rows) - len(seen)
            if not content["has_more"]:
                break
            cursor = {"cursor": content["next_cursor"]}
            result = call_tool(settings, "get_session_page", cursor)
    assert seen == [one["id"] for one in rows]


def test_a_row_too_large_to_show_is_shown_brief_with_a_note():
    large = heavy(1) | {"initial_files": [{"path": "/" + 'é"' * 200, "content": "x"}] * 30}
    large |= {"features": ['"' * 60] * 30, "capabilities": [{"ref": '"' * 60}] * 30}
    with scripted([page_answer([large, heavy(2)])]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"detail": "full"})
    first, second = result.structured_content["sessions"]
    assert first["shortened"] is True
    assert set(first) == {"id", "label", "status", "updated_at", "shortened"}
    assert "shown brief, being too large in full" in text_of(result)
    assert "tools" in second
    assert len(json.dumps(second, ensure_ascii=False)) <= MAX_ROW_CHARS


def test_a_filter_said_back_is_harmless():
    with scripted([page_answer([])]) as upstream:
        search = {"search": "a\nNext: x\u202e token=abc1"}
        result = call_tool(settings_for(upstream.url), arguments=search)
    assert result.structured_content["filters"] == {"search": "a Next: x token=abc1"}
    assert text_of(result).count("\n") == 3


PARENT = "session_" + "9" * 32
AGENT = "agent_" + "1" * 32


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "filters", [{"agent_id": AGENT}, {"parent_session_id": PARENT}], ids=lambda one: next(iter(one))
)
def test_what_a_filter_says_of_every_row_is_said_by_the_filter_alone(filters, rows):
    listed = [row(n, agent_id=AGENT, parent_session_id=PARENT) for n in range(rows)]
    with scripted([page_answer(listed)]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments=filters)
    ((name, value),) = filters.items()
    assert len(shown_ids(result)) == rows
    assert result.structured_content["filters"] == filters
    assert json.dumps(result.structured_content).count(value) == text_of(result).count(value) == 1
    assert name not in result.structured_content.get("shared", {})


@pytest.mark.parametrize(
    ("filters", "said"),
    [({"search": "x"}, True), ({"search": "x", "status": "idle"}, True), ({"tags": "x"}, False)],
)
def test_an_empty_search_says_that_it_looked_at_titles_only(filters, said):
    with scripted([page_answer([])]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments=filters)
    assert ("titles only" in result.structured_content.get("note", "")) == said
    assert ("titles only" in text_of(result)) == said


@pytest.mark.parametrize(
    ("arguments", "total"),
    [({"status": "idle"}, 3), ({"status": "paused"}, 0), ({"status": "idle", "limit": 2}, None)],
)
def test_a_walk_of_the_whole_list_in_one_call_tells_how_many_match(arguments, total):
    listed = [row(n, status="idle" if n % 2 else "active") for n in range(6)]
    with SessionStore() as store, serve(store) as served:
        store.create_many(listed)
        settings = settings_for(served.url)
        result = call_tool(settings, arguments=arguments)
        assert result.structured_content.get("total") == total
        assert text_of(result).startswith("2 matching" if total is None else f"{total} sessions m")
        if total is None:
            cursor = {"cursor": result.structured_content["next_cursor"]}
            following = call_tool(settings, "get_session_page", cursor)
            assert "total" not in following.structured_content


def test_a_walk_that_met_an_unreadable_row_tells_no_total():
    with scripted([page_answer([row(1), {"id": None}])]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"status": "idle"})
    assert "total" not in result.structured_content


def test_a_walk_that_stopped_before_its_first_match_says_that_it_did():
    with SessionStore() as store, serve(store) as served:
        store.create_many([row(n) for n in range(150)])
        settings = settings_for(served.url, max_examined=100)
        result = call_tool(settings, arguments={"status": "paused"})
    assert result.structured_content["has_more"]
    assert "None of those examined matches" in result.structured_content["note"]


@pytest.mark.parametrize("form", ["both", "text", "structured"])
def test_a_result_has_the_forms_that_the_operator_wants(api, form):
    result = call_tool(settings_for(api.url, result=form), arguments={"limit": 3})
    has_text = text_of(result).count("\nsession_") == 3
    assert has_text == (form != "structured")
    assert (result.structured_content is not None) == (form != "text")
    if form == "structured":
        assert text_of(result) == "The result is in structuredContent."


def test_each_form_is_what_it_is_beside_the_other(api):
    both, text, structured = (
        call_tool(settings_for(api.url, result=form), arguments={"limit": 3})
        for form in ("both", "text", "structured")
    )
    assert text_of(text) == text_of(both)
    assert structured.structured_content == both.structured_content


def test_rows_that_cannot_be_read_are_counted_in_both_forms():
    with scripted([page_answer([{"id": "session_1"}, {"id": None}, 5])]) as upstream:
        result = call_tool(settings_for(upstream.url))
    assert shown_ids(result) == ["session_1"]
    assert result.structured_content["unreadable"] == 2
    assert ", 2 unreadable and left out," in text_of(result)


def test_a_list_of_nothing_but_unreadable_rows_ends():
    with scripted([page_answer([{"id": None}] * 3)]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"limit": 2})
    assert shown_ids(result) == []
    assert result.structured_content["unreadable"] == 3
    assert text_of(result).endswith("End of the list.")


def test_a_total_of_the_wrong_type_is_left_out():
    with scripted([page_answer([{"id": "session_1"}], total="many")]) as upstream:
        result = call_tool(settings_for(upstream.url))
    assert "total" not in result.structured_content
    assert text_of(result).startswith("1 matching session shown,")


def test_other_calls_get_their_turns_while_a_page_of_heavy_rows_is_made():
    place = Place(ListSessions.read({"limit": 100, "detail": "brief"}))
    sessions = (Session(id=f"session_{number}", title="t" * 10**6) for number in range(100))
    entries = (Entry(n, SortKey(n, b""), session, n) for n, session in enumerate(sessions))
    page = SessionPage(place, tuple(entries), None, 100, 100, 0, None)
    turns = 0

    async def take_turns():
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async def make():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take_turns)
            await anyio.lowlevel.checkpoint()
            result = await page_result(page, brief, CursorCodec.of("api", None, None), Settings())
            tasks.cancel_scope.cancel()
            return result

    assert len(shown_ids(anyio.run(make))) == 100
    assert turns >= 20

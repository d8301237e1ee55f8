"""Filters that walk the list: what they find, what they tell on the way, and how they stop."""

import anyio
import pytest
from mcp import Client

from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.server import ToolsByTenant, create_server

from calls import DEADLINE, call_tool, settings_for, text_of
from raw_api import page_answer, raw_api


def session(number, **fields):
    """Return a session that is older the greater its number is."""
    hour, minute = divmod(number, 60)
    created = f"2026-11-{20 - hour // 24:02}T{23 - hour % 24:02}:{59 - minute:02}:00Z"
    return {"id": f"session_{number:032x}", "created_at": created, "status": "idle"} | fields


@pytest.fixture(scope="module")
def rare():
    """Serve 2,500 sessions: one paused near the start and one near the end."""
    with SessionStore() as store, serve(store) as served:
        store.create_many(
            session(number, status="paused" if number in (5, 2_400) else "idle")
            for number in range(2_500)
        )
        yield served


def paused(result):
    return [row["id"] for row in result.structured_content["sessions"]]


def test_a_walk_stopped_by_its_bound_goes_on_to_the_end_by_cursor(rare):
    settings = settings_for(rare.url)
    result = call_tool(settings, arguments={"status": "paused"})
    first = result.structured_content
    assert paused(result) == [session(5)["id"]]
    assert (first["examined"], first["complete"], first["has_more"]) == (1_000, False, True)
    assert "total" not in first
    assert "offset" not in first
    assert text_of(result).startswith("1 sessions of 1000 examined, newest first")
    result = call_tool(settings, "get_session_page", {"cursor": first["next_cursor"]})
    assert paused(result) == []
    assert result.structured_content["filters"] == {"status": ["paused"]}
    cursor = {"cursor": result.structured_content["next_cursor"]}
    last = call_tool(settings, "get_session_page", cursor)
    assert paused(last) == [session(2_400)["id"]]
    assert last.structured_content["examined"] == 500
    assert last.structured_content["complete"] is True
    assert text_of(last).endswith("End of the list.")


def test_a_walk_that_found_enough_stops_there_and_is_not_complete(rare):
    rare.requests.clear()
    result = call_tool(settings_for(rare.url), arguments={"status": "paused", "limit": 1})
    content = result.structured_content
    assert (content["examined"], content["complete"], content["has_more"]) == (6, False, True)
    assert len(rare.requests) <= 3


def test_a_walk_for_what_is_not_there_says_that_it_saw_everything(rare):
    settings = settings_for(rare.url, max_examined=5_000)
    content = call_tool(settings, arguments={"tags": "nowhere"}).structured_content
    assert (content["returned"], content["examined"], content["complete"]) == (0, 2_500, True)


def test_a_malformed_row_leaves_a_walk_incomplete():
    rows = [session(0, status="paused"), {"id": None}]
    with raw_api([page_answer(rows)]) as upstream:
        content = call_tool(settings_for(upstream.url), arguments={"status": "paused"})
    content = content.structured_content
    assert (content["has_more"], content["complete"], content["malformed"]) == (False, False, 1)


def test_a_walk_reports_its_progress(rare):
    told = []

    async def note(progress, total, _message):
        told.append((progress, total))

    async def walk():
        with anyio.fail_after(DEADLINE):
            async with Client(create_server(ToolsByTenant(settings_for(rare.url)))) as client:
                await client.call_tool(
                    "list_sessions", {"status": "paused"}, progress_callback=note
                )

    anyio.run(walk)
    assert told == sorted(told)
    assert told[-1] == (1_000, 1_000)
    assert len(told) > 3


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_cancelled_walk_stops_asking(mode):
    rows = [session(number) for number in range(100)]
    answers = [page_answer(rows[:24]), None]

    async def walk(url):
        with anyio.fail_after(DEADLINE):
            async with Client(create_server(ToolsByTenant(settings_for(url))), mode=mode) as client:
                with anyio.move_on_after(0.5):
                    await client.call_tool("list_sessions", {"status": "paused"})
                return len(upstream.requests)

    with raw_api(answers) as upstream:
        asked = anyio.run(walk, upstream.url)
    assert 2 <= asked == len(upstream.requests)


def test_a_deadline_met_on_a_walk_gives_the_partial_result_and_its_cursor():
    rows = [session(number, status="paused") for number in range(100)]
    with raw_api(
        [page_answer(rows[:3] + [r | {"status": "idle"} for r in rows[3:24]]), None]
    ) as up:
        result = call_tool(settings_for(up.url, deadline=1), arguments={"status": "paused"})
    assert len(paused(result)) == 3
    assert result.structured_content["complete"] is False
    assert result.structured_content["has_more"] is True

"""Calls of the tools: what is answered, whatever goes wrong, and one agent's scope."""

import anyio
import pytest
from mcp import Client

from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.tools.call import SessionTools
from mcp_sessions.tools.definitions import NAMES, definitions

from support.calls import DEADLINE, call_tool, failure_of, settings_for, shown_ids, text_of
from support.pages import unwatched
from support.raw_upstream import page_answer, scripted
from support.rows import row


def test_without_a_key_a_call_says_what_to_set():
    with scripted([page_answer([])]) as upstream:
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
        "(validation)",
    ]


def test_an_agent_id_that_the_api_refuses_is_the_agents_to_mend(api):
    failed = failure_of(call_tool(settings_for(api.url), arguments={"agent_id": "agent_x"}))
    assert failed.startswith("invalid_arguments: The API refused the request")
    assert "Check agent_id" in failed


class Exploding:
    """An API's client that fails as no failure of this server's is."""

    max_rows = 100

    async def page(self, _parameters, _session, *, fresh):  # noqa: ARG002 - as the client has it
        quoted = "CAN" + "ARY"  # the trace in the log shows this line
        raise RuntimeError(quoted)


@pytest.mark.parametrize("name", sorted({*NAMES, *(tool.name for tool in definitions())}))
def test_every_tool_that_is_defined_is_answered_as_itself(name):
    tools = SessionTools(Exploding(), settings_for("http://127.0.0.1/api"))
    failed = failure_of(anyio.run(tools.call, name, {"odd": 1}, unwatched))
    assert failed.startswith(f'invalid_arguments: {name} has no argument "odd"')


def test_anything_unforeseen_is_an_answer_that_tells_nothing(caplog):
    tools = SessionTools(Exploding(), settings_for("http://127.0.0.1/api"))
    failed = failure_of(anyio.run(tools.call, "list_sessions", {}, unwatched))
    assert failed.startswith("internal: ")
    assert "CANARY" not in failed + caplog.text
    assert "RuntimeError" in caplog.text


def test_an_empty_search_result_is_a_page(api):
    result = call_tool(settings_for(api.url), arguments={"search": "no such words anywhere"})
    assert shown_ids(result) == []
    assert result.structured_content["total"] == 0


def test_a_served_store_that_changes_shows_in_the_next_call():
    store = SessionStore()
    store.create({"id": "session_" + "0" * 32, "created_at": "2026-11-20T11:57:31Z"})
    with serve(store) as served:
        settings = settings_for(served.url)
        assert len(shown_ids(call_tool(settings))) == 1
        store.delete("session_" + "0" * 32)
        assert shown_ids(call_tool(settings)) == []


@pytest.fixture(scope="module")
def rare():
    """Serve 2,500 sessions: one paused near the start and one near the end."""
    with SessionStore() as store, serve(store) as served:
        store.create_many(
            row(number, status="paused" if number in (5, 2_400) else "idle")
            for number in range(2_500)
        )
        yield served


def paused(result):
    return [row["id"] for row in result.structured_content["sessions"]]


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
    rows = [row(number) for number in range(100)]
    answers = [page_answer(rows[:24]), None]

    async def walk(url):
        with anyio.fail_after(DEADLINE):
            async with Client(create_server(ToolsByTenant(settings_for(url))), mode=mode) as client:
                with anyio.move_on_after(0.5):
                    await client.call_tool("list_sessions", {"status": "paused"})
                return len(upstream.requests)

    with scripted(answers) as upstream:
        asked = anyio.run(walk, upstream.url)
    assert 2 <= asked == len(upstream.requests)


def test_a_deadline_met_on_a_walk_gives_the_partial_result_and_its_cursor():
    rows = [row(number, status="paused") for number in range(100)]
    with scripted(
        [page_answer(rows[:3] + [r | {"status": "idle"} for r in rows[3:24]]), None]
    ) as up:
        result = call_tool(settings_for(up.url, deadline=1), arguments={"status": "paused"})
    assert len(paused(result)) == 3
    assert result.structured_content["complete"] is False
    assert result.structured_content["has_more"] is True


OWN = "agent_" + "0197" + "0" * 24 + "0000"


OTHER = "agent_" + "f" * 32


@pytest.fixture
def own(api):
    rows = call_tool(settings_for(api.url), arguments={"limit": 50}).structured_content["sessions"]
    return next(row["agent_id"] for row in rows if "agent_id" in row)


def test_every_session_shown_is_the_agents_own(api, own):
    scoped = settings_for(api.url, agent_id=own)
    result = call_tool(scoped, arguments={"limit": 5})
    while True:
        content = result.structured_content
        for shown in content["sessions"]:
            # A row leaves out what the filters say, and only that.
            assert (content["filters"] | shown)["agent_id"] == own
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
    with scripted([page_answer(rows)]) as upstream:
        result = call_tool(settings_for(upstream.url, agent_id=OWN))
        asked = upstream.requests[0]
    assert [row["id"] for row in result.structured_content["sessions"]] == ["session_0"]
    assert OTHER not in text_of(result)
    assert "total" not in result.structured_content
    assert f"agent_id={OWN}".encode() in asked


def test_words_are_found_where_only_question_or_reply_has_them_and_shown_there():
    rows = [
        row(0, title="Refunds"),
        row(1, preview="A long question about an order, and whether its refund is due by now?"),
        row(2, output_preview="Nothing of the kind."),
        row(3, title=None, output_preview="Every one of them is a REFUND."),
    ]
    with scripted([page_answer(rows)]) as upstream:
        result = call_tool(settings_for(upstream.url), arguments={"contains": "refund"})
    assert shown_ids(result) == [rows[index]["id"] for index in (0, 1, 3)]
    shown = result.structured_content["sessions"]
    for one in shown:
        assert "refund" in str(one).lower()
    assert text_of(result).lower().count("refund") >= 4
    assert result.structured_content["filters"] == {"contains": "refund"}
    assert result.structured_content["complete"] is True


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"search": "zzz"}, ["titles only", "contains also looks into"]),
        ({"contains": "zzz"}, ["contains looked at titles, first questions and last replies"]),
        ({"contains": "zzz", "search": "zzz"}, ["titles only", "contains looked at"]),
    ],
)
def test_an_empty_result_says_which_texts_were_looked_at(api, asked, said):
    result = call_tool(settings_for(api.url), arguments=asked)
    assert shown_ids(result) == []
    for words in said:
        assert words in result.structured_content["note"]
        assert words in text_of(result)


def test_only_the_fields_asked_for_come_on_every_page(api):
    settings = settings_for(api.url)
    result = call_tool(settings, arguments={"fields": ["model_id", "status"], "limit": 5})
    for _ in range(2):
        content = result.structured_content
        for shown in content["sessions"]:
            whole = {**content.get("shared", {}), **shown}
            assert (
                {"id", "label", "status"} <= whole.keys() <= {"id", "label", "status", "model_id"}
            )
        cursor = content["next_cursor"]
        result = call_tool(settings, "get_session_page", {"cursor": cursor})
    tagged = {"cursor": cursor, "fields": "created_at"}
    changed = call_tool(settings, "get_session_page", tagged).structured_content["sessions"]
    assert all(shown.keys() == {"id", "label", "created_at"} for shown in changed)


def test_an_asked_field_is_told_where_a_filter_says_it(own, api):
    asked = {"agent_id": own, "fields": ["agent_id"], "limit": 3}
    content = call_tool(settings_for(api.url), arguments=asked).structured_content
    for shown in content["sessions"]:
        assert {**content.get("shared", {}), **shown}["agent_id"] == own
    one = call_tool(settings_for(api.url), arguments=asked | {"limit": 1}).structured_content
    assert one["sessions"][0]["agent_id"] == own


def test_sessions_of_given_ids_come_with_the_fields_asked_for(api):
    (one,) = call_tool(settings_for(api.url), arguments={"limit": 1}).structured_content["sessions"]
    asked = {"session_ids": one["id"], "fields": "created_at", "detail": "standard"}
    result = call_tool(settings_for(api.url), arguments=asked)
    (shown,) = result.structured_content["sessions"]
    assert shown.keys() - {"untitled"} == {"id", "label", "created_at"}
    assert result.structured_content["fields"] == ["created_at"]

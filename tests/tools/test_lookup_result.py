import json

import pytest

from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.settings import Settings

from support.calls import call_tool, failure_of, settings_for, shown_ids, text_of
from support.raw_upstream import answer, upstream
from support.rows import row
from support.single_sessions import IDS, SingleSessions

OWN, OTHER = "agent_" + "1" * 32, "agent_" + "2" * 32


@pytest.fixture(scope="module")
def sixty():
    """Serve sixty sessions: half of one agent, and each as heavy as a row can be."""
    with SessionStore() as store, serve(store) as served:
        tools = [{"name": f"{'n' * 50}{tool}"} for tool in range(30)]
        more = {"preview": "asked", "output_preview": "replied", "tools": tools}
        agents = (OWN, OTHER)
        store.create_many(
            row(n, title=f"{n} " + "t" * 200, agent_id=agents[n % 2], **more) for n in range(60)
        )
        yield served


def sizes(result):
    compact = json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False)
    return len(text_of(result)), len(compact)


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_sessions_asked_for_by_id_come_in_that_order_in_both_forms(sixty, detail):
    asked = [IDS[5], IDS[40], IDS[0]]
    result = call_tool(settings_for(sixty.url), arguments={"session_ids": asked, "detail": detail})
    assert shown_ids(result) == asked
    content = result.structured_content
    assert (content["not_found"], content["has_more"], content.get("detail", "standard")) == (
        [],
        False,
        detail,
    )
    assert not {"unread", "not_shown", "total", "offset", "limit", "filters"} & set(content)
    assert text_of(result).startswith("3 sessions asked for by id: 3 shown;")
    assert text_of(result).endswith("\nEnd of the sessions asked for.")


def test_that_question_and_reply_are_missing_is_said_once_where_they_would_stand(sixty):
    asked = {"session_ids": IDS[:3]}
    result = call_tool(settings_for(sixty.url), arguments=asked)
    assert result.structured_content["note"].count("question") == 1
    assert text_of(result).count("question") == 1
    assert not {"preview", "reply"} & set(result.structured_content["sessions"][0])
    short = call_tool(settings_for(sixty.url), arguments={**asked, "detail": "brief"})
    assert "note" not in short.structured_content


def test_each_missing_session_is_named_in_the_order_asked_for(sixty):
    missing = ["session_" + "f" * 32, "facets", "no such\nid\u202e", "\ud800"]
    result = call_tool(
        settings_for(sixty.url), arguments={"session_ids": [missing[0], IDS[1], *missing[1:]]}
    )
    assert shown_ids(result) == [IDS[1]]
    named = [missing[0], "facets", "no such id", "unreadable"]
    assert result.structured_content["not_found"] == named
    assert f'\nNot found: {missing[0]} facets "no such id" unreadable\n' in text_of(result)
    assert text_of(result).startswith("5 sessions asked for by id: 1 shown, 4 not found;")


def test_another_agents_session_reads_in_every_word_as_a_missing_one(sixty):
    scoped = settings_for(sixty.url, agent_id=OWN)
    foreign, missing = IDS[1], "session_" + "f" * 32
    said = []
    for id_ in (foreign, missing):
        before = len(sixty.requests)
        result = call_tool(scoped, arguments={"session_ids": [IDS[0], id_]})
        assert result.structured_content["not_found"] == [id_]
        whole = json.dumps(result.structured_content) + text_of(result)
        said.append((whole.replace(id_, "…"), len(sixty.requests) - before))
    assert said[0] == said[1]
    assert OTHER not in said[0][0]


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
@pytest.mark.parametrize("max_chars", [4_000, 24_000])
def test_sessions_that_do_not_fit_are_named_and_asking_for_those_ends(sixty, detail, max_chars):
    settings = settings_for(sixty.url, max_result_chars=max_chars)
    asked = IDS[:50] if max_chars > 4_000 or detail == "brief" else IDS[:12]
    left, seen = asked, []
    while left:
        result = call_tool(settings, arguments={"session_ids": left, "detail": detail})
        assert max(sizes(result)) <= max_chars
        shown = shown_ids(result)
        not_shown = result.structured_content.get("not_shown", [])
        assert shown
        assert [*shown, *not_shown] == left
        assert "next_cursor" not in result.structured_content
        if not_shown:
            ids = json.dumps(not_shown, separators=(",", ":"))
            more = "" if detail == "standard" else f', detail="{detail}"'
            last = text_of(result).rpartition("\n")[2]
            assert last == f"Next, what did not fit: list_sessions(session_ids={ids}{more})"
        seen += shown
        left = not_shown
    assert seen == asked


@pytest.mark.parametrize("name", ['"' * 200, "é" * 200, "x" * 200], ids=["quotes", "wide", "long"])
@pytest.mark.parametrize("max_chars", [4_000, 24_000])
def test_however_long_the_missing_ids_are_the_result_keeps_its_size(sixty, name, max_chars):
    asked = [*(f"{number} {name}" for number in range(49)), IDS[0]]
    settings = settings_for(sixty.url, max_result_chars=max_chars)
    result = call_tool(settings, arguments={"session_ids": asked, "detail": "full"})
    assert max(sizes(result)) <= max_chars
    assert shown_ids(result) == [IDS[0]]
    unnamed = 49 - len(result.structured_content["not_found"])
    said = f"{unnamed} more ids could not be named for want of room."
    assert (said in result.structured_content["note"]) == (unnamed > 0)


def test_what_could_not_be_read_now_is_unread_with_its_code_and_the_wait():
    busy = answer(b"{}", "429 Too Many Requests", retry_after="60")
    broken = answer(b"<html>", content_type="text/html")
    sessions = SingleSessions(instead={IDS[3]: busy, IDS[1]: broken})
    with upstream() as served:
        served.turn_to(sessions.behaviour)
        result = call_tool(settings_for(served.url), arguments={"session_ids": IDS[:4]})
    assert shown_ids(result) == [IDS[0], IDS[2]]
    unread = [{"id": IDS[1], "code": "bad_response"}, {"id": IDS[3], "code": "rate_limited"}]
    assert result.structured_content["unread"] == unread
    assert f"\nUnread: {IDS[1]} (bad_response) {IDS[3]} (rate_limited)\n" in text_of(result)
    note = result.structured_content["note"]
    assert "bad_response: The API's answer is not JSON. Asking again will not help." in note
    assert "Unread ones may be asked for again after 60 s." in note


def test_of_made_up_sessions_the_note_says_so(sixty):
    settings = Settings(api_url=sixty.url, no_key=True, demo=True)
    result = call_tool(settings, arguments={"session_ids": IDS[0]})
    assert result.structured_content["note"].startswith("These sessions are made up")


def test_a_refused_key_is_a_failure_of_the_call():
    sessions = SingleSessions(instead={IDS[1]: answer(b"{}", "401 Unauthorized")}, together=4)
    with upstream() as served:
        served.turn_to(sessions.behaviour)
        failed = failure_of(call_tool(settings_for(served.url), arguments={"session_ids": IDS[:9]}))
    assert failed.startswith("unauthorized: ")

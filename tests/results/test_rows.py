import json
import tracemalloc

import pytest

from mcp_sessions.results.models import Row
from mcp_sessions.results.rows import STANDARD, brief, full, standard
from mcp_sessions.wire.models import FullSession
from mcp_sessions.wire.read import parse_page

from support.rows import EVERY_FIELD, page_of

ROW = {
    "id": "session_1",
    "title": "Quarterly plan",
    "preview": "please plan the quarter",
    "output_preview": "here is the plan",
    "status": "waitingfortoolresults",
    "agent_id": "agent_1",
    "organization_id": "org_1",
    "created_at": "2026-11-20T11:57:31.933703Z",
    "updated_at": "2026-11-20T12:01:57Z",
    "tags": [],
    "usage": {"input_tokens": 5, "output_tokens": 7, "cache_read_tokens": 3},
    "is_pinned": False,
    "active_schedule_count": 0,
}


def session(**fields):
    return FullSession.model_validate(ROW | fields)


def test_a_brief_row_has_four_fields():
    assert brief(session()).compact() == {
        "id": "session_1",
        "label": "Quarterly plan",
        "status": "waiting_for_tool_results",
        "updated_at": "2026-11-20T12:01Z",
    }


def test_a_standard_row_leaves_out_what_is_absent():
    assert standard(session()).compact() == {
        "id": "session_1",
        "label": "Quarterly plan",
        "status": "waiting_for_tool_results",
        "agent_id": "agent_1",
        "created_at": "2026-11-20T11:57Z",
        "updated_at": "2026-11-20T12:01Z",
        "reply": "here is the plan",
        "tokens": 12,
    }


def test_a_full_row_says_false_and_zero_and_the_caches():
    row = full(session()).compact()
    assert (row["pinned"], row["schedules"]) == (False, 0)
    assert row["tokens"] == 12
    assert row["usage"] == {"input_tokens": 5, "output_tokens": 7, "cache_read_tokens": 3}


def test_a_full_row_gives_times_to_the_second_and_whole_quotes():
    row = full(session(preview="q" * 300, output_preview="r" * 300))
    assert (row.created_at, row.updated_at) == ("2026-11-20T11:57:31Z", "2026-11-20T12:01:57Z")
    assert (len(row.question), len(row.reply)) == (200, 200)


@pytest.mark.parametrize(
    ("finished", "standard_has", "full_has"),
    [
        ("2026-11-20T12:01:57Z", False, False),
        ("2026-11-20T12:01:02Z", False, True),
        ("2026-11-20T12:00:59Z", True, True),
        (None, True, True),
    ],
)
def test_an_update_that_only_repeats_the_finish_is_left_out(finished, standard_has, full_has):
    given = session(finished_at=finished)
    assert (standard(given).updated_at is not None) == standard_has
    assert (full(given).updated_at is not None) == full_has
    assert brief(given).updated_at == "2026-11-20T12:01Z"


@pytest.mark.parametrize(
    ("status", "shown"),
    [("waitingfortoolresults", True), ("paused", True), ("idle", False), ("active", False)],
)
def test_a_standard_row_quotes_the_reply_where_the_session_waits_for_somebody(status, shown):
    row = standard(session(status=status, output_preview="r" * 300))
    assert len(row.reply or "") == (STANDARD.quote if shown else 0)
    assert STANDARD.quote >= 60
    assert row.question is None


def test_tags_of_the_platforms_own_plumbing_are_not_shown_and_not_counted():
    plumbing = ["__internal:x", "app:web", "agent:9", "endpoint:y"] * 9
    tags = [*plumbing, "apple", "q3", *plumbing]
    assert standard(session(tags=tags)).tags == full(session(tags=tags)).tags == ["apple", "q3"]
    assert standard(session(tags=plumbing)).tags is None


@pytest.mark.parametrize(
    ("workspace", "shown"), [("wsp_0a1b", None), ("wsp_0a1c", "wsp_0a1c"), (None, None)]
)
def test_a_workspace_that_only_repeats_the_id_is_left_out(workspace, shown):
    assert full(session(id="session_0a1b", workspace_id=workspace)).workspace_id == shown


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input_tokens": 5, "output_tokens": 7, "cache_read_tokens": 90}, 12),
        ({"output_tokens": 7}, 7),
        ({"input_tokens": 0, "output_tokens": 0}, 0),
        ({"cache_read_tokens": 90}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_tokens_are_input_and_output_without_caches(usage, tokens):
    assert standard(session(usage=usage)).tokens == tokens
    assert standard(session(usage=usage)).usage is None


def test_a_full_row_gives_the_costs_beside_the_one_that_counts():
    costs = {"actual_cost_usd": 2.0, "estimated_cost_usd": 1.0}
    row = full(session(usage=costs))
    assert (row.cost_usd, row.usage.compact()) == (2.0, {"estimated_usd": 1})


def test_a_full_row_gives_the_shape_of_what_is_heavy():
    row = full(
        session(
            system_prompt="x" * 2_383,
            tools=[{"name": f"tool_{n}"} for n in range(25)],
            initial_files=[
                {"path": "/a.md", "content": "abcd"},
                {"path": "/b.bin", "content": "AAAA", "encoding": "base64"},
            ],
            mcpServers={"crm": {"type": "http", "url": "u"}, "odd": 5},
            capabilities=[{"ref": "memory", "config": {}}, 7],
        )
    ).compact()
    assert row["system_prompt_chars"] == 2_383
    assert row["tools"]["count"] == 25
    assert row["tools"]["names"][-1] == "+5 more"
    assert len(row["tools"]["names"]) == 21
    assert row["files"] == {"count": 2, "names": ["/a.md (4 chars)", "/b.bin (3 bytes)"]}
    assert row["mcp_servers"] == {"count": 2, "names": ["crm (http)", "odd (unknown)"]}
    assert row["capabilities"] == {"count": 2, "names": ["memory", "unreadable"]}


def test_of_many_objects_in_many_rows_each_row_shows_the_first_and_counts_all():
    heavy = {
        "id": "a",
        "tools": [{"name": f"tool_{n}"} for n in range(900)],
        "mcpServers": {f"server_{n}": {"type": "http"} for n in range(900)},
    }
    page = parse_page(page_of(*[heavy] * 30), FullSession, 30)
    for parsed in page.data:
        shown = full(parsed).compact()
        assert shown["tools"]["count"] == shown["mcp_servers"]["count"] == 900
        assert shown["tools"]["names"] == [*(f"tool_{n}" for n in range(20)), "+880 more"]
        assert shown["mcp_servers"]["names"][19:] == ["server_19 (http)", "+880 more"]


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({}, "Quarterly plan"),
        ({"title": None}, "please plan the quarter"),
        ({"title": "  \n"}, "please plan the quarter"),
        ({"title": None, "preview": None}, "session_1"),
        ({"title": "\u200b", "preview": ""}, "session_1"),
    ],
)
def test_a_label_is_the_title_else_the_question_else_the_id(fields, label):
    row = standard(session(**fields))
    assert row.label == label
    assert row.untitled == (None if label == ROW["title"] else True)


@pytest.mark.parametrize("preview", ["Q", "plan", "Quarterly plan"])
def test_a_titled_session_always_shows_its_question_in_full(preview):
    assert full(session(preview=preview)).question == preview


def test_a_strangers_tag_cannot_pass_for_the_count_of_tags_left_out():
    assert standard(session(tags=["+97 more"])).tags == ['"+97 more"']


def test_a_question_that_serves_as_label_is_not_said_twice():
    assert full(session(title=None)).question is None


def test_every_field_of_a_row_comes_from_a_field_of_the_session():
    filled = full(FullSession.model_validate(EVERY_FIELD)).compact()
    untitled = full(FullSession.model_validate(EVERY_FIELD | {"title": None})).compact()
    # Which a result decides.
    assert set(Row.model_fields) - filled.keys() - untitled.keys() == {"shortened", "found"}


@pytest.mark.parametrize("status", ["waitingfortoolresults", "waiting_for_tool_results"])
def test_both_spellings_of_waiting_are_shown_as_one(status):
    assert brief(session(status=status)).status == "waiting_for_tool_results"


def test_an_unknown_status_passes_through_harmless():
    assert brief(session(status="hiber\x1b[2Jnating")).status == "hibernating"


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"effective_cost_usd": 3.0, "actual_cost_usd": 2.0, "estimated_cost_usd": 1.0}, 3.0),
        ({"actual_cost_usd": 2.34567, "estimated_cost_usd": 1.0}, 2.3457),
        ({"actual_cost_usd": 0.00001}, 0.0001),
        ({"estimated_cost_usd": 0.012345}, 0.0123),
        ({"actual_cost_usd": 0}, 0),
        ({}, None),
    ],
)
def test_the_cost_is_the_effective_one_else_the_billed_else_the_estimated(usage, cost):
    assert standard(session(usage=usage)).cost_usd == cost


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://app.example/s/1", "https://app.example/s/1"),
        ("https://u:secret@app.example/s/1?t=secret#secret", "https://app.example/s/1"),
        ("javascript:alert(1)", None),
        ("https://[", None),
        ("/s/1", None),
    ],
)
def test_a_link_keeps_nothing_that_could_be_a_credential(url, link):
    assert full(session(view_url=url)).link == link


def test_a_subagent_is_named_with_its_task_only_in_full():
    fields = {"subagent_name": "Scout", "subagent_status": "running", "subagent_task": "look"}
    assert standard(session(**fields)).subagent.compact() == {"name": "Scout", "status": "running"}
    assert full(session(**fields)).subagent.task == "look"


def test_texts_and_lists_are_clipped_and_say_so():
    row = standard(session(title="t" * 500, tags=[f"tag{n}" for n in range(9)]))
    assert len(row.label) == STANDARD.label
    assert row.label.endswith("…")
    assert row.tags[-1] == "+3 more"


def test_a_row_of_hostile_everything_is_still_plain_json():
    evil = 'x"\\\u202e\x00\ud800\n' * 50
    words = {name: evil for name in FullSession.model_fields if name != "id"}
    json.dumps(full(session(**words)).compact(), ensure_ascii=False).encode()


def test_of_names_that_are_remembered_no_more_is_than_can_be_shown():
    tracemalloc.start()
    try:
        for number in range(40):
            tags = [f"{number}" + "x" * 1_000_000]
            standard(FullSession.model_construct(id="a", tags=tags))
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()

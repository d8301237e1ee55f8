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
        "updated_at": "2026-11-20T12:01:57Z",
    }


def test_a_standard_row_leaves_out_what_is_absent():
    assert standard(session()).compact() == {
        "id": "session_1",
        "label": "Quarterly plan",
        "status": "waiting_for_tool_results",
        "agent_id": "agent_1",
        "created_at": "2026-11-20T11:57:31Z",
        "updated_at": "2026-11-20T12:01:57Z",
        "preview": "please plan the quarter",
        "reply": "here is the plan",
        "tokens": {"input": 5, "output": 7},
    }


def test_a_full_row_says_false_and_zero_and_the_caches():
    row = full(session()).compact()
    assert (row["pinned"], row["schedules"]) == (False, 0)
    assert row["tokens"] == {"input": 5, "output": 7, "cache_read": 3}


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
def test_a_label_is_the_title_else_the_preview_else_the_id(fields, label):
    assert standard(session(**fields)).label == label


@pytest.mark.parametrize("preview", ["Q", "plan", "Quarterly plan"])
def test_a_titled_session_always_shows_its_preview(preview):
    assert standard(session(preview=preview)).preview == preview


def test_a_strangers_tag_cannot_pass_for_the_count_of_tags_left_out():
    assert standard(session(tags=["+97 more"])).tags == ['"+97 more"']


def test_a_preview_that_serves_as_label_is_not_said_twice():
    assert standard(session(title=None)).preview is None


def test_every_field_of_a_row_comes_from_a_field_of_the_session():
    filled = full(FullSession.model_validate(EVERY_FIELD)).compact()
    assert set(Row.model_fields) - filled.keys() == {"shortened"}  # which a result decides


@pytest.mark.parametrize("status", ["waitingfortoolresults", "waiting_for_tool_results"])
def test_both_spellings_of_waiting_are_shown_as_one(status):
    assert brief(session(status=status)).status == "waiting_for_tool_results"


def test_an_unknown_status_passes_through_harmless():
    assert brief(session(status="hiber\x1b[2Jnating")).status == "hibernating"


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"effective_cost_usd": 3.0, "actual_cost_usd": 2.0, "estimated_cost_usd": 1.0}, 3.0),
        ({"actual_cost_usd": 2.34567, "estimated_cost_usd": 1.0}, 2.35),
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

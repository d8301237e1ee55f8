import json
import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from mcp_sessions.embedded import NOW, identity, organization_sessions
from mcp_sessions.embedded.teams import AGENTS

CANARY = re.compile(r"CANARY-[A-Z_]+\d*-\d+-[0-9a-f]{12}")
NAMES = {identity("agent", agent.name): agent.name for agent in AGENTS}


def time_of(session, name):
    return datetime.fromisoformat(session[name])


def of_status(sessions, status):
    return [session for session in sessions if session["status"] == status]


@pytest.fixture(scope="module")
def firm():
    return list(organization_sessions())


def test_the_organization_is_the_same_in_every_run(firm):
    assert firm == list(organization_sessions())
    assert 590 <= len(firm) <= 620


def test_the_organizations_ids_are_unique_and_sort_by_creation(firm):
    assert [session["id"] for session in firm] == sorted({session["id"] for session in firm})
    moments = [session["created_at"] for session in firm]
    assert moments == sorted(set(moments))


def test_every_named_agent_works_and_no_other(firm):
    counted = Counter(NAMES[session["agent_id"]] for session in firm)
    assert set(counted) == {agent.name for agent in AGENTS}
    assert min(counted.values()) >= 25


def test_agents_keep_their_working_hours(firm):
    hours = {agent.name: agent.hours for agent in AGENTS}
    for session in firm:
        if "parent_session_id" not in session:
            first, last = hours[NAMES[session["agent_id"]]]
            assert first <= time_of(session, "created_at").hour < last
    weekend = [session for session in firm if time_of(session, "created_at").weekday() >= 5]
    assert 0 < len(weekend) < len(firm) / 10


def test_no_slot_is_left_in_any_word(firm):
    for session in firm:
        words = [session.get(name, "") for name in ("title", "preview", "output_preview")]
        assert not re.search(r"\{\w*\}?", " ".join(words)), words
        assert all(len(text) <= 200 for text in words)


def test_title_question_and_reply_speak_of_one_thing(firm):
    refunds = [session for session in firm if session.get("title", "").startswith("Refund for")]
    assert len(refunds) >= 10
    for session in refunds:
        order = re.search(r"\d{5}", session["title"]).group()
        assert order in session["preview"] or "CANARY" in session["preview"]


def test_a_session_that_did_not_end_well_says_why_in_its_reply(firm):
    failed = [session for session in firm if session["activity"] == "failed"]
    assert 10 <= len(failed) <= 60
    assert {session["status"] for session in failed} == {"idle"}
    for wanted, sessions in (
        ("Could not finish: ", failed),
        ("Paused: ", of_status(firm, "paused")),
        ("Waiting for you: ", of_status(firm, "waitingfortoolresults")),
    ):
        assert len(sessions) >= 5
        found = [
            session for session in firm if session.get("output_preview", "").startswith(wanted)
        ]
        assert found == sessions


def test_what_is_at_work_moved_lately_and_has_no_end(firm):
    running = [*of_status(firm, "active"), *of_status(firm, "started")]
    assert 3 <= len(running) <= 12
    for session in running:
        assert NOW - time_of(session, "updated_at") < timedelta(hours=3)
        assert not {"finished_at", "output_preview"} & session.keys()


def test_the_times_of_a_session_follow_each_other_up_to_now(firm):
    for session in firm:
        names = ("created_at", "started_at", "finished_at", "updated_at")
        times = [time_of(session, name) for name in names if name in session]
        assert times == sorted(times)
        assert times[-1] <= NOW


def test_subagents_begin_and_end_while_their_parent_is_at_work(firm):
    by_id = {session["id"]: session for session in firm}
    children = [session for session in firm if "parent_session_id" in session]
    assert len(children) >= 60
    for child in children:
        parent = by_id[child["parent_session_id"]]
        assert "parent_session_id" not in parent
        assert parent["created_at"] < child["created_at"]
        if "finished_at" in child and "finished_at" in parent:
            assert child["finished_at"] <= parent["finished_at"]


def test_costs_follow_from_tokens_and_some_tell_none(firm):
    usages = [session["usage"] for session in firm if "usage" in session]
    costs = [usage["estimated_cost_usd"] for usage in usages if "estimated_cost_usd" in usage]
    assert 0 < len(usages) - len(costs) < len(usages) / 4
    assert all(0 < cost < 50 for cost in costs)
    assert all(usage["output_tokens"] < usage["input_tokens"] for usage in usages)


def test_some_of_the_firm_is_untitled_and_some_in_other_languages(firm):
    assert 15 <= sum("title" not in session for session in firm) <= 60
    assert {session["locale"] for session in firm} >= {"de-DE", "ja-JP", "uk-UA", "fa-IR", "es-ES"}


def test_credentials_are_planted_once_each_where_people_paste_them_and_in_secret_fields(firm):
    found = CANARY.findall(json.dumps(firm, ensure_ascii=False))
    assert len(found) == len(set(found)) > 1_000
    for name, shape in (("preview", "sk-proj-"), ("title", "ghp_")):
        pasted = [session[name] for session in firm if "CANARY" in session.get(name, "")]
        assert pasted
        assert all(f"{shape}CANARY" in text for text in pasted)

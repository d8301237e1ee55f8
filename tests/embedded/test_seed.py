import json
import re
from collections import Counter
from itertools import pairwise

import pytest

from mcp_sessions.embedded import seed_sessions
from mcp_sessions.embedded.seed import STATUSES

CANARY = re.compile(r"CANARY-[A-Z_]+\d*-\d+-[0-9a-f]{12}")
SECRET_FIELDS = {
    "mcpServers.headers": lambda row: server(row, "headers"),
    "mcpServers.env": lambda row: server(row, "env"),
    "mcpServers.args": lambda row: server(row, "args"),
    "mcpServers.command": lambda row: server(row, "command"),
    "mcpServers.url": lambda row: server(row, "url"),
    "capabilities.config": lambda row: [item["config"] for item in row.get("capabilities", [])],
    "hints": lambda row: row.get("hints"),
    "blueprint_config": lambda row: row.get("blueprint_config"),
    "initial_files.content": lambda row: [item["content"] for item in row.get("initial_files", [])],
    "system_prompt": lambda row: row.get("system_prompt"),
    "tools.parameters": lambda row: [item["parameters"] for item in row.get("tools", [])],
    "owner.metadata": lambda row: row.get("owner", {}).get("metadata"),
    "effective_owner.metadata": lambda row: row.get("effective_owner", {}).get("metadata"),
    "allowed_actions.href": lambda row: [item["href"] for item in row.get("allowed_actions", [])],
    "network_access": lambda row: row.get("network_access"),
}


def server(row, field):
    return [item.get(field) for item in row.get("mcpServers", {}).values()]


def text(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module")
def sessions():
    return list(seed_sessions())


def test_the_seed_is_the_same_in_every_run(sessions):
    assert sessions == list(seed_sessions())
    assert len(sessions) == 400


def test_ids_are_unique_and_sort_by_creation(sessions):
    ids = [session["id"] for session in sessions]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"session_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", i) for i in ids)
    moments = [session["created_at"] for session in sessions]
    assert moments == sorted(moments)


def test_some_sessions_share_a_moment(sessions):
    shared = Counter(session["created_at"] for session in sessions).values()
    assert max(shared) == 8
    assert sum(count > 1 for count in shared) > 20


def test_rows_weigh_what_real_ones_weigh(sessions):
    sizes = [len(text(session)) for session in sessions]
    shares = Counter(
        "bare"
        if size < 1_100
        else "light"
        if size < 4_500
        else "middling"
        if size < 20_000
        else "heavy"
        for size in sizes
    )
    assert shares == {"bare": 8, "light": 240, "middling": 120, "heavy": 32}
    assert all(size <= 90_000 for size in sizes)
    assert all(size >= 45_000 for size in sizes if size > 20_000)


@pytest.mark.parametrize("field", SECRET_FIELDS)
def test_every_field_that_may_hold_a_secret_holds_one_wherever_it_is(sessions, field):
    values = [value for session in sessions if (value := SECRET_FIELDS[field](session))]
    assert len(values) >= 30
    for value in values:
        for part in value if field in {"capabilities.config", "tools.parameters"} else [value]:
            assert CANARY.search(text(part))


def test_no_credential_is_found_twice(sessions):
    found = [match.group() for session in sessions for match in CANARY.finditer(text(session))]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("field", "shape"), [("title", "sk-proj-"), ("preview", "ghp_"), ("tags", "evr_pat_")]
)
def test_strangers_paste_credentials_into_what_is_shown(sessions, field, shape):
    careless = [session for session in sessions if "CANARY" in text(session.get(field))]
    assert len(careless) >= 5
    assert all(f"{shape}CANARY" in text(session[field]) for session in careless)


def test_every_status_and_a_dozen_agents_and_languages_occur(sessions):
    assert {session["status"] for session in sessions} == set(STATUSES)
    assert len({session.get("agent_id") for session in sessions}) == 12
    assert len({session["locale"] for session in sessions}) >= 12
    assert any("\u200c" in session.get("title", "") for session in sessions)
    assert any("\u200d" in session.get("title", "") for session in sessions)


def test_some_sessions_are_untitled_pinned_scheduled_or_without_cost(sessions):
    assert sum("title" not in session for session in sessions) >= 10
    assert any(session.get("is_pinned") for session in sessions)
    assert any(session.get("active_schedule_count") for session in sessions)
    costs = Counter(
        "cost" if "estimated_cost_usd" in session["usage"] else "none"
        for session in sessions
        if "usage" in session
    )
    assert min(costs["cost"], costs["none"]) >= 50


def test_subagents_have_a_parent_that_exists_and_is_older(sessions):
    places = {session["id"]: place for place, session in enumerate(sessions)}
    children = [session for session in sessions if "parent_session_id" in session]
    assert len(children) >= 50
    for child in children:
        assert places[child["parent_session_id"]] < places[child["id"]]
        assert {"subagent_name", "subagent_status", "subagent_task"} <= child.keys()


def test_a_seed_session_is_created_before_it_starts_and_finishes(sessions):
    for session in sessions:
        times = [session.get(name) for name in ("created_at", "started_at", "finished_at")]
        assert all(one <= other for one, other in pairwise(filter(None, times)))
        assert session["created_at"] <= session["updated_at"]


def test_previews_are_at_most_200_characters(sessions):
    for session in sessions:
        assert len(session.get("preview", "")) <= 200
        assert len(session.get("output_preview", "")) <= 200


def test_a_light_load_has_no_bulk_and_keeps_titles_agents_and_subagents():
    sessions = list(seed_sessions(2_000, light=True))
    assert (
        max(len(text(session)) for session in sessions if len(session.get("title", "")) < 99)
        < 1_100
    )
    assert {"title", "agent_id", "parent_session_id"} <= {name for row in sessions for name in row}
    assert "CANARY" not in text(sessions)

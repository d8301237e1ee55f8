import json

import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.results.models import Filters, Row, share


def row(number, **fields):
    return Row(id=f"session_{number}", label="x", organization_id="org_1", **fields)


def test_what_all_rows_share_is_said_once():
    rows, shared = share([row(number, agent_id="agent_1") for number in range(3)])
    assert shared.compact() == {"agent_id": "agent_1", "organization_id": "org_1"}
    assert [shown.compact() for shown in rows] == [
        {"id": f"session_{number}", "label": "x"} for number in range(3)
    ]


@pytest.mark.parametrize("agents", [["agent_1", "agent_2"], ["agent_1", None], [None, None]])
def test_what_some_rows_share_stays_in_the_rows(agents):
    rows, shared = share([row(n, agent_id=agent) for n, agent in enumerate(agents)])
    assert shared.compact() == {"organization_id": "org_1"}
    assert [shown.agent_id for shown in rows] == agents


@pytest.mark.parametrize("count", [0, 1])
def test_one_row_shares_nothing(count):
    rows = [row(number, agent_id="agent_1") for number in range(count)]
    assert share(rows) == (rows, None)


def with_link(number, link="https://app.example/sessions/session_{0}"):
    return Row(id=f"session_{number}", label="x", link=link.format(number))


def test_links_that_differ_in_the_id_alone_are_said_once():
    rows, shared = share([with_link(1), with_link(22)])
    assert shared.compact() == {"link": "https://app.example/sessions/{id}"}
    assert [shown.link for shown in rows] == [None, None]


def test_links_that_differ_in_more_than_the_id_stay_in_the_rows():
    given = [with_link(1), with_link(2, "https://other.example/sessions/session_{0}")]
    assert share(given) == (given, None)


def test_one_row_says_its_whole_link():
    assert share([with_link(1)])[0][0].link == "https://app.example/sessions/session_1"


@pytest.mark.parametrize(("cost", "said"), [(0.0, "0"), (3.0, "3"), (0.0123, "0.0123")])
def test_a_cost_without_fraction_is_written_without_one(cost, said):
    assert json.dumps(Row(id="s", label="x", cost_usd=cost).compact()["cost_usd"]) == said


def test_every_filter_of_list_sessions_is_echoed():
    assert set(Filters.model_fields) == ListSessions.model_fields.keys() - {
        "session_ids",
        "limit",
        "detail",
        "fields",
    }


def test_the_fields_that_are_shown_of_a_session_are_pinned():
    """A field that a later hand adds to this wall has to be added here, and thought about."""
    assert set(Row.model_fields) == {
        "id", "label", "untitled", "status", "agent_id", "created_at", "updated_at",
        "finished_at", "tags", "question", "reply", "parent_session_id", "subagent", "tokens",
        "cost_usd", "pinned", "schedules", "started_at", "organization_id", "workspace_id",
        "harness_id", "model_id", "agent_identity_id", "agent_version_id", "blueprint_id",
        "forked_from_session_id", "forked_from_sequence", "owner_principal_id",
        "resolved_owner_user_id", "owner", "effective_owner", "usage", "locale", "max_iterations",
        "parallel_tool_calls", "features", "link", "system_prompt_chars", "tools", "files",
        "mcp_servers", "capabilities", "found", "shortened",
    }  # fmt: skip

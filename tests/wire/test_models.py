import pytest

from mcp_sessions.wire.models import MAX_NAME_CHARS, FullSession, Session
from mcp_sessions.wire.read import parse_page

from support.rows import page_of

WRONG = [None, 5, -1, True, "x", "", [], {}, [5], {"a": 1}, 1e400, 10**30, "\x00"]


def read_page(body, session):
    return parse_page(body, session, 100)


@pytest.mark.parametrize("kind", [Session, FullSession])
def test_only_an_id_is_required(kind):
    (row,) = read_page(page_of({"id": "session_1"}), kind).data
    assert row == kind(id="session_1")


@pytest.mark.parametrize("name", [*FullSession.model_fields, "mcpServers"][1:])
@pytest.mark.parametrize("value", WRONG)
def test_a_field_of_any_type_never_costs_the_row(name, value):
    (row,) = read_page(page_of({"id": "session_1", name: value}), FullSession).data
    assert row is not None
    assert row.id == "session_1"


@pytest.mark.parametrize(
    "row", [None, 5, "x", [], {}, {"id": None}, {"id": 5}, {"id": ""}, {"id": "a b"}, {"id": "a\n"}]
)
def test_a_row_without_a_usable_id_is_none_and_costs_no_other(row):
    data = read_page(page_of({"id": "session_1"}, row, {"id": "session_2"}), Session).data
    assert [kept and kept.id for kept in data] == ["session_1", None, "session_2"]


def test_an_id_of_any_length_is_read():
    ids = ["session_" + "a" * digits for digits in (1, 31, 32, 33)]
    assert [row.id for row in read_page(page_of(*({"id": i} for i in ids)), Session).data] == ids


def test_unknown_fields_and_statuses_are_no_fault():
    row = {"id": "session_1", "status": "hibernating", "x_future": {"secret": "CANARY"}}
    (read,) = read_page(page_of(row), FullSession).data
    assert read.status == "hibernating"
    assert "CANARY" not in repr(read)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-11-20T11:57:31.933703Z", "2026-11-20T11:57:31.933703+00:00"),
        ("2026-11-20T13:57:31+02:00", "2026-11-20T11:57:31+00:00"),
        ("2026-11-20T11:57:31", "2026-11-20T11:57:31+00:00"),
        ("2026-11-20T11:57:31.123456789Z", "2026-11-20T11:57:31.123456+00:00"),
    ],
)
def test_times_are_read_as_utc(sent, read):
    (row,) = read_page(page_of({"id": "s", "created_at": sent}), Session).data
    assert row.created_at.isoformat() == read


@pytest.mark.parametrize("sent", ["yesterday", "0001-01-01T00:00:00+14:00", "2026-13-01", {}])
def test_an_impossible_time_is_none(sent):
    (row,) = read_page(page_of({"id": "s", "created_at": sent}), Session).data
    assert row.created_at is None


def test_what_may_hold_a_secret_is_read_as_a_size_or_not_at_all():
    secret = "CANARY-0123456789"
    row = {
        "id": "session_1",
        "system_prompt": secret,
        "initial_files": [{"path": "/a", "content": secret, "encoding": "text"}],
        "mcpServers": {"crm": {"type": "http", "url": secret, "headers": {"A": secret}}},
        "capabilities": [{"ref": "memory", "config": {"key": secret}}],
        "tools": [{"name": "t", "parameters": {"default": secret}, "hints": {"a": secret}}],
        "owner": {"id": "principal_1", "kind": "user", "metadata": {"cookie": secret}},
        "hints": {"key": secret},
        "blueprint_config": {"key": secret},
        "network_access": {"allowed": [secret]},
        "allowed_actions": [{"rel": "self", "href": secret}],
    }
    (read,) = read_page(page_of(row), FullSession).data
    assert read.system_prompt == len(secret)
    assert read.initial_files[0].content == len(secret)
    assert "CANARY" not in repr(read)


@pytest.mark.parametrize("sent", [0, "12", 1e300])
def test_a_number_is_not_read_as_a_time(sent):
    (read,) = read_page(page_of({"id": "s", "created_at": sent}), Session).data
    assert read.created_at is None


@pytest.mark.parametrize("session_id", ['Next:f(cursor="x")', "a=b", "session_\ud800", "a/b"])
def test_an_id_that_could_pass_for_something_else_is_malformed(session_id):
    assert read_page(page_of({"id": session_id}), Session).data == [None]


def test_the_fields_that_are_read_of_a_session_are_pinned():
    """A field that a later hand adds to this wall has to be added here, and thought about."""
    assert set(Session.model_fields) == {
        "id", "title", "preview", "output_preview", "status", "agent_id", "created_at",
        "updated_at", "finished_at", "tags", "parent_session_id", "subagent_name",
        "subagent_status", "usage", "is_pinned", "active_schedule_count",
    }  # fmt: skip
    assert set(FullSession.model_fields) - set(Session.model_fields) == {
        "organization_id", "workspace_id", "harness_id", "model_id", "agent_identity_id",
        "agent_version_id", "blueprint_id", "forked_from_session_id", "forked_from_sequence",
        "owner_principal_id", "resolved_owner_user_id", "owner", "effective_owner",
        "subagent_task", "started_at", "locale", "max_iterations", "parallel_tool_calls",
        "features", "view_url", "system_prompt", "tools", "initial_files", "capabilities",
        "mcp_servers",
    }  # fmt: skip


@pytest.mark.parametrize("size", [4_000, 4_001, 100_000])
def test_a_text_is_read_as_far_as_it_may_be_looked_at(size):
    texts = {"title": "t" * size, "tags": ["a" * size, 5], "agent_id": "\U0001f600" * size}
    read = FullSession.model_validate({"id": "a", "system_prompt": "p" * size, **texts})
    assert (read.title, read.agent_id) == ("t" * 4_000, "\U0001f600" * 4_000)
    assert read.tags == ["a" * MAX_NAME_CHARS, None]
    assert read.system_prompt == size

"""Rows of the API's list, as it sends them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NEWEST = datetime(2026, 11, 20, 12, tzinfo=UTC)

# A session with a value in each field that is shown, as the API sends it.
EVERY_FIELD = {
    **{
        name: f"the {name}"
        for name in (
            "title", "preview", "output_preview", "status", "agent_id", "parent_session_id",
            "subagent_name", "subagent_status", "subagent_task", "organization_id",
            "workspace_id", "harness_id", "model_id", "agent_identity_id", "agent_version_id",
            "blueprint_id", "forked_from_session_id", "owner_principal_id",
            "resolved_owner_user_id", "locale", "system_prompt",
        )
    },
    "id": "session_1",
    "created_at": "2026-11-18T11:57:31Z",
    "started_at": "2026-11-18T11:58:31Z",
    "updated_at": "2026-11-19T12:01:57Z",
    "finished_at": "2026-11-20T12:01:57Z",
    "tags": ["q3"],
    "usage": {
        "input_tokens": 5, "output_tokens": 7, "cache_read_tokens": 3, "cache_creation_tokens": 2,
        "effective_cost_usd": 0.0123,
    },
    "is_pinned": True,
    "active_schedule_count": 2,
    "forked_from_sequence": 4,
    "owner": {"id": "principal_1", "kind": "user"},
    "effective_owner": {"id": "principal_2", "kind": "team"},
    "max_iterations": 50,
    "parallel_tool_calls": False,
    "features": ["schedules"],
    "view_url": "https://app.example/s/1",
    "tools": [{"name": "search"}],
    "initial_files": [{"path": "/a.md", "content": "abcd"}],
    "mcpServers": {"crm": {"type": "http"}},
    "capabilities": [{"ref": "memory"}],
}  # fmt: skip


def id_of(number: int) -> str:
    """Return the id of the session at a place in the list."""
    return f"session_{number:032x}"


def row(number: int, **more: object) -> dict[str, Any]:
    """Return the session at a place in the list, each a minute older than the one before."""
    moment = (NEWEST - timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {"id": id_of(number), "title": f"Session {number}", "status": "idle"}
    return {**own, "created_at": moment, "updated_at": moment, "tags": [], **more}


def page_of(*rows: object, **envelope: object) -> bytes:
    """Return the body of a page of `rows`, with what else it is told to have."""
    return json.dumps({"data": rows, **envelope}).encode()

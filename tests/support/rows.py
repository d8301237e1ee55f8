"""Rows of the API's list, as it sends them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NEWEST = datetime(2026, 11, 20, 12, tzinfo=UTC)


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

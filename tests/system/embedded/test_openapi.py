"""A schema-driven tester sends what the OpenAPI file allows and what it forbids, and judges.

Where the file is wrong about a real server, the embedded API sides with the server. Each such
point is one entry of DEVIATIONS, which amends the file in memory; nothing else is left out.
"""

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from mcp_sessions.embedded import SessionStore, seed_sessions, serve

OPENAPI = Path(__file__).resolve().parents[4] / "shared" / "everruns-openapi-list-sessions.json"
STATUSES = ["started", "active", "idle", "waitingfortoolresults", "paused"]


@dataclass(frozen=True)
class Deviation:
    name: str
    reason: str
    amend: Callable[[dict[str, Any]], None]


def operation(openapi):
    return openapi["paths"]["/v1/sessions"]["get"]


def parameter(openapi, name):
    return next(p for p in operation(openapi)["parameters"] if p["name"] == name)


def session_properties(openapi):
    page = openapi["components"]["schemas"]["PaginatedResponse_WithUrls_Session"]
    return page["properties"]["data"]["items"]["allOf"][0]["properties"]


def status_is_a_string(openapi):
    session_properties(openapi)["status"] = {"type": "string", "enum": STATUSES}


def bad_request_is_documented(openapi):
    operation(openapi)["responses"]["400"] = {
        "description": "A value that cannot be read",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }


def agent_ids_have_a_form(openapi):
    agent_id = parameter(openapi, "agent_id")
    agent_id["schema"] = {"type": "string", "pattern": "^agent_[0-9a-f]{32}$"}
    agent_id["example"] = "agent_01933b5a000070008000000000000001"


def limits_have_no_bounds(openapi):
    schema = parameter(openapi, "limit")["schema"]
    del schema["maximum"]
    schema["minimum"] = 0


DEVIATIONS = [
    Deviation(
        "status is a string",
        "Session.status points, by a collision of names, at the schema of another answer",
        status_is_a_string,
    ),
    Deviation(
        "400 is an answer",
        "a value that cannot be read is refused in plain text; the file knows 200 and 500 only",
        bad_request_is_documented,
    ),
    Deviation(
        "agent ids have a form",
        "agent_ and 32 hex digits, or 400; the file takes any string, and its example has 31",
        agent_ids_have_a_form,
    ),
    Deviation(
        "limit has no bounds",
        "above 100 it is clamped and 0 asks for an empty page; the file forbids both",
        limits_have_no_bounds,
    ),
]


@pytest.fixture(scope="module")
def openapi():
    if not OPENAPI.exists():
        pytest.skip(f"no {OPENAPI.name} beside the repository")
    return json.loads(OPENAPI.read_text())


@pytest.fixture(scope="module")
def api():
    with SessionStore() as store:
        store.create_many(seed_sessions(60))
        with serve(store) as api:
            yield api


def amended(openapi, deviations: Iterable[Deviation]):
    openapi = copy.deepcopy(openapi)
    for deviation in deviations:
        deviation.amend(openapi)
    return openapi


def disagreements(openapi, url, *, examples: int) -> set[str]:
    """Run the whole tester against the served API and return what it holds against it."""
    schema = schemathesis.openapi.from_dict(openapi)
    schema.config.update(base_url=url, continue_on_failure=True, request_timeout=10)
    schema.config.generation.update(
        max_examples=examples, deterministic=True, no_shrink=True, database="none"
    )
    found = set()
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.FatalError | events.NonFatalError), event
        if isinstance(event, events.ScenarioFinished):
            found |= failures(event.recorder)
    return found


def failures(recorder) -> set[str]:
    return {
        f"{check.name} {recorder.interactions[case].request.method} "
        f"{recorder.interactions[case].request.uri} {check.failure_info.failure.title}"
        for case, checks in recorder.checks.items()
        for check in checks
        if check.failure_info is not None
    }


def test_the_tester_agrees_with_the_api_but_for_the_deviations(openapi, api):
    assert disagreements(amended(openapi, DEVIATIONS), api.url, examples=120) == set()


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation.name)
def test_each_deviation_still_makes_the_tester_disagree(openapi, api, deviation):
    others = [other for other in DEVIATIONS if other is not deviation]
    assert disagreements(amended(openapi, others), api.url, examples=10)


def test_the_tester_sees_a_row_without_a_required_field(openapi):
    with SessionStore() as store, serve(store) as api:
        store.create_verbatim('{"id":"session_1","status":"idle"}', "2026-01-01T00:00:00Z")
        found = disagreements(amended(openapi, DEVIATIONS), api.url, examples=10)
    assert any(words.startswith("response_schema_conformance") for words in found)

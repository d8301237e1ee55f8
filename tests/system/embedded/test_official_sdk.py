"""The vendor's own client, told nothing but the URL."""

import asyncio

import pydantic
import pytest
from everruns_sdk import ApiError, Everruns

from mcp_sessions.embedded import Fault, seed_sessions

READABLE = {"started", "active", "idle", "waitingfortoolresults"}
KEY = "evr_pat_0123456789"


def listed(api, **asked):
    async def call():
        async with Everruns(api_key=KEY, base_url=api.url) as client:
            return await client.sessions.list(**asked)

    return asyncio.run(asyncio.wait_for(call(), 20))


@pytest.fixture
def readable(store):
    sessions = [row for row in seed_sessions(100) if row["status"] in READABLE]
    store.create_many(sessions)
    return sessions


def test_the_vendors_client_lists_the_newest_twenty(serve_store, readable):
    api, _ = serve_store(api_key=KEY)
    got = listed(api)
    assert len(got) == 20
    assert {session.id for session in got} <= {row["id"] for row in readable}
    assert max(row["created_at"] for row in readable) == got[0].created_at


def test_the_vendors_client_reads_heavy_rows_whole(store, serve_store):
    heavy = next(row for row in seed_sessions(100) if "mcpServers" in row)
    store.create({**heavy, "status": "idle"})
    (session,) = listed(serve_store()[0])
    assert session.mcp_servers == heavy["mcpServers"]
    assert len(session.tools) == len(heavy["tools"])
    assert session.usage is None or session.usage.input_tokens == heavy["usage"]["input_tokens"]


def test_the_vendors_client_filters_by_agent_and_by_words(serve_store, readable):
    api, _ = serve_store()
    agent = readable[-1].get("agent_id") or readable[-2]["agent_id"]
    assert {session.agent_id for session in listed(api, agent_id=agent)} == {agent}
    api.store.create({"title": "An unheard-of Zebra crossing", "status": "idle"})
    assert [session.title for session in listed(api, search="zebra unheard")] == [
        "An unheard-of Zebra crossing"
    ]


@pytest.mark.parametrize(
    ("status", "spelling"),
    [
        ("paused", "waitingfortoolresults"),
        ("waitingfortoolresults", "waiting_for_tool_results"),
        ("hibernating", "waitingfortoolresults"),
    ],
)
def test_the_vendors_client_raises_on_the_statuses_it_cannot_read(
    store, serve_store, status, spelling
):
    store.create({"status": status})
    with pytest.raises(pydantic.ValidationError):
        listed(serve_store(status_spelling=spelling)[0])


def test_the_vendors_client_reports_a_refused_key_and_a_malformed_id(serve_store):
    for options, asked, status in (({"api_key": "other"}, {}, 401), ({}, {"agent_id": "x"}, 400)):
        with pytest.raises(ApiError) as raised:
            listed(serve_store(**options)[0], **asked)
        assert raised.value.status_code == status


@pytest.mark.parametrize("shape", ["problem", "error_text", "error_object", "plain", "html"])
def test_the_vendors_client_reports_a_fault_of_every_shape(serve_store, shape):
    api, _ = serve_store()
    api.faults.append(Fault(503, shape))
    with pytest.raises(ApiError) as raised:
        listed(api)
    assert raised.value.status_code == 503

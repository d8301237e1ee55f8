"""What is answered before the SDK stands is what the SDK's own server answers."""

import json
import os

import pytest
from interop.servers import MODERN, initialize, older_request, request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_sessions.opening import ANY_AGENT, RECORD, Handover
from mcp_sessions.pipes import Pipes
from mcp_sessions.settings import Settings
from mcp_sessions.stdio import serve_stdio

pytestmark = pytest.mark.anyio

METHODS = ("server/discover", "tools/list")


async def answers_of_the_sdk(requests, agent_id=None):
    """Return what the server answers by itself, by id."""
    settings = Settings.from_env({"MCP_SESSIONS_AGENT_ID": agent_id or ""})
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answers:
        lines = [json.dumps(one).encode() for one in requests]
        with os.fdopen(write, "wb"):
            await serve_stdio(settings, Pipes(read, write), Handover(lines, ended=True))
        return {answer["id"]: answer for answer in map(json.loads, answers)}


async def recorded(agent_id):
    """Return each result of a server of all agents or of one, by method and revision."""
    modern = [request(method, method) for method in METHODS]
    answers = await answers_of_the_sdk(modern, agent_id)
    results = {(method, MODERN): answers[method]["result"] for method in METHODS}
    for revision in HANDSHAKE_PROTOCOL_VERSIONS:
        older = [initialize(revision), older_request("tools/list", "tools/list")]
        for method, answer in (await answers_of_the_sdk(older, agent_id)).items():
            results[method, revision] = answer["result"]
    return results


async def test_the_record_holds_what_the_sdks_server_answers():
    record = {"results": [], "all": {}, "one": {}}
    for whose, agent_id in (("all", None), ("one", ANY_AGENT)):
        for (method, revision), result in (await recorded(agent_id)).items():
            if result not in record["results"]:
                record["results"].append(result)
            place = record["results"].index(result)
            record[whose].setdefault(method, {})[revision] = place
    if os.environ.get("OPENING_RECORD"):
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    assert json.loads(RECORD.read_text()) == record

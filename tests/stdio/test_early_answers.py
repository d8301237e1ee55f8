"""What is answered before the SDK stands is what the SDK's own server answers."""

import json
import os
from importlib.metadata import version

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_sessions.settings import Settings
from mcp_sessions.stdio.descriptors import Descriptors
from mcp_sessions.stdio.early_answers import ANY_AGENT, RECORD, EarlyAnswers
from mcp_sessions.stdio.early_reader import EarlyInput
from mcp_sessions.stdio.line_splitter import LineSplitter
from mcp_sessions.stdio.serve import serve_stdio

from support.messages import META, MODERN, initialize, older_request, request

METHODS = ("server/discover", "tools/list")


async def answers_of_the_sdk(requests, agent_id=None):
    """Return what the server answers by itself, by id."""
    settings = Settings.from_env({"MCP_SESSIONS_AGENT_ID": agent_id or ""})
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answers:
        lines = [json.dumps(one).encode() for one in requests]
        early = EarlyInput(lines, LineSplitter(), ended=True)
        with os.fdopen(write, "wb"):
            await serve_stdio(settings, Descriptors(read, write), early)
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


@pytest.mark.anyio
async def test_the_record_holds_what_the_sdks_server_answers(recorded_text):
    record = {"sdk": version("mcp"), "results": [], "all": {}, "one": {}}
    for whose, agent_id in (("all", None), ("one", ANY_AGENT)):
        for (method, revision), result in (await recorded(agent_id)).items():
            if result not in record["results"]:
                record["results"].append(result)
            place = record["results"].index(result)
            record[whose].setdefault(method, {})[revision] = place
    assert json.loads(recorded_text(RECORD, json.dumps(record, indent=1) + "\n")) == record


IDS = st.one_of(
    st.integers(-(2**60), 2**60), st.text(max_size=5), st.sampled_from([None, 1.5, True])
)


TEXTS = st.one_of(st.text(max_size=5), st.sampled_from([1, None, [], "\ud800"]))


CLIENTS = st.one_of(
    st.just({"name": "by hand", "version": "0"}),
    st.dictionaries(
        st.sampled_from(["name", "version", "title", "websiteUrl", "description", "icons", "x"]),
        TEXTS,
    ),
    st.sampled_from([None, [], "x"]),
)


MEMBERS = st.dictionaries(
    st.sampled_from(["listChanged", "context", "tools", "form", "url", "x"]),
    st.sampled_from([{}, {"x": 1}, True, False, None, 1, "x"]),
    max_size=3,
)


CAPABILITIES = st.one_of(
    st.just({}),
    st.dictionaries(
        st.sampled_from(["roots", "sampling", "elicitation", "experimental", "extensions", "x"]),
        st.one_of(MEMBERS, st.sampled_from([None, True, []])),
        max_size=4,
    ),
)


REVISIONS = st.sampled_from([MODERN, *HANDSHAKE_PROTOCOL_VERSIONS, "2099-01-01", 5, None])


PREFIX = "io.modelcontextprotocol/"


ENVELOPES = st.fixed_dictionaries(
    {
        f"{PREFIX}protocolVersion": REVISIONS,
        f"{PREFIX}clientInfo": CLIENTS,
        f"{PREFIX}clientCapabilities": CAPABILITIES,
    },
    optional={"progressToken": IDS, "traceparent": TEXTS},
)


GREETINGS = st.fixed_dictionaries(
    {"protocolVersion": REVISIONS, "clientInfo": CLIENTS, "capabilities": CAPABILITIES},
    optional={"_meta": ENVELOPES},
)


PARAMS = st.one_of(
    GREETINGS,
    st.fixed_dictionaries({"_meta": ENVELOPES}, optional={"cursor": TEXTS}),
    st.fixed_dictionaries({"_meta": st.just(META)}),
    st.sampled_from([{}, {"cursor": None}, None, [], {"_meta": None}]),
)


REQUESTS = st.fixed_dictionaries(
    {
        "jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", 2]),
        "method": st.sampled_from([*METHODS, "initialize", "ping", "x"]),
    },
    optional={"id": IDS, "params": PARAMS, "x": st.just(1)},
)


# Of these it is certain that they are answered early.
KNOWN = st.one_of(
    st.builds(request, st.just("x"), st.sampled_from(METHODS)),
    st.builds(initialize, st.sampled_from(HANDSHAKE_PROTOCOL_VERSIONS)),
)


ANY = st.tuples(st.one_of(REQUESTS, st.builds(initialize, REVISIONS)), st.just(False))


@given(
    st.lists(st.one_of(ANY, st.tuples(KNOWN, st.just(True))), min_size=1, max_size=12),
    st.integers(0, 11),
    KNOWN,
)
def test_any_request_is_answered_early_as_the_sdk_answers_or_left_to_the_sdk(drawn, at, one):
    drawn.insert(at, (one, True))
    recorded, answered = EarlyAnswers(None), []
    for number, (asked, known) in enumerate(drawn):
        if asked.get("id") is not None:
            asked["id"] = f"{number}"  # one answer each
        answer = recorded.response_to(json.loads(json.dumps(asked)))
        assert answer is not None or not known
        if answer is not None:
            answered.append((asked, answer))
    told = anyio.run(answers_of_the_sdk, [asked for asked, _ in answered])
    for asked, answer in answered:
        assert told[asked["id"]] == answer


PLAIN_IDS = st.one_of(st.integers(-(2**31), 2**31), st.text("aZ09-_ ", max_size=5))


@given(PLAIN_IDS)
def test_a_request_with_a_plain_id_is_answered_early_under_it(id_):
    asked = request(id_, "tools/list")
    answer = EarlyAnswers(None).response_to(asked)
    assert answer is not None
    assert anyio.run(answers_of_the_sdk, [asked])[id_] == answer


@given(IDS)
def test_the_id_of_a_request_comes_back_as_it_was_or_is_left_to_the_sdk(id_):
    asked = request(id_, "tools/list")
    if (answer := EarlyAnswers(None).response_to(asked)) is not None:
        assert anyio.run(answers_of_the_sdk, [asked])[id_] == answer


@pytest.mark.anyio
async def test_a_scope_is_named_in_its_answers():
    told = await answers_of_the_sdk([request(1, "tools/list")], "agent_7")
    assert EarlyAnswers("agent_7").response_to(request(1, "tools/list")) == told[1]
    assert ANY_AGENT not in json.dumps(told)

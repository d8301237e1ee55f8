"""What is answered before the SDK stands is what the SDK's own server answers."""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_sessions.settings import ResultForm, Settings
from mcp_sessions.stdio.descriptors import Descriptors
from mcp_sessions.stdio.early_answers import ANY_AGENT, FORMS, RECORD, EarlyAnswers
from mcp_sessions.stdio.early_reader import EarlyInput
from mcp_sessions.stdio.line_splitter import LineSplitter
from mcp_sessions.stdio.serve import serve_stdio

from support.messages import META, MODERN, initialize, older_request, request

METHODS = ("server/discover", "tools/list")


async def answers_of_the_sdk(requests, **environ):
    """Return what the server answers by itself, by id."""
    settings = Settings.from_env(environ)
    read, write = os.pipe()
    told = []
    with os.fdopen(read, "rb") as answers, Path(os.devnull).open("rb") as stdin:  # noqa: ASYNC230 - no file
        early = EarlyInput(
            [json.dumps(one).encode() for one in requests], LineSplitter(), ended=True
        )

        async def collect():  # a pipe holds less than all answers
            told.extend(await anyio.to_thread.run_sync(answers.readlines))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            with os.fdopen(write, "wb"):
                await serve_stdio(settings, Descriptors(stdin.fileno(), write), early)
    return {answer["id"]: answer for answer in map(json.loads, told)}


async def recorded(**environ):
    """Return each result of a server with these settings, by method and revision."""
    modern = [request(method, method) for method in METHODS]
    answers = await answers_of_the_sdk(modern, **environ)
    results = {(method, MODERN): answers[method]["result"] for method in METHODS}
    for revision in HANDSHAKE_PROTOCOL_VERSIONS:
        older = [initialize(revision), older_request("tools/list", "tools/list")]
        for method, answer in (await answers_of_the_sdk(older, **environ)).items():
            results[method, revision] = answer["result"]
    return results


@pytest.mark.anyio
async def test_the_record_holds_what_the_sdks_server_answers(recorded_text):
    record = {"sdk": version("mcp"), "results": [], "all": {}, "one": {}}
    for whose, scope in (("all", {}), ("one", {"MCP_SESSIONS_AGENT_ID": ANY_AGENT})):
        for form in FORMS:
            answers = record[whose][form] = {}
            found = await recorded(MCP_SESSIONS_RESULT=form, **scope)
            for (method, revision), result in found.items():
                if result not in record["results"]:
                    record["results"].append(result)
                place = record["results"].index(result)
                answers.setdefault(method, {})[revision] = place
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
    scope = {"MCP_SESSIONS_AGENT_ID": "agent_7"}
    told = await answers_of_the_sdk([request(1, "tools/list")], **scope)
    assert EarlyAnswers.of(scope).response_to(request(1, "tools/list")) == told[1]
    assert ANY_AGENT not in json.dumps(told)


@pytest.mark.parametrize("form", get_args(ResultForm))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.anyio
async def test_each_form_of_results_has_early_answers_of_its_own(method, form):
    environ = {"MCP_SESSIONS_RESULT": f" {form.upper()}"}
    asked = request(1, method)
    told = await answers_of_the_sdk([asked], **environ)
    assert EarlyAnswers.of(environ).response_to(asked) == told[1]


def test_a_form_that_there_is_not_is_left_to_the_sdk():
    assert EarlyAnswers.of({"MCP_SESSIONS_RESULT": "xml"}) is None


# With values other than their defaults.
OTHERS = {
    "EVERRUNS_API_KEY": "evr_pat_a1b2c3",
    "EVERRUNS_API_URL": "http://other.example/api",
    "EVERRUNS_ORG_ID": "org_2",
    "MCP_SESSIONS_NO_KEY": "true",
    "MCP_SESSIONS_DEMO": "true",
    "MCP_SESSIONS_DEADLINE": "7",
    "MCP_SESSIONS_MAX_RESULT_CHARS": "9000",
    "MCP_SESSIONS_MAX_EXAMINED": "100",
    "MCP_SESSIONS_MAX_RESPONSE_BYTES": "70000",
    "MCP_SESSIONS_MAX_MEMORY_BYTES": "2000000",
    "MCP_SESSIONS_REQUESTS_PER_MINUTE": "7",
    "MCP_SESSIONS_CACHE_SECONDS": "7",
    "MCP_SESSIONS_LOG_LEVEL": "error",
}


@pytest.mark.parametrize(
    "name",
    sorted(
        {field.alias for field in Settings.model_fields.values()}
        - {"MCP_SESSIONS_AGENT_ID", "MCP_SESSIONS_RESULT", "EVERRUNS_API_KEY_FILE"}
    ),
)
@pytest.mark.anyio
async def test_no_other_setting_changes_what_was_recorded(name):
    asked = [request(method, method) for method in METHODS]
    told = await answers_of_the_sdk(asked, **{name: OTHERS[name]})
    assert Settings.from_env({name: OTHERS[name]}) != Settings()
    for one in asked:
        assert EarlyAnswers.of({name: OTHERS[name]}).response_to(one) == told[one["id"]]

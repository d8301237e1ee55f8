"""What is answered before the SDK stands is what the SDK's own server answers."""

import json
import os

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interop.servers import META, MODERN, initialize, older_request, request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_sessions.settings import Settings
from mcp_sessions.stdio.descriptors import Descriptors
from mcp_sessions.stdio.early_answers import ANY_AGENT, RECORD, EarlyAnswers
from mcp_sessions.stdio.early_reader import EarlyInput, EarlyReader
from mcp_sessions.stdio.serve import serve_stdio

METHODS = ("server/discover", "tools/list")


async def answers_of_the_sdk(requests, agent_id=None):
    """Return what the server answers by itself, by id."""
    settings = Settings.from_env({"MCP_SESSIONS_AGENT_ID": agent_id or ""})
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answers:
        lines = [json.dumps(one).encode() for one in requests]
        with os.fdopen(write, "wb"):
            await serve_stdio(settings, Descriptors(read, write), EarlyInput(lines, ended=True))
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


@given(st.lists(st.one_of(REQUESTS, st.builds(initialize, REVISIONS)), max_size=12))
def test_whatever_is_asked_is_answered_as_the_sdk_does_or_left_to_it(requests):
    recorded = EarlyAnswers(None)
    answered = []
    for number, asked in enumerate(requests):
        if asked.get("id") is not None:
            asked["id"] = f"{number}"  # one answer each
        if (answer := recorded.response_to(json.loads(json.dumps(asked)))) is not None:
            answered.append((asked, answer))
    told = anyio.run(answers_of_the_sdk, [asked for asked, _ in answered])
    for asked, answer in answered:
        assert told[asked["id"]] == answer


@given(IDS)
def test_an_id_comes_back_as_it_was_or_is_left_to_the_sdk(id_):
    asked = request(id_, "tools/list")
    if (answer := EarlyAnswers(None).response_to(asked)) is not None:
        assert anyio.run(answers_of_the_sdk, [asked])[id_] == answer


@pytest.mark.anyio
async def test_a_scope_is_named_in_its_answers():
    told = await answers_of_the_sdk([request(1, "tools/list")], "agent_7")
    assert EarlyAnswers("agent_7").response_to(request(1, "tools/list")) == told[1]
    assert ANY_AGENT not in json.dumps(told)


class Overture:
    """An opening on pipes, as a client sees it."""

    def __init__(self, agent_id=None):
        (self.own_in, stdin), (stdout, self.own_out) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(stdin, "wb", 0), os.fdopen(stdout, "rb")
        self.opening = EarlyReader(Descriptors(self.own_in, self.own_out), agent_id)
        self.opening.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stdin.close()
        self.stdout.close()
        os.close(self.own_in)
        self.close_out()

    def close_out(self):
        if self.own_out is not None:
            os.close(self.own_out)
        self.own_out = None

    def end_heard(self):
        """End once all that was sent is heard; stdin has to be closed."""
        self.stdin.close()
        self.opening._thread.join(10)
        return self.opening.finish()

    def send(self, *lines):
        self.stdin.write(b"".join(lines))

    def answer(self):
        return json.loads(self.stdout.readline())


def line(message):
    return json.dumps(message).encode() + b"\n"


@pytest.fixture
def overture():
    with Overture() as overture:
        yield overture


HELLO, LIST = line(initialize("2025-11-25")), line(request(1, "tools/list"))
READY = line({"jsonrpc": "2.0", "method": "notifications/initialized"})
CALL = line(request(2, "tools/call", name="list_sessions", arguments={}))


def test_what_is_known_is_answered_and_only_the_greeting_is_handed_over(overture):
    overture.send(HELLO, READY, LIST)
    assert [overture.answer()["id"] for _ in range(2)] == ["initialize", 1]
    left = overture.opening.finish()
    assert [one + b"\n" for one in left.lines] == [HELLO, READY]
    assert left.answered_ids == ("initialize",)
    assert (left.rest, left.ended) == (b"", False)


def test_after_what_is_not_known_everything_waits_in_order(overture):
    overture.send(LIST, CALL, LIST, b'{"half')
    assert overture.answer()["id"] == 1
    overture.send(b" a line")
    left = overture.opening.finish()
    assert [one + b"\n" for one in left.lines] == [CALL, LIST]
    assert b'{"half a line'.startswith(left.rest)
    assert not left.answered_ids


def test_lines_may_come_in_pieces(overture):
    for number in range(len(LIST)):
        overture.send(LIST[number : number + 1])
    assert overture.answer()["id"] == 1
    assert overture.opening.finish().lines == []


def test_a_client_that_leaves_satisfied_is_over(overture):
    overture.send(LIST)
    overture.answer()
    assert overture.end_heard().ended
    assert overture.opening.client_left


def test_a_client_that_leaves_with_a_request_open_is_not_over(overture):
    overture.send(CALL.rstrip())
    left = overture.end_heard()
    assert not overture.opening.client_left
    assert [one for one in left.lines if one] == [CALL.rstrip()]


def test_nobody_who_does_not_read_is_waited_for_and_nothing_is_torn(overture):
    overture.send(*[LIST] * 40)
    read = [overture.answer() for _ in range(3)]
    left = overture.opening.finish()
    overture.close_out()
    told = overture.stdout.read() + left.unsent
    answers = [json.loads(one) for one in told.splitlines()]
    assert told.endswith(b"\n")
    assert len(read) + len(answers) + len(left.lines) == 40
    assert left.lines


def test_a_greeting_that_comes_twice_has_two_answers_that_need_no_second(overture):
    overture.send(HELLO, HELLO)
    assert [overture.answer()["id"] for _ in range(2)] == ["initialize"] * 2
    assert overture.opening.finish().answered_ids == ("initialize",) * 2


@pytest.mark.parametrize(
    "unread",
    [
        b"\xef\xbb\xbf" + HELLO,
        HELLO.decode().rstrip().encode("utf-16-le") + b"\n",
        HELLO.replace(b"by hand", rb"\ud800"),
        HELLO.replace(b"by hand", b"\xff"),
    ],
    ids=["a byte order mark", "UTF-16", "half a character", "not UTF-8"],
)
def test_what_the_sdk_does_not_read_is_left_to_it(overture, unread):
    overture.send(unread, LIST)
    left = overture.end_heard()
    assert b"\n".join(left.lines).startswith(unread.rstrip(b"\n"))
    assert not left.answered_ids
    overture.close_out()
    assert overture.stdout.read() == b""


def test_an_agent_whose_id_is_no_word_is_left_to_the_sdk():
    with Overture('agent"},{') as overture:
        overture.send(LIST)
        left = overture.opening.finish()
        assert (left.lines, left.rest) == ([], b"")
        assert os.read(overture.own_in, 10_000) == LIST

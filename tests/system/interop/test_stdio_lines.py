"""A stdio server spoken to in raw lines, well-formed and not, until it ends."""

import json
import signal
from dataclasses import dataclass, field
from typing import Any

import pytest

from support.messages import OLDER, TOOLS, initialize, older_request, request
from support.processes import PROMPTLY, stdio_server

CALL = '{"jsonrpc":"2.0","id":"bad","method":"tools/call","params":%s}'
META = json.dumps(request(0, "")["params"]["_meta"])
LONG = "x" * 200_000

UNREADABLE = {
    "words": b"hello?",
    "half an object": b'{"jsonrpc":"2.0",',
    "bytes that are not UTF-8": b'{"jsonrpc":"2.0","id":"bad","method":"\xff\xfe"}',
    "a hundred thousand brackets": b"[" * 100_000,
    "null": b"null",
    "a number": b"42",
    "an empty object": b"{}",
    "an empty batch": b"[]",
    "a batch": json.dumps([older_request("bad", "tools/list")]).encode(),
    "params that are a list": (CALL % "[1]").encode(),
    "half a character in an argument": (
        CALL % f'{{"name":"list_sessions","arguments":{{"search":"\\ud800"}},"_meta":{META}}}'
    ).encode(),
    "half a character in an argument's name": (
        CALL % f'{{"name":"list_sessions","arguments":{{"\\ud800":1}},"_meta":{META}}}'
    ).encode(),
    "half a character in the tool's name": (
        CALL % f'{{"name":"\\ud800","arguments":{{}},"_meta":{META}}}'
    ).encode(),
}
ODD_IDS = ("1.5", "null", "true", "[]", "{}")
UNREADABLE |= {
    f"a request with the id {odd}": f'{{"jsonrpc":"2.0","id":{odd},"method":"ping"}}'.encode()
    for odd in ODD_IDS
}
BLANK = {"nothing": b"", "spaces": b"   ", "a carriage return": b"\r"}


@dataclass
class Dialogue:
    """What came back for each line, and how the process ended."""

    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    code: int | None = None
    stderr: str = ""


@pytest.fixture(scope="module")
def dialogue(environment):
    """Send each line with a good request behind it, which must be answered whatever the line."""
    spoken = Dialogue()
    with stdio_server(environment) as server:
        server.ask(request("first", "tools/list"))
        for name, line in {**UNREADABLE, **BLANK}.items():
            server.send(line, request(name, "tools/list"))
            spoken.answers[name] = []
            while (message := server.receive()).get("id") != name:
                spoken.answers[name].append(message)
            assert [tool["name"] for tool in message["result"]["tools"]] == TOOLS
        ended = server.end()
    assert not ended.messages
    spoken.code, spoken.stderr = ended.code, ended.stderr
    return spoken


def call(name, **arguments):
    return request("call", "tools/call", name=name, arguments=arguments)


def text(answer):
    (part,) = answer["result"]["content"]
    return part["text"]


def test_no_line_ends_the_process_or_is_written_about(dialogue):
    assert dialogue.code == 0
    assert dialogue.stderr == ""


@pytest.mark.parametrize(
    "line",
    UNREADABLE,
)
def test_a_line_that_is_no_request_is_answered_with_an_error(dialogue, line):
    (answer,) = dialogue.answers[line]
    assert answer["id"] in ("bad", None)
    assert "error" in answer or answer["result"]["isError"]


@pytest.mark.parametrize("line", BLANK)
def test_a_blank_line_is_passed_over(dialogue, line):
    assert dialogue.answers[line] == []


def test_what_is_huge_is_refused_without_being_repeated(environment):
    with stdio_server(environment) as server:
        for asked in (
            call("list_sessions", search=LONG),
            call("list_sessions", agent_id=LONG),
            call("list_sessions", **{LONG: 1}),
            call("get_session_page", cursor=LONG),
        ):
            answer = server.ask(asked)
            assert answer["result"]["isError"]
            assert text(answer).startswith("invalid_arguments:")
            assert len(text(answer)) < 1_000
        unknown = server.ask(call(LONG))
        assert unknown["error"]["code"] == -32602
        assert len(unknown["error"]["message"]) < 1_000
        after = server.ask(call("list_sessions", limit=1))
        assert not after["result"].get("isError")
        assert server.end().code == 0


def test_the_end_of_stdin_ends_the_process_in_silence(environment):
    with stdio_server(environment) as server:
        server.ask(request(1, "tools/list"))
        ended = server.end()
    assert (ended.code, ended.messages, ended.stderr) == (0, [], "")
    assert ended.seconds < PROMPTLY


def test_stdin_that_never_said_anything_ends_the_process_in_silence(environment):
    with stdio_server(environment) as server:
        ended = server.end()
    assert (ended.code, ended.messages, ended.stderr) == (0, [], "")


@pytest.mark.parametrize(
    ("number", "first"),
    [(signal.SIGINT, initialize(OLDER[0])), (signal.SIGTERM, request(1, "tools/list"))],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_ends_a_stdio_server_promptly_and_in_silence(environment, number, first):
    with stdio_server(environment) as server:
        server.ask(first)
        ended = server.end(number)
    assert (ended.code, ended.messages, ended.stderr) == (0, [], "")
    assert ended.seconds < PROMPTLY


def test_without_a_key_the_server_lists_its_tools_and_a_call_says_what_is_missing(bare_environment):
    with stdio_server(bare_environment) as server:
        listed = server.ask(request(1, "tools/list"))
        assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
        answer = server.ask(call("list_sessions"))
        assert answer["result"]["isError"]
        assert text(answer).startswith("not_configured:")
        assert "EVERRUNS_API_KEY" in text(answer)
        assert server.end().stderr == ""


def test_a_client_that_probed_may_still_begin_with_initialize(environment):
    with stdio_server(environment) as server:
        assert "result" in server.ask(request(1, "server/discover"))
        assert "result" in server.ask(initialize(OLDER[0]))
        server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        listed = server.ask(older_request(2, "tools/list"))
        assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS


def test_an_older_client_says_hello_and_calls_a_tool(environment):
    with stdio_server(environment) as server:
        greeting = server.ask(initialize("2025-03-26"))
        assert greeting["result"]["protocolVersion"] == "2025-03-26"
        server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        asked = older_request(1, "tools/call", name="list_sessions", arguments={"limit": 3})
        answer = server.ask(asked)
        assert len(answer["result"]["structuredContent"]["sessions"]) == 3
        ended = server.end()
    assert (ended.code, ended.messages, ended.stderr) == (0, [], "")


UNUSABLE = [
    ({"MCP_SESSIONS_DEADLIN": "5"}, "MCP_SESSIONS_DEADLINE?"),
    ({"MCP_SESSIONS_DEADLINE": "0"}, "MCP_SESSIONS_DEADLINE cannot be used"),
    ({"EVERRUNS_API_URL": "ftp://x"}, "EVERRUNS_API_URL cannot be used"),
    ({"EVERRUNS_API_KEY": "evr_pat_your_token"}, "it is still a placeholder"),
    ({"EVERRUNS_API_KEY": "${EVERRUNS_API_KEY}"}, "it is still a placeholder"),
    ({"EVERRUNS_API_KEY": "", "EVERRUNS_API_KEY_FILE": "/nonexistent"}, "EVERRUNS_API_KEY_FILE"),
]


@pytest.mark.parametrize(("own", "says"), UNUSABLE, ids=[says for _, says in UNUSABLE])
@pytest.mark.parametrize(
    "first", [request(1, "tools/list"), initialize(OLDER[0])], ids=["now", "older"]
)
def test_with_settings_that_cannot_be_used_a_server_lists_its_tools_and_every_call_says_why(
    environment, own, says, first
):
    with stdio_server({**environment, **own}) as server:
        assert "result" in server.ask(first)
        for number in range(2):
            answer = server.ask({**call("list_sessions"), "id": number})
            assert answer["result"]["isError"]
            assert text(answer).startswith("not_configured:")
            assert says in text(answer)
            assert "/nonexistent" not in text(answer)
        listed = server.ask(request("again", "tools/list"))
        assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
        ended = server.end()
    assert ended.code == 0
    assert says in ended.stderr


def test_variables_meant_for_other_programs_traces_keep_no_server_from_answering(environment):
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    own["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    with stdio_server({**environment, **own}) as server:
        answer = server.ask(call("list_sessions", limit=1))
        assert not answer["result"].get("isError")
        assert "are not exported" in server.end().stderr


def test_a_cursor_of_made_up_sessions_is_good_in_the_next_process(bare_environment):
    demo = {**bare_environment, "MCP_SESSIONS_DEMO": "true"}
    with stdio_server(demo) as server:
        first = server.ask(call("list_sessions", limit=3))["result"]["structuredContent"]
    assert "made up" in first["note"]
    with stdio_server(demo) as server:
        answer = server.ask(call("get_session_page", cursor=first["next_cursor"]))
    following = answer["result"]["structuredContent"]
    assert len(following["sessions"]) == 3
    assert "made up" in following["note"]
    seen = {one["id"] for one in first["sessions"]}
    assert seen.isdisjoint(one["id"] for one in following["sessions"])


def test_arguments_that_come_as_text_are_read(environment):
    asked = request("call", "tools/call", name="list_sessions", arguments='{"limit": 2}')
    with stdio_server(environment) as server:
        assert len(server.ask(asked)["result"]["structuredContent"]["sessions"]) == 2


def test_a_byte_order_mark_before_the_first_line_is_passed_over_once_the_sdk_has_loaded(
    environment,
):
    marked = b"\xef\xbb\xbf" + json.dumps(call("list_sessions", limit=1)).encode()
    with stdio_server(environment) as server:
        server.send(marked)
        assert not server.receive()["result"].get("isError")

"""Clients of both eras on one process, and many requests at once."""

import pytest

from support.messages import (
    MODERN,
    OLDER,
    TOOLS,
    initialize,
    list_call,
    older_list_call,
    older_request,
    request,
)
from support.processes import stdio_server
from support.raw_upstream import Held, Unanswered
from support.single_sessions import IDS, SingleSessions

READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def names(answer):
    return [tool["name"] for tool in answer["result"]["tools"]]


def sessions(answer):
    return len(answer["result"]["structuredContent"]["sessions"])


@pytest.mark.parametrize("stands", [False, True], ids=["at once", "when the SDK stands"])
@pytest.mark.parametrize("revision", OLDER)
def test_a_client_that_probed_gets_right_answers_to_its_greeting_and_to_everything_after(
    upstream_environment, stands, revision
):
    with stdio_server(upstream_environment) as server:
        found = server.ask(request(1, "server/discover"))
        assert MODERN in found["result"]["supportedVersions"]
        if stands:  # as it must to answer what no record has the answer to
            assert "error" in server.ask(request("unknown", "sessions/unknown"))
        greeted = server.ask(initialize(revision))
        assert greeted["result"]["protocolVersion"] == revision
        server.send(READY)
        assert names(server.ask(older_request(2, "tools/list"))) == TOOLS
        assert sessions(server.ask(older_list_call(3, limit=4))) == 4
        assert names(server.ask(request(4, "tools/list"))) == TOOLS
        assert sessions(server.ask(list_call(5, limit=5))) == 5
        assert server.ask(older_request(6, "ping"))["result"] == {}
        assert server.end().code == 0


def test_sessions_are_looked_up_by_id_in_both_eras(upstream_environment, upstreams):
    upstreams.turn_to(SingleSessions().behaviour)
    missing = "session_" + "f" * 32
    asked = {"session_ids": [*IDS[9::-1], missing], "limit": 20, "detail": "brief"}
    with stdio_server(upstream_environment) as server:
        server.ask(initialize(OLDER[0]))
        server.send(READY)
        for answer in (server.ask(list_call(1, **asked)), server.ask(older_list_call(2, **asked))):
            content = answer["result"]["structuredContent"]
            assert [row["id"] for row in content["sessions"]] == IDS[9::-1]
            assert content["not_found"] == [missing]
        assert server.end().code == 0
    assert len(upstreams.asked()) == 22


def test_a_client_that_did_not_wait_for_its_probe_gets_it_and_the_greeting_answered(
    upstream_environment,
):
    with stdio_server(upstream_environment) as server:
        server.send(request(1, "server/discover"), initialize(OLDER[0]), READY)
        answers = [server.receive() for _ in range(2)]
        assert {answer["id"] for answer in answers} == {1, "initialize"}
        assert all("result" in answer for answer in answers)
        assert sessions(server.ask(older_list_call(2, limit=3))) == 3


def test_an_older_client_gets_one_answer_to_its_greeting(upstream_environment):
    with stdio_server(upstream_environment) as server:
        server.ask(initialize(OLDER[0]))
        server.send(READY)
        server.ask(older_list_call(1))
        ended = server.end()
    assert ended.messages == []


def test_an_older_request_before_the_greeting_is_refused(upstream_environment):
    with stdio_server(upstream_environment) as server:
        assert "error" in server.ask(older_request(1, "tools/list"))
        assert "result" in server.ask(initialize(OLDER[0]))
        assert names(server.ask(older_request(2, "tools/list"))) == TOOLS


def test_requests_in_a_row_are_worked_on_at_once_in_both_eras(upstream_environment, upstreams):
    held = Held()
    upstreams.turn_to(held.behaviour)
    with stdio_server(upstream_environment) as server:
        server.ask(initialize(OLDER[0]))
        server.send(READY)
        server.send(*(list_call(n, search=f"word{n}") for n in range(10)))
        server.send(*(older_list_call(n, search=f"word{n}") for n in range(10, 20)))
        held.wait(20)
        assert names(server.ask(request("list", "tools/list"))) == TOOLS
        held.let_go()
        answers = [server.receive() for _ in range(20)]
        assert sorted(answer["id"] for answer in answers) == list(range(20))
        assert all(sessions(answer) for answer in answers)


@pytest.mark.parametrize("asked", [list_call, older_list_call], ids=["current", "older"])
def test_a_call_that_is_cancelled_is_never_answered_and_stops(
    upstream_environment, upstreams, asked
):
    waiting = Unanswered()
    upstreams.turn_to(waiting.behaviour)
    with stdio_server(upstream_environment) as server:
        server.ask(initialize(OLDER[0]))
        server.send(READY, asked(1))
        waiting.wait()
        cancelled = {"requestId": 1, "reason": "no more"}
        server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})
        waiting.wait_until_closed()
        server.ask(request(2, "tools/list"))
        ended = server.end()
    assert (ended.code, ended.messages) == (0, [])


@pytest.mark.parametrize("odd", [[1], {}, None, 1.5, "x", {"requestId": {}}], ids=str)
def test_an_odd_cancellation_cancels_nothing(upstream_environment, upstreams, odd):
    held = Held()
    upstreams.turn_to(held.behaviour)
    with stdio_server(upstream_environment) as server:
        server.send(list_call(1))
        held.wait()
        cancelled = odd if isinstance(odd, dict) and odd else {"requestId": odd}
        server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})
        assert names(server.ask(request(2, "tools/list"))) == TOOLS
        held.let_go()
        assert server.receive()["id"] == 1
        assert server.end().code == 0


def test_a_cancellation_may_spell_a_number_as_a_string(upstream_environment, upstreams):
    waiting = Unanswered()
    upstreams.turn_to(waiting.behaviour)
    with stdio_server(upstream_environment) as server:
        server.send(list_call(1))
        waiting.wait()
        cancelled = {"requestId": "1"}
        server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})
        waiting.wait_until_closed()
        server.ask(request(2, "tools/list"))
        ended = server.end()
    assert (ended.code, ended.messages) == (0, [])

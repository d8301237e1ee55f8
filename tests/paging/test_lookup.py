import anyio
import pytest

from mcp_sessions.api.circuit_breaker import FAILURES
from mcp_sessions.api.client import open_api
from mcp_sessions.api.retries import MAX_ATTEMPTS
from mcp_sessions.errors import SessionsError
from mcp_sessions.paging.lookup import AT_ONCE, look_up
from mcp_sessions.wire.models import Session

from support.calls import DEADLINE, at_once, settings_for
from support.raw_upstream import answer, first, sends, upstream
from support.rows import row
from support.single_sessions import IDS, SingleSessions

OWN, OTHER = "agent_" + "1" * 32, "agent_" + "2" * 32
BROKEN = answer(b'{"title":"Internal","status":500}', "500 Internal Server Error")


def looked_up(behaviour, ids, *, scope=None, until=DEADLINE, **settings):
    """Look ids up at an upstream, and return what came of them and what was asked."""

    async def ask(url):
        with anyio.fail_after(2 * DEADLINE):
            async with open_api(settings_for(url, **settings), at_once) as api:
                end = anyio.current_time() + until
                with anyio.fail_after(DEADLINE):
                    return await look_up(api, ids, Session, end, scope=scope)

    with upstream() as served:
        served.turn_to(behaviour)
        return anyio.run(ask, served.url), len(served.asked())


def found(lookup):
    return [session.id for session in lookup.found]


def codes(lookup):
    return {id_: fault.code for id_, fault in lookup.unread}


def test_twenty_sessions_are_read_by_twenty_requests_a_few_at_once_in_the_order_asked_for():
    sessions = SingleSessions(together=AT_ONCE)
    asked = IDS[19::-1]
    lookup, requests = looked_up(sessions.behaviour, asked)
    assert found(lookup) == asked
    assert (requests, sessions.most_at_once) == (20, AT_ONCE)


def test_an_id_that_no_session_can_have_is_not_found_and_never_sent():
    odd = ["a b", "../stats", ".", "a/b", "x" * 201, "é", "a\n", "%2e", "", "a?b=c", "session.1"]
    lookup, requests = looked_up(SingleSessions().behaviour, [*odd, IDS[0]])
    assert (found(lookup), lookup.not_found, lookup.unread) == ([IDS[0]], odd, [])
    assert requests == 1


@pytest.mark.parametrize(
    "other",
    [
        answer(b'{"title":"Not Found","status":404}', "404 Not Found"),
        answer(b"Invalid session id", "400 Bad Request", content_type="text/plain"),
        answer(b'{"total":5,"by_activity":[]}'),
        answer(b'{"id":"%b"}' % IDS[2].encode()),
        answer(b'{"id":null}'),
        answer(b'{"id":5}'),
        answer(b'{"error":{"code":"not_found"}}'),
    ],
    ids=["404", "400", "another route", "another session", "null", "number", "200 of not found"],
)
def test_an_answer_that_is_not_the_session_asked_for_means_that_there_is_none(other):
    lookup, requests = looked_up(SingleSessions(instead={IDS[1]: other}).behaviour, IDS[:3])
    assert found(lookup) == [IDS[0], IDS[2]]
    assert (lookup.not_found, lookup.unread, requests) == ([IDS[1]], [], 3)


@pytest.mark.parametrize("agent", [OTHER, None])
def test_in_a_scope_another_agents_session_is_asked_for_and_lost_like_a_missing_one(agent):
    rows = [row(0, agent_id=OWN), row(1, agent_id=agent), row(2, agent_id=OWN)]
    sessions = SingleSessions(rows)
    lookup, requests = looked_up(sessions.behaviour, IDS[:4], scope=OWN)
    assert found(lookup) == [IDS[0], IDS[2]]
    assert (lookup.not_found, lookup.unread) == ([IDS[1], IDS[3]], [])
    assert requests == 4


def test_ids_that_fail_in_a_row_keep_no_others_from_being_read():
    instead = dict.fromkeys(IDS[5:10], BROKEN)
    lookup, requests = looked_up(SingleSessions(instead=instead).behaviour, IDS[:20])
    assert found(lookup) == IDS[:5] + IDS[10:20]
    assert codes(lookup) == dict.fromkeys(IDS[5:10], "api_unavailable")
    assert requests <= 15 + 5 * MAX_ATTEMPTS


def test_of_mixed_faults_each_id_has_its_own_outcome():
    instead = {
        IDS[1]: answer(b"{}", "404 Not Found"),
        IDS[2]: answer(b"<html>busy</html>", "503 Service Unavailable", content_type="text/html"),
        IDS[3]: answer(b"<html>hello</html>", content_type="text/html"),
        IDS[4]: answer(b'{"id":"'),
        IDS[5]: answer(b"[]"),
        IDS[6]: answer(b"", "302 Found", location="http://127.0.0.1/"),
    }
    lookup, _ = looked_up(SingleSessions(instead=instead).behaviour, IDS[:8])
    assert (found(lookup), lookup.not_found) == ([IDS[0], IDS[7]], [IDS[1]])
    assert codes(lookup) == {
        IDS[2]: "api_unavailable",
        IDS[3]: "bad_response",
        IDS[4]: "api_unreachable",
        IDS[5]: "bad_response",
        IDS[6]: "bad_response",
    }


def test_a_fault_that_passes_is_asked_again_and_read():
    sessions = SingleSessions()
    behaviour = first(sends(BROKEN), 3, then=sessions.behaviour)
    lookup, requests = looked_up(behaviour, IDS[:10])
    assert (found(lookup), requests) == (IDS[:10], 13)


def busy(seconds):
    return answer(b"{}", "429 Too Many Requests", retry_after=str(seconds))


def test_a_batch_under_a_429_waits_as_it_is_told_and_is_read():
    sessions = SingleSessions()
    behaviour = first(sends(busy(1)), 1, then=sessions.behaviour)
    lookup, requests = looked_up(behaviour, IDS[:10])
    assert found(lookup) == IDS[:10]
    assert requests == 11


def test_a_batch_under_a_429_that_outlasts_the_call_is_unread_and_asks_no_more():
    lookup, requests = looked_up(sends(busy(60)), IDS[:20])
    assert codes(lookup) == dict.fromkeys(IDS[:20], "rate_limited")
    assert min(fault.retry_after for _, fault in lookup.unread) >= 59
    assert requests <= AT_ONCE


def test_what_a_deadline_leaves_is_unread_and_what_was_read_is_kept():
    sessions = SingleSessions(instead=dict.fromkeys(IDS[2:], None))
    lookup, _ = looked_up(sessions.behaviour, IDS[:6], until=2)
    assert (found(lookup), lookup.not_found) == (IDS[:2], [])
    assert codes(lookup) == dict.fromkeys(IDS[2:6], "api_timeout")


def test_an_api_that_falls_silent_is_soon_asked_no_more():
    sessions = SingleSessions(instead=dict.fromkeys(IDS[2:], None))
    lookup, requests = looked_up(sessions.behaviour, IDS[:50], until=3)
    assert found(lookup) == IDS[:2]
    assert list(codes(lookup)) == IDS[2:50]
    assert set(codes(lookup).values()) <= {"api_timeout", "api_unavailable"}
    assert requests <= 2 + FAILURES + AT_ONCE


@pytest.mark.parametrize(
    ("status", "code"), [("401 Unauthorized", "unauthorized"), ("403 No", "permission_denied")]
)
def test_a_refusal_of_the_key_fails_the_whole_call_and_ends_it(status, code):
    sessions = SingleSessions(instead={IDS[2]: answer(b"{}", status)}, together=AT_ONCE)
    with pytest.raises(SessionsError) as refused:
        looked_up(sessions.behaviour, IDS[:50])
    assert refused.value.code == code
    assert len(sessions.asked) < 50


def test_without_a_key_nothing_is_looked_up():
    with pytest.raises(SessionsError) as refused:
        looked_up(SingleSessions().behaviour, IDS[:2], no_key=False, api_key=None)
    assert refused.value.code == "not_configured"

"""The rate limiter's window, at times that a test names."""

import math

from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.api.request_window import RequestWindow
from mcp_sessions.fair_slots import Shares

PERIOD = 60.0
SECONDS = st.integers(0, 40)


def window_of(slots, *, fair=True):
    return RequestWindow(Shares(slots, fair), PERIOD)


def ask(window, credential, now):
    """Make a request that is answered at once, if there is a slot."""
    window.reclaim(now)
    taken = window.take(credential, now)
    if taken:
        window.answered(credential, now)
    return taken


def ask_until_refused(window, credential, now=0.0):
    count = 0
    while ask(window, credential, now):
        count += 1
    return count


def test_a_lone_credential_has_the_whole_window_where_there_are_no_tenants():
    assert ask_until_refused(window_of(12, fair=False), "a") == 12


def test_a_tenant_alone_has_half_of_the_window_and_each_that_follows_half_of_the_rest():
    window = window_of(16)
    assert [ask_until_refused(window, name) for name in "abcdef"] == [8, 4, 2, 1, 1, 0]


@given(st.lists(st.tuples(SECONDS, st.sampled_from("abc"), SECONDS), max_size=60), st.booleans())
def test_no_period_holds_more_requests_than_allowed(steps, fair):
    window, now, unanswered, seen = window_of(5, fair=fair), 0, [], []
    for wait, credential, takes in steps:
        now += wait
        for request in sorted(unanswered):
            if request[0] <= now:
                unanswered.remove(request)
                window.answered(request[1], request[0])
                seen.append(request[0])
        window.reclaim(now)
        if window.take(credential, now):
            unanswered.append((now + takes, credential))
        counted = [time for time in seen if time > now - PERIOD]
        assert len(counted) + len(unanswered) <= 5


@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.lists(st.tuples(SECONDS, st.permutations("abc")), min_size=1, max_size=40),
)
def test_a_newcomer_is_served_at_once_however_greedy_the_others_are(greedy, calls, steps):
    window, now, own = window_of(calls * 2 ** (greedy + 1)), 0, []
    for wait, order in steps:
        now += wait
        for name in order:
            if name in "abc"[:greedy]:
                window.reclaim(now)
                ask_until_refused(window, name, now)
        if len([time for time in own if time > now - PERIOD]) < calls:
            assert ask(window, "newcomer", now)
            own.append(now)


def test_tenants_that_never_stop_come_to_equal_shares_and_leave_one_to_newcomers():
    window = window_of(60)
    served = [ask_until_refused(window, name) for name in "abcde"]
    assert served == [30, 15, 8, 4, 2]
    for tick in range(1, 2_000):  # after the bursts each asks again and again, in turns
        for name in "abcde":
            ask(window, name, tick / 10)
    assert sorted(window.shares.held.values()) == [10] * 5
    assert window.shares.free == 10


@given(
    st.booleans(),
    st.lists(st.tuples(SECONDS, st.sampled_from("abc")), max_size=40),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 60)),
)
def test_the_time_that_is_told_is_the_first_at_which_there_is_a_slot(fair, steps, rests):
    window, now = window_of(6, fair=fair), 0
    for wait, name in steps:
        now += wait
        ask(window, name, now)
    for name, seconds in rests.items():
        window.rest(name, now + seconds, now)
    told = window.time_of("a", [], now)
    while not ask(window, "a", now):
        assert now < told
        now += 1
    assert now == told


def test_the_time_that_is_told_is_that_of_the_last_in_line():
    window = window_of(2, fair=False)
    ask(window, "a", 0)
    ask(window, "a", 10)
    assert [window.time_of("b", [("b", ahead)], 20) for ahead in (0, 1, 2, 4)] == [60, 70, 120, 180]
    assert window.time_of("b", [("a", 9)], 20) == 70  # by turns: one of theirs, then the newcomer


def test_a_slot_whose_answer_is_still_to_come_is_free_a_period_after_it():
    window = window_of(1, fair=False)
    assert window.take("a", 0)
    assert window.time_of("b", [], 20) == 80
    window.answered("a", 30)
    assert window.time_of("b", [], 30) == 90


def test_to_tell_a_time_changes_nothing():
    window = window_of(4)
    ask(window, "a", 0)
    ask(window, "a", 1)
    assert window.take("b", 2)
    window.rest("c", 30, 2)
    before = repr(window)
    window.time_of("a", [("b", 3), ("c", 2)], 3)
    assert repr(window) == before


def test_a_credential_that_is_told_to_pause_rests_alone():
    window = window_of(10)
    window.rest("a", 60, 0)
    assert not ask(window, "a", 59)
    assert ask(window, "b", 0)
    assert ask(window, "a", 60)


def test_nobody_asks_while_two_credentials_are_told_to_pause():
    window = window_of(10)
    window.rest("a", 60, 0)
    window.rest("b", 30, 10)
    assert not ask(window, "c", 29)
    assert window.time_of("c", [], 29) == 30
    assert ask(window, "c", 30)  # of the two only one rests still
    window.rest("b", 95, 65)  # the pause of the other is over
    assert ask(window, "c", 65)


def test_a_credential_that_is_told_twice_to_pause_is_no_second_one():
    window = window_of(10)
    window.rest("a", 20, 0)
    window.rest("a", 10, 1)
    assert ask(window, "b", 5)
    assert not ask(window, "a", 19)


def test_a_pause_told_to_requests_without_a_key_holds_back_them_alone():
    window = window_of(10)
    window.rest("", 60, 0)
    window.rest("a", 60, 0)
    assert not ask(window, "", 30)
    assert ask(window, "b", 30)


def test_nothing_changes_in_a_window_that_is_free():
    assert window_of(3).next_change(0) == math.inf


def test_tenants_with_one_credential_have_shares_of_their_own_and_rest_together():
    window = window_of(16)
    assert [ask_until_refused(window, name) for name in ("key a", "key b")] == [8, 4]
    window.rest("key", 30.0, 0.0)
    assert not ask(window, "key new", 0.0)
    assert ask(window, "other new", 0.0)
    assert ask(window, "key new", 30.0)


def test_two_organizations_of_one_key_that_rest_hold_back_no_other_key():
    window = window_of(16)
    window.rest("key.one", 30.0, 0.0)
    window.rest("key.two", 30.0, 0.0)
    assert not ask(window, "key.two", 0.0)
    assert ask(window, "other.one", 0.0)

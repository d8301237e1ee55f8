from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.embedded.quota import Quota

PAUSES = st.lists(st.sampled_from([0.0, 0.25, 1.0, 10.0, 59.75, 60.0]), max_size=60)


@given(PAUSES, st.integers(1, 5))
def test_every_minute_admits_as_many_requests_as_the_quota_says(pauses, per_minute):
    quota, now, admitted = Quota(per_minute), 0.0, []
    for pause in pauses:
        now += pause
        within = len(admitted) - bisect_right(admitted, now - 60)
        wait = quota.wait("one", now)
        assert (wait is None) == (within < per_minute)
        if wait is None:
            admitted.append(now)


@given(PAUSES, st.integers(1, 5))
def test_the_wait_that_a_quota_names_is_enough_and_a_second_less_is_not(pauses, per_minute):
    for short in (0, 1):
        quota, now, wait = Quota(per_minute), 0.0, None
        for pause in pauses:
            now += pause
            wait = quota.wait("one", now)
        if wait is not None and wait > short:
            assert (quota.wait("one", now + wait - short) is None) == (short == 0)


def test_a_quota_never_names_a_wait_of_less_than_a_second():
    quota = Quota(1)
    assert quota.wait("one", 0.0) is None
    assert quota.wait("one", 59.9) == 1


def test_each_address_has_a_quota_of_its_own():
    quota = Quota(1)
    assert [quota.wait(address, 5.0) for address in ("one", "two", "one")] == [None, None, 60]


def test_a_quota_of_none_admits_all_and_a_quota_of_0_nobody():
    assert {Quota(None).wait("one", 0.0) for _ in range(100)} == {None}
    assert Quota(0).wait("one", 0.0) == 60

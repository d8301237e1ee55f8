from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.paging.sort_key import TIE_BYTES, SortKey, age_of, last_key_of, tie_of

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
IDS = st.text(min_size=1, max_size=40)


@given(st.lists(MOMENTS))
def test_newer_sessions_come_first(moments):
    assert sorted(moments, key=age_of) == sorted(moments, reverse=True)


@given(MOMENTS.filter(lambda moment: moment.year < 9999))
def test_a_microsecond_makes_another_age_at_any_time(moment):
    assert age_of(moment) - age_of(moment + timedelta(microseconds=1)) == 1


def test_an_age_is_the_same_in_every_time_zone():
    moment = datetime(2026, 11, 20, 12, 0, 0, 933_703, tzinfo=UTC)
    assert age_of(moment) == age_of(moment.astimezone(timezone(timedelta(hours=5, minutes=45))))


def test_the_tie_of_an_id_is_the_one_that_cursors_in_use_hold():
    assert tie_of("session_1").hex() == "e747288cf70f"
    assert len(tie_of("é")) == TIE_BYTES


@given(st.integers(-(2**60), 0), IDS)
def test_the_last_key_of_an_age_stands_behind_its_sessions_and_before_older_ones(age, session_id):
    last = last_key_of(age)
    assert SortKey(age, tie_of(session_id)) < last < SortKey(age + 1, b"")
    assert last.is_last_of_age
    assert not SortKey(age, tie_of(session_id)).is_last_of_age

"""Every way in which an answer may say how long to wait, and whose clock a date is read by."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.api.retry_after import retry_after

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"  # the example of RFC 9110, long before this machine's time
IN_AN_HOUR = "Sun, 06 Nov 1994 09:49:37 GMT"


def told(value, in_body=None, **more):
    return retry_after({"retry-after": value, **more}, in_body)


def from_now(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60),
        (" 60\t", 60),
        ("007", 7),
        ("4.2", 5),
        ("0", 1),
        ("0.0", 1),
        ("86400", 86_400),
        ("86401", None),
        ("9" * 5_000, None),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("1_0", None),
        ("nan", None),
        ("inf", None),
        ("\u0661\u0662", None),  # digits, but not of ASCII
        ("60s", None),
        ("120 seconds", None),
        ("soon", None),
        ("", None),
        (",", None),
    ],
)
def test_a_wait_in_seconds_is_told_in_whole_ones_or_not_at_all(value, seconds):
    assert told(value, date=DATE) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (IN_AN_HOUR, 3_600),
        ("Sunday, 06-Nov-94 09:49:37 GMT", 3_600),
        ("Sun Nov  6 09:49:37 1994", 3_600),
        ("Sun, 06 Nov 1994 09:49:37 UTC", 3_600),
        ("Sun, 06 Nov 1994 09:49:37 gmt", 3_600),
        ("Sun, 06 Nov 1994 09:49:37 -0000", 3_600),
        ("Sun, 06 Nov 1994 11:49:37 +0200", 3_600),
        ("Sun, 06 Nov 1994 04:49:37 EST", 3_600),
        (DATE, 1),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 1),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 86_400),
        ("Mon, 07 Nov 1994 08:49:38 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Sun, 06 Nov 1994 10:49:37 CET", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, 06 Nov 99999 09:49:37 GMT", None),
        ("Sun, 06 Nov 1994 09:49:37 +999999", None),
        ("1994-11-06T09:49:37Z", None),
    ],
)
def test_a_date_to_wait_for_is_measured_by_the_date_of_its_answer(value, seconds):
    assert told(value, date=DATE) == seconds


@pytest.mark.parametrize(
    "date", ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", f"{DATE}, {IN_AN_HOUR}"]
)
def test_the_date_of_an_answer_may_be_spelled_as_any_other(date):
    assert told(IN_AN_HOUR, date=date) == 3_600


@pytest.mark.parametrize("more", [{}, {"date": ""}, {"date": "today"}, {"date": "784111777"}])
def test_a_date_is_measured_by_this_machines_clock_where_its_answer_has_none_to_read(more):
    assert 80 <= told(from_now(90), **more) <= 90
    assert told(from_now(-90), **more) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5, 60", 60),
        ("60,5", 60),
        ("soon, 5", 5),
        (f"{IN_AN_HOUR}, 5", 3_600),
        (f"5, {IN_AN_HOUR}", 3_600),
        (f"{DATE}, {IN_AN_HOUR}", 3_600),
        ("Sunday, 06-Nov-94 08:49:47 GMT, 5", 10),
    ],
)
def test_of_several_waits_the_longest_counts(value, seconds):
    assert told(value, date=DATE) == seconds


@pytest.mark.parametrize(
    ("value", "in_body", "seconds"),
    [
        ("5", 60.0, 5),
        ("0", 60.0, 1),
        ("soon", 7.4, 8),
        ("-5", 7.0, 7),
        ("99999999999", 7.0, 7),
        ("", 7.0, 7),
        ("soon", -1.0, None),
        ("soon", 1e300, None),
    ],
)
def test_the_wait_in_the_body_counts_where_the_header_has_none(value, in_body, seconds):
    assert told(value, in_body) == seconds


def test_an_answer_without_the_header_may_name_its_wait_in_the_body():
    assert retry_after({}, 7.4) == 8
    assert retry_after({}, None) is None


PARTS = st.sampled_from([DATE, IN_AN_HOUR, "60", ",", " ", "GMT", "Sun", "-", "1994", "\0"])


@given(*[st.text(max_size=40) | st.lists(PARTS, max_size=6).map("".join)] * 2)
def test_whatever_the_headers_hold_a_wait_is_whole_seconds_up_to_a_day(value, date):
    wait = told(value, date=date)
    assert wait is None or (type(wait) is int and 1 <= wait <= 86_400)

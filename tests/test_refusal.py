import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.api.failures import failure_in, failure_of_status
from mcp_sessions.errors import SessionsError


def told(status, body=b"", headers=None, parameters=None):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_of_status(status, headers or {}, sent, parameters or {})


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("unauthorized", "unauthorized"),
        ("permission_denied", "permission_denied"),
        ("not_found", "not_found"),
        ("rate_limited", "rate_limited"),
        ("service_unavailable", "api_unavailable"),
    ],
)
def test_a_code_tells_what_a_vague_status_means(status, named, code):
    problem = {"title": "x", "status": status, "code": named}
    assert told(status, problem).code == code
    assert told(status, {"error": {"code": named, "message": "x"}}).code == code


@pytest.mark.parametrize(
    ("status", "code"), [(401, "unauthorized"), (429, "rate_limited"), (503, "api_unavailable")]
)
def test_a_clear_status_stands_whatever_the_body_says(status, code):
    assert told(status, {"code": "not_found"}).code == code


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x", "status": 503, "retry_after_seconds": 5},
        {"error": {"code": "service_unavailable", "retry_after_seconds": 4.2}},
    ],
)
def test_a_wait_is_read_from_either_shape(body):
    assert told(503, body).retry_after == 5


def test_a_wait_may_be_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert told(429, headers={"retry-after": date}).retry_after in (89, 90)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<!DOCTYPE html><title>502</title>", {}),
        (b"\n <html><h1>CANARY", {}),
        (b"", {"content-type": "text/html; charset=utf-8"}),
    ],
)
def test_a_web_page_is_told_apart(body, headers):
    fault = told(502, body, headers)
    assert "a proxy or gateway stands before the API" in fault.message
    assert "CANARY" not in fault.message


def test_an_answer_of_status_200_may_be_a_failure():
    fault = failure_in(b'{"error":{"code":"unauthorized","message":"CANARY"}}', {})
    assert fault.code == "unauthorized"
    assert failure_in(b'{"data":[]}', {}) is None
    assert failure_in(b'{"code":"brand_new"}', {}) is None


@given(
    status=st.integers(100, 999),
    header=st.none() | st.text(max_size=40),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=10),
        lambda inner: st.dictionaries(
            st.sampled_from(["code", "error", "retry_after_seconds", "message"]), inner, max_size=4
        ),
    ),
)
def test_whatever_is_sent_it_is_one_of_our_errors(status, header, body):
    fault = told(status, body, {} if header is None else {"retry-after": header})
    assert isinstance(fault, SessionsError)
    assert fault.retry_after is None or 1 <= fault.retry_after <= 86_400

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.api.failures import failure_in, failure_of_status
from mcp_sessions.errors import SessionsError

from support.calls import (
    fault_of,
    read_page,
    settings_for,
)
from support.raw_upstream import answer, scripted


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
def test_retry_after_is_read_from_either_shape_of_body(body):
    assert told(503, body).retry_after == 5


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
def test_whatever_a_refusal_holds_is_one_of_our_errors(status, header, body):
    fault = told(status, body, {} if header is None else {"retry-after": header})
    assert isinstance(fault, SessionsError)
    assert fault.retry_after is None or 1 <= fault.retry_after <= 86_400


BODIES = {
    "problem": json.dumps({"title": "CANARYBODY", "status": 0, "detail": "CANARYBODY"}).encode(),
    "error text": b'{"error":"CANARYBODY"}',
    "error object": b'{"error":{"code":"CANARYBODY","message":"CANARYBODY"}}',
    "plain text": b"CANARYBODY",
    "html": b"<html><h1>CANARYBODY</h1></html>",
    "empty": b"",
}


@pytest.mark.parametrize("shape", BODIES)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400 Bad Request", "invalid_arguments"),
        ("401 Unauthorized", "unauthorized"),
        ("403 Forbidden", "permission_denied"),
        ("404 Not Found", "not_found"),
        ("408 Request Timeout", "api_timeout"),
        ("414 URI Too Long", "invalid_arguments"),
        ("418 I'm a teapot", "bad_response"),
        ("422 Unprocessable", "invalid_arguments"),
        ("429 Too Many Requests", "rate_limited"),
        ("500 Internal Server Error", "api_unavailable"),
        ("502 Bad Gateway", "api_unavailable"),
        ("503 Service Unavailable", "api_unavailable"),
        ("204 No Content", "bad_response"),
        ("302 Found", "bad_response"),
    ],
)
def test_every_refusal_has_its_code_and_quotes_nothing(shape, status, code):
    body = b"" if status.startswith("204") else BODIES[shape]
    with scripted([answer(body, status)]) as upstream:
        failed = fault_of(settings_for(upstream.url))
    assert failed.code == code
    assert f"(HTTP {status[:3]})" in failed.message
    assert "CANARY" not in failed.message + failed.hint


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after": "60"}, b"", 60),
        ({"retry_after": "0"}, b"", 1),
        ({"retry_after": "Wed, 01 Jan 2020 00:00:00 GMT"}, b"", 1),
        ({}, b'{"title":"x","retry_after_seconds":7}', 7),
        ({"retry_after": "soon"}, b'{"retry_after_seconds":7.4}', 8),
        ({"retry_after": "99999999999"}, b"", None),
        ({"retry_after": "nan"}, b"", None),
        ({}, b'{"retry_after_seconds":"x"}', None),
        ({}, b"<html>", None),
    ],
)
def test_the_wait_that_the_api_asks_for_is_read(headers, body, seconds):
    sent = answer(body, "429 Too Many Requests", **headers)
    with scripted([sent]) as upstream:
        assert fault_of(settings_for(upstream.url, deadline=1)).retry_after == seconds


def test_a_date_to_wait_for_is_measured_by_the_clock_of_the_answer():
    date, until = "Tue, 01 Jan 2030 08:00:00 GMT", "Tue, 01 Jan 2030 08:01:00 GMT"
    sent = answer(b"", "429 Too Many Requests", retry_after=until, date=date)
    with scripted([sent]) as upstream:
        assert fault_of(settings_for(upstream.url, deadline=1)).retry_after == 60


def test_retry_after_is_told_only_of_failures_that_waiting_mends():
    sent = answer(b"", "401 Unauthorized", retry_after="60")
    with scripted([sent]) as upstream:
        assert fault_of(settings_for(upstream.url)).retry_after is None


@pytest.mark.parametrize(
    ("parameters", "named"), [({"agent_id": "agent_x"}, "agent_id"), ({}, "EVERRUNS_ORG_ID")]
)
def test_a_refused_request_names_what_may_be_wrong(parameters, named):
    sent = answer(b"", "400 Bad Request")
    with scripted([sent]) as upstream, pytest.raises(SessionsError) as failed:
        read_page(settings_for(upstream.url), **parameters)
    assert named in failed.value.hint

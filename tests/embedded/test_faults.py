import json
from random import Random

import pytest

from mcp_sessions.embedded import Fault
from mcp_sessions.embedded.faults import by_chance

SHAPES = {
    "problem": "application/problem+json",
    "error_text": "application/json",
    "error_object": "application/json",
    "plain": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_status_comes_in_every_shape(status, shape):
    response = Fault(status, shape, detail="in so many words").response()
    assert response.status_code == status
    assert response.headers["content-type"] == SHAPES[shape]
    assert b"in so many words" in response.body


def test_a_problem_names_its_title_status_and_code():
    problem = json.loads(Fault(403).response().body)
    assert problem["title"] == "Forbidden"
    assert problem["status"] == 403
    assert problem["code"] == "permission_denied"
    assert "retry_after_seconds" not in problem


def test_too_many_requests_says_when_to_come_back_twice():
    for fault, seconds in ((Fault(429), 60), (Fault(429, retry_after=7), 7)):
        response = fault.response()
        assert response.headers["retry-after"] == str(seconds)
        assert json.loads(response.body)["retry_after_seconds"] == seconds


def test_an_exhausted_pool_says_it_in_the_body_only():
    response = Fault(503, retry_after=2).response()
    assert "retry-after" not in response.headers
    assert json.loads(response.body)["retry_after_seconds"] == 2


def test_the_other_json_shapes_hold_a_text_or_an_object():
    assert json.loads(Fault(404, "error_text").response().body) == {"error": "Not Found"}
    error = json.loads(Fault(500, "error_object").response().body)["error"]
    assert error == {"code": "internal_error", "message": "Internal Server Error"}


def test_failures_by_chance_are_of_every_transient_status_and_every_shape():
    entropy = Random(1)
    faults = [by_chance(entropy, 1) for _ in range(1_000)]
    assert {(fault.status, fault.shape) for fault in faults} == {
        (status, shape) for status in (429, 500, 502, 503, 504) for shape in SHAPES
    }
    assert {fault.retry_after for fault in faults if fault.status in {429, 503}} == {1}


@pytest.mark.parametrize("share", [0, 0.2, 1])
def test_the_share_of_requests_that_fail_by_chance_is_the_one_asked_for(share):
    entropy = Random(1)
    made = sum(by_chance(entropy, share) is not None for _ in range(10_000))
    assert made == pytest.approx(share * 10_000, abs=150)

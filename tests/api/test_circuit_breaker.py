import pytest

from mcp_sessions.api.circuit_breaker import FAILURES, FIRST_REST, MAX_REST, CircuitBreaker
from mcp_sessions.errors import (
    ApiTimeout,
    ApiUnavailable,
    ApiUnreachable,
    BadResponse,
    SessionsError,
    Unauthorized,
)


@pytest.fixture
def circuit(clock):
    return CircuitBreaker(clock=clock)


def fail(circuit, fault):
    with pytest.raises(type(fault)) as raised, circuit.request():
        raise fault
    return raised.value


def pass_through(circuit):
    with circuit.request():
        pass


def opened(circuit):
    for _ in range(FAILURES):
        fail(circuit, ApiUnreachable("down"))


@pytest.mark.parametrize("kind", [ApiTimeout, ApiUnavailable, ApiUnreachable])
def test_so_many_failures_in_a_row_open_the_circuit(circuit, kind):
    for _ in range(FAILURES):
        fail(circuit, kind("down"))
    with pytest.raises(ApiUnavailable, match="failed 8 times in a row") as refused:
        pass_through(circuit)
    assert refused.value.retry_after == FIRST_REST
    assert refused.value.final


@pytest.mark.parametrize("fault", [None, BadResponse("?"), Unauthorized("?")])
def test_any_answer_between_failures_keeps_the_circuit_closed(circuit, fault):
    for _ in range(3):
        for _ in range(FAILURES - 1):
            fail(circuit, ApiUnreachable("down"))
        if fault:
            fail(circuit, fault)
        else:
            pass_through(circuit)
    pass_through(circuit)


def test_after_its_rest_an_open_circuit_lets_one_request_through_at_a_time(circuit, clock):
    opened(circuit)
    clock.now += FIRST_REST
    with circuit.request():
        with pytest.raises(ApiUnavailable) as refused:
            pass_through(circuit)
        assert refused.value.retry_after == 1
    pass_through(circuit)


def test_a_rest_doubles_while_the_api_stays_down_and_is_short_again_once_it_answered(
    circuit, clock
):
    opened(circuit)
    rests = []
    for _ in range(5):
        clock.now += circuit.rest
        fail(circuit, ApiUnreachable("down"))
        rests.append(circuit.rest)
    assert rests == [10, 20, 30, 30, MAX_REST]
    clock.now += MAX_REST
    pass_through(circuit)
    assert circuit.rest == FIRST_REST


def test_a_cancelled_request_counts_as_no_failure_of_the_api(circuit, clock):
    opened(circuit)
    clock.now += FIRST_REST
    with pytest.raises(KeyboardInterrupt), circuit.request():
        raise KeyboardInterrupt
    assert circuit.failures == FAILURES
    pass_through(circuit)


def test_a_request_under_way_when_the_circuit_opened_does_not_count_as_the_try(circuit, clock):
    with circuit.request():
        opened(circuit)
        clock.now += FIRST_REST
        with circuit.request(), pytest.raises(SessionsError):
            pass_through(circuit)

"""How long readiness is believed, by a clock that a test turns."""

import anyio
import pytest

from mcp_sessions.server import ToolsByTenant
from mcp_sessions.streamable_http.readiness import Readiness

from support.calls import DEADLINE, settings_for
from support.raw_upstream import right, says

pytestmark = pytest.mark.anyio

FAILING = says(b'{"error": "no"}', "401 Unauthorized")


@pytest.fixture
async def readiness(upstreams, clock):
    with anyio.fail_after(DEADLINE):
        async with ToolsByTenant(settings_for(upstreams.url)).open() as tools:
            yield Readiness(tools, clock)


async def code(readiness):
    fault = await readiness.failure()
    return fault and fault.code


async def test_an_answer_is_believed_for_five_seconds(readiness, clock, upstreams):
    assert await code(readiness) is None
    upstreams.turn_to(FAILING)
    clock.now += 4.9
    assert await code(readiness) is None
    assert upstreams.asked() == []
    clock.now += 0.1
    assert await code(readiness) == "unauthorized"


async def test_a_server_whose_api_is_well_again_is_ready_after_five_seconds(
    readiness, clock, upstreams
):
    upstreams.turn_to(FAILING)
    assert await code(readiness) == "unauthorized"
    upstreams.turn_to(right())
    clock.now += 4.9
    assert await code(readiness) == "unauthorized"
    clock.now += 0.1
    assert await code(readiness) is None
    assert len(upstreams.asked()) == 1

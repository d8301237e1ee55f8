"""Many agents before one API: what they share, how they wait, and what an API that is down gets."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client

from mcp_sessions.api.circuit_breaker import FAILURES
from mcp_sessions.embedded import EmbeddedOptions, Fault, SessionStore, seed_sessions, serve
from mcp_sessions.server import ToolsByTenant, create_server

from support.calls import DEADLINE, settings_for, text_of

SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


@pytest.fixture
def api():
    with SessionStore() as store, serve(store, EmbeddedOptions(requests_per_minute=30)) as served:
        store.create_many(list(seed_sessions())[:40])
        yield served


def results_of(settings, *pages, at_once=True):
    """Call get_session_page for each offset, all at once or one after another."""
    results = [None] * len(pages)

    async def ask(client, number):
        arguments = {"offset": pages[number], "limit": 2, "detail": "brief"}
        results[number] = await client.call_tool("get_session_page", arguments)

    async def play():
        with anyio.fail_after(DEADLINE):
            async with Client(create_server(ToolsByTenant(settings))) as client:
                if not at_once:
                    for number in range(len(pages)):
                        await ask(client, number)
                    return
                async with anyio.create_task_group() as tasks:
                    for number in range(len(pages)):
                        tasks.start_soon(ask, client, number)

    anyio.run(play)
    return results


def test_sixty_four_callers_of_one_page_cost_one_request(api):
    results = results_of(settings_for(api.url), *[5] * 64)
    assert {text_of(result) for result in results} == {text_of(results[0])}
    assert not results[0].is_error
    assert len(api.requests) == 1


@pytest.mark.parametrize(("seconds", "requests"), [(0, 3), (30, 1)])
def test_a_page_is_remembered_only_if_the_operator_says_so(api, seconds, requests):
    results_of(settings_for(api.url, cache_seconds=seconds), 5, 5, 5, at_once=False)
    assert len(api.requests) == requests


def test_callers_who_would_wait_too_long_are_told_at_once_and_the_api_never_refuses(api):
    results = results_of(settings_for(api.url, requests_per_minute=30), *range(38))
    told = [text_of(result) for result in results if result.is_error]
    assert len(told) == 8
    assert all(text.startswith("rate_limited: Too many requests are waiting") for text in told)
    assert all("Try again after 60 s." in text for text in told)
    assert [seen.status for seen in api.requests] == [200] * 30


def test_an_api_that_is_down_is_spared():
    with SessionStore() as store, serve(store) as api:
        api.faults.extend([Fault(503)] * FAILURES)
        results = results_of(settings_for(api.url, deadline=1), *range(12), at_once=False)
    texts = [text_of(result) for result in results]
    assert len(api.requests) == FAILURES
    assert all(text.startswith("api_unavailable: The API failed. (HTTP 503)") for text in texts[:8])
    assert all(text.startswith("api_unavailable: The API failed 8 times in") for text in texts[8:])
    assert "Try again after 5 s. (transient)" in texts[-1]


def test_a_short_soak_under_faults_gives_right_answers_and_leaves_nothing_behind():
    command = [sys.executable, str(SOAK), "--calls", "200", "--tasks", "16"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

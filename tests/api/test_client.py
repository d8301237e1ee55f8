import gzip
import json

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mcp_sessions.api.circuit_breaker import FAILURES
from mcp_sessions.api.client import SharedApi, open_api, open_shared_api
from mcp_sessions.api.connections import open_connections
from mcp_sessions.api.memory_budget import MemoryBudget
from mcp_sessions.api.rate_limiter import RateLimiter
from mcp_sessions.api.retries import MAX_ATTEMPTS
from mcp_sessions.api.shared_reads import background
from mcp_sessions.errors import RateLimited, SessionsError
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import FullSession, Session

from support.calls import (
    call_tool,
    failure_of,
    fault_of,
    read_page,
    settings_for,
)
from support.raw_upstream import answer, page_answer, right, scripted, sends


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "api_unreachable"),
        (b"nonsense\r\n\r\n", "api_unreachable"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "api_unreachable"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "api_unreachable"),
        (answer(b"no gzip", content_encoding="gzip"), "bad_response"),
        (answer(b"{}", content_encoding="br"), "bad_response"),
        (
            answer(gzip.compress(b"{}", mtime=0)[:-4], content_encoding="gzip"),
            "api_unreachable",
        ),
        (answer(b'{"data":[{"id":"sess'), "api_unreachable"),
        (answer(b"<html>", content_type="text/html"), "bad_response"),
        (answer(b""), "bad_response"),
        (answer(b"[]"), "bad_response"),
        (answer(b"[" * 100_000), "bad_response"),
    ],
)
def test_every_broken_answer_has_its_code(sent, code):
    with scripted([sent]) as upstream:
        assert fault_of(settings_for(upstream.url)).code == code


def test_silence_ends_at_the_deadline_of_the_call():
    with scripted([None]) as upstream:
        shown = failure_of(call_tool(settings_for(upstream.url, deadline=1)))
    assert shown.startswith("api_timeout: The API did not answer")
    assert "Trying again may help." in shown


def test_an_answer_larger_than_allowed_is_refused():
    sent = page_answer([{"id": "session_1", "title": "x" * 70_000}])
    with scripted([sent]) as upstream:
        failed = fault_of(settings_for(upstream.url, max_response_bytes=65_536))
    assert failed.code == "response_too_large"
    assert "smaller limit" in failed.hint


def test_a_compressed_answer_is_measured_as_it_unpacks():
    bomb = gzip.compress(b"[" + b"0" * 20_000_000)
    sent = answer(bomb, content_encoding="gzip")
    with scripted([sent]) as upstream:
        failed = fault_of(settings_for(upstream.url, max_response_bytes=65_536))
    assert failed.code == "response_too_large"


def test_a_compressed_page_is_read():
    body = gzip.compress(b'{"data":[{"id":"session_1"}]}')
    sent = answer(body, content_encoding="gzip")
    with scripted([sent]) as upstream:
        assert read_page(settings_for(upstream.url)).data[0].id == "session_1"


@hypothesis_settings(max_examples=60)
@given(st.binary(max_size=2_000))
def test_any_bytes_as_a_body_give_a_page_or_a_failure_of_the_body(body):
    with scripted([answer(body)]) as upstream:
        assert code_of(settings_for(upstream.url)) in {None, "bad_response", "api_unreachable"}


@hypothesis_settings(max_examples=60)
@given(st.binary(min_size=1, max_size=500))
def test_any_bytes_as_an_answer_give_one_of_our_errors(sent):
    with scripted([sent]) as upstream:
        code = code_of(settings_for(upstream.url))
    assert code in {"api_unreachable", "bad_response", "api_timeout"}


def code_of(settings):
    """Return the code of a failure, or None for a page."""
    try:
        read_page(settings)
    except SessionsError as failed:
        return failed.code
    return None


def test_calls_that_wait_for_a_slot_are_not_sent_to_an_api_that_has_gone_down_meanwhile():
    async def ask(api, number, faults):
        with anyio.fail_after(20), pytest.raises(SessionsError) as refused:
            await api.page({"offset": number, "limit": 1}, Session)
        faults.append(refused.value.message)

    async def run(settings):
        faults = []
        async with open_connections(settings) as connections, background() as reads:
            limiter = RateLimiter(FAILURES, 0.3)  # so many at once, and again after 0.3 s
            reads.start_soon(limiter.pace)
            memory = MemoryBudget(settings.max_memory_bytes, settings.max_response_bytes)
            shared = SharedApi(connections, reads, limiter, memory)
            api = shared.api(settings, sleep=at_once)
            async with anyio.create_task_group() as calls:
                for number in range(5 * FAILURES):
                    calls.start_soon(ask, api, number, faults)
        return faults

    with scripted([answer(b'{"error":"down"}', "503 Service Unavailable")]) as upstream:
        faults = anyio.run(run, settings_for(upstream.url))
        assert len(upstream.requests) == FAILURES
    assert sum("not asked just now" in fault for fault in faults) >= 4 * FAILURES


def test_a_page_read_for_one_detail_is_not_given_to_a_call_of_another():
    async def run(settings):
        with anyio.fail_after(20):
            async with open_api(settings) as api:
                asked = {"offset": 0, "limit": 1}
                return [
                    type((await api.page(asked, session, fresh=False)).data[0])
                    for session in (Session, FullSession, Session)
                ]

    with scripted([page_answer([{"id": "session_1"}])]) as upstream:
        read = anyio.run(run, settings_for(upstream.url, cache_seconds=30))
        assert read == [Session, FullSession, Session]
        assert len(upstream.requests) == 2


def test_a_wait_that_the_api_names_holds_back_all_other_requests_of_the_key():
    async def run(settings):
        async with open_api(settings) as api:
            for offset in range(3):
                with anyio.fail_after(20), pytest.raises(RateLimited) as refused:
                    await api.page({"offset": offset, "limit": 1}, Session)
                assert 55 <= refused.value.retry_after <= 60

    refusal = answer(b"{}", "429 Too Many Requests", retry_after="60")
    with scripted([refusal]) as upstream:
        anyio.run(run, settings_for(upstream.url))
        assert len(upstream.requests) == 1


def test_a_wait_that_is_named_to_one_key_holds_back_no_other_key():
    async def ask(api, offset):
        with anyio.fail_after(20):
            return await api.page({"offset": offset, "limit": 1}, Session)

    async def run(url):
        mine, other, third = (
            Settings(api_url=url, api_key=f"evr_pat_{name}KEY") for name in ("MINE", "OTHER", "3RD")
        )
        async with open_shared_api(mine, fair=True) as shared:
            told, second, free = shared.api(mine), shared.api(other), shared.api(third)
            for _ in range(2):
                with pytest.raises(RateLimited):
                    await ask(told, 0)
                assert (await ask(free, 0)).data
            upstream.turn_to(sends(refusal))
            with pytest.raises(RateLimited):
                await ask(second, 0)
            with pytest.raises(RateLimited):  # two were told: the address may be meant
                await ask(free, 1)

    refusal = answer(b"{}", "429 Too Many Requests", retry_after="60")

    def by_key(exchange):
        (sends(refusal) if b"MINEKEY" in exchange.head else right())(exchange)

    with scripted([]) as upstream:
        upstream.turn_to(by_key)
        anyio.run(run, upstream.url)
        assert len(upstream.asked()) == 1
        assert sum(b"MINEKEY" in head for head in upstream.requests) == 1


def test_a_wait_that_is_named_to_one_key_in_two_organizations_holds_back_no_other_key():
    async def run(url):
        mine, other = (
            Settings(api_url=url, api_key=f"evr_pat_{key}KEY") for key in ("MINE", "OTHER")
        )
        async with open_shared_api(mine, fair=True) as shared:
            for organization in ("org_1", "org_2"):
                told = shared.api(mine.model_copy(update={"org_id": organization}))
                with anyio.fail_after(20), pytest.raises(RateLimited):
                    await told.page({"offset": 0, "limit": 1}, Session)
            with anyio.fail_after(20):
                return await shared.api(other).page({"offset": 0, "limit": 1}, Session)

    refusal = answer(b"{}", "429 Too Many Requests", retry_after="60")
    with scripted([]) as upstream:
        upstream.turn_to(
            lambda seen: (sends(refusal) if b"MINEKEY" in seen.head else right())(seen)
        )
        assert anyio.run(run, upstream.url).data


def test_answers_that_break_off_do_not_keep_other_pages_of_the_key_from_being_asked_for():
    async def run(url):
        async with open_api(settings_for(url), sleep=at_once) as api:
            for offset in range(4):
                with anyio.fail_after(20), pytest.raises(SessionsError) as refused:
                    await api.page({"offset": offset, "limit": 1}, Session)
                assert refused.value.message == "The API's answer broke off."

    with scripted([answer(b'{"data":[{"id":"sess')]) as upstream:
        anyio.run(run, upstream.url)
        assert len(upstream.requests) == 4 * MAX_ATTEMPTS


async def at_once(_seconds):
    await anyio.lowlevel.checkpoint()


def one_session(**fields):
    return answer(json.dumps({"id": "session_1", **fields}).encode())


def read_one(upstream, *kinds, **settings):
    """Read one session once as each of `kinds`, all at once, and return the titles."""
    titles = []

    async def read(api, kind, slots):
        titles.append((await api.session("session_1", kind, slots)).title)

    async def read_all():
        with anyio.fail_after(20):
            async with open_api(settings_for(upstream.url, **settings), at_once) as api:
                async with anyio.create_task_group() as tasks:
                    for kind in kinds:
                        tasks.start_soon(read, api, kind, anyio.Semaphore(4))
                await read(api, kinds[0], anyio.Semaphore(4))

    anyio.run(read_all)
    return titles


def test_a_single_session_that_several_calls_want_at_once_is_read_once_for_each_shape():
    with scripted([one_session(title="kept")]) as upstream:
        assert read_one(upstream, Session, Session, FullSession) == ["kept"] * 4
        assert len(upstream.requests) == 3


def test_a_cached_single_session_is_not_asked_for_again():
    with scripted([one_session(title="kept")]) as upstream:
        assert read_one(upstream, Session, cache_seconds=30) == ["kept"] * 2
        assert len(upstream.requests) == 1


def test_a_single_session_that_is_too_large_makes_no_later_page_smaller():
    large = one_session(title="x" * 70_000)
    page = page_answer([{"id": "session_1"}])

    async def read(url):
        with anyio.fail_after(20):
            async with open_api(settings_for(url, max_response_bytes=65_536)) as api:
                with pytest.raises(SessionsError) as failed:
                    await api.session("session_1", Session, anyio.Semaphore(1))
                return failed.value.code, api.max_rows

    with scripted([large, page]) as upstream:
        assert anyio.run(read, upstream.url) == ("response_too_large", 100)


def test_a_slot_is_free_between_two_tries_of_one_session():
    failed = answer(b"{}", "503 Service Unavailable")
    with scripted([failed, one_session()]) as upstream:
        slots, free = anyio.Semaphore(1), []

        async def sleep(_seconds):
            free.append(slots.value)

        async def read():
            with anyio.fail_after(20):
                async with open_api(settings_for(upstream.url), sleep) as api:
                    await api.session("session_1", Session, slots)

        anyio.run(read)
    assert free == [1]

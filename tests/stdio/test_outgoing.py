"""What goes to a stdio client, and what is still owed to it, on a pipe."""

import json
import os
from contextlib import suppress

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import (
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from mcp_sessions.stdio.outgoing import MAX_PENDING, MAX_PENDING_BYTES, Outgoing

pytestmark = pytest.mark.anyio

DEADLINE = 20


class Client:
    """The reading end of a pipe that an `Outgoing` writes to."""

    def __init__(self, *answered_ids):
        read, self.stdout = os.pipe()
        self.answers = os.fdopen(read, "rb")
        self.outgoing = Outgoing(self.stdout, answered_ids)

    async def is_answered(self):
        """Tell whether nothing is owed, without waiting."""
        with anyio.move_on_after(0):
            await self.outgoing.all_answered()
            return True
        return False

    def lines(self):
        """Return all that was written, once nothing more will be."""
        os.close(self.stdout)
        with self.answers:
            return [json.loads(line) for line in self.answers]


def request(id_):
    return JSONRPCRequest(jsonrpc="2.0", id=id_, method="ping")


def response(id_):
    return SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=id_, result={}))


def cancelled(id_):
    params = {"requestId": id_}
    return JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)


ERROR = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=-32700, message="no"))


async def test_a_request_is_owed_until_its_answer_is_written():
    client = Client()
    client.outgoing.track(request(1), 1)
    assert not await client.is_answered()
    await client.outgoing.send(response(1))
    assert await client.is_answered()
    assert client.lines() == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


@pytest.mark.parametrize(("asked", "named"), [(7, "7"), ("7", 7), ("a", "a")])
async def test_a_cancelled_request_is_owed_nothing_however_its_id_is_spelled(asked, named):
    client = Client()
    client.outgoing.track(request(asked), 1)
    client.outgoing.track(cancelled(named), 1)
    assert await client.is_answered()
    assert client.lines() == []


@pytest.mark.parametrize("named", [None, 8, [7], {}])
async def test_a_cancellation_of_something_else_settles_nothing(named):
    client = Client()
    client.outgoing.track(request(7), 1)
    client.outgoing.track(cancelled(named), 1)
    assert not await client.is_answered()
    client.lines()


async def test_an_unreadable_line_is_owed_an_error():
    client = Client()
    pending = client.outgoing.track_unreadable()
    assert not await client.is_answered()
    await client.outgoing.send_error(ERROR, pending)
    assert await client.is_answered()
    assert [line["error"]["code"] for line in client.lines()] == [-32700]


async def test_what_was_answered_early_is_written_no_second_time_but_a_third_one_is():
    client = Client("hello")
    client.outgoing.track(request("hello"), 1)
    await client.outgoing.send(response("hello"))
    assert await client.is_answered()
    await client.outgoing.send(response("hello"))
    assert [line["id"] for line in client.lines()] == ["hello"]


async def test_a_notification_is_written_and_settles_nothing():
    client = Client("x")
    client.outgoing.track(request("x"), 1)
    message = JSONRPCNotification(jsonrpc="2.0", method="notifications/progress")
    await client.outgoing.send(SessionMessage(message))
    assert not await client.is_answered()
    assert [line["method"] for line in client.lines()] == ["notifications/progress"]


async def test_whoever_waits_for_all_answers_is_woken_by_the_last():
    client = Client()
    for number in (1, 2):
        client.outgoing.track(request(number), 1)
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.outgoing.all_answered)
            for number in (1, 2):
                await anyio.wait_all_tasks_blocked()
                await client.outgoing.send(response(number))
    assert len(client.lines()) == 2


async def test_a_client_that_reads_no_more_cancels_all_work():
    client = Client()
    client.answers.close()
    with pytest.raises(anyio.BrokenResourceError):
        await client.outgoing.send(response(1))
    assert client.outgoing.work.cancel_called
    await client.outgoing.send_error(ERROR, client.outgoing.track_unreadable())
    assert await client.is_answered()
    os.close(client.stdout)


async def test_the_rest_of_an_early_answer_is_written_as_it_is():
    client = Client()
    await client.outgoing.write_rest(b'{"rest":1}\n')
    assert client.lines() == [{"rest": 1}]


async def test_requests_of_one_id_are_each_owed_an_answer():
    client = Client()
    for _ in range(2):
        client.outgoing.track(request(1), 1)
    await client.outgoing.send(response(1))
    assert not await client.is_answered()
    await client.outgoing.send(response(1))
    assert await client.is_answered()
    client.lines()


async def test_so_many_requests_without_an_answer_are_full_until_one_is_answered():
    client = Client()
    for _ in range(MAX_PENDING):
        assert not client.outgoing.is_full
        client.outgoing.track(request("same"), 1)
    assert client.outgoing.is_full
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(DEADLINE):
            tasks.start_soon(client.outgoing.send, response("same"))
            await client.outgoing.room()
    client.lines()


async def test_so_many_bytes_without_an_answer_are_full_until_they_are_cancelled():
    client = Client()
    client.outgoing.track(request(1), MAX_PENDING_BYTES)
    assert client.outgoing.is_full
    client.outgoing.track(cancelled(1), 1)
    assert not client.outgoing.is_full
    client.lines()


async def test_answers_that_nobody_reads_count_though_their_requests_were_cancelled():
    client = Client()
    large = SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={"x": "x" * 10**6}))

    async def send():
        with suppress(anyio.BrokenResourceError):
            await client.outgoing.send(large)

    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            for _ in range(MAX_PENDING):
                tasks.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            assert client.outgoing.is_full
            client.answers.close()
        assert not client.outgoing.is_full
    client.outgoing.release()
    os.close(client.stdout)

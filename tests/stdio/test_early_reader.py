"""What is read and answered while the SDK loads, on pipes."""

import json
import os
import threading

import pytest

from mcp_sessions.stdio.descriptors import Descriptors
from mcp_sessions.stdio.early_reader import EarlyReader
from mcp_sessions.stdio.line_splitter import MAX_LINE_BYTES, LongLine

from support.messages import initialize, request

DEADLINE = 10


class EarlyClient:
    """A client, on pipes, of an early reader."""

    def __init__(self, **environ):
        (self.own_in, stdin), (stdout, self.own_out) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(stdin, "wb", 0), os.fdopen(stdout, "rb")
        self.reader = EarlyReader(Descriptors(self.own_in, self.own_out), environ)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stdin.close()
        self.stdout.close()
        os.close(self.own_in)
        self.close_out()

    def close_out(self):
        if self.own_out is not None:
            os.close(self.own_out)
        self.own_out = None

    def end_heard(self):
        """End once all that was sent is heard; stdin has to be closed."""
        self.stdin.close()
        for thread in threading.enumerate():
            if thread.name == "early-reader":
                thread.join(DEADLINE)
                assert not thread.is_alive()
        return self.reader.finish()

    def send(self, *lines):
        self.stdin.write(b"".join(lines))

    def answer(self):
        return json.loads(self.stdout.readline())


def line(message):
    return json.dumps(message).encode() + b"\n"


@pytest.fixture
def client():
    with EarlyClient() as client:
        yield client


HELLO, LIST = line(initialize("2025-11-25")), line(request(1, "tools/list"))


READY = line({"jsonrpc": "2.0", "method": "notifications/initialized"})


CALL = line(request(2, "tools/call", name="list_sessions", arguments={}))


def test_recorded_requests_are_answered_early_and_only_the_greeting_is_handed_over(client):
    client.send(HELLO, READY, LIST)
    assert [client.answer()["id"] for _ in range(2)] == ["initialize", 1]
    left = client.reader.finish()
    assert [one + b"\n" for one in left.lines] == [HELLO, READY]
    assert left.answered_ids == ("initialize",)
    assert (left.splitter.take(), left.ended) == (b"", False)


def test_after_a_request_without_a_record_every_line_waits_in_order(client):
    client.send(LIST, CALL, LIST, b'{"half')
    assert client.answer()["id"] == 1
    client.send(b" a line")
    left = client.reader.finish()
    assert [one + b"\n" for one in left.lines] == [CALL, LIST]
    assert b'{"half a line'.startswith(left.splitter.take())
    assert not left.answered_ids


def test_a_line_that_comes_in_pieces_is_answered_early(client):
    for number in range(len(LIST)):
        client.send(LIST[number : number + 1])
    assert client.answer()["id"] == 1
    assert client.reader.finish().lines == []


def test_a_client_that_leaves_with_all_answered_has_left(client):
    client.send(LIST)
    client.answer()
    assert client.end_heard().ended
    assert client.reader.client_left


def test_a_client_that_leaves_with_a_request_open_has_not_left(client):
    client.send(CALL.rstrip())
    left = client.end_heard()
    assert not client.reader.client_left
    assert [one for one in left.lines if one] == [CALL.rstrip()]


def test_a_client_that_does_not_read_early_answers_is_not_waited_for_and_no_line_is_torn(client):
    client.send(*[LIST] * 40)
    read = [client.answer() for _ in range(3)]
    left = client.reader.finish()
    client.close_out()
    told = client.stdout.read() + left.unsent
    answers = [json.loads(one) for one in told.splitlines()]
    assert told.endswith(b"\n")
    assert len(read) + len(answers) + len(left.lines) == 40
    assert left.lines


def test_a_greeting_that_comes_twice_has_two_early_answers_that_need_no_second(client):
    client.send(HELLO, HELLO)
    assert [client.answer()["id"] for _ in range(2)] == ["initialize"] * 2
    assert client.reader.finish().answered_ids == ("initialize",) * 2


def test_a_byte_order_mark_before_the_first_line_is_passed_over(client):
    client.send(b"\xef\xbb\xbf" + HELLO)
    assert client.answer()["id"] == "initialize"
    assert client.reader.finish().answered_ids == ("initialize",)


@pytest.mark.parametrize(
    "unread",
    [
        HELLO.decode().rstrip().encode("utf-16-le") + b"\n",
        HELLO.replace(b"by hand", rb"\ud800"),
        HELLO.replace(b"by hand", b"\xff"),
    ],
    ids=["UTF-16", "half a character", "not UTF-8"],
)
def test_a_line_that_the_sdk_does_not_read_is_left_to_the_sdk(client, unread):
    client.send(unread, LIST)
    left = client.end_heard()
    assert b"\n".join(left.lines).startswith(unread.rstrip(b"\n"))
    assert not left.answered_ids
    client.close_out()
    assert client.stdout.read() == b""


def test_an_agent_whose_id_is_no_word_is_left_to_the_sdk():
    with EarlyClient(MCP_SESSIONS_AGENT_ID='agent"},{') as client:
        client.send(LIST)
        left = client.reader.finish()
        assert (left.lines, left.splitter.take()) == ([], b"")
        assert os.read(client.own_in, 10_000) == LIST


def test_of_a_line_that_is_too_long_its_ends_are_left_to_the_sdk_and_what_follows_waits(client):
    client.send(LIST, b"<" + b"x" * MAX_LINE_BYTES + b">\n", LIST)
    left = client.end_heard()
    long, then, _ = left.lines
    assert isinstance(long, LongLine)
    assert (long.head[:1], long.tail[-1:], then + b"\n") == (b"<", b">", LIST)


def test_ends_of_a_long_line_that_together_are_a_request_are_answered_no_request(client):
    padded = LIST.replace(b'{"jsonrpc', b'{"x":"' + b"y" * MAX_LINE_BYTES + b'","jsonrpc')
    client.send(padded, READY)
    left = client.end_heard()
    assert isinstance(left.lines[0], LongLine)
    client.close_out()
    assert client.stdout.read() == b""


def test_no_more_is_read_early_than_is_kept_and_the_rest_waits_in_the_pipe(client):
    client.send(CALL)
    lines = LIST * (4 * MAX_LINE_BYTES // len(LIST))
    (reading,) = (one for one in threading.enumerate() if one.name == "early-reader")
    threading.Thread(target=_pour, args=(client.stdin, lines), daemon=True).start()
    reading.join(DEADLINE)
    assert not reading.is_alive()
    left = client.reader.finish()
    assert not left.ended
    rest = left.splitter.take()
    while len(CALL + lines) > _size(left.lines) + len(rest):
        rest += os.read(client.own_in, 65_536)
    assert _size(left.lines) < 2 * MAX_LINE_BYTES
    assert {*left.lines[1:], *rest.splitlines()} == {LIST.rstrip()}


def _pour(stdin, data):
    rest = memoryview(data)
    while rest:
        rest = rest[stdin.write(rest) :]


def _size(lines):
    return sum(len(line) + 1 for line in lines)

"""A request's body, amended where the SDK is strict."""

import json

import anyio
import pytest

from mcp_sessions.streamable_http.request_body import BufferedBody, ComingBodies

pytestmark = pytest.mark.anyio

BOM = b"\xef\xbb\xbf"


async def passed_on(body, size=7):
    """Return what is passed on of a body that comes in parts, or None if it is refused."""
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False

    async def receive():
        return messages.pop(0)

    buffered = BufferedBody(receive)
    with anyio.fail_after(20):
        assert await buffered.read(20, ComingBodies(2**20))
        if not buffered.amend():
            return None
        read, more = b"", True
        while more:
            message = await buffered.receive()
            read += message["body"]
            more = message["more_body"]
    return read


def call(arguments, id_="1"):
    params = json.dumps({"name": "x", "arguments": arguments})
    return f'{{"jsonrpc":"2.0","id":{id_},"method":"tools/call","params":{params}}}'


@pytest.mark.parametrize("id_", ["1", '"one"', "-7", "0"])
async def test_a_request_with_an_id_is_passed_on_as_it_came(id_):
    body = call({"limit": 3}, id_).encode()
    assert await passed_on(body) == body


@pytest.mark.parametrize("id_", ["1.0", "1.5", "null", "true", "[]", "{}", "[1]", "1e3"])
async def test_a_request_with_an_odd_id_is_refused(id_):
    assert await passed_on(call({}, id_).encode()) is None


@pytest.mark.parametrize(
    "body",
    [b'{"jsonrpc":"2.0","method":"notifications/cancelled"}', b"", b"hello?", b"[]", b"\xff"],
)
async def test_what_is_no_request_is_left_to_the_sdk(body):
    assert await passed_on(body) == body


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
async def test_a_request_with_an_odd_id_is_refused_beside_a_number_that_is_no_json(number):
    body = f'{{"jsonrpc":"2.0","id":1.5,"method":"tools/call","params":{{"x":{number}}}}}'
    assert await passed_on(body.encode()) is None


async def test_a_byte_order_mark_is_passed_over():
    body = call({}).encode()
    assert await passed_on(BOM + body, size=2) == body


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"limit": 3}', {"limit": 3}),
        ("", {}),
        ("limit=3", {"limit=3": None}),
        ("[3]", {"[3]": None}),
    ],
)
async def test_arguments_that_come_as_text_are_an_object_or_a_name_that_will_be_refused(text, read):
    amended = json.loads(await passed_on(call(text).encode()))
    assert amended["params"]["arguments"] == read


@pytest.mark.parametrize("beside", [b"1" * 5_000, b'"\xff"'], ids=["long", "no UTF-8"])
async def test_arguments_as_text_beside_what_is_no_json_are_left_to_the_sdk(beside):
    body = call("{}").encode().replace(b'"2.0"', b'"2.0","beside":' + beside)
    assert await passed_on(body) == body

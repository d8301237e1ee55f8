"""The middleware of /mcp, called as ASGI applications, without a server."""

import json

import anyio
import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from opentelemetry import trace

from mcp_sessions.auth.bearer_tokens import Caller
from mcp_sessions.server import TENANT
from mcp_sessions.streamable_http.middleware import (
    CallLimit,
    Negotiation,
    OneLength,
    PostOnly,
    TraceContext,
)
from mcp_sessions.streamable_http.request_body import MAX_BODY_BYTES

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"


class App:
    """Keeps what it is called with, and answers once it may."""

    def __init__(self):
        self.scopes, self.bodies, self.traces = [], [], []
        self.go = anyio.Event()
        self.go.set()

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        context = trace.get_current_span().get_span_context()
        self.traces.append(f"{context.trace_id:032x}")
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


WHOLE = {"type": "http.request", "body": b"", "more_body": False}
LEFT = {"type": "http.disconnect"}
SILENT = None


async def ask(app, *parts, headers=(), end=WHOLE, **scope):
    """Send a request in parts and its end, and return the messages of its answer."""
    bodies = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    bodies.append(end)
    sent = []

    async def receive():
        if (message := bodies.pop(0)) is SILENT:
            await anyio.sleep_forever()
        return message

    async def send(message):
        sent.append(message)

    with anyio.fail_after(20):
        scope = {"type": "http", "method": "POST", "headers": list(headers), **scope}
        await app(scope, receive, send)
    return sent


def refusal(sent):
    """Return the status, headers and JSON-RPC error of a refusal."""
    start, body = sent
    told = json.loads(body["body"])
    assert (told["jsonrpc"], told["id"]) == ("2.0", None)
    return start["status"], dict(start["headers"]), told["error"]["code"]


@pytest.fixture
def app():
    return App()


CHUNKED = (b"transfer-encoding", b"chunked")
LENGTH = (b"content-length", b"5")


@pytest.mark.parametrize(
    ("headers", "version"),
    [([LENGTH, CHUNKED], "1.1"), ([CHUNKED, LENGTH], "1.1"), ([CHUNKED], "1.0")],
)
async def test_a_length_said_in_two_ways_is_refused_and_ends_the_connection(app, headers, version):
    sent = await ask(OneLength(app), headers=headers, http_version=version)
    status, told, code = refusal(sent)
    assert (status, told[b"connection"], code) == (400, b"close", -32600)
    assert app.scopes == []


@pytest.mark.parametrize("headers", [[LENGTH], [CHUNKED], []])
async def test_a_length_said_in_one_way_is_passed_on(app, headers):
    await ask(OneLength(app), headers=headers, http_version="1.1")
    assert app.scopes[0]["headers"] == headers


async def test_the_trace_of_the_caller_is_continued_and_no_other_headers_are_needed(app):
    traced = TraceContext(app)
    await ask(traced, headers=[(b"traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())])
    await ask(traced)
    assert app.traces == [TRACE, "0" * 32]


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "PUT"])
async def test_another_method_than_post_is_refused_and_goes_no_further(app, method):
    status, headers, code = refusal(await ask(PostOnly(app), method=method))
    assert (status, headers[b"allow"], code) == (405, b"POST", -32600)
    assert app.scopes == []


@pytest.mark.parametrize(
    "caller",
    [
        None,
        AccessToken(token="", client_id="x", scopes=[]),
        Caller(token="", client_id="x", scopes=[]),
    ],
    ids=["nobody", "not of ours", "no tenant"],
)
async def test_with_tenants_a_caller_who_is_none_is_forbidden(app, caller):
    user = {} if caller is None else {"user": AuthenticatedUser(caller)}
    status, _, _ = refusal(await ask(PostOnly(app, tenants=True), **user))
    assert status == 403
    assert app.scopes == []


async def test_with_tenants_the_callers_tenant_is_named_in_the_scope(app):
    user = AuthenticatedUser(Caller(token="", client_id="x", scopes=[], tenant="acme"))
    await ask(PostOnly(app, tenants=True), user=user)
    await ask(PostOnly(app))
    assert [scope.get(TENANT) for scope in app.scopes] == ["acme", None]


async def test_a_body_arrives_as_it_was_sent(app):
    await ask(CallLimit(app, 1), b"one", b"", b"two")
    assert app.bodies == [b"onetwo"]


async def test_no_more_of_a_body_than_allowed_is_read_before_the_call():
    read = []

    async def first_messages(_scope, receive, _send):
        read.append(await receive())
        raise ZeroDivisionError

    parts = [b"x" * MAX_BODY_BYTES, b"x", b"never read"]
    with pytest.raises(ZeroDivisionError):
        await ask(CallLimit(first_messages, 1), *parts)
    assert len(read[0]["body"]) == MAX_BODY_BYTES


async def test_a_caller_who_leaves_amid_the_body_is_not_served_and_frees_its_slot(app):
    limit = CallLimit(app, 1)
    assert await ask(limit, b"half", end=LEFT) == []
    await ask(limit, b"whole")
    assert app.bodies == [b"whole"]


async def test_a_call_beyond_the_limit_is_told_to_come_again_and_is_let_in_later(app):
    limit, app.go = CallLimit(app, 1), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, limit)
        await anyio.wait_all_tasks_blocked()
        status, headers, code = refusal(await ask(limit))
        app.go.set()
    assert (status, headers[b"retry-after"], code) == (503, b"1", -32000)
    assert (await ask(limit))[0]["status"] == 200


async def test_a_call_that_fails_frees_its_slot(app):
    async def fail(scope, receive, send):
        if scope["path"] == "/fails":
            raise ZeroDivisionError
        await app(scope, receive, send)

    limit = CallLimit(fail, 1)
    with pytest.raises(ZeroDivisionError):
        await ask(limit, path="/fails")
    assert (await ask(limit, path="/"))[0]["status"] == 200


async def test_bodies_that_are_still_coming_keep_no_call_out(app):
    limit = CallLimit(app, 1)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(lambda: ask(limit, b"half", end=SILENT))
        await anyio.wait_all_tasks_blocked()
        assert (await ask(limit, b"whole"))[0]["status"] == 200
        tasks.cancel_scope.cancel()
    assert app.bodies == [b"whole"]


async def test_the_body_that_comes_for_longest_is_given_up_where_all_together_are_too_large(app):
    limit, statuses = CallLimit(app, 1, max_coming=10), []

    async def begin(size):
        statuses.append((size, refusal(await ask(limit, b"x" * size, end=SILENT))[0]))

    async with anyio.create_task_group() as tasks:
        for size in (5, 4, 3):
            tasks.start_soon(begin, size)
            await anyio.wait_all_tasks_blocked()
        assert statuses == [(5, 408)]
        await ask(limit, end={**WHOLE, "body": b"a body that comes at once"})
        assert statuses == [(5, 408)]
        tasks.start_soon(begin, 11)
        await anyio.wait_all_tasks_blocked()
        assert statuses == [(5, 408), (4, 408), (3, 408), (11, 408)]
        assert (await ask(limit, b"x" * 10))[0]["status"] == 200


@pytest.mark.parametrize(("tenants", "status"), [(True, 200), (False, 503)])
async def test_only_with_tenants_is_a_slot_left_for_others(app, tenants, status):
    limit, app.go = CallLimit(app, 2, tenants=tenants), anyio.Event()
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(lambda: ask(limit, **{TENANT: "acme"}))
        await anyio.wait_all_tasks_blocked()
        if tenants:
            app.go.set()
        sent = await ask(limit, **{TENANT: "beta"})
        app.go.set()
    assert sent[0]["status"] == status


@pytest.mark.parametrize("parts", [(), (b"half",)], ids=["nothing", "half"])
async def test_a_body_that_does_not_come_is_not_waited_for_and_frees_its_slot(app, parts):
    limit = CallLimit(app, 1, body_within=0.05)
    assert refusal(await ask(limit, *parts, end=SILENT))[0] == 408
    assert app.bodies == []
    assert (await ask(limit))[0]["status"] == 200


async def test_a_body_has_ten_seconds_to_come_unless_told_otherwise(app):
    assert CallLimit(app, 1).body_within == 10


BOTH = "application/json, text/event-stream"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (BOTH, "streaming"),
        ("*/*", "streaming"),
        (None, "streaming"),
        ("text/event-stream;q=0.5, Application/JSON", "streaming"),
        ("application/json", "json"),
        ("application/*", "json"),
        ("application/json, text/event-stream;q=0", "json"),
    ],
)
async def test_the_form_of_an_answer_is_one_that_the_caller_accepts(accept, form):
    apps = {"streaming": App(), "json": App()}
    headers = [] if accept is None else [(b"accept", accept.encode())]
    await ask(Negotiation(apps["streaming"], apps["json"]), headers=headers)
    (scope,) = apps[form].scopes
    assert dict(scope["headers"])[b"accept"] == BOTH.encode()
    assert [len(app.scopes) for app in apps.values()].count(1) == 1


@pytest.mark.parametrize("accept", ["text/html", "text/event-stream", "application/json;q=0"])
async def test_who_takes_no_json_is_left_to_the_sdk_to_refuse(app, accept):
    await ask(Negotiation(app, app), headers=[(b"accept", accept.encode())])
    assert dict(app.scopes[0]["headers"])[b"accept"] == accept.encode()


async def test_a_content_type_is_read_in_any_spelling(app):
    headers = [(b"content-type", b"Application/JSON ;charset=UTF-8")]
    await ask(Negotiation(app, app), headers=headers)
    assert dict(app.scopes[0]["headers"])[b"content-type"] == b"application/json;charset=UTF-8"

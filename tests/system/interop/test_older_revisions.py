"""Clients of the revisions that begin with initialize, as they put it on the wire."""

import json

import httpx
import pytest

from support.messages import OLDER, TOOLS, initialize, older_request
from support.processes import DEADLINE


class OlderClient:
    """Posts messages as a client of one revision does."""

    def __init__(self, connection: httpx.Client, url: str, revision: str) -> None:
        self._connection = connection
        self._url = url
        self._headers = {"accept": "application/json, text/event-stream"}
        answer = self.ask(initialize(revision))
        self.greeting = answer["result"]
        if revision != "2025-03-26":  # which did not know this header yet
            self._headers["mcp-protocol-version"] = revision
        accepted = self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert accepted.status_code == 202

    def post(self, message):
        return self._connection.post(self._url, json=message, headers=self._headers)

    def ask(self, message):
        answer = self.post(message)
        assert answer.status_code == 200
        # The server gives no session to come back with: each request stands alone.
        assert "mcp-session-id" not in answer.headers
        kind, _, _ = answer.headers["content-type"].partition(";")
        data = answer.text
        if kind == "text/event-stream":
            lines = answer.text.splitlines()
            (data,) = [line.removeprefix("data:") for line in lines if line.startswith("data:")]
        said = json.loads(data)
        assert said["id"] == message["id"]
        return said


@pytest.fixture(params=OLDER)
def revision(request):
    return request.param


@pytest.fixture
def client(http, revision):
    with httpx.Client(timeout=DEADLINE, trust_env=False) as connection:
        yield OlderClient(connection, http.url, revision)


def test_the_server_answers_in_the_revision_it_was_asked_in(client, revision):
    assert client.greeting["protocolVersion"] == revision
    assert client.greeting["serverInfo"]["name"] == "mcp-sessions"
    assert list(client.greeting["capabilities"]) == ["tools"]


def test_an_older_client_lists_and_calls_both_tools(client):
    listed = client.ask(older_request(1, "tools/list"))["result"]
    assert [tool["name"] for tool in listed["tools"]] == TOOLS
    call = {"name": "list_sessions", "arguments": {"limit": 5}}
    first = client.ask(older_request(2, "tools/call", **call))["result"]
    cursor = first["structuredContent"]["next_cursor"]
    call = {"name": "get_session_page", "arguments": {"cursor": cursor}}
    second = client.ask(older_request(3, "tools/call", **call))["result"]
    for offset, page in ((0, first), (5, second)):
        assert not page.get("isError")
        assert page["structuredContent"]["offset"] == offset
        assert len(page["structuredContent"]["sessions"]) == 5
        assert page["content"][0]["type"] == "text"


def test_an_older_client_meets_nothing_of_the_newer_revision(client):
    listed = client.ask(older_request(1, "tools/list"))["result"]
    call = {"name": "list_sessions", "arguments": {"limit": 1}}
    called = client.ask(older_request(2, "tools/call", **call))["result"]
    newer = {"resultType", "ttlMs", "cacheScope"}
    assert not newer & (listed.keys() | called.keys())


def test_an_older_client_gets_the_same_errors(client):
    call = {"name": "list_sessions", "arguments": {"limit": 0}}
    wrong = client.ask(older_request(1, "tools/call", **call))["result"]
    assert wrong["isError"]
    assert wrong["content"][0]["text"].startswith("invalid_arguments:")
    unknown = client.ask(older_request(2, "tools/call", name="delete_everything"))
    assert unknown["error"]["code"] == -32602

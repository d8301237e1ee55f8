"""The MCP Inspector's command line, which needs Node."""

import json

import pytest

from support.messages import TOOLS
from support.processes import COMMAND


@pytest.fixture(params=["stdio", "http"])
def target(request, own_environment):
    if request.param == "http":
        return [request.getfixturevalue("http").url]
    given = [part for pair in own_environment.items() for part in ("-e", "=".join(pair))]
    return [*COMMAND, *given]


@pytest.fixture(params=["modern", "legacy"])
def inspect(request, node, target, tmp_path):
    def inspect(method, *arguments):
        era = ("--protocol-era", request.param, "--format", "json", "--quiet")
        command = ("--cli", *target, *era, "--method", method, *arguments)
        return node.run("mcp-inspector", *command, cwd=tmp_path)

    return inspect


def call(inspect, name, arguments):
    done = inspect("tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))
    return done, json.loads(done.stdout)["result"]


def test_the_inspector_finds_nothing_to_say_against_the_schemas(inspect):
    done = inspect("tools/list", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert [tool["name"] for tool in json.loads(done.stdout)["result"]["tools"]] == TOOLS


def test_the_inspector_calls_both_tools(inspect):
    done, first = call(inspect, "list_sessions", {"limit": 5})
    assert (done.returncode, done.stderr) == (0, "")
    cursor = first["structuredContent"]["next_cursor"]
    done, second = call(inspect, "get_session_page", {"cursor": cursor})
    assert (done.returncode, done.stderr) == (0, "")
    assert second["structuredContent"]["offset"] == 5
    assert len(second["structuredContent"]["sessions"]) == 5


def test_the_inspector_sees_that_a_wrong_argument_is_an_error(inspect):
    done, result = call(inspect, "list_sessions", {"limit": 101})
    assert done.returncode == 5  # its code for a result that says isError
    assert result["isError"]
    assert result["content"][0]["text"].startswith("invalid_arguments: limit")

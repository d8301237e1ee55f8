"""The TypeScript SDK's client, which needs Node."""

import json
import shutil

import pytest

from support.messages import MODERN, OLDER, TOOLS
from support.node import TYPESCRIPT, npm
from support.processes import COMMAND


@pytest.fixture(scope="module")
def program(node, tmp_path_factory):  # noqa: ARG001 - it skips where npm must not be asked
    """Install the client beside a copy of our program, so that no module lands in the source."""
    folder = tmp_path_factory.mktemp("typescript")
    for source in ("package.json", "client.mjs"):
        shutil.copy(TYPESCRIPT / source, folder)
    npm("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", cwd=folder)
    return folder


@pytest.fixture(params=["stdio", "http"])
def target(request):
    return COMMAND if request.param == "stdio" else [request.getfixturevalue("http").url]


@pytest.fixture(params=[MODERN, OLDER[0]])
def told(request, node, own_environment, program, target):
    """Return what the program was told in one era."""
    era = MODERN if request.param == MODERN else "legacy"
    said = asked(node, program, own_environment, era, *target)
    assert said["revision"] == request.param
    return said


def asked(node, program, own_environment, *words):
    """Return what the program was told, after it has left without a complaint."""
    done = node.run("node", "client.mjs", *words, cwd=program, **own_environment)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_typescript_client_that_gives_up_its_probe_is_served_by_the_same_process(
    node, own_environment, program
):
    said = asked(node, program, own_environment, "hasty", *COMMAND)
    assert said["revision"] == OLDER[0]
    assert [tool["name"] for tool in said["tools"]] == TOOLS
    assert len(said["second"]["structuredContent"]["sessions"]) == 5


def test_the_typescript_client_lists_and_calls_two_tools_and_understands_both_kinds_of_error(told):
    assert [tool["name"] for tool in told["tools"]] == TOOLS
    for call, offset in (("first", 0), ("second", 5)):
        page = told[call]["structuredContent"]
        assert page["offset"] == offset
        assert len(page["sessions"]) == 5
    assert told["wrong"]["isError"]
    assert told["wrong"]["content"][0]["text"].startswith("invalid_arguments: limit")
    assert told["unknown"] == -32602

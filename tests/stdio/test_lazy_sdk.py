"""What a stdio server does without until somebody asks for it."""

import subprocess
import sys

import pytest

LIGHT = """
import gc, sys
from mcp_sessions.stdio.lazy_sdk import lazy_sdk_packages
with lazy_sdk_packages():
    assert not gc.isenabled()
    from mcp_sessions.stdio.serve import serve_stdio
assert gc.isenabled() and gc.get_freeze_count()
"""


def said_by(script):
    done = subprocess.run(
        [sys.executable, "-c", LIGHT + script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_stdio_server_loads_no_client_and_no_framework_of_the_sdk():
    said = said_by("print(*sys.modules)")
    assert "mcp.server.lowlevel.server" in said
    for unwanted in (
        "mcp.client",
        "mcp.server.mcpserver",
        "httpx2",
        "regex",
        "mcp_sessions.streamable_http.app",
    ):
        assert unwanted not in said


@pytest.mark.parametrize(
    "use",
    [
        "import mcp; print(mcp.Client.__module__)",
        "from mcp import Client; print(Client.__module__)",
        "from mcp.client import Client; print(Client.__module__)",
    ],
)
def test_an_import_of_a_package_that_was_left_out_gets_it(use):
    assert said_by(use) == ["mcp.client.client"]


def test_the_sdks_packages_have_their_own_names_whichever_is_asked_first():
    assert said_by("import mcp.server; print(mcp.server.MCPServer.__module__)") == [
        "mcp.server.mcpserver.server"
    ]


def test_what_a_package_does_not_have_is_missing_as_ever():
    assert said_by("import mcp; print(hasattr(mcp, 'nothing'), hasattr(mcp, '__nothing__'))") == [
        "False",
        "False",
    ]


def test_packages_that_are_loaded_already_stay_as_they_are():
    script = "import mcp; before = mcp.Client\nwith lazy_sdk_packages(): pass\n"
    script += "assert mcp.Client is before"
    assert said_by(script) == []

"""The command, as a person or a script meets it."""

import json
import os
import subprocess
import sys

import pytest

from mcp_sessions import __version__

TIMEOUT = 60


def command(*arguments, environ=None, **more):
    """Run `mcp-sessions` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mcp_sessions", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environ or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        **more,
    )


def test_the_version_is_told():
    assert command("--version").stdout == f"mcp-sessions {__version__}\n"


def test_check_names_a_missing_key_and_fails():
    done = command("check")
    assert done.returncode == 1
    assert "missing: set EVERRUNS_API_KEY or EVERRUNS_API_KEY_FILE" in done.stdout
    assert done.stderr == ""


def test_check_tells_what_it_reached(api):
    done = command("check", environ={"EVERRUNS_API_URL": api.url, "EVERRUNS_API_KEY": "evr_CANARY"})
    assert done.returncode == 0
    assert "reached; 400 sessions" in done.stdout
    assert "organization org_5eed" in done.stdout
    assert "CANARY" not in done.stdout + done.stderr


@pytest.mark.parametrize("where", [["--demo", "check"], ["check", "--demo"]])
def test_made_up_sessions_need_no_account_and_read_no_key(where):
    environ = {"EVERRUNS_API_KEY_FILE": "/nonexistent", "EVERRUNS_API_URL": "nonsense"}
    done = command(*where, environ=environ)
    assert done.returncode == 0
    assert "reached; 400 sessions" in done.stdout


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"EVERRUNS_API_URL": "ftp://x"}, "EVERRUNS_API_URL"),
        ({"MCP_SESSIONS_DEADLIN": "1"}, "MCP_SESSIONS_DEADLINE"),
    ],
)
def test_settings_that_cannot_be_used_are_a_sentence_and_exit_code_2(environ, named):
    done = command(environ=environ, input="")
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("content", ["{", "[5]", "[" * 5_000])
def test_a_file_that_cannot_be_loaded_is_a_sentence(tmp_path, content):
    file = tmp_path / "sessions.json"
    file.write_text(content)
    done = command("api", "--port", "0", "--load", str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("mcp-sessions: ")
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_gets_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_sessions", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as shown:
        shown.stdout.readline()
        shown.stdout.close()
        assert shown.stderr.read() == b""
        shown.wait(TIMEOUT)


def test_stdout_of_the_stdio_server_holds_nothing_but_protocol():
    lines = command("--demo", input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n').stdout
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines.splitlines())

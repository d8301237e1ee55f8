"""The command, as a person or a script meets it."""

import json
import os
import subprocess
import sys
from itertools import product

import pytest

from mcp_sessions import __version__

from support.calls import KEY
from support.command import TIMEOUT, command
from support.messages import list_call, older_request
from support.raw_upstream import page_answer, scripted


def test_the_version_is_told():
    assert command("--version").stdout == f"mcp-sessions {__version__}\n"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"EVERRUNS_API_URL": "ftp://x"}, "EVERRUNS_API_URL"),
        ({"MCP_SESSIONS_DEADLIN": "1"}, "MCP_SESSIONS_DEADLINE"),
    ],
)
def test_settings_that_cannot_be_used_are_a_sentence_and_exit_code_2(environ, named):
    for arguments in (["check"], ["http", "--port", "0"]):
        done = command(*arguments, environ=environ, input="")
        assert (done.returncode, done.stdout) == (2, "")
        assert named in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-16"])
@pytest.mark.parametrize("arguments", [["demo"], ["--demo", "check"], ["--help"]], ids=" ".join)
def test_a_command_survives_any_encoding_of_its_output(arguments, encoding):
    done = subprocess.run(
        [sys.executable, "-m", "mcp_sessions", *arguments],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "session" in done.stdout.decode(encoding)


@pytest.mark.parametrize("content", ["{", "[5]", "[" * 5_000])
def test_a_file_that_cannot_be_loaded_is_a_sentence(tmp_path, content):
    file = tmp_path / "sessions.json"
    file.write_text(content)
    done = command("api", "--port", "0", "--load", str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("mcp-sessions: ")
    assert "Traceback" not in done.stderr


def test_stdout_of_the_stdio_server_holds_nothing_but_protocol():
    asked = [older_request(number, "ping") for number in (1, 2)]
    said = command("--demo", input="".join(f"{json.dumps(one)}\n" for one in asked)).stdout
    answers = [json.loads(line) for line in said.splitlines()]
    assert [answer["jsonrpc"] for answer in answers] == ["2.0"] * 2
    assert sorted(answer["id"] for answer in answers) == [1, 2]


def test_the_log_of_a_server_has_neither_search_words_nor_the_key():
    with scripted([page_answer([])]) as upstream:
        environ = {
            "EVERRUNS_API_URL": upstream.url,
            "EVERRUNS_API_KEY": KEY,
            "MCP_SESSIONS_LOG_LEVEL": "debug",
        }
        asked = json.dumps(list_call(search="CANARYSEARCH"))
        log = command(environ=environ, input=f"{asked}\n").stderr
        assert b"CANARYSEARCH" in upstream.requests[0]
    assert "request status=200" in log
    assert "CANARYSEARCH" not in log
    assert KEY not in log


@pytest.mark.parametrize(
    ("arguments", "buffered"),
    [
        *product([["demo"], ["--demo", "check"], ["token"]], [True, False]),
        # Unbuffered, argparse itself passes over whoever does not read its help.
        *product([["--help"], ["--version"], ["http", "--help"]], [True]),
    ],
    ids=str,
)
def test_a_command_whose_reader_left_ends_in_silence_with_the_shells_code(arguments, buffered):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as nobody_reads:
        done = subprocess.run(
            [sys.executable, "-m", "mcp_sessions", *arguments],
            env=environ if buffered else {**environ, "PYTHONUNBUFFERED": "1"},
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")

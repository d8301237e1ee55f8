import os
import subprocess
import sys

import pytest

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

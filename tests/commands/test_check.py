import re

import pytest

from support.command import command


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
    assert re.search(r"reached; 6\d\d sessions", done.stdout)

"""The benchmarks' commands still run; what they measure is for people to judge."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
README = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^\| `python benchmarks/(\w+\.py)", README, re.MULTILINE)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by /proc")


def said_by(script, *arguments):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@LINUX
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_command_says_how_it_is_used(script):
    assert script in said_by(script, "--help")


@LINUX
@pytest.mark.parametrize(
    "arguments",
    [
        ["starts.py", "--rounds", "1"],
        ["calls.py", "--warm-up", "1", "--rounds", "2"],
        ["load.py", "--callers", "2", "--rounds", "1", "--seconds", "0.2"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_each_comparison_measures_every_server(arguments):
    tables = json.loads(said_by(*arguments, "--json"))
    assert {len(rows) for rows in tables.values()} == {5}

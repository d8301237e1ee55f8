"""The benchmarks' commands still run; what they measure is for people to judge."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.docs import README as README_FILE
from support.docs import text_of

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


@pytest.fixture
def description(tmp_path):
    """Describe as much of the API as the proxy needs."""
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    answers = {"200": {"description": "A page."}}
    listing = {"operationId": "list_sessions", "parameters": [limit], "responses": answers}
    path = tmp_path / "openapi.json"
    about = {"openapi": "3.1.0", "info": {"title": "Sessions", "version": "1"}}
    path.write_text(json.dumps(about | {"paths": {"/v1/sessions": {"get": listing}}}))
    return path


COMPARISONS = pytest.mark.parametrize(
    "arguments",
    [
        ["starts.py", "--rounds", "1"],
        ["calls.py", "--warm-up", "1", "--rounds", "2"],
        ["load.py", "--callers", "2", "--rounds", "1", "--seconds", "0.2"],
    ],
    ids=lambda arguments: arguments[0],
)


def measured_by(*arguments):
    """Return the tables' rows, in which the base stands at 1."""
    tables = json.loads(said_by(*arguments, "--json"))
    for rows in tables.values():
        (base,) = (row for row in rows if row["server"] == "strict forwarder")
        ratios = {value for column, value in base.items() if column.endswith("/ strict")}
        assert ratios - {None} == {1}  # none of a CPU time that is too short to be counted
    return tables.values()


@LINUX
def test_a_comparison_without_a_description_of_the_api_leaves_fastmcp_out():
    measured = measured_by("calls.py", "--warm-up", "1", "--rounds", "2")
    assert {len(rows) for rows in measured} == {6}


@LINUX
def test_a_siege_of_a_few_seconds_ends_by_itself_and_honest_callers_are_answered():
    tables = json.loads(said_by("siege.py", "--seconds", "4", "--json"))
    (calls,) = tables["honest calls"]
    assert calls["right"] > 0
    assert {row["kind"] for row in tables["besiegers"]} >= {"greedy", "unread", "forged"}


FORMS = ("JSON right", "text right")


def questions(*arguments):
    """Return the exit code, and the rows of those questions for which all arguments are served."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "questions.py", "--rough", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    rows = json.loads(done.stdout)["questions, tokens as characters / 4"]
    assert len(rows) == 25
    assert all(row["why not"].startswith("needs ") for row in rows if row["JSON right"] is None)
    return done.returncode, [row for row in rows if row["JSON right"] is not None]


def test_each_question_is_answered_right_by_the_json_alone_and_by_the_text_alone(refreshes):
    code, judged = questions()
    assert [row for row in judged for form in FORMS if not row[form]] == []
    assert code == 0
    assert len(judged) >= 13
    if refreshes:
        told = re.sub(r"\d+ of 25 can", f"{len(judged)} of 25 can", text_of("README.md"))
        README_FILE.write_text(told, encoding="utf-8")
    assert f"{len(judged)} of 25 can be asked" in text_of("README.md")


def test_no_judge_takes_an_altered_result_for_a_right_answer():
    code, judged = questions("--spoiled")
    assert [row for row in judged for form in FORMS if row[form]] == []
    assert code == 1


@LINUX
@COMPARISONS
def test_each_comparison_measures_every_server_fastmcp_too_if_told_the_api(arguments, description):
    assert {len(rows) for rows in measured_by(*arguments, "--openapi", description)} == {7}

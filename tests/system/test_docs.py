"""README and docs say what the code does, and nothing that it does not."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.auth.tenants_file import TenantsFile
from mcp_sessions.cli import main
from mcp_sessions.embedded import organization_sessions
from mcp_sessions.errors import SessionsError
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.results import rows
from mcp_sessions.results.models import PageSummary
from mcp_sessions.settings import Settings
from mcp_sessions.telemetry import instruments as telemetry
from mcp_sessions.wire.models import FullSession

from support import refusals
from support.docs import FILES, PROJECT, table, text_of, write_excerpt, write_table
from support.fault_catalogue import answers
from support.rows import EVERY_FIELD

README = text_of("README.md")
CONFIG = PROJECT / "claude_config.example.json"


def leaves(kind):
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [kind]


def excerpt_of(printed):
    """Return what README shows of the demo: the head, two telling sessions, and the last line.

    A session is what stands from its id to the next one's.
    """
    page, following = printed.split("\n\n")[1].rsplit("\n", 1)
    head, *sessions = re.split(r"\n(?=session_[0-9a-f]{32}\b)", page)
    told = ["waiting_for_tool_results", "[masked]"]
    shown = sorted({max(n for n, text in enumerate(sessions) if word in text) for word in told})
    return "\n…\n".join([head, *(sessions[n] for n in shown), following])


def test_the_excerpt_is_what_the_demo_prints(refreshes):
    shown = subprocess.run(
        [sys.executable, "-m", "mcp_sessions", "demo"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert shown.stderr == ""
    if refreshes:
        write_excerpt(excerpt_of(shown.stdout))
    # A cursor belongs to an API's address, and each demo's API has a port of its own.
    printed = iter(
        re.sub(r'cursor="[\w-]+"', 'cursor=""', line) for line in shown.stdout.split("\n")
    )
    excerpt = text_of("README.md").split("```text\n", 1)[1].split("\n```", 1)[0].split("\n")
    assert len(excerpt) >= 8
    for line in excerpt:
        if line != "…":
            wanted = re.sub(r'cursor="[\w-]+"', 'cursor=""', line)
            assert wanted in printed, wanted


def test_the_readme_says_how_many_sessions_are_made_up():
    counts = set(re.findall(r"(\d+) made-up sessions", README))
    assert counts == {str(len(list(organization_sessions())))}


@pytest.mark.parametrize(
    ("header", "settings"), [("variable", Settings), ("HTTP variable", HttpSettings)]
)
def test_the_settings_tables_are_the_settings(header, settings):
    described = [
        [
            f"`{field.alias}`",
            f"`{str(field.default).replace('False', 'false')}`"
            if field.default not in (None, ())
            else "",
            field.description,
        ]
        for field in settings.model_fields.values()
    ]
    assert table(header) == described


def test_the_metrics_table_is_the_metrics():
    told = {(name.strip("`"), what) for name, what in table("metric")}
    made = ast.parse(inspect.getsource(telemetry))
    calls = [node for node in ast.walk(made) if isinstance(node, ast.Call)]
    named = [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("create_")
    ]
    assert told == {(call.args[0].value, call.args[2].value) for call in named}


def test_the_tenants_of_the_readme_are_a_file_that_can_be_used(tmp_path):
    example = text_of("http.md").split("```toml\n", 1)[1].split("```", 1)[0]
    key = tmp_path / "acme"
    key.write_text("evr_pat_CANARYKEY123")
    file = tmp_path / "tenants.toml"
    file.write_text(example.replace("/run/secrets/acme", str(key)))
    register = TenantsFile(file, Settings(), {}).current()
    assert register.tenants["acme"].settings.org_id == "org_acme"


def test_the_failures_table_is_the_failure_tree():
    described = [[f"`{leaf.code}`", leaf.category, leaf.__doc__] for leaf in leaves(SessionsError)]
    assert table("code") == described


def test_the_fault_table_is_the_catalogue_of_faults_and_answers():
    assert [tuple(row[:2]) for row in table("fault")] == answers()
    assert all(int(row[4]) <= 64 for row in table("fault"))


def test_the_table_of_refusals_is_the_catalogue_of_refusals(refreshes):
    if refreshes:
        write_table("refused", refusals.table())
    assert [tuple(row) for row in table("refused")] == refusals.answers()


def test_the_argument_tables_are_the_schemas():
    for said, arguments in (
        ("`list_sessions` finds:", ListSessions),
        ("`get_session_page` turns pages:", GetSessionPage),
    ):
        lines = README.split(said)[1].split("\n\n")[1].split("\n")[2:]
        cells = "".join(line.split("|")[1] for line in lines)
        assert set(re.findall(r"`(\w+)`", cells)) == set(arguments.model_fields)


def test_every_field_of_a_result_is_named():
    result = README.split("A result comes as text")[1].split("### Sizes")[0]
    named = set(re.findall(r"`(\w+)`", result))
    assert set(PageSummary.model_fields) <= named
    standard = set(rows.standard(FullSession.model_validate(EVERY_FIELD)).compact())
    assert standard | {"system_prompt_chars", "shortened"} <= named
    assert {"tools", "files", "mcp_servers", "capabilities"} <= named


def test_every_command_is_in_the_table(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert commands == ["demo", "check", "http", "token", "api"]
    told = [row[0] for row in table("command")]
    assert set(told) == {"`mcp-sessions`"} | {f"`mcp-sessions {name}`" for name in commands}


def test_the_example_of_the_readme_is_the_example_file():
    example = json.loads(README.split("```json\n", 1)[1].split("```", 1)[0])
    assert example == json.loads(CONFIG.read_text(encoding="utf-8"))


@pytest.mark.parametrize("more", [[], ["--demo"]], ids=["as it stands", "made-up sessions"])
def test_the_example_file_starts_a_server_that_lists_its_tools(more):
    (entry,) = json.loads(CONFIG.read_text(encoding="utf-8"))["mcpServers"].values()
    command = Path(sys.executable).with_name(Path(entry["command"]).name)
    server = StdioServerParameters(command=str(command), args=more, env=entry["env"])

    async def ask():
        with anyio.fail_after(60):
            async with Client(server) as client:
                tools = (await client.list_tools()).tools
                return tools, await client.call_tool("list_sessions", {})

    tools, result = anyio.run(ask)
    assert [tool.name for tool in tools] == ["list_sessions", "get_session_page"]
    if more:
        assert result.structured_content["returned"] == 20
    else:
        assert "EVERRUNS_API_KEY" in result.content[0].text
        assert "placeholder" in result.content[0].text


def test_ci_runs_the_two_commands_of_the_readme():
    first, second = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert first.endswith("mcp-sessions demo")
    assert second.endswith("pytest -q")
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_line pytest" in script
    assert "readme_line 'demo$'" in script


def test_the_readme_is_short_enough_to_be_read():
    assert README.count("\n") <= 250


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_link_between_documents_leads_to_a_file(file):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text(encoding="utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []

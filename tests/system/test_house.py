"""Rules of the house that no linter holds."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mcp_sessions

PACKAGE = Path(mcp_sessions.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = Path(__file__).resolve().parents[2]


def path_of(module):
    """Return a module's path within the package."""
    return module.relative_to(PACKAGE).as_posix()


def calls_in(module, name):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return [node for node in attributes if node.attr == name]


def test_the_api_key_is_unwrapped_in_one_place():
    unwrapping = {path_of(module): len(calls_in(module, "get_secret_value")) for module in MODULES}
    assert {name: count for name, count in unwrapping.items() if count} == {"api/request.py": 1}


def test_the_http_client_is_imported_in_one_module():
    importing = [
        path_of(module)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(name.name == "httpx" for name in node.names)
    ]
    assert importing == ["api/connections.py"]


@pytest.mark.parametrize("word", ["environ", "getenv"])
def test_the_environment_is_read_in_one_place(word):
    assert [path_of(module) for module in MODULES if calls_in(module, word)] == (
        ["cli.py"] if word == "environ" else []
    )


def test_importing_the_package_builds_nothing_and_opens_nothing():
    script = (
        "import sys, importlib\n"
        "before = set(sys.modules)\n"
        "import mcp_sessions\n"
        "print(sorted(m for m in set(sys.modules) - before if '.' not in m))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['mcp_sessions']"


def test_no_file_names_a_path_of_a_machine_or_the_host_of_an_index():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, timeout=60, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    hosts = ["py" + "pi.org", "npm" + "js.org", "python" + "hosted", "deb" + "ian.org"]
    paths = ["/" + "work/", "/" + "root/"]
    for name in listed.stdout.decode().split("\0"):
        if name and name != "tests/system/test_house.py":
            text = (PROJECT / name).read_text(encoding="utf-8")
            assert not [word for word in hosts + paths if word in text], name

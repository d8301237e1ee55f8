"""Rules of the house that no linter holds."""

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import mcp_sessions

PACKAGE = Path(mcp_sessions.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = Path(__file__).resolve().parents[2]
TESTS = PROJECT / "tests"


def path_of(module):
    """Return a module's path within the package."""
    return module.relative_to(PACKAGE).as_posix()


def calls_in(module, name):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return [node for node in attributes if node.attr == name]


def packages_of(node):
    """Return the packages that an import statement names; none of any other node."""
    names = []
    if isinstance(node, ast.Import):
        names = [name.name for name in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module]
    return {name.partition(".")[0] for name in names}


def test_the_api_key_is_unwrapped_in_one_place():
    unwrapping = {path_of(module): len(calls_in(module, "get_secret_value")) for module in MODULES}
    assert {name: count for name, count in unwrapping.items() if count} == {"api/request.py": 1}


@pytest.mark.parametrize(
    ("package", "only"), [("httpx", "api/connections.py"), ("httpcore", "api/network_stream.py")]
)
def test_the_http_client_is_imported_in_one_module(package, only):
    importing = [
        path_of(module)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if package in packages_of(node)
    ]
    assert set(importing) == {only}


@pytest.mark.parametrize(
    "line",
    ["import httpx", "import json, httpx as x", "from httpx import Client", "import httpx.a"],
)
def test_an_import_is_seen_however_it_is_written(line):
    assert "httpx" in packages_of(ast.parse(line).body[0])


@pytest.mark.parametrize("word", ["environ", "getenv"])
def test_the_environment_is_read_in_one_place(word):
    assert [path_of(module) for module in MODULES if calls_in(module, word)] == (
        ["cli.py"] if word == "environ" else []
    )


AUDITED = """
import importlib, json, os, sys, sysconfig
own = [os.path.realpath(path) for path in json.loads(sys.argv[2])]
own += [os.path.realpath(path) for path in (*sysconfig.get_paths().values(), sys.base_prefix)]
REFUSED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir",
           "os.remove", "os.rename", "os.system", "sqlite3.connect", "tempfile.mkstemp",
           "os.putenv")
def audit(event, arguments):
    if event in REFUSED:
        raise RuntimeError(f"{event} {arguments}")
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        real = os.path.realpath(path) if isinstance(path, (str, bytes)) else str(path)
        if writes or not os.fsdecode(real).startswith(tuple(own)):
            raise RuntimeError(f"open {path} {mode}")
sys.addaudithook(audit)
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
import threading
assert threading.active_count() == 1, threading.enumerate()
"""


def audited(script, *modules):
    """Import modules in a process that may open no socket and no file but those of packages."""
    return subprocess.run(
        [sys.executable, "-B", "-c", script, json.dumps(modules), json.dumps([str(PACKAGE)])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_importing_any_module_opens_no_socket_and_no_file_and_starts_no_thread():
    named = [path_of(module).removesuffix(".py").replace("/", ".") for module in MODULES]
    modules = [f"mcp_sessions.{name}".removesuffix(".__init__") for name in named]
    done = audited(AUDITED, *modules)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "line",
    [
        "open(os.devnull, 'w')",
        "open('/etc/hosts')",
        "__import__('socket').create_connection(('127.0.0.1', 9))",
        "__import__('subprocess').run(['true'])",
    ],
)
def test_a_module_that_opened_something_would_be_noticed(line):
    assert "RuntimeError" in audited(f"{AUDITED}\n{line}").stderr


def test_importing_the_package_loads_none_of_its_modules():
    script = "import mcp_sessions, sys; print([m for m in sys.modules if 'mcp_sessions.' in m])"
    assert audited(script).stdout == "[]\n"


# Modules that have no test file of their own, and the tests that prove them instead.
TESTED_ELSEWHERE = {
    "__main__.py": "test_cli.py",  # every command is started by it
    "commands/demo.py": "system/test_docs.py",  # its output is the README's
    "argument_types.py": "test_arguments.py",  # whose fields have these types
    "argument_values.py": "test_arguments.py",  # by which all values are read
    "commands/api.py": "test_cli.py",  # it owns a process
    "commands/token.py": "test_cli.py",  # two lines of output
    "embedded/heavy_fields.py": "embedded/test_seed.py",  # what the seed is made of
    "embedded/phrases.py": "embedded/test_seed.py",  # likewise
    "embedded/teams.py": "embedded/test_organization.py",  # its words
    "errors.py": "system/test_docs.py",  # classes that the README's table lists
    "results/clipped.py": "results/test_rows.py",  # whose texts it clips
    "results/credentials/names.py": "results/credentials/test_named_values.py",  # lists of words
    "results/credentials/places.py": "results/credentials/test_links.py",  # as all its tables
    "results/credentials/public_ids.py": "results/credentials/test_random_tokens.py",  # none
    "results/credentials/secret_values.py": "results/credentials/test_named_values.py",  # by names
    "signals.py": "system/stdio/test_ends.py",  # it ends the process
    "stdio/eras.py": "system/stdio/test_eras.py",  # it needs the SDK's loops
    "stdio/serve.py": "system/stdio/test_ends.py",  # it owns a process
    "streamable_http/app.py": "system/http/test_refusals.py",  # it is the sum of the others
    "streamable_http/serve.py": "system/http/test_shutdown.py",  # it owns a process
    "wire/limits.py": "wire/test_read.py",  # constants
}


def own_tests(name):
    """Return where the tests of a module are: beside it in the other tree."""
    path = Path(name)
    return (path.parent / f"test_{path.name}").as_posix()


def test_every_module_has_its_tests_or_is_known_to_be_tested_elsewhere():
    names = {path_of(module) for module in MODULES if module.name != "__init__.py"}
    without = {name for name in names if not (TESTS / own_tests(name)).exists()}
    assert without == set(TESTED_ELSEWHERE)
    assert [file for file in TESTED_ELSEWHERE.values() if not (TESTS / file).exists()] == []


def test_every_test_file_is_named_for_a_module():
    files = {file.relative_to(TESTS).as_posix() for file in TESTS.rglob("test_*.py")}
    beside = {file for file in files if not file.startswith("system/")}
    assert beside <= {own_tests(path_of(module)) for module in MODULES}


def test_no_two_tests_have_one_name():
    names = Counter(
        node.name
        for file in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )
    assert [name for name, count in names.items() if count > 1] == []


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


def test_every_collection_finds_the_same_tests():
    """Workers share the tests out by their names, which must not hold a time or a hash."""
    collect = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-n", "0", "tests"]
    names = []
    for seed in ("1", "2"):
        found = subprocess.run(
            collect,
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        names.append([line for line in found.stdout.splitlines() if "::" in line])
    assert names[0] == names[1]

"""How pytest-xdist shares the tests out: file by file, those that take long first."""

import pytest
from xdist.scheduler import LoadScopeScheduling

WORKERS = 4  # of a whole run; most of the time they wait for processes, sockets and deadlines

# What a file's tests share is started once only where one worker runs them all. The tests of these
# files share little and take long: each function's go to a worker by themselves.
_APART = ("tests/system/test_promise.py", "tests/system/http/test_tenants.py")

# Files that must not run at the same time are one group: those that ask npm fetch only once, and
# what compares times does so one after another.
_TOGETHER = {
    "tests/system/interop/test_conformance.py": "npm",
    "tests/system/interop/test_inspector.py": "npm",
    "tests/system/interop/test_typescript_client.py": "npm",
    "tests/system/test_benchmarks.py": "times",
    "tests/system/embedded/test_large_store.py": "times",
}

# Whoever ends last decides how long a run takes.
_LONGEST = (
    "tests/system/faults/",
    "tests/system/test_promise.py",
    "tests/system/test_benchmarks.py",
    "tests/system/embedded/",
    "tests/system/deploy/",
    "tests/system/test_",
    "tests/system/http/",
    "tests/system/",
)


def workers_for(config: pytest.Config) -> int:
    """Return how many share the tests out: none where only some were asked for, or are watched."""
    option = config.option
    some = option.keyword or option.markexpr or any(".py" in asked for asked in config.args)
    watched = option.capture == "no" or option.collectonly or option.refresh_records
    return 0 if some or watched else WORKERS


def group_of(nodeid: str) -> str:
    """Return the name that all tests share which one worker has to run."""
    file, _, test = nodeid.partition("::")
    if file in _APART:
        return f"{file}::{test.partition('[')[0]}"
    return _TOGETHER.get(file, file)


def place_of(item: pytest.Item) -> int:
    """Return how early a test should begin, from 0."""
    early = (place for place, file in enumerate(_LONGEST) if item.nodeid.startswith(file))
    return next(early, len(_LONGEST))


class GroupScheduling(LoadScopeScheduling):
    """Gives each group of tests to whichever worker is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

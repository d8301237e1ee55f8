"""What every test stands on: a clean environment, and the seed behind a real socket."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from mcp_sessions.embedded import EmbeddedApi, SessionStore, seed_sessions, serve

# No test asserts a time, and an example takes what a busy machine takes.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever the machine's own settings would change."""
    for name in os.environ:
        if name.startswith(("EVERRUNS_", "MCP_SESSIONS_", "OTEL_", "SSL_CERT_")):
            monkeypatch.delenv(name)
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def api() -> Iterator[EmbeddedApi]:
    """Serve the seed; only for tests that change nothing."""
    store = SessionStore()
    store.create_many(seed_sessions())
    with serve(store) as served:
        yield served

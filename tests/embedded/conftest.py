from contextlib import ExitStack

import httpx
import pytest

from mcp_sessions.embedded import EmbeddedOptions, SessionStore, serve


@pytest.fixture
def store():
    with SessionStore() as store:
        yield store


@pytest.fixture
def served(store):
    """Serves the store with some options; returns the API and an HTTP client of its base URL."""
    with ExitStack() as stack:

        def start(**options):
            api = stack.enter_context(serve(store, EmbeddedOptions(**options)))
            client = httpx.Client(base_url=api.url, timeout=10, trust_env=False)
            return api, stack.enter_context(client)

        yield start


@pytest.fixture
def api(served):
    return served()


@pytest.fixture
def get(api):
    """Asks the API, served without options, for one page."""
    _, client = api
    return lambda query="": client.get(f"/v1/sessions{query}")

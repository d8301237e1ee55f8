"""`mcp-sessions api`: the embedded sessions API alone, and the same one beside another command."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp_sessions.embedded import (
    EmbeddedOptions,
    SessionStore,
    StatusSpelling,
    load_sessions,
    organization_sessions,
    run,
    serve,
)
from mcp_sessions.settings import Settings


def serve_api(
    port: int,
    *,
    load: Path | None,
    database: Path | None,
    status_spelling: StatusSpelling,
    shuffle_ties: bool,
) -> bool:
    """Serve until SIGINT or SIGTERM; print why and return False if that is not possible."""
    behaviour = EmbeddedOptions(status_spelling=status_spelling, shuffle_ties=shuffle_ties)
    try:
        with SessionStore(database or ":memory:") as store:
            if load:
                store.create_many(load_sessions(load))
            elif not store.page(limit=1)[1]:  # a database may be full from an earlier run
                store.create_many(organization_sessions())
            run(store, behaviour, port, announce=_announce)
    except (OSError, ValueError, RecursionError, sqlite3.Error) as fault:
        print(f"mcp-sessions: {fault}", file=sys.stderr)
        return False
    return True


def _announce(url: str) -> None:
    print(f"Serving the sessions API at {url}", file=sys.stderr, flush=True)


@contextmanager
def embedded_api() -> Iterator[str]:
    """Serve made-up sessions until the block ends, and give the URL."""
    with SessionStore() as store:
        store.create_many(organization_sessions())
        with serve(store) as api:
            yield api.url


@contextmanager
def settings_of_embedded_api(settings: Settings) -> Iterator[Settings]:
    """Serve made-up sessions until the block ends, and give the settings turned to them."""
    with embedded_api() as url:
        # The operator's key is for another API than this one.
        own = {"demo": True, "api_url": url, "no_key": True, "api_key": None, "org_id": None}
        yield settings.model_copy(update=own)

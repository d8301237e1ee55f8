"""Tenants files, and their entries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_sessions.auth.bearer_tokens import hash_of
from mcp_sessions.auth.tenants_file import TenantsFile
from mcp_sessions.settings import Settings

from support.clock import Clock

KEY = "evr_pat_CANARYKEY123"  # which no sentence may quote


def entry(name: str = "acme", **more: Any) -> str:
    """Return a `[[tenant]]`; a value of None leaves its line out."""
    own = {"name": name, "token_hashes": [hash_of(name)], "api_key": f"{KEY}{name}", **more}
    lines = [f"{key} = {json.dumps(value)}" for key, value in own.items() if value is not None]
    return "\n".join(["[[tenant]]", *lines, ""])


def opened(
    file: Path, clock: Clock, variables: Mapping[str, str] | None = None, **common: Any
) -> TenantsFile:
    """Open a tenants file at a clock's pace."""
    return TenantsFile(file, Settings(**common), variables or {}, clock, clock.sleep)


def key_of(tenants: TenantsFile, name: str = "acme") -> str:
    """Return the key that a tenant's calls are made with."""
    key = tenants.current().tenants[name].settings.api_key
    assert key is not None
    return key.get_secret_value()

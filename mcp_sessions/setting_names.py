"""The names of all environment variables that are read, to tell a misspelt one."""

import difflib
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.settings import Settings

_OWN_PREFIX: Final = "MCP_SESSIONS_"


def all_names() -> list[str]:
    """Return every name, in the order of the fields: the server's, then those of HTTP alone."""
    from mcp_sessions.http_settings import HttpSettings  # noqa: PLC0415 - stdio has no need of it

    return [*_names(Settings), *_names(HttpSettings)]


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Refuse a misspelt limit or scope: ignored, it would be a limit that is not there.

    Raises:
        InvalidSettings: a variable with this server's prefix is none of its settings.
    """
    own = [
        name for name, value in environ.items() if name.startswith(_OWN_PREFIX) and value.strip()
    ]
    if set(own) <= set(_names(Settings)):
        return
    known = all_names()
    for name in own:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}."
            raise InvalidSettings(f"{name} is not a setting of this server{meant}")


def _names(model: type[BaseModel]) -> list[str]:
    return [str(field.alias) for field in model.model_fields.values()]

"""Rows of the fields that were asked for, and which fields there are to ask for."""

import json
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

from mcp_sessions.results import rows
from mcp_sessions.results.models import Row
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.models import FullSession

_MAX_NAMED: Final = 3  # unknown names in one sentence
_MAX_NAME_CHARS: Final = 40
_ALONG: Final = ("id", "label", "untitled")
# What the API or other systems call a field of a row.
_MEANT: Final = {
    "title": "label",
    "name": "label",
    "preview": "question",
    "prompt": "question",
    "output_preview": "reply",
    "output": "reply",
    "answer": "reply",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "price": "cost_usd",
    "model": "model_id",
    "url": "link",
    "view_url": "link",
    "initial_files": "files",
    "system_prompt": "system_prompt_chars",
}


def unknown_fields(names: Iterable[str]) -> str | None:
    """Return a sentence on those of the names that no row has, with the names that are near."""
    unknown = (name for name in names if name not in Row.model_fields)
    told = [_with_near(name[:_MAX_NAME_CHARS]) for name in islice(unknown, _MAX_NAMED)]
    return f"No row has {', '.join(told)}." if told else None


def _with_near(name: str) -> str:
    head = name.partition(".")[0]
    known = (head, _MEANT.get(head))
    meant = [one for one in known if one in Row.model_fields]
    alike = get_close_matches(head, {**Row.model_fields, **_MEANT}, n=3, cutoff=0.55)
    near = meant or dict.fromkeys(_MEANT.get(one, one) for one in alike)
    said = harmless(json.dumps(name), _MAX_NAME_CHARS)
    return f"{said} (near: {', '.join(near)})" if near else said


def rows_of(names: Collection[str]) -> Callable[[FullSession], Row]:
    """Return what makes a session a row of these fields, its id and its label.

    What a row leaves out elsewhere because another field says it is told where it is asked for.
    """
    wanted = set(names)

    def row(session: FullSession) -> Row:
        alone = rows.asked_alone(session)
        whole = {**dict(rows.full(session)), **alone}
        along = {name: alone[name] for name in _ALONG}
        return Row(**{**along, **{name: whole[name] for name in wanted}})

    return row

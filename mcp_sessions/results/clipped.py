"""Strangers' texts as a row shows them: harmless, clipped, and lists with what is left out."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.models import MAX_TEXT_CHARS

MAX_ID_CHARS = 200  # as wire reads them
ID = re.compile(
    "(?:session|agent|org|wsp|harness|model|principal|identity|agentver)_[0-9a-f]{16,40}"
    "|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
"""An id as the API makes them, which need not be looked through."""
_MAX_BLANK = 5  # names of a list that are passed over, having nothing to show


def clipped(text: str | None, limit: int) -> str | None:
    """Return a text harmless and clipped, or None where nothing of it is to be seen."""
    return (harmless(text, limit) or None) if text else None


def id_or_text(text: str | None) -> str | None:
    """Pass an id as it is; what merely stands in an id's place is anybody's text."""
    if text is not None and ID.fullmatch(text):
        return text
    return clipped(text, MAX_ID_CHARS)


def clipped_list(
    texts: Iterable[str | None] | None, max_items: int, limit: int
) -> list[str] | None:
    """Show the first `max_items` that are not blank; those beyond are counted and not looked at."""
    # Cut before they are remembered: what is behind could not be shown anyway.
    given = (text[:MAX_TEXT_CHARS] for text in texts or () if text)
    looked_at = islice(given, max_items + _MAX_BLANK)
    shown = list(islice((word for text in looked_at if (word := _name(text, limit))), max_items))
    if rest := sum(1 for _ in given):
        shown.append(f"+{rest} more")
    return shown or None


# Rows of one page have most of their names and tags in common.
@lru_cache(maxsize=1024)
def _name(text: str, limit: int) -> str:
    return _unlike_a_count(harmless(text, limit))


def _unlike_a_count(text: str) -> str:
    """Quote a stranger's "+3 more", which would look like ours."""
    return f'"{text}"' if text.startswith("+") and text.endswith(" more") else text

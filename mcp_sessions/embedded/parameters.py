"""What a request asks for, read from its query string as a Rust server with serde reads it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

KNOWN = ("agent_id", "search", "offset", "limit")
MOST_PER_PAGE = 100

_INT32_MAX = 2**31 - 1
_DIGITS = re.compile(r"\+?[0-9]+")
_AGENT_ID = re.compile(r"agent_[0-9a-f]{32}")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of one list; `limit` is already clamped."""

    agent_id: str | None = None
    search: str | None = None
    offset: int = 0
    limit: int = 20


def pairs(query: bytes) -> Pairs:
    """Return the decoded names and values, blank ones too; bytes that are not UTF-8 become �."""
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace"))


def read(query: Sequence[tuple[str, str]]) -> Asked:
    """Return what is asked, ignoring unknown names; raise ValueError with the server's words.

    A known name given twice is refused, as serde refuses a duplicate field. `limit=` is not a
    number and `agent_id=` is not an id; `search=` is a search for no words, which finds all.
    """
    given: dict[str, str] = {}
    for name, value in query:
        if name in given:
            raise ValueError(f"duplicate field `{name}`")
        if name in KNOWN:
            given[name] = value
    agent_id = given.get("agent_id")
    if agent_id is not None and not _AGENT_ID.fullmatch(agent_id):
        raise ValueError("agent_id: expected agent_ followed by 32 lowercase hex digits")
    return Asked(
        agent_id=agent_id,
        search=given.get("search"),
        offset=_count("offset", given.get("offset", "0")),
        limit=min(_count("limit", given.get("limit", "20")), MOST_PER_PAGE),
    )


def _count(name: str, text: str) -> int:
    if not text:
        raise ValueError(f"{name}: cannot parse integer from empty string")
    if not _DIGITS.fullmatch(text):
        raise ValueError(f"{name}: invalid digit found in string")
    digits = text.lstrip("+0") or "0"
    if len(digits) > len(str(_INT32_MAX)) or int(digits) > _INT32_MAX:
        raise ValueError(f"{name}: number too large to fit in target type")
    return int(digits)

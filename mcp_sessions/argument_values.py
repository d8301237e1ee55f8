"""Reads the value of one argument as agents really send it: texts for numbers, lists and blanks.

Each reader gives what the argument's type then checks, or raises a PydanticCustomError: of the type
`hint` if its message helps the caller beyond what the argument may be.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import PydanticCustomError

from mcp_sessions.wire.limits import MAX_SEARCH_WORDS
from mcp_sessions.wire.models import status_name

HINT: Final = "hint"
_BLANK_TEXTS: Final = ("", "null", "[]")
# Seconds may be left out, as results leave them out.
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
_OPENING: Final = ("[", "{", '"', "'")
_AROUND: Final = " []{}\"'"
_ALL_AGENTS: Final = ("all", "any", "none", "*", "undefined")
# What other systems call the states of a session, and what a session has here instead.
_STATUS_HINTS: Final = {
    **dict.fromkeys(
        ("completed", "complete", "done", "finished", "ended", "closed", "success", "succeeded"),
        "A session whose last turn has ended is idle, however it ended.",
    ),
    **dict.fromkeys(
        ("failed", "failure", "error", "errored", "cancelled", "canceled"),
        "The API's list does not tell failed sessions: they are idle.",
    ),
    **dict.fromkeys(("running", "in_progress", "working", "busy"), "A session at work is active."),
    **dict.fromkeys(
        ("waiting", "blocked", "pending"), "One that waits for a tool is waiting_for_tool_results."
    ),
    **dict.fromkeys(("all", "any", "*"), "Leave status out for all of them."),
}


def is_blank(value: Any, *, words: bool = False) -> bool:
    """Tell whether a value stands for an absent argument; where `words` count, "null" is one."""
    if isinstance(value, str):
        text = value.strip()
        return text == "" if words else text in _BLANK_TEXTS
    return value is None or value == []


def arguments_from_text(text: str) -> dict[str, Any]:
    """Read a whole arguments object that came as text; any other text is a name that is refused."""
    read: Any = text
    for _ in range(2):  # a text within a text is a text that was written twice
        if isinstance(read, str):
            read = _parsed(read.strip("\ufeff \t\r\n") or "{}", default=read)
    if read is None or read == []:
        return {}
    return read if isinstance(read, dict) else {text: None}


def whole_number(value: Any) -> Any:
    """Read "5" as 5 and 5.0 as 5; leave the rest to be refused."""
    if isinstance(value, bool):
        raise PydanticCustomError("not_a_number", "a boolean is not a number")
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,12}\s*", value):
        return int(value)
    if isinstance(value, str):
        raise PydanticCustomError("not_a_number", "not a whole number")
    return value


def search_words(value: Any) -> Any:
    """Refuse what a server would drop in silence."""
    if not isinstance(value, str):
        return value
    words = value.split()
    if len(words) > MAX_SEARCH_WORDS or any(ord(letter) < ord(" ") for letter in "".join(words)):
        raise PydanticCustomError("not_words", "too many words, or a control character")
    return encodable(value)


def cursor_text(value: Any) -> Any:
    """Take what a copying agent put around a cursor off again; nothing is none."""
    if not isinstance(value, str):
        return value
    cursor = value.strip().strip("\"'`").rstrip("=")
    return None if cursor in ("", "null", "None") else cursor


def agent_id(value: Any) -> Any:
    """Refuse the words for every agent, and a session's id."""
    if isinstance(value, str) and value.strip().lower() in _ALL_AGENTS:
        raise PydanticCustomError(HINT, "Leave agent_id out for all agents.")
    if isinstance(value, str) and value.strip().startswith("session_"):
        raise PydanticCustomError(
            HINT, "That is a session's id; parent_session_id asks for its children."
        )
    return encodable(value)


def parent_id(value: Any) -> Any:
    """Refuse words for no parent, and another thing's id."""
    if isinstance(value, str) and value.strip().lower() in _ALL_AGENTS:
        raise PydanticCustomError(HINT, "For sessions without a parent set top_level_only.")
    if isinstance(value, str) and value.strip().startswith("agent_"):
        raise PydanticCustomError(HINT, "That is an agent's id; agent_id asks for its sessions.")
    return encodable(value)


def encodable(value: Any) -> Any:
    """Refuse half a character, which no request can carry."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("surrogate", "half a character") from None
    return value


def tags(value: Any) -> Any:
    """Read one tag or several, and refuse what looks like several in one text."""
    listed = _list(value)
    if not isinstance(listed, list):
        return listed
    several_in_one = is_text(value) and len(listed) == 1 and re.search("[,;]", value)
    for tag in filter(is_text, listed):
        if several_in_one or tag.strip()[:1] in _OPENING:
            parts = [part.strip(_AROUND) for part in re.split("[,;]", tag)]
            several = [part for part in parts if part] or ["a tag"]
            said = json.dumps(several, ensure_ascii=False)
            raise PydanticCustomError(HINT, "Send {several}.", {"several": said})
    return listed or None


def session_ids(value: Any) -> Any:
    """Read one id or several, each once; one text may hold several, since no id has a comma."""
    listed = _list(value)
    if not isinstance(listed, list) or not all(map(is_text, listed)):
        return listed
    if is_text(value) and len(listed) == 1:
        listed = [part.strip(_AROUND) for part in listed[0].split(",")]
    ids = (id_.strip() for id_ in listed)
    return list(dict.fromkeys(filter(None, ids))) or None


def statuses(value: Any) -> Any:
    """Read one status or several, in both spellings of waiting, and say each once."""
    listed = _list(value)
    if not isinstance(listed, list) or not all(isinstance(status, str) for status in listed):
        return listed
    parts = (part.strip(_AROUND).lower() for status in listed for part in status.split(","))
    names = [part.replace("-", "_") for part in parts if part]
    hints = (_STATUS_HINTS.get(name) for name in names)
    if hint := next(filter(None, hints), None):
        raise PydanticCustomError(HINT, hint)
    return list(dict.fromkeys(map(status_name, names))) or None


def moment(value: Any) -> Any:
    """Read RFC 3339, or a date as its midnight, and write it in UTC."""
    if not (isinstance(value, str) and _RFC3339.fullmatch(value.strip())):
        raise PydanticCustomError("not_a_time", "not an RFC 3339 time")
    try:
        read = datetime.fromisoformat(value.strip().upper())
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("not_a_time", "no such time") from None
    return read.isoformat().replace("+00:00", "Z")


def truth(value: Any) -> Any:
    """Read "true" and "false" as what they say."""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise PydanticCustomError("not_a_boolean", "neither true nor false")
    return value


def names(value: Any) -> Any:
    """Read one name or several, of which no one has a comma, and say each once."""
    listed = _list(value)
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        return listed
    parts = (part.strip(_AROUND).lower() for text in listed for part in text.split(","))
    return list(dict.fromkeys(filter(None, parts))) or None


def is_text(value: Any) -> bool:
    """Tell a text from anything else."""
    return isinstance(value, str)


def word(value: Any) -> Any:
    """Read a word of a choice, whatever is around it."""
    return value.strip().lower() if isinstance(value, str) else value


def _list(value: Any) -> Any:
    """Read one text where a list is meant, a list that comes as text, and no blank in either."""
    if isinstance(value, str):
        read = _parsed(value, default=value) if value.strip()[:1] in '["' else value
        value = read if isinstance(read, list) else [read]
    if not isinstance(value, list):
        return value
    return [
        item for item in value if not (item is None or (isinstance(item, str) and not item.strip()))
    ]


def _parsed(text: str, *, default: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default

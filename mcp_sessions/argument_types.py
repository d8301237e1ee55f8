"""What each argument may be: its type, what reads it, and the end of a sentence that refuses it."""

import json
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mcp_sessions import argument_values as values
from mcp_sessions.results.fields import unknown_fields
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.limits import MAX_LIMIT, MAX_OFFSET, MAX_SEARCH_WORDS

DEFAULT_LIMIT = 20
MAX_TAGS = 20
MAX_TAG_CHARS = 64
MAX_SEARCH_CHARS = 200
MAX_SESSION_IDS = 50

Detail = Literal["brief", "standard", "full"]
Event = Literal["created", "updated", "finished"]
Status = Literal["started", "active", "idle", "waiting_for_tool_results", "paused"]

DEFAULT_DETAIL: Detail = "standard"
EVENTS: tuple[Event, ...] = get_args(Event)


class Allowed(NamedTuple):
    """What an argument may be: the end of the sentence "limit must be …"."""

    sentence: str


def _fields(value: Any) -> Any:
    """Refuse names of no field, and say which are near."""
    names = values.names(value)
    if isinstance(names, list) and (hint := unknown_fields(filter(values.is_text, names))):
        raise PydanticCustomError(values.HINT, "{hint}", {"hint": hint})
    return names


_Id = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
_Cursor = Annotated[str, Field(max_length=16_384)]
_Words = Annotated[str, Field(max_length=MAX_SEARCH_CHARS)]
_Rows = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
_Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]


_Tag = Annotated[
    str,
    BeforeValidator(values.encodable),
    Field(min_length=1, max_length=MAX_TAG_CHARS, pattern=r"\S"),
]
_AGENT = Allowed("an agent's id such as agent_…, without spaces; leave it out for all agents")
_SESSION = Allowed("a session's id, without spaces")
_TIME = Allowed("an RFC 3339 time such as 2026-11-20T09:30:00Z, or a date, which is midnight UTC")
_LIMIT = Allowed(f"a whole number from 1 to {MAX_LIMIT}")
_DETAIL = Allowed("brief, standard or full")

AgentId = Annotated[_Id | None, BeforeValidator(values.agent_id), _AGENT]
ParentId = Annotated[_Id | None, BeforeValidator(values.parent_id), _SESSION]
SessionIds = Annotated[
    Annotated[list[str], Field(min_length=1, max_length=MAX_SESSION_IDS)] | None,
    BeforeValidator(values.session_ids),
    Allowed(f"1 to {MAX_SESSION_IDS} ids of sessions"),
]
Words = Annotated[
    _Words | None,
    BeforeValidator(values.search_words),
    Allowed(f"text of at most {MAX_SEARCH_CHARS} characters and {MAX_SEARCH_WORDS} words"),
]
Statuses = Annotated[
    Annotated[list[Status], Field(min_length=1)] | None,
    BeforeValidator(values.statuses),
    Allowed(f"one or more of {', '.join(get_args(Status))}"),
]
Tags = Annotated[
    Annotated[list[_Tag], Field(min_length=1, max_length=MAX_TAGS)] | None,
    BeforeValidator(values.tags),
    Allowed(f"at most {MAX_TAGS} tags of 1 to {MAX_TAG_CHARS} characters"),
]
Time = Annotated[Annotated[str, BeforeValidator(values.moment)] | None, _TIME]
Truth = Annotated[bool, BeforeValidator(values.truth), Allowed("true or false")]
Limit = Annotated[_Rows, BeforeValidator(values.whole_number), _LIMIT]
MaybeLimit = Annotated[_Rows | None, BeforeValidator(values.whole_number), _LIMIT]
DetailWord = Annotated[Detail, BeforeValidator(values.word), _DETAIL]
MaybeDetail = Annotated[Detail | None, BeforeValidator(values.word), _DETAIL]
Fields = Annotated[
    Annotated[list[str], Field(min_length=1)] | None,
    BeforeValidator(_fields),
    Allowed("names of a row's fields such as status, tokens or model_id"),
]
Offset = Annotated[
    _Offset | None,
    BeforeValidator(values.whole_number),
    Allowed(f"a whole number from 0 to {MAX_OFFSET}"),
]
CursorText = Annotated[
    _Cursor | None,
    BeforeValidator(values.cursor_text),
    Allowed("a next_cursor copied unchanged from an earlier result"),
]


def said_back(value: Any) -> str:
    """Say an argument back as JSON, in one short line."""
    try:
        said = json.dumps(value, default=repr)
    except (ValueError, RecursionError):
        said = "what cannot be shown"
    return harmless(said, 60)

"""The arguments of the two tools; the models are their input schemas."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from mcp_sessions.errors import InvalidArguments
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.limits import MAX_LIMIT, MAX_OFFSET, MAX_SEARCH_WORDS
from mcp_sessions.wire.models import status_name

DEFAULT_LIMIT = 20
MAX_TAGS = 20
MAX_TAG_CHARS = 64
MAX_SEARCH_CHARS = 200

API_FILTERS = ("agent_id", "search")
"""The filters that the API decides; all others are decided here, row by row."""

Detail = Literal["brief", "standard", "full"]
Status = Literal["started", "active", "idle", "waiting_for_tool_results", "paused"]


class Allowed(NamedTuple):
    """What an argument may be: the end of the sentence "limit must be …"."""

    sentence: str


def _whole_number(value: Any) -> Any:
    """Read "5" as 5 and 5.0 as 5; leave the rest to be refused."""
    if isinstance(value, bool):
        raise PydanticCustomError("not_a_number", "a boolean is not a number")
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,12}\s*", value):
        return int(value)
    if isinstance(value, str):
        raise PydanticCustomError("not_a_number", "not a whole number")
    return value


def _words(value: Any) -> Any:
    """Read a blank search as none; refuse what a server would drop in silence."""
    if not isinstance(value, str):
        return value
    words = value.split()
    if len(words) > MAX_SEARCH_WORDS or any(
        ord(letter) < ord(" ") for word in words for letter in word
    ):
        raise PydanticCustomError("not_words", "too many words, or a control character")
    return _encodable(value) if words else None


def _copied(value: Any) -> Any:
    """Take what a copying agent put around a cursor off again; nothing is none."""
    if not isinstance(value, str):
        return value
    cursor = value.strip().strip("\"'`").rstrip("=")
    return None if cursor in ("", "null", "None") else cursor


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("surrogate", "half a character") from None
    return value


_Id = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
_Cursor = Annotated[str, Field(max_length=16_384)]
_Title = Annotated[str, Field(max_length=MAX_SEARCH_CHARS)]
_Rows = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
_Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]


def _several(value: Any) -> Any:
    """Read one string where a list is meant."""
    return [value] if isinstance(value, str) else value


def _known_statuses(value: Any) -> Any:
    """Read both spellings of waiting, and say each status once."""
    if not isinstance(value := _several(value), list):
        return value
    if not all(isinstance(status, str) for status in value):
        return value
    return list(dict.fromkeys(map(status_name, value)))


def _moment(value: Any) -> Any:
    """Read RFC 3339, or a date as its midnight, and write it in UTC."""
    if not (isinstance(value, str) and _RFC3339.fullmatch(value.strip())):
        raise PydanticCustomError("not_a_time", "not an RFC 3339 time")
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("not_a_time", "no such time") from None
    return moment.isoformat().replace("+00:00", "Z")


def _truth(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise PydanticCustomError("not_a_boolean", "neither true nor false")
    return value


_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
_Tag = Annotated[
    str, BeforeValidator(_encodable), Field(min_length=1, max_length=MAX_TAG_CHARS, pattern=r"\S")
]
_AGENT = Allowed("an agent's id such as agent_…, without spaces; leave it out for all agents")
_SESSION = Allowed("a session's id, without spaces")
_TIME = Allowed("an RFC 3339 time such as 2026-11-20T09:30:00Z, or a date, which is midnight UTC")

AgentId = Annotated[_Id | None, BeforeValidator(_encodable), _AGENT]
ParentId = Annotated[_Id | None, BeforeValidator(_encodable), _SESSION]
Search = Annotated[
    _Title | None,
    BeforeValidator(_words),
    Allowed(f"text of at most {MAX_SEARCH_CHARS} characters and {MAX_SEARCH_WORDS} words"),
]
Statuses = Annotated[
    Annotated[list[Status], Field(min_length=1)] | None,
    BeforeValidator(_known_statuses),
    Allowed(f"one or more of {', '.join(get_args(Status))}"),
]
Tags = Annotated[
    Annotated[list[_Tag], Field(min_length=1, max_length=MAX_TAGS)] | None,
    BeforeValidator(_several),
    Allowed(f"at most {MAX_TAGS} tags of 1 to {MAX_TAG_CHARS} characters"),
]
Time = Annotated[Annotated[str, BeforeValidator(_moment)] | None, _TIME]
Truth = Annotated[bool, BeforeValidator(_truth), Allowed("true or false")]
_LIMIT = Allowed(f"a whole number from 1 to {MAX_LIMIT}")
Limit = Annotated[_Rows, BeforeValidator(_whole_number), _LIMIT]
_DETAIL = Allowed("brief, standard or full")
Offset = Annotated[
    _Offset | None,
    BeforeValidator(_whole_number),
    Allowed(f"a whole number from 0 to {MAX_OFFSET}"),
]
CursorText = Annotated[
    _Cursor | None,
    BeforeValidator(_copied),
    Allowed("a next_cursor copied unchanged from an earlier result"),
]


class Arguments(BaseModel):
    """Arguments of one tool; null counts as absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    tool: ClassVar[str]

    @classmethod
    def read(cls, arguments: Mapping[str, Any] | None) -> Self:
        """Read a call's arguments.

        Raises:
            InvalidArguments: one sentence for each wrong argument, naming it and what is allowed.
        """
        given = {name: value for name, value in (arguments or {}).items() if value is not None}
        if unknown := [name for name in given if name not in cls.model_fields]:
            known = ", ".join(cls.model_fields)
            raise InvalidArguments(
                f"{cls.tool} has no argument {_shown(unknown[0])}; it takes {known}."
            )
        try:
            return cls.model_validate(given)
        except ValidationError as fault:
            wrong = dict.fromkeys(str(error["loc"][0]) for error in fault.errors())
            sentences = (
                f"{name} must be {cls.allowed(name)}; got {_shown(given[name])}." for name in wrong
            )
            raise InvalidArguments(" ".join(sentences)) from None

    @classmethod
    def allowed(cls, name: str) -> str:
        """Return what an argument may be."""
        metadata = cls.model_fields[name].metadata
        return next(said.sentence for said in metadata if isinstance(said, Allowed))


class ListSessions(Arguments):
    """Arguments of `list_sessions`: one question to the API, and how its answer is shown."""

    tool = "list_sessions"

    agent_id: AgentId = Field(None, description="Only this agent's sessions")
    search: Search = Field(None, description="Words in the title")
    status: Statuses = Field(None)
    tags: Tags = Field(None, description="All of these")
    created_after: Time = Field(None, description="RFC 3339 or date, inclusive")
    created_before: Time = Field(None, description="exclusive")
    parent_session_id: ParentId = Field(None, description="Its subagents' sessions")
    top_level_only: Truth = Field(False, description="No subagents")
    limit: Limit = Field(DEFAULT_LIMIT)
    detail: Annotated[Detail, _DETAIL] = Field("standard")

    @classmethod
    def read(cls, arguments: Mapping[str, Any] | None) -> Self:
        """Read a call's arguments, as Arguments does; filters that exclude each other too."""
        asked = super().read(arguments)
        if asked.parent_session_id is not None and asked.top_level_only:
            raise InvalidArguments(
                "parent_session_id and top_level_only exclude each other; leave one out."
            )
        after, before = asked.created_from(), asked.created_until()
        if after is not None and before is not None and after >= before:
            raise InvalidArguments("created_after must be earlier than created_before.")
        return asked

    def filters(self) -> dict[str, Any]:
        """Return the filters in force, by the names of their arguments, as JSON."""
        asked = self.model_dump(exclude={"limit", "detail"}, exclude_defaults=True)
        return {name: value for name, value in asked.items() if value is not None}

    def filters_rows(self) -> bool:
        """Tell whether any filter is decided here, row by row, and not by the API."""
        return not self.filters().keys() <= set(API_FILTERS)

    def created_from(self) -> datetime | None:
        """Return the earliest `created_at` that is asked for."""
        return datetime.fromisoformat(self.created_after) if self.created_after else None

    def created_until(self) -> datetime | None:
        """Return the time before which `created_at` has to lie."""
        return datetime.fromisoformat(self.created_before) if self.created_before else None

    def parameters(self, *, offset: int, limit: int) -> dict[str, str | int]:
        """Return the API's query parameters for `limit` rows from `offset`."""
        asked = {name: getattr(self, name) for name in API_FILTERS}
        given = {name: value for name, value in asked.items() if value is not None}
        return {**given, "offset": offset, "limit": limit}


class GetSessionPage(Arguments):
    """Arguments of `get_session_page`; those left out are None, to be told from repeated ones."""

    tool = "get_session_page"

    cursor: CursorText = Field(None, description="next_cursor of an earlier result")
    offset: Offset = Field(None, description="Rows to skip, instead of cursor")
    limit: Annotated[Limit | None, _LIMIT] = Field(None)
    agent_id: AgentId = Field(None)
    search: Search = Field(None)
    detail: Annotated[Detail | None, _DETAIL] = Field(None)

    def repeated(self) -> dict[str, Any]:
        """Return the arguments of `list_sessions` among those given."""
        return self.model_dump(exclude_none=True, exclude={"cursor", "offset"})


def _shown(value: Any) -> str:
    """Say an argument back as JSON, in one short line."""
    try:
        said = json.dumps(value, default=repr)
    except (ValueError, RecursionError):
        said = "what cannot be shown"
    return harmless(said, 60)

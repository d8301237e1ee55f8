"""The arguments of the two tools; the models are their input schemas."""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_sessions import argument_values as values
from mcp_sessions.argument_types import (
    DEFAULT_DETAIL,
    DEFAULT_LIMIT,
    EVENTS,
    MAX_SEARCH_CHARS,
    MAX_SESSION_IDS,
    MAX_TAG_CHARS,
    MAX_TAGS,
    AgentId,
    Allowed,
    CursorText,
    Detail,
    DetailWord,
    Event,
    Fields,
    Limit,
    MaybeDetail,
    MaybeLimit,
    Offset,
    ParentId,
    SessionIds,
    Status,
    Statuses,
    Tags,
    Time,
    Truth,
    Words,
    said_back,
)
from mcp_sessions.errors import InvalidArguments
from mcp_sessions.wire.limits import MAX_LIMIT, MAX_OFFSET, MAX_SEARCH_WORDS

API_FILTERS = ("agent_id", "search")
"""The filters that the API decides; all others are decided here, row by row."""

WORDS = ("search", "contains")
"""The arguments in which "null" is a word."""

BESIDE_IDS = ("session_ids", "detail", "fields")
"""What goes with sessions of given ids, which are not filtered and have no pages."""


class Arguments(BaseModel):
    """Arguments of one tool; null and blanks count as absent.

    `meant` says of names that do not exist what there is instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    tool: ClassVar[str]
    meant: ClassVar[Mapping[str, str]]

    @classmethod
    def read(cls, arguments: Mapping[str, Any] | None) -> Self:
        """Read a call's arguments.

        Raises:
            InvalidArguments: one sentence for each wrong argument, naming it and what is allowed.
        """
        arguments = arguments or {}
        for name in arguments:
            if name not in cls.model_fields:
                raise cls._unknown(name)
        given = {
            name: value
            for name, value in arguments.items()
            if not values.is_blank(value, words=name in WORDS)
        }
        try:
            return cls.model_validate(given)
        except ValidationError as fault:
            raise cls._wrong(fault, given) from None

    @classmethod
    def _unknown(cls, name: str) -> InvalidArguments:
        near = get_close_matches(name, cls.model_fields, n=1, cutoff=0.7)
        meant = cls.meant.get(name.lower()) or (f"did you mean {near[0]}?" if near else "")
        if not name.isidentifier():
            meant = "arguments are a JSON object of names and values"
        known = ", ".join(cls.model_fields)
        sentence = f"{cls.tool} has no argument {said_back(name)}; {meant}".rstrip("; ")
        end = "" if meant.endswith("?") else "."
        return InvalidArguments(f"{sentence}{end} It takes {known}.")

    @classmethod
    def _wrong(cls, fault: ValidationError, given: Mapping[str, Any]) -> InvalidArguments:
        hints: dict[str, str] = {}
        for error in fault.errors():
            hint = f" {error['msg']}" if error["type"] == values.HINT else ""
            hints.setdefault(str(error["loc"][0]), hint)
        return InvalidArguments(
            " ".join(
                f"{name} must be {cls.allowed(name)}; got {said_back(given[name])}.{hint}"
                for name, hint in hints.items()
            )
        )

    @classmethod
    def allowed(cls, name: str) -> str:
        """Return what an argument may be."""
        metadata = cls.model_fields[name].metadata
        return next(said.sentence for said in metadata if isinstance(said, Allowed))


class ListSessions(Arguments):
    """Arguments of `list_sessions`: one question to the API, and how its answer is shown."""

    tool = "list_sessions"
    meant = {
        **dict.fromkeys(
            ("cursor", "next_cursor", "page", "page_token", "offset", "skip"),
            "get_session_page turns pages, by cursor or by offset",
        ),
        **dict.fromkeys(
            ("sort", "order", "order_by", "sort_by"),
            "sessions always come newest first, by creation",
        ),
        **dict.fromkeys(
            ("query", "q", "text", "title", "name", "keyword", "question", "reply", "preview"),
            "search takes words of the title, contains words of question and reply too",
        ),
        **dict.fromkeys(
            ("page_size", "per_page", "max_results", "count", "n"), "did you mean limit?"
        ),
        **dict.fromkeys(("id", "ids", "session_id"), "did you mean session_ids?"),
        "state": "did you mean status?",
        **dict.fromkeys(
            ("activity", "failed"), "the API's list does not tell how a session's last turn ended"
        ),
        **dict.fromkeys(("since", "after", "from", "start_date"), "did you mean created_after?"),
        **dict.fromkeys(("until", "before", "to", "end_date"), "did you mean created_before?"),
    }

    session_ids: SessionIds = Field(
        None, description=f"These sessions, 1 to {MAX_SESSION_IDS}; beside it detail or fields"
    )
    agent_id: AgentId = Field(None, description="Only this agent's sessions")
    search: Words = Field(
        None,
        description=f"Words that all stand in the title, at most {MAX_SEARCH_WORDS} in"
        f" {MAX_SEARCH_CHARS} chars; untitled sessions never match",
    )
    contains: Words = Field(
        None,
        description="Words that all occur in title, first question or last reply (200 chars each)",
    )
    status: Statuses = Field(None, description=f"In any of these: {', '.join(get_args(Status))}")
    tags: Tags = Field(
        None, description=f"With all of these; at most {MAX_TAGS} of 1 to {MAX_TAG_CHARS} chars"
    )
    created_after: Time = Field(
        None, description="Created at this time or later: RFC 3339, or a date (midnight UTC)"
    )
    created_before: Time = Field(None, description="Created before this time; likewise")
    updated_after: Time = Field(None, description="Updated at this time or later; likewise")
    updated_before: Time = Field(None, description="Updated before this time; likewise")
    finished_after: Time = Field(None, description="Finished at this time or later; likewise")
    finished_before: Time = Field(None, description="Finished before this time; likewise")
    parent_session_id: ParentId = Field(
        None, description="Only sessions that this session started as subagents"
    )
    top_level_only: Truth = Field(
        False, description="Only sessions that no session started; default false"
    )
    limit: Limit = Field(
        DEFAULT_LIMIT, description=f"Most rows of a page: 1 to {MAX_LIMIT}, default {DEFAULT_LIMIT}"
    )
    detail: DetailWord = Field(
        DEFAULT_DETAIL, description="brief, standard or full; default standard"
    )
    fields: Fields = Field(
        None, description="Only these fields of each row, with id and label, instead of detail"
    )

    @classmethod
    def read(cls, arguments: Mapping[str, Any] | None) -> Self:
        """Read a call's arguments, as Arguments does; filters that exclude each other too."""
        asked = super().read(arguments)
        _refuse_beside_ids(asked)
        if asked.parent_session_id is not None and asked.top_level_only:
            raise InvalidArguments(
                "parent_session_id and top_level_only exclude each other; leave one out."
            )
        for event in EVENTS:
            after, before = asked.span(event)
            if after is not None and before is not None and after >= before:
                raise InvalidArguments(f"{event}_after must be earlier than {event}_before.")
        _refuse_both_shapes(asked.detail, asked.fields)
        return asked

    def filters(self) -> dict[str, Any]:
        """Return the filters in force, by the names of their arguments, as JSON."""
        asked = self.model_dump(exclude={"limit", *BESIDE_IDS}, exclude_defaults=True)
        return {name: value for name, value in asked.items() if value is not None}

    def filters_rows(self) -> bool:
        """Tell whether any filter is decided here, row by row, and not by the API."""
        return not self.filters().keys() <= set(API_FILTERS)

    def span(self, event: Event) -> tuple[datetime | None, datetime | None]:
        """Return the times from which on and before which the event is asked to lie."""
        after, before = getattr(self, f"{event}_after"), getattr(self, f"{event}_before")
        return _time(after), _time(before)

    def parameters(self, *, offset: int, limit: int) -> dict[str, str | int]:
        """Return the API's query parameters for `limit` rows from `offset`."""
        asked = {name: getattr(self, name) for name in API_FILTERS}
        given = {name: value for name, value in asked.items() if value is not None}
        return {**given, "offset": offset, "limit": limit}


class GetSessionPage(Arguments):
    """Arguments of `get_session_page`; those left out are None, to be told from repeated ones."""

    tool = "get_session_page"
    meant = {
        **dict.fromkeys(("next_cursor", "page_token", "token"), "did you mean cursor?"),
        **dict.fromkeys(
            ("sort", "order", "order_by", "sort_by"),
            "sessions always come newest first, by creation",
        ),
        **dict.fromkeys(("page", "page_number"), "cursor takes the next_cursor of the last result"),
        **dict.fromkeys(("skip", "start"), "did you mean offset?"),
        **dict.fromkeys(("page_size", "per_page", "max_results", "count"), "did you mean limit?"),
        "session_ids": "list_sessions takes it, and its result has no pages",
        **dict.fromkeys(
            (
                "status",
                "tags",
                "contains",
                *(f"{event}_{side}" for event in EVENTS for side in ("after", "before")),
                "parent_session_id",
                "top_level_only",
            ),
            "the cursor of a list with that filter carries it",
        ),
    }

    cursor: CursorText = Field(None, description="next_cursor of an earlier result")
    offset: Offset = Field(None, description=f"Rows to skip, 0 to {MAX_OFFSET}, instead of cursor")
    limit: MaybeLimit = Field(
        None, description=f"1 to {MAX_LIMIT}; the cursor's, or with offset {DEFAULT_LIMIT}"
    )
    agent_id: AgentId = Field(None, description="With offset: only this agent's sessions")
    search: Words = Field(None, description="With offset: words that all stand in the title")
    detail: MaybeDetail = Field(None, description="brief, standard or full; default the cursor's")
    fields: Fields = Field(
        None, description="Only these fields of each row, instead of detail; default the cursor's"
    )

    @classmethod
    def read(cls, arguments: Mapping[str, Any] | None) -> Self:
        """Read a call's arguments, as Arguments does.

        With offset 0, which clients fill in, a blank cursor is a list that has ended.
        """
        given = dict(arguments or {})
        asked = super().read(given)
        _refuse_both_shapes(asked.detail, asked.fields)
        if asked.offset == 0 and "cursor" in given:
            return asked.model_copy(update={"offset": None})
        return asked

    def repeated(self) -> dict[str, Any]:
        """Return the arguments of `list_sessions` among those given."""
        return self.model_dump(exclude_none=True, exclude={"cursor", "offset"})


def _refuse_beside_ids(asked: ListSessions) -> None:
    """Refuse by name what would be dropped beside ids; what is at its default is not asked for."""
    if asked.session_ids is None:
        return
    beside = asked.model_dump(exclude=set(BESIDE_IDS), exclude_defaults=True)
    if beside:
        raise InvalidArguments(
            f"session_ids goes with detail and fields only; leave out {' and '.join(beside)}."
        )


def _refuse_both_shapes(detail: Detail | None, fields: list[str] | None) -> None:
    """Refuse fields beside a detail, unless that is the default, which clients fill in."""
    if fields is not None and detail not in (None, DEFAULT_DETAIL):
        raise InvalidArguments("fields takes the place of detail; leave one of them out.")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

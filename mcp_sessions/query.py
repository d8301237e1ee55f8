"""What may be asked: the arguments of the two tools, whose models are their input schemas."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from mcp_sessions.errors import InvalidArguments
from mcp_sessions.untrusted import harmless

DEFAULT_LIMIT = 20
MOST_ROWS = 100  # the API clamps a larger limit in silence
LONGEST_SEARCH = 200
LARGEST_OFFSET = 2**31 - 1  # the API's offset is an int32

Detail = Literal["brief", "standard", "full"]


# The end of the sentence "limit must be …", one for each argument.
_ALLOWED = {
    "agent_id": "an agent's id such as agent_…, without spaces; leave it out for all agents",
    "search": f"text of at most {LONGEST_SEARCH} characters",
    "limit": f"a whole number from 1 to {MOST_ROWS}",
    "detail": "brief, standard or full",
    "cursor": "a next_cursor copied unchanged from an earlier result",
    "offset": f"a whole number from 0 to {LARGEST_OFFSET}",
}


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
    """Read a blank search as none; refuse what no request can carry."""
    if isinstance(value, str) and not value.strip():
        return None
    return _encodable(value)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("surrogate", "half a character") from None
    return value


_Id = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^\S+$")]
_Title = Annotated[str, Field(max_length=LONGEST_SEARCH)]
_Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
_Place = Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]

AgentId = Annotated[_Id | None, BeforeValidator(_encodable)]
Search = Annotated[_Title | None, BeforeValidator(_words)]
Limit = Annotated[_Rows, BeforeValidator(_whole_number)]
Offset = Annotated[_Place | None, BeforeValidator(_whole_number)]
CursorText = Annotated[str, Field(max_length=4_096)]


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
                f"{name} must be {_ALLOWED[name]}; got {_shown(given[name])}." for name in wrong
            )
            raise InvalidArguments(" ".join(sentences)) from None


class ListSessions(Arguments):
    """Arguments of `list_sessions`: one question to the API, and how its answer is shown."""

    tool = "list_sessions"

    agent_id: AgentId = Field(None, description="Only this agent's sessions")
    search: Search = Field(None, description="Words in the title")
    limit: Limit = Field(DEFAULT_LIMIT)
    detail: Detail = Field("standard")

    def filters(self) -> dict[str, str]:
        """Return the filters in force, by the names of their arguments."""
        asked = {"agent_id": self.agent_id, "search": self.search}
        return {name: value for name, value in asked.items() if value is not None}

    def parameters(self, *, offset: int, limit: int) -> dict[str, str | int]:
        """Return the API's query parameters for `limit` rows from `offset`."""
        return {**self.filters(), "offset": offset, "limit": limit}


class GetSessionPage(Arguments):
    """Arguments of `get_session_page`; those left out are None, to be told from repeated ones."""

    tool = "get_session_page"

    cursor: CursorText | None = Field(None, description="next_cursor of an earlier result")
    offset: Offset = Field(None, description="Rows to skip, instead of cursor")
    limit: Limit | None = Field(None)
    agent_id: AgentId = Field(None)
    search: Search = Field(None)
    detail: Detail | None = Field(None)

    def repeated(self) -> dict[str, Any]:
        """Return the arguments of `list_sessions` among those given."""
        return self.model_dump(exclude_none=True, exclude={"cursor", "offset"})


def _shown(value: Any) -> str:
    return harmless(repr(value), 60)

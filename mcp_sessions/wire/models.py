"""What the API sends, read leniently: only `id` is required, and a field of the wrong type is none.

Nothing that may hold a secret is ever kept: of a prompt its length is read, of a file its path
and size, of an MCP server its transport. Field names are the API's.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema


class _OrNone:
    """Reads what does not fit as None, inside the validator, so that no row is lost to a field."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_default_schema(
            core_schema.nullable_schema(handler(source)), default=None, on_error="default"
        )


class _AtMost:
    """Cuts a text to what may be looked at of it, so that no more of a long one is ever kept."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        most = self._max_chars
        short = core_schema.str_schema(max_length=most)  # nearly every one, at no call of Python's
        long = core_schema.no_info_after_validator_function(
            lambda text: text[:most], handler(source)
        )
        return core_schema.union_schema([short, long], mode="left_to_right")


def _utc(moment: datetime) -> datetime:
    """Read a time without a zone as UTC, which is what the API means."""
    try:
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the calendar") from None
    if utc.year < _FIRST_YEAR:
        raise ValueError("a number, or a time before there were sessions")
    return utc


def _size(content: Any) -> Any:
    """Keep a text's length in characters and forget the text."""
    return len(content) if isinstance(content, str) else None


WAITING = "waiting_for_tool_results"
_WAITING_ON_THE_WIRE = "waitingfortoolresults"


def status_name(status: str) -> str:
    """Return a status as it is shown: the API spells that of waiting in two ways."""
    return WAITING if status == _WAITING_ON_THE_WIRE else status


_FIRST_YEAR = 2000
_MAX_DOLLARS = 1_000_000_000

MAX_TEXT_CHARS = 4_000
"""Code points of a text that are read; a row shows 200 at most, whatever is invisible in it."""
MAX_NAME_CHARS = 400
"""The same of a tag or a feature, of which a row shows 64."""

_Strict = Field(strict=True)
Text = Annotated[Annotated[str, _AtMost(MAX_TEXT_CHARS)] | None, _OrNone()]
Name = Annotated[str, _AtMost(MAX_NAME_CHARS)]
Whole = Annotated[Annotated[int, Field(strict=True, ge=0, lt=2**63)] | None, _OrNone()]
Amount = Annotated[Annotated[FiniteFloat, Field(ge=0, le=_MAX_DOLLARS)] | None, _OrNone()]
Flag = Annotated[Annotated[bool, _Strict] | None, _OrNone()]
Moment = Annotated[Annotated[datetime, AfterValidator(_utc)] | None, _OrNone()]
Status = Annotated[Annotated[str, AfterValidator(status_name)] | None, _OrNone()]
Size = Annotated[int | None, BeforeValidator(_size), _OrNone()]
# An id is shown beside its label and pasted into calls: one word, whatever its length.
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$", strict=True)]

_T = TypeVar("_T")
Listed = Annotated[list[Annotated[_T | None, _OrNone()]] | None, _OrNone()]


class Wire(BaseModel):
    """An object of the API's; what is not named here is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class TokenUsage(Wire):
    """Tokens and cost; the three input counts are disjoint."""

    input_tokens: Whole = None
    output_tokens: Whole = None
    cache_read_tokens: Whole = None
    cache_creation_tokens: Whole = None
    actual_cost_usd: Amount = None
    estimated_cost_usd: Amount = None
    effective_cost_usd: Amount = None


class Session(Wire):
    """A session as the brief and standard rows need it."""

    id: SessionId
    title: Text = None
    preview: Text = None
    output_preview: Text = None
    status: Status = None
    agent_id: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    finished_at: Moment = None
    tags: Listed[Name] = None
    parent_session_id: Text = None
    subagent_name: Text = None
    subagent_status: Text = None
    usage: Annotated[TokenUsage | None, _OrNone()] = None
    is_pinned: Flag = None
    active_schedule_count: Whole = None


class Principal(Wire):
    """An owner, without the metadata."""

    id: Text = None
    kind: Text = None


class Tool(Wire):
    """A tool, by name."""

    name: Text = None


class InitialFile(Wire):
    """A starter file: its path, and the length of its content as sent."""

    path: Text = None
    content: Size = None
    encoding: Text = None


class McpServer(Wire):
    """An MCP server, by transport."""

    type: Text = None


class Capability(Wire):
    """A capability, by reference."""

    ref: Text = None


class FullSession(Session):
    """A session as the full row needs it."""

    organization_id: Text = None
    workspace_id: Text = None
    harness_id: Text = None
    model_id: Text = None
    agent_identity_id: Text = None
    agent_version_id: Text = None
    blueprint_id: Text = None
    forked_from_session_id: Text = None
    forked_from_sequence: Whole = None
    owner_principal_id: Text = None
    resolved_owner_user_id: Text = None
    owner: Annotated[Principal | None, _OrNone()] = None
    effective_owner: Annotated[Principal | None, _OrNone()] = None
    subagent_task: Text = None
    started_at: Moment = None
    locale: Text = None
    max_iterations: Whole = None
    parallel_tool_calls: Flag = None
    features: Listed[Name] = None
    view_url: Text = None
    system_prompt: Size = None
    tools: Listed[Tool] = None
    initial_files: Listed[InitialFile] = None
    capabilities: Listed[Capability] = None
    mcp_servers: Annotated[
        dict[str, Annotated[McpServer | None, _OrNone()]] | None,
        _OrNone(),
        Field(alias="mcpServers"),
    ] = None


SessionT = TypeVar("SessionT", bound=Session)


class Page(Wire, Generic[SessionT]):
    """One answer of `GET /v1/sessions`; a row that is not a session is None."""

    data: list[Annotated[SessionT | None, _OrNone()]]
    total: Whole = None
    offset: Whole = None
    limit: Whole = None

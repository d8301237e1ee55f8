"""What is shown of a page and of a session; the models are the output schema of both tools.

`rows` fills them; what is not named here cannot be shown.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

# What rows of one page often have in common, and then say once.
SHAREABLE = ("agent_id", "organization_id", "harness_id", "model_id", "link")
# What a filter may have said of every row.
SAID_BY_FILTERS = ("agent_id", "parent_session_id")


def _without_point(cost: float) -> float:
    return int(cost) if cost.is_integer() else cost


Dollars = Annotated[float, PlainSerializer(_without_point, return_type=float)]


class Shown(BaseModel):
    """A part of a result; absent values are left out."""

    model_config = ConfigDict(frozen=True)

    def compact(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return the JSON object without its absent values, and without the fields named."""
        return self.model_dump(exclude_none=True, exclude=set(without) or None)


class Subagent(Shown):
    """What a subagent's session is called and how it stands."""

    name: str | None = None
    status: str | None = None
    task: str | None = None


class Usage(Shown):
    """What a session used, as the API counts it: the three inputs are disjoint."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    billed_usd: Dollars | None = None
    estimated_usd: Dollars | None = None


class Owner(Shown):
    """A principal: who, and of what kind."""

    id: str | None = None
    kind: str | None = None


class Listing(Shown):
    """How many there are, and the first of their names."""

    count: int
    names: list[str]


class Found(Shown):
    """The surroundings of the words of `contains` in a session's texts."""

    title: str | None = None
    question: str | None = None
    reply: str | None = None


class Row(Shown):
    """One session; brief, standard and full rows fill more and more of it."""

    id: str
    label: str = Field(description="title, else the start of the first question, else the id")
    untitled: bool | None = Field(None, description="true where label is no title")
    status: str | None = None
    agent_id: str | None = Field(
        None, description="like parent_session_id left out where filters or shared say it"
    )
    created_at: str | None = Field(None, description="times are UTC")
    updated_at: str | None = Field(None, description="left out where it equals finished_at")
    finished_at: str | None = None
    tags: list[str] | None = None
    question: str | None = Field(None, description="start of the first user message")
    reply: str | None = Field(None, description="start of the last agent message")
    parent_session_id: str | None = Field(None, description="the session that started this one")
    subagent: Subagent | None = None
    tokens: int | None = Field(None, description="input + output, without caches")
    cost_usd: Dollars | None = None
    pinned: bool | None = Field(None, description="only full says false")
    schedules: int | None = Field(None, description="active ones; only full says 0")
    started_at: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = Field(None, description="where it is not the session's own")
    harness_id: str | None = None
    model_id: str | None = None
    agent_identity_id: str | None = None
    agent_version_id: str | None = None
    blueprint_id: str | None = None
    forked_from_session_id: str | None = None
    forked_from_sequence: int | None = None
    owner_principal_id: str | None = None
    resolved_owner_user_id: str | None = None
    owner: Owner | None = None
    effective_owner: Owner | None = None
    locale: str | None = None
    max_iterations: int | None = None
    parallel_tool_calls: bool | None = None
    features: list[str] | None = None
    link: str | None = None
    usage: Usage | None = None
    system_prompt_chars: int | None = None
    tools: Listing | None = None
    files: Listing | None = None
    mcp_servers: Listing | None = None
    capabilities: Listing | None = None
    found: Found | None = Field(None, description="contains' words, where nothing else shows them")
    shortened: bool | None = Field(None, description="shown brief because it was too large")


class Shared(Shown):
    """What all sessions of the result have in common; each row then leaves it out."""

    agent_id: str | None = None
    organization_id: str | None = None
    harness_id: str | None = None
    model_id: str | None = None
    link: str | None = Field(None, description="of each session, with its id for {id}")


class Filters(Shown):
    """The filters in force."""

    agent_id: str | None = None
    search: str | None = None
    contains: str | None = None
    status: list[str] | None = None
    tags: list[str] | None = None
    created_after: str | None = None
    created_before: str | None = None
    updated_after: str | None = None
    updated_before: str | None = None
    finished_after: str | None = None
    finished_before: str | None = None
    parent_session_id: str | None = None
    top_level_only: bool | None = None


class Unread(Shown):
    """A session that could not be read, by the code of what went wrong."""

    id: str
    code: str


class PageSummary(Shown):
    """One page, as the agent sees it: what is known of the list, its rows, and what to do next."""

    returned: int = Field(description="sessions in this result")
    total: int | None = Field(None, description="sessions that match all filters, as of this call")
    offset: int | None = Field(None, description="the API's index of the first row")
    examined: int | None = Field(None, description="sessions that this call looked at for filters")
    complete: bool | None = Field(
        None, description="the walk saw the list to its end and left nothing out"
    )
    limit: int | None = None
    filters: Filters | None = None
    unreadable: int | None = Field(None, description="sessions that the API sent broken: left out")
    not_found: list[str] | None = Field(None, description="of session_ids: there are none such")
    unread: list[Unread] | None = Field(None, description="of session_ids: could not be read now")
    not_shown: list[str] | None = Field(
        None, description="of session_ids: did not fit; ask for these again"
    )
    detail: str | None = Field(None, description="of session_ids: unless it is standard")
    fields: list[str] | None = Field(None, description="of session_ids, instead of detail")
    note: str | None = None
    shared: Shared | None = None
    sessions: list[Row]
    left_for_next_page: int | None = Field(
        None, description="sessions found that did not fit: the page ended early"
    )
    has_more: bool
    next_cursor: str | None = Field(None, description="for next_tool")
    next_tool: str | None = Field(None, description="the tool that takes next_cursor")


def share(rows: Sequence[Row]) -> tuple[list[Row], Shared | None]:
    """Say once what two rows or more all have in common, and leave it out of each."""
    if len(rows) < 2:  # noqa: PLR2004 - one row shares with nobody
        return list(rows), None
    common = shareable(rows[0])
    for row in rows[1:]:
        own = shareable(row)
        common = {name: value for name, value in common.items() if own.get(name) == value}
    if not common:
        return list(rows), None
    without = dict.fromkeys(common)
    return [row.model_copy(update=without) for row in rows], Shared(**common)


def shareable(row: Row) -> dict[str, str]:
    """Return what a row may have in common with others; of a link that which is not its id."""
    told = {name: value for name in SHAREABLE if (value := getattr(row, name)) is not None}
    if row.link is not None:
        told["link"] = row.link.replace(row.id, "{id}")
    return told

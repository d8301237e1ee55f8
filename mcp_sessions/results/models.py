"""What is shown of a page and of a session; the models are the output schema of both tools.

`rows` fills them; what is not named here cannot be shown.
"""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

# What rows of one page often have in common, and then say once.
SHAREABLE = ("agent_id", "organization_id", "harness_id", "model_id")


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


class Tokens(Shown):
    """Token counts as the API gives them; `input` leaves out what the caches served or stored."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None


class Owner(Shown):
    """A principal: who, and of what kind."""

    id: str | None = None
    kind: str | None = None


class Listing(Shown):
    """How many there are, and the first of their names."""

    count: int
    names: list[str]


class Row(Shown):
    """One session; brief, standard and full rows fill more and more of it."""

    id: str
    label: str = Field(description="title, else the start of its preview, else its id")
    status: str | None = None
    agent_id: str | None = Field(None, description="like all ids, left out when said under shared")
    created_at: str | None = Field(None, description="times are UTC")
    updated_at: str | None = None
    finished_at: str | None = None
    tags: list[str] | None = None
    preview: str | None = Field(None, description="first user message")
    reply: str | None = Field(None, description="last agent message")
    parent_session_id: str | None = None
    subagent: Subagent | None = None
    tokens: Tokens | None = None
    cost_usd: float | None = None
    pinned: bool | None = Field(None, description="only full says false")
    schedules: int | None = Field(None, description="active ones; only full says 0")
    started_at: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
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
    system_prompt_chars: int | None = None
    tools: Listing | None = None
    files: Listing | None = None
    mcp_servers: Listing | None = None
    capabilities: Listing | None = None
    shortened: bool | None = Field(None, description="shown brief because it was too large")


class Shared(Shown):
    """What all sessions of the result have in common; each row then leaves it out."""

    agent_id: str | None = None
    organization_id: str | None = None
    harness_id: str | None = None
    model_id: str | None = None


class Filters(Shown):
    """The filters in force."""

    agent_id: str | None = None
    search: str | None = None
    status: list[str] | None = None
    tags: list[str] | None = None
    created_after: str | None = None
    created_before: str | None = None
    parent_session_id: str | None = None
    top_level_only: bool | None = None


class PageSummary(Shown):
    """One page, as the agent sees it."""

    sessions: list[Row]
    shared: Shared | None = None
    returned: int
    total: int | None = Field(None, description="matching sessions as of this call")
    offset: int | None = Field(None, description="the API's index of the first row")
    examined: int | None = Field(None, description="rows judged by filters in this call")
    complete: bool | None = Field(
        None, description="these filters saw the list to its end and left nothing out"
    )
    limit: int
    detail: str
    filters: Filters | None = None
    has_more: bool
    next_cursor: str | None = Field(None, description="for get_session_page")
    malformed: int | None = Field(None, description="unreadable rows left out")
    moved_on: int | None = Field(None, description="rows that did not fit; the cursor gives them")
    note: str | None = None


def share(rows: Sequence[Row]) -> tuple[list[Row], Shared | None]:
    """Say once what two rows or more all have in common, and leave it out of each."""
    common = {
        name: value
        for name in SHAREABLE
        if len(rows) > 1
        and (value := getattr(rows[0], name)) is not None
        and all(getattr(row, name) == value for row in rows)
    }
    if not common:
        return list(rows), None
    without = dict.fromkeys(common)
    return [row.model_copy(update=without) for row in rows], Shared(**common)

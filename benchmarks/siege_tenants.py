"""Tenants under siege: who they are, what the API has for them, and their file.

A session's id begins with its tenant's number, so that a row shown to another is known by sight.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

CANARY = "CANARY"
WORDS = ("report", "plan", "audit")
_STATUSES = ("idle", "active", "paused")
_NEWEST = datetime(2026, 11, 20, 12, tzinfo=UTC)
_SESSIONS = 60
SECRETS = (
    f"ghp_{CANARY}0123456789abcdefABCDEF0123456789",
    f"sk-proj-{CANARY}0123456789abcdef",
    f"password={CANARY}hunter2",
    f"https://user:{CANARY}pw1@db.example/x",
    f"Authorization: Bearer {CANARY}abc1234567890def",
)
"""Credentials of shapes that are masked wherever a title may be shown."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant; a scoped one sees only its own organization and agent."""

    name: str
    number: int
    token: str
    scoped: bool = False

    @property
    def key(self) -> str:
        """Return its key for the API."""
        return f"evr_pat_{CANARY}{self.name}"

    @property
    def org_id(self) -> str:
        """Return its organization."""
        return f"org_{self.number:032x}"

    @property
    def agent_id(self) -> str:
        """Return the agent of its sessions."""
        return f"agent_{self.number:032x}"

    def session_id(self, row: int) -> str:
        """Return the id of the session at a place in its list."""
        return f"session_{self.number:04x}{row:028x}"

    def light_row(self, row: int) -> dict[str, Any]:
        """Return a small session as the API sends it, with credentials where they may be hidden."""
        moment = (_NEWEST - timedelta(minutes=row)).isoformat()
        secret = SECRETS[row % len(SECRETS)]
        return {
            "id": self.session_id(row),
            "title": f"{WORDS[row % len(WORDS)]} {row} of {self.name}",
            "status": _STATUSES[row // len(WORDS) % len(_STATUSES)],
            "tags": [f"tag{row}"],
            "agent_id": self.agent_id,
            "organization_id": self.org_id,
            "created_at": moment,
            "updated_at": moment,
            "preview": f"Ask it about {secret} today",
            "mcpServers": {"crm": {"type": "http", "headers": {"Authorization": secret}}},
        }

    def light_list(self, search: str | None) -> list[dict[str, Any]]:
        """Return its whole list, or what a word of WORDS finds in it."""
        rows = map(self.light_row, range(_SESSIONS))
        return [row for row in rows if search is None or search in row["title"]]


OUTSIDE = Tenant("outside", 0xFFFF, "")
"""Whose sessions the API shows to a scoped tenant's key that forgets its scope."""

NAMES = ("greedy", "hostile", "heavy", "quiet", "calm", "narrow")


def new_tenants() -> dict[str, Tenant]:
    """Return the tenants with new tokens; the last one is scoped."""
    return {
        name: Tenant(name, number, f"mcps_{secrets.token_hex(16)}", scoped=name == NAMES[-1])
        for number, name in enumerate(NAMES, 1)
    }


def tenants_file(tenants: Sequence[Tenant]) -> str:
    """Return the file; the scope of the last tenant is its end."""
    return "\n".join(map(_entry, tenants))


def _entry(tenant: Tenant) -> str:
    lines = [
        "[[tenant]]",
        f'name = "{tenant.name}"',
        f'token_hashes = ["sha256:{sha256(tenant.token.encode()).hexdigest()}"]',
        f'api_key = "{tenant.key}"',
    ]
    if tenant.scoped:
        lines += [f'org_id = "{tenant.org_id}"', f'agent_id = "{tenant.agent_id}"']
    return "\n".join([*lines, ""])

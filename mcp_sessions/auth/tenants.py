"""The tenants: which caller asks the API with which key, as a TOML file says."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import TokenHash
from mcp_sessions.settings import ApiKey, Settings, key_of, no_key_in, validated

_NAMED = "MCP_SESSIONS_TENANTS_FILE"

# The time of TOML's parser grows with the square of a key's parts, which stand in one line.
_MAX_DOTS = 256  # in a line that is no comment

FilesRead = Mapping[Path, bytes | str]
"""What each file holds, or why it cannot be read."""


class Entry(BaseModel):
    """One `[[tenant]]` of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    token_hashes: tuple[TokenHash, ...] = ()
    subjects: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    client_ids: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    api_key: ApiKey | None = None
    api_key_file: Path | None = None
    api_key_env: str | None = Field(None, pattern=r"^[A-Z_][A-Z0-9_]*$")  # no key, by mistake
    org_id: str | None = None
    agent_id: str | None = None

    @model_validator(mode="after")
    def _check_complete(self) -> Self:
        if [self.api_key, self.api_key_file, self.api_key_env].count(None) != 2:  # noqa: PLR2004 - of three
            raise ValueError(
                f"tenant {self.name} needs one of api_key, api_key_file and api_key_env"
            )
        if not (self.token_hashes or self.subjects or self.client_ids):
            raise ValueError(
                f"tenant {self.name} lets nobody in: give it token_hashes, subjects or client_ids"
            )
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tenant: tuple[Entry, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant: its name, and the settings that its calls are made with."""

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class TenantRegister:
    """All tenants as the file had them at one time, and who is let in as which of them."""

    tenants: Mapping[str, Tenant]
    token_hashes: Mapping[str, str]  # hash to name, as the next two
    subjects: Mapping[str, str]
    client_ids: Mapping[str, str]

    @classmethod
    def of(
        cls,
        file: Path,
        entries: tuple[Entry, ...],
        keys: FilesRead,
        common: Settings,
        environ: Mapping[str, str],
    ) -> Self:
        """Return the tenants of a file's entries; `keys` holds what their keys' files do.

        Raises:
            InvalidSettings: they cannot be used; no sentence quotes a key.
        """
        tenants = {
            one.name: Tenant(one.name, _settings(one, keys, common, environ)) for one in entries
        }
        if len(tenants) < len(entries):
            raise InvalidSettings(f"{file}: two tenants have the same name.")
        return cls(
            tenants=tenants,
            token_hashes=_owners(file, entries, "token_hashes"),
            subjects=_owners(file, entries, "subjects"),
            client_ids=_owners(file, entries, "client_ids"),
        )

    def with_tenants(self, tenants: Iterable[Tenant]) -> Self:
        """Return the same with other settings of its tenants."""
        return replace(self, tenants={one.name: one for one in tenants})


def entries_in(content: bytes | str, file: Path) -> tuple[Entry, ...]:
    """Return the entries of the tenants file, which holds `content`.

    Raises:
        InvalidSettings: it cannot be used; no sentence quotes what it holds.
    """
    if isinstance(content, str):
        raise InvalidSettings(f"{_NAMED} cannot be read ({content}).", where=file)
    lines = (line for line in content.split(b"\n") if not line.lstrip().startswith(b"#"))
    if any(line.count(b".") > _MAX_DOTS for line in lines):
        raise InvalidSettings(f"{_NAMED} has a line of more than {_MAX_DOTS} dots.", where=file)
    try:
        return validated(_File, tomllib.loads(content.decode("utf-8-sig"))).tenant
    except InvalidSettings as fault:
        raise InvalidSettings(f"{file}: {fault}") from None
    except tomllib.TOMLDecodeError as fault:
        # The rest of what it says may quote a key.
        where = re.search(r" \(at (line \d+, column \d+|end of document)\)$", str(fault))
        raise InvalidSettings(
            f"{_NAMED} is not TOML{where[0] if where else ''}.", where=file
        ) from None
    # Besides UTF-8 that is none: numbers of 5,000 digits, brackets without end, and the like.
    except Exception as fault:  # noqa: BLE001 - whatever is in a file, it is only unusable
        reason = type(fault).__name__
        raise InvalidSettings(f"{_NAMED} cannot be read ({reason}).", where=file) from None


def _settings(
    entry: Entry, keys: FilesRead, common: Settings, environ: Mapping[str, str]
) -> Settings:
    given = {
        "EVERRUNS_API_KEY": _key(entry, keys, environ),
        "EVERRUNS_ORG_ID": entry.org_id,
        "MCP_SESSIONS_AGENT_ID": entry.agent_id,
    }
    try:
        own = validated(Settings, given)
    except InvalidSettings as fault:
        raise InvalidSettings(f"tenant {entry.name}: {fault}") from None
    return common.model_copy(
        update={
            "api_key": own.api_key,
            "api_key_file": None,
            "no_key": False,
            "org_id": own.org_id,
            "agent_id": own.agent_id,
        }
    )


def _key(entry: Entry, keys: FilesRead, environ: Mapping[str, str]) -> SecretStr | str:
    if entry.api_key is not None:
        return entry.api_key
    if (file := entry.api_key_file) is not None:
        content, named = keys[file], f"api_key_file of tenant {entry.name}"
        if isinstance(content, str):
            raise no_key_in(file, named, content)
        return key_of(content, file, named)
    key = environ.get(entry.api_key_env or "", "").strip()
    if not key:
        raise InvalidSettings(f"tenant {entry.name}: {entry.api_key_env} is not set.")
    return key


def _owners(file: Path, entries: tuple[Entry, ...], kind: str) -> dict[str, str]:
    owners: dict[str, str] = {}
    for entry in entries:
        for one in getattr(entry, kind):
            if owners.setdefault(one, entry.name) != entry.name:
                raise InvalidSettings(
                    f"{file}: {entry.name} and {owners[one]} have one of their {kind} in common."
                )
    return owners

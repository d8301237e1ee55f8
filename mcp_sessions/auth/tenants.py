"""The tenants: which caller asks the API with which key, as a TOML file says.

The file is read again when it or a key's file has changed, so that a tenant comes, goes or gets a
new key without a restart; a file that has become unusable changes nothing.
"""

import logging
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import TokenHash
from mcp_sessions.settings import ApiKey, Settings, key_in, validated

logger = logging.getLogger(__name__)

_LOOK_EVERY = 1.0  # seconds


class _Entry(BaseModel):
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

    tenant: tuple[_Entry, ...] = Field(min_length=1)


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
    stamps: Mapping[Path, "Stamp"]  # of the file and of the keys' files, before they were read

    @classmethod
    def read(cls, file: Path, common: Settings, environ: Mapping[str, str]) -> Self:
        """Read the file.

        Raises:
            InvalidSettings: it cannot be used; no sentence quotes a key.
        """
        stamps = {file: _stamp(file)}
        entries = _entries(file)
        stamps |= {
            one.api_key_file: _stamp(one.api_key_file) for one in entries if one.api_key_file
        }
        tenants = {one.name: Tenant(one.name, _settings(one, common, environ)) for one in entries}
        if len(tenants) < len(entries):
            raise InvalidSettings(f"{file}: two tenants have the same name.")
        return cls(
            tenants=tenants,
            token_hashes=_owners(file, entries, "token_hashes"),
            subjects=_owners(file, entries, "subjects"),
            client_ids=_owners(file, entries, "client_ids"),
            stamps=stamps,
        )


@dataclass(slots=True)
class TenantsFile:
    """The tenants file, read again when it changes.

    Raises:
        InvalidSettings: when it is made, if the file or the settings beside it cannot be used.
    """

    file: Path
    common: Settings
    variables: Mapping[str, str]
    _register: TenantRegister = field(init=False)
    _fault: str | None = field(init=False, default=None)  # of the last reading
    _looked: float = field(init=False)

    def __post_init__(self) -> None:
        _refuse_common_scope(self.common)
        self._register = TenantRegister.read(self.file, self.common, self.variables)
        self._looked = time.monotonic()

    def current(self) -> TenantRegister:
        """Return the register, at most a second older than the file."""
        if time.monotonic() - self._looked >= _LOOK_EVERY:
            self._looked = time.monotonic()
            changed = any(_stamp(file) != stamp for file, stamp in self._register.stamps.items())
            if changed or self._fault is not None:
                self._reload()
        return self._register

    def _reload(self) -> None:
        """Read anew; after a failure again and again, since what it lacked may come late."""
        try:
            register = TenantRegister.read(self.file, self.common, self.variables)
        except InvalidSettings as fault:
            if str(fault) != self._fault:
                logger.error("the tenants stay as they were: %s", fault)  # noqa: TRY400 - a sentence
            self._fault = str(fault)
            return
        self._fault = None
        known = self._register.tenants
        # One that is as it was stays the same object, and keeps what is remembered for it.
        kept = {
            name: known[name] if known.get(name) == tenant else tenant
            for name, tenant in register.tenants.items()
        }
        self._register = replace(register, tenants=kept)
        logger.info("%d tenants read", len(kept))


def _refuse_common_scope(common: Settings) -> None:
    """Refuse an organization or agent beside the file: ignored, it would be no limit."""
    given = {"EVERRUNS_ORG_ID": common.org_id, "MCP_SESSIONS_AGENT_ID": common.agent_id}
    for name, value in given.items():
        if value is not None:
            raise InvalidSettings(
                f"{name} is set beside MCP_SESSIONS_TENANTS_FILE, where each tenant has its own:"
                " unset it."
            )


Stamp = tuple[int, ...]


def _stamp(file: Path) -> Stamp:
    """Return what changes with a file, be it written or replaced; nothing where there is none."""
    try:
        stat = file.stat()
    except OSError:
        return ()
    return (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _entries(file: Path) -> tuple[_Entry, ...]:
    named = "MCP_SESSIONS_TENANTS_FILE"
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidSettings(f"{named} cannot be read ({type(fault).__name__}): {file}") from None
    except tomllib.TOMLDecodeError as fault:
        where = re.search(r"\(at .*\)$", str(fault))  # the rest may quote a key
        raise InvalidSettings(f"{named} is not TOML {where[0] if where else ''}: {file}") from None
    try:
        return validated(_File, read).tenant
    except InvalidSettings as fault:
        raise InvalidSettings(f"{file}: {fault}") from None


def _settings(entry: _Entry, common: Settings, environ: Mapping[str, str]) -> Settings:
    given = {
        "EVERRUNS_API_KEY": _key(entry, environ),
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


def _key(entry: _Entry, environ: Mapping[str, str]) -> SecretStr | str:
    if entry.api_key is not None:
        return entry.api_key
    if entry.api_key_file is not None:
        return key_in(entry.api_key_file, f"api_key_file of tenant {entry.name}")
    key = environ.get(entry.api_key_env or "", "").strip()
    if not key:
        raise InvalidSettings(f"tenant {entry.name}: {entry.api_key_env} is not set.")
    return key


def _owners(file: Path, entries: tuple[_Entry, ...], kind: str) -> dict[str, str]:
    owners: dict[str, str] = {}
    for entry in entries:
        for one in getattr(entry, kind):
            if owners.setdefault(one, entry.name) != entry.name:
                raise InvalidSettings(
                    f"{file}: {entry.name} and {owners[one]} have one of their {kind} in common."
                )
    return owners

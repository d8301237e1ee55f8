"""What the operator decided, read once from the environment and never changed."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.regular_file import UnreadableFile, read_regular_file

MAX_KEY_BYTES = 64 * 1024  # of a file that holds a key
_MAX_TOLD = 20  # faults that are told at once


def _base_url(url: str) -> str:
    """Keep the path: the API lives under one, usually /api."""
    url = url.strip()
    fault = ValueError("it must be an http or https URL, such as https://app.everruns.com/api")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise fault from None
    readable = re.fullmatch(r"[!-~]+", url) and port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not readable:
        raise fault
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not carry a user name or password; use EVERRUNS_API_KEY")
    if "?" in url or "#" in url:
        raise ValueError("it must end with its path: no query and no fragment")
    return url.rstrip("/")


def _header_value(text: Any) -> Any:
    """An HTTP header carries visible ASCII; anything else is a slip of the clipboard."""
    if not isinstance(text, str):
        return text
    text = text.strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("it must be one line of plain ASCII characters")
    return text


def _key(text: Any) -> Any:
    """Refuse what an example or a shell left in a key's place."""
    key = _header_value(text)
    if isinstance(key, str) and _PLACEHOLDER.fullmatch(key.strip("\"'")):
        raise ValueError(
            "it is still a placeholder: put a personal access token of yours there, as Everruns"
            " shows it once"
        )
    return key


# What an example (your_token, changeme, xxxx) or a shell and a client that put no value in
# (${NAME}, {env:NAME}, $(command)) leave in a key's place, whatever scheme stands before it.
_PLACEHOLDER = re.compile(
    r"(?i)(?:(?:bearer|apikey)\s*)?(?:evr_pat_)?(?:"
    r"your[_ -].*|your(?:key|token).*|replace.*|change.?me|todo|null|none|undefined"
    r"|\$?\{.*\}|\$\(.*\)|\$(?:env:)?\w+|%\w+%|<.*>|[*x.…]*|op://.*)"
)

ApiKey = Annotated[SecretStr, BeforeValidator(_key)]


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


ResultForm = Literal["both", "text", "structured"]
"""What a tool's result holds: text, structured content, or the same in both."""


class Settings(BaseModel):
    """One server's settings; each field's alias is its environment variable.

    Made by `from_env`, which raises InvalidSettings with one sentence for each fault.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )

    api_key: ApiKey | None = Field(
        None,
        alias="EVERRUNS_API_KEY",
        description="The personal access token (`evr_pat_…`, sent bare) or JWT (sent as"
        " `Bearer`). One that already names its scheme (`Bearer …`, `ApiKey …`) is sent as it is.",
    )
    api_key_file: Path | None = Field(
        None,
        alias="EVERRUNS_API_KEY_FILE",
        description="A file that holds the key, instead of `EVERRUNS_API_KEY`.",
    )
    api_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://app.everruns.com/api",
        alias="EVERRUNS_API_URL",
        description="The API's base URL, with its path and without `/v1`.",
    )
    org_id: str | None = Field(
        None,
        alias="EVERRUNS_ORG_ID",
        pattern=r"^[!-~]+$",
        description="The organization, sent as `X-Org-Id`; needed when the key reaches several.",
    )
    agent_id: str | None = Field(
        None,
        alias="MCP_SESSIONS_AGENT_ID",
        pattern=r"^\S{1,200}$",
        description="The only agent whose sessions are shown; no argument and no cursor reaches"
        " another's.",
    )
    no_key: bool = Field(
        False,
        alias="MCP_SESSIONS_NO_KEY",
        description="`true` calls the API without a key, for a development server that asks none.",
    )
    demo: bool = Field(
        False,
        alias="MCP_SESSIONS_DEMO",
        description="`true` serves made-up sessions from the embedded API, like `--demo`.",
    )
    result: Annotated[ResultForm, BeforeValidator(_lower)] = Field(
        "both",
        alias="MCP_SESSIONS_RESULT",
        description="The forms of a result: `both`, `text` alone (then without an output schema) or"
        " `structured` content alone, for clients that would show a model the same twice.",
    )
    deadline: float = Field(
        25.0,
        alias="MCP_SESSIONS_DEADLINE",
        ge=1,
        le=600,
        allow_inf_nan=False,
        description="Seconds that one tool call may take.",
    )
    max_result_chars: int = Field(
        24_000,
        alias="MCP_SESSIONS_MAX_RESULT_CHARS",
        ge=4_000,
        le=1_000_000,
        description="The most characters of a result, for its text and its JSON each.",
    )
    max_examined: int = Field(
        1_000,
        alias="MCP_SESSIONS_MAX_EXAMINED",
        ge=100,
        le=100_000,
        description="The most rows that one call examines for filters the API does not know.",
    )
    max_response_bytes: int = Field(
        16 * 1024 * 1024,
        alias="MCP_SESSIONS_MAX_RESPONSE_BYTES",
        ge=65_536,
        le=1024**3,
        description="The most bytes read of one answer of the API, after decompression; of a"
        " larger one fewer sessions are asked for.",
    )
    max_memory_bytes: int = Field(
        64 * 1024 * 1024,
        alias="MCP_SESSIONS_MAX_MEMORY_BYTES",
        ge=1024**2,
        le=1024**4,
        description="The most bytes that answers of the API take at once, those being read and"
        " those cached; one more waits. There is always room for one of"
        " `MCP_SESSIONS_MAX_RESPONSE_BYTES`.",
    )
    requests_per_minute: int = Field(
        1_200,
        alias="MCP_SESSIONS_REQUESTS_PER_MINUTE",
        ge=1,
        le=1_000_000,
        description="The most requests to the API in any minute. The API counts them an address:"
        " servers that share one share its 1,200.",
    )
    cache_seconds: float = Field(
        0.0,
        alias="MCP_SESSIONS_CACHE_SECONDS",
        ge=0,
        le=30,
        allow_inf_nan=False,
        description="Seconds that an answer of the API may be shown again; 0 asks every time.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = (
        Field(
            "warning",
            alias="MCP_SESSIONS_LOG_LEVEL",
            description="What goes to stderr: `debug`, `info`, `warning` or `error`.",
        )
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key is not None and self.no_key:
            raise ValueError("MCP_SESSIONS_NO_KEY is set beside a key: unset one of them")
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from `environ`; an empty variable counts as an absent one."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        key_file = given.get("EVERRUNS_API_KEY_FILE")
        if key_file is not None:
            given["EVERRUNS_API_KEY"] = _key_from(Path(key_file), given)
        return validated(cls, given)


_ModelT = TypeVar("_ModelT", bound=BaseModel)


def validated(model: type[_ModelT], given: Mapping[str, Any]) -> _ModelT:
    """Return settings of this model.

    Raises:
        InvalidSettings: with one sentence for each fault; none quotes a value.
    """
    try:
        return model.model_validate(given)
    except ValidationError as fault:
        told = [_sentence(one) for one in fault.errors(include_input=False)[:_MAX_TOLD]]
        if (more := fault.error_count() - len(told)) > 0:
            told.append(f"There are {more} faults more.")
        raise InvalidSettings("\n".join(told)) from None


def key_in(file: Path, named: str) -> str:
    """Return the key that a file holds; `named` is the setting that names the file.

    Raises:
        InvalidSettings: there is none.
    """
    try:
        content = read_regular_file(file, MAX_KEY_BYTES)
    except UnreadableFile as fault:
        raise no_key_in(file, named, str(fault)) from None
    return key_of(content, file, named)


def key_of(content: bytes, file: Path, named: str) -> str:
    """Return the key that a file with this content holds; raises InvalidSettings as `key_in`."""
    try:
        key = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as fault:
        raise no_key_in(file, named, type(fault).__name__) from None
    if not key:
        raise InvalidSettings(f"{named} is empty.", where=file)
    try:
        return str(_key(key))
    except ValueError as fault:
        raise InvalidSettings(f"What {named} holds cannot be used: {fault}.", where=file) from None


def no_key_in(file: Path, named: str, reason: str) -> InvalidSettings:
    """Return what is said of a key's file that cannot be read."""
    # Whoever wrote the key where its file's name belongs would find it in the log.
    where = "" if re.search(r"evr_|eyJ", file.name) else file
    return InvalidSettings(f"{named} cannot be read ({reason}).", where=where)


def _key_from(file: Path, given: Mapping[str, str]) -> str:
    if "EVERRUNS_API_KEY" in given:
        raise InvalidSettings("EVERRUNS_API_KEY and EVERRUNS_API_KEY_FILE are both set: unset one.")
    return key_in(file, "EVERRUNS_API_KEY_FILE")


def _sentence(fault: Any) -> str:
    reason = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return f"{reason}."
    # What is no name of a setting may be a key, written where a name belongs.
    parts = [part for part in fault["loc"] if isinstance(part, str)]
    name = ".".join(p if re.fullmatch(r"[A-Za-z_]{1,40}", p) else "(a name)" for p in parts)
    if isinstance(fault["loc"][-1], int):
        name += f" (number {fault['loc'][-1] + 1})"
    return f"{name} cannot be used: {reason[:1].lower()}{reason[1:]}."

"""What the operator decided about HTTP: where to listen, who may come in, how many at once."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mcp_sessions.host_names import parsed_host
from mcp_sessions.settings import validated

PATH = "/mcp"
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host of this name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listed(text: Any) -> Any:
    """Read names between commas or blanks."""
    return tuple(re.findall(r"[^\s,]+", text)) if isinstance(text, str) else text


def token_hash(text: str) -> str:
    """Let pass a hash as `mcp-sessions token` prints it."""
    if not _SHA256.fullmatch(text):
        raise ValueError("it must be sha256: and 64 hex digits, as `mcp-sessions token` prints it")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if not parts.netloc or text.lower() != f"{parts.scheme}://{parts.netloc}".lower():
        raise ValueError(
            "an origin is a scheme and a host, such as https://app.example.com or"
            " chrome-extension://abcdefgh"
        )
    return text.lower()


def _host(text: str) -> str:
    name = text.removesuffix(":*")  # as the SDK has it
    if parsed_host(name) is None:
        raise ValueError(
            "a host is a name or an address, with a port if it is not any, such as mcp.example.com"
            " or [::1]:8080"
        )
    return name


def _reachable_url(url: str) -> str:
    """Let pass https, and http where the traffic never leaves this machine."""
    try:
        parts = urlsplit(url)
        local = is_loopback(parts.hostname or "")
    except ValueError:
        raise ValueError("it must be a URL") from None
    if parts.scheme not in (("http", "https") if local else ("https",)) or not parts.hostname:
        raise ValueError("it must be an https URL (http only for this machine)")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("it must have no query, no fragment and no user name")
    return url


Listed = BeforeValidator(_listed)
TokenHash = Annotated[str, AfterValidator(token_hash)]
_Url = Annotated[str, AfterValidator(_reachable_url)]


class HttpSettings(BaseModel):
    """The settings of `mcp-sessions http`; each field's alias is its environment variable.

    Made by `from_env`, which raises InvalidSettings with one sentence for each fault.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )

    host: str = Field(
        "127.0.0.1",
        alias="MCP_SESSIONS_HOST",
        pattern=r"^[A-Za-z0-9.:_-]+$",
        description="The address to listen at, like `--host`. One that other machines reach needs"
        " tokens or OAuth.",
    )
    port: int = Field(
        8080,
        alias="MCP_SESSIONS_PORT",
        ge=0,
        le=65_535,
        description="The port, like `--port`; 0 picks one.",
    )
    allowed_hosts: Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], Listed] = Field(
        (),
        alias="MCP_SESSIONS_ALLOWED_HOSTS",
        description="The names that callers use (`Host`), between commas, beside the address"
        " itself and that of `MCP_SESSIONS_PUBLIC_URL`.",
    )
    allowed_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], Listed] = Field(
        (),
        alias="MCP_SESSIONS_ALLOWED_ORIGINS",
        description="The web pages that may call (`Origin`, CORS), between commas; on loopback"
        " those of this machine too.",
    )
    max_calls: int = Field(
        256,
        alias="MCP_SESSIONS_MAX_CALLS",
        ge=1,
        le=100_000,
        description="The most requests worked on at once; one more is told to come again (503).",
    )
    keep_alive: float = Field(
        75.0,
        alias="MCP_SESSIONS_KEEP_ALIVE",
        ge=1,
        le=3_600,
        allow_inf_nan=False,
        description="Seconds that a connection without a request is kept; longer than a balancer"
        " before it keeps its own, or it meets one that has just been closed.",
    )
    token_hashes: Annotated[tuple[TokenHash, ...], Listed] = Field(
        (),
        alias="MCP_SESSIONS_TOKEN_HASHES",
        description="Hashes of the bearer tokens that are let in, between commas, as"
        " `mcp-sessions token` prints them; two while one replaces the other.",
    )
    tenants_file: Path | None = Field(
        None,
        alias="MCP_SESSIONS_TENANTS_FILE",
        description="The tenants, in TOML: which caller asks with which key.",
    )
    public_url: _Url | None = Field(
        None,
        alias="MCP_SESSIONS_PUBLIC_URL",
        description="The URL that callers use, with `/mcp`: the audience that OAuth tokens must be"
        " for.",
    )
    oauth_issuer: _Url | None = Field(
        None,
        alias="MCP_SESSIONS_OAUTH_ISSUER",
        description="The authorization server whose access tokens (JWT) are let in.",
    )
    oauth_jwks_url: _Url | None = Field(
        None,
        alias="MCP_SESSIONS_OAUTH_JWKS_URL",
        description="Its keys, if its metadata (RFC 8414 or OpenID) does not tell.",
    )
    oauth_scopes: Annotated[tuple[str, ...], Listed] = Field(
        (),
        alias="MCP_SESSIONS_OAUTH_SCOPES",
        description="The scopes that a token must have, between commas.",
    )
    metrics: bool = Field(
        False,
        alias="MCP_SESSIONS_METRICS",
        description="`true` serves metrics at `/metrics` for Prometheus, to whoever reaches the"
        " port.",
    )

    @property
    def locked(self) -> bool:
        """Tell whether callers have to say who they are."""
        return bool(self.token_hashes or self.tenants_file or self.oauth_issuer)

    @model_validator(mode="after")
    def _locked_where_reached(self) -> Self:
        if not is_loopback(self.host) and not self.locked:
            raise ValueError(
                f"{self.host} can be reached from other machines, so callers must say who they are:"
                " set MCP_SESSIONS_TOKEN_HASHES (`mcp-sessions token` makes one),"
                " MCP_SESSIONS_TENANTS_FILE or MCP_SESSIONS_OAUTH_ISSUER, or listen at 127.0.0.1"
            )
        return self

    @model_validator(mode="after")
    def _named_where_reached(self) -> Self:
        if self.host in ("0.0.0.0", "::") and not (self.allowed_hosts or self.public_url):  # noqa: S104 - refused, not bound
            raise ValueError(
                f"{self.host} is no name that a caller uses: set MCP_SESSIONS_ALLOWED_HOSTS or"
                " MCP_SESSIONS_PUBLIC_URL to those that they do"
            )
        return self

    @model_validator(mode="after")
    def _check_consistent(self) -> Self:
        if self.oauth_issuer and not self.public_url:
            raise ValueError(
                "MCP_SESSIONS_OAUTH_ISSUER needs MCP_SESSIONS_PUBLIC_URL, the audience of its"
                " tokens"
            )
        if (self.oauth_jwks_url or self.oauth_scopes) and not self.oauth_issuer:
            raise ValueError(
                "MCP_SESSIONS_OAUTH_JWKS_URL and MCP_SESSIONS_OAUTH_SCOPES need"
                " MCP_SESSIONS_OAUTH_ISSUER"
            )
        if self.public_url and urlsplit(self.public_url).path != PATH:
            raise ValueError(f"MCP_SESSIONS_PUBLIC_URL must end with {PATH}, as its only path")
        if self.tenants_file and self.token_hashes:
            raise ValueError(
                "MCP_SESSIONS_TOKEN_HASHES is set beside MCP_SESSIONS_TENANTS_FILE, where each"
                " tenant has its own: unset it"
            )
        return self

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], host: str | None = None, port: int | None = None
    ) -> Self:
        """Read the settings from `environ`; what the command line says comes first."""
        given: dict[str, Any] = {
            name: environ[name].strip()
            for name in (str(field.alias) for field in cls.model_fields.values())
            if environ.get(name, "").strip()
        }
        if host is not None:
            given["MCP_SESSIONS_HOST"] = host
        if port is not None:
            given["MCP_SESSIONS_PORT"] = port
        return validated(cls, given)

"""Every request that the HTTP server refuses, and what it gets for an answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.messages import META, MODERN, older_request, request

LIST = json.dumps(older_request(1, "tools/list")).encode()
MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request by what is wrong with it, and the status and words that it is refused with."""

    title: str
    status: int
    says: str
    method: str = "POST"
    path: str = "/mcp"
    body: bytes = LIST
    headers: Mapping[str, str | None] = field(default_factory=dict)  # None leaves one out
    token: str = "good"  # or "none", or "wrong"
    chunked: bool = False

    @property
    def cells(self) -> tuple[str, str]:
        """Return the row of the README's table."""
        return self.title, f"{self.status}, `{self.says}`"


def modern(asked: Mapping[str, Any], **headers: str | None) -> dict[str, Any]:
    """Return a request of the current revision, with headers that fit it but for those given."""
    named = {"mcp-protocol-version": MODERN, "mcp-method": asked["method"]}
    if "name" in asked["params"]:
        named["mcp-name"] = asked["params"]["name"]
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"body": json.dumps(asked).encode(), "headers": {**named, **told}}


_CALL = request(1, "tools/call", name="list_sessions", arguments={})
_FUTURE = "2099-01-01"
_LATER = {**META, "io.modelcontextprotocol/protocolVersion": _FUTURE}
_AHEAD = {**request(1, "tools/list"), "params": {"_meta": _LATER}}

REFUSALS = (
    Refusal("a foreign `Host`", 421, "Invalid Host header", headers={"host": "evil.example"}),
    Refusal(
        "a foreign `Origin`",
        403,
        "Invalid Origin header",
        headers={"origin": "https://evil.example"},
    ),
    Refusal("`Origin: null`", 403, "Invalid Origin header", headers={"origin": "null"}),
    Refusal("a body over 256 KiB", 413, "Request body too large", body=LIST.ljust(MOST_BYTES + 1)),
    Refusal(
        "the same of unknown length",
        413,
        "Request body too large",
        body=LIST.ljust(MOST_BYTES + 1),
        chunked=True,
    ),
    Refusal("no JSON", 400, "-32700", body=b"hello?"),
    Refusal("no body", 400, "-32700", body=b""),
    Refusal("a batch", 400, "-32602", body=b"[%b]" % LIST),
    Refusal("JSON that is no message", 400, "-32602", body=b"5"),
    Refusal(
        "another content type",
        400,
        "Invalid Content-Type header",
        headers={"content-type": "text/plain"},
    ),
    Refusal("an `Accept` without JSON", 406, "Not Acceptable", headers={"accept": "text/html"}),
    Refusal("an unknown revision", 400, "-32022", **modern(_AHEAD, mcp_protocol_version=_FUTURE)),
    Refusal("a revision in the header unlike the body's", 400, "-32020", **modern(_AHEAD)),
    Refusal("`Mcp-Method` unlike the body's", 400, "-32020", **modern(_CALL, mcp_method="ping")),
    Refusal("no `Mcp-Method`", 400, "-32020", **modern(_CALL, mcp_method=None)),
    Refusal("`Mcp-Name` unlike the body's", 400, "-32020", **modern(_CALL, mcp_name="other")),
    Refusal(
        "an unknown tool",
        400,
        "-32602",
        **modern(request(1, "tools/call", name="delete_session", arguments={})),
    ),
    Refusal("an unknown method", 404, "-32601", **modern(request(1, "sessions/delete"))),
    Refusal(
        "a request whose `id` is no string and no whole number",
        400,
        "An id is a string or a whole number.",
        body=LIST.replace(b'"id": 1', b'"id": 1.5'),
    ),
    Refusal("GET", 405, "Only POST is served here.", method="GET"),
    Refusal("DELETE", 405, "Only POST is served here.", method="DELETE"),
    Refusal("another path", 404, "Not Found", path="/other"),
    Refusal("a slash behind the path", 404, "Not Found", path="/mcp/"),
    Refusal("no token", 401, "invalid_token", token="none"),
    Refusal("a wrong token", 401, "invalid_token", token="wrong"),
    Refusal("the token in the URL", 401, "invalid_token", path="/mcp?access_token=", token="url"),
)

# What takes a server of its own to be met.
OTHERS = (
    ("a `Content-Length` beside `Transfer-Encoding`", "400, `said in two ways`"),
    ("a good OAuth token without the scope", "403, `insufficient_scope`"),
    ("a good OAuth token of no tenant", "403, `no tenant of this server's`"),
    ("another tenant's cursor", "200, `invalid_cursor`"),
    ("more requests at once than `MCP_SESSIONS_MAX_CALLS`", "503, `Too many calls at once`"),
    ("a body that has not come after 10 s", "408, `The body did not come in time.`"),
)


def answers() -> list[tuple[str, str]]:
    """Return the rows of the README's table."""
    return [*(refusal.cells for refusal in REFUSALS), *OTHERS]


def table() -> str:
    """Return the README's table."""
    lines = [
        "| refused | answer |",
        "|-|-|",
        *(f"| {what} | {answer} |" for what, answer in answers()),
    ]
    return "\n".join(lines) + "\n"

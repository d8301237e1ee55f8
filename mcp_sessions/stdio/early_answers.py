"""Recorded answers to `initialize`, `server/discover` and `tools/list`.

The answers in `early_answers.json` are those of the SDK's own server, which a test compares them
with. They are given to requests of exactly the shapes known here; any other request is left to the
SDK.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

RECORD: Final = Path(__file__).with_name("early_answers.json")
ANY_AGENT: Final = "agent_recorded"
"""The id that stands in the record for the agent of a scope."""
FORMS: Final = ("both", "text", "structured")
"""What MCP_SESSIONS_RESULT may be, the default first; each has answers of its own."""
MODERN: Final = "2026-07-28"
_ENVELOPE: Final = "io.modelcontextprotocol/"
_AGENT_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MAX_ID_CHARS: Final = 200

_REQUEST: Final = {"jsonrpc", "id", "method", "params"}
_TEXTS: Final = {"name", "title", "version", "description", "websiteUrl"}
# Each capability's own members, as far as they are objects or tell of changes.
_CAPABILITIES: Final = {
    "roots": {"listChanged"},
    "sampling": {"context", "tools"},
    "elicitation": {"form", "url"},
}


class EarlyAnswers:
    """The recorded answers of a server for all agents, or of one for `agent_id` alone.

    `form` is that of its results, as MCP_SESSIONS_RESULT names it.
    """

    def __init__(self, agent_id: str | None, form: str = FORMS[0]) -> None:
        text = RECORD.read_text(encoding="utf-8")
        record = json.loads(text if agent_id is None else text.replace(ANY_AGENT, agent_id))
        self.sdk: str = record["sdk"]
        """The version of the SDK that gave the answers."""
        self._results: list[Any] = record["results"]
        # The index of each result by method and revision.
        self._index: dict[str, dict[str | None, int]] = record["one" if agent_id else "all"][form]
        self._revision: str | None = None  # that initialize agreed upon

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the answers of a server with these settings, or None where they may be others.

        That is with another version of the SDK than they were recorded with, and for an id or a
        form that is not as it should be.
        """
        agent_id = environ.get("MCP_SESSIONS_AGENT_ID", "").strip() or None
        form = environ.get("MCP_SESSIONS_RESULT", "").strip().lower() or FORMS[0]
        if form not in FORMS or (agent_id is not None and not _AGENT_ID.fullmatch(agent_id)):
            return None
        answers = cls(agent_id, form)
        return answers if _is_installed(answers.sdk) else None

    def response_to(self, request: Any) -> dict[str, Any] | None:
        """Return the JSON-RPC response to a request, or None if none is recorded."""
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return None
        id_, method, params = request.get("id"), request.get("method"), request.get("params", {})
        if not (_is_id(id_) and isinstance(method, str) and isinstance(params, dict)):
            return None
        if not request.keys() <= _REQUEST:
            return None
        result = self._result(method, params)
        return result and {"jsonrpc": "2.0", "id": id_, "result": result}

    def _result(self, method: str, params: dict[str, Any]) -> Any:
        if method == "initialize":
            revision = params["protocolVersion"] if _is_initialize(params) else None
        elif "_meta" in params:
            revision = MODERN if _is_plain_envelope(params) else None
        else:
            revision = None if params else self._revision
        index = self._index.get(method, {}).get(revision)
        if index is None:
            return None
        if method == "initialize":
            self._revision = revision
        return self._results[index]


def _is_installed(version: str) -> bool:
    """Tell whether a version of the SDK is the one that would be imported.

    Its metadata's folder lies beside it; to import the reader of metadata would take 24 ms.
    """
    for folder in map(Path, sys.path):
        if (folder / "mcp" / "__init__.py").is_file():
            return (folder / f"mcp-{version}.dist-info").is_dir()
    return False


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ID_CHARS and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_plain_envelope(params: dict[str, Any]) -> bool:
    """Tell whether `_meta` of the current revision is all there is, with nothing more in it."""
    meta = params["_meta"]
    return (
        params.keys() == {"_meta"}
        and isinstance(meta, dict)
        and meta.keys()
        == {f"{_ENVELOPE}{n}" for n in ("protocolVersion", "clientInfo", "clientCapabilities")}
        and meta[f"{_ENVELOPE}protocolVersion"] == MODERN
        and _is_client(meta[f"{_ENVELOPE}clientInfo"])
        and _are_capabilities(meta[f"{_ENVELOPE}clientCapabilities"])
    )


def _is_initialize(params: dict[str, Any]) -> bool:
    return (
        params.keys() == {"protocolVersion", "clientInfo", "capabilities"}
        and isinstance(params["protocolVersion"], str)
        and _is_client(params["clientInfo"])
        and _are_capabilities(params["capabilities"])
    )


def _is_client(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"name", "version"} <= value.keys() <= _TEXTS
        and all(isinstance(text, str) for text in value.values())
    )


def _are_capabilities(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in _CAPABILITIES
        and isinstance(members, dict)
        and members.keys() <= _CAPABILITIES[name]
        and all(_is_plain_member(name, value) for name, value in members.items())
        for name, members in value.items()
    )


def _is_plain_member(name: str, value: Any) -> bool:
    return isinstance(value, bool) if name == "listChanged" else value == {}

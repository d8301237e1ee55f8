"""What a stdio client asks first, answered while the SDK still loads: recorded answers.

The answers in `opening.json` are the SDK's own server's, which a test keeps them to. They are
given to requests of exactly the shapes known here; whatever else comes waits for the SDK, and so
does `initialize`, answered already, which its loop has to have seen.
"""

import json
import os
import re
import select
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from mcp_sessions.stdio.descriptors import CHUNK, Pipes, can_wait_for, split

RECORD: Final = Path(__file__).with_name("early_answers.json")
ANY_AGENT: Final = "agent_recorded"  # stands in the record for the agent of a scope
MODERN: Final = "2026-07-28"
_ENVELOPE: Final = "io.modelcontextprotocol/"
_AGENT_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LONGEST_ID: Final = 200

_REQUEST: Final = {"jsonrpc", "id", "method", "params"}
_TEXTS: Final = {"name", "title", "version", "description", "websiteUrl"}
# Each capability's own members, as far as they are objects or tell of changes.
_CAPABILITIES: Final = {
    "roots": {"listChanged"},
    "sampling": {"context", "tools"},
    "elicitation": {"form", "url"},
}


class Handover(NamedTuple):
    """What was read before the SDK stood and is its to answer, in order."""

    lines: list[bytes]
    rest: bytes = b""  # the beginning of the next line
    ended: bool = False
    answered: tuple[str | int, ...] = ()
    """Ids of requests among `lines` that need no second answer."""
    unsent: bytes = b""
    """The rest of an answer that the client has not read the beginning of."""


class Recorded:
    """The recorded answers, for a server of all agents or of one."""

    def __init__(self, agent_id: str | None) -> None:
        text = RECORD.read_text(encoding="utf-8")
        record = json.loads(text if agent_id is None else text.replace(ANY_AGENT, agent_id))
        self._results: list[Any] = record["results"]
        # The place of each result by method and revision.
        self._places: dict[str, dict[str | None, int]] = record["one" if agent_id else "all"]
        self._era: str | None = None  # the revision that initialize agreed upon

    def answer(self, request: Any) -> dict[str, Any] | None:
        """Return the response to a request, or None if it is not one of those recorded."""
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
            revision = params["protocolVersion"] if _is_greeting(params) else None
        elif "_meta" in params:
            revision = MODERN if _is_modern(params) else None
        else:
            revision = None if params else self._era
        place = self._places.get(method, {}).get(revision)
        if place is None:
            return None
        if method == "initialize":
            self._era = revision
        return self._results[place]


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_ID and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_modern(params: dict[str, Any]) -> bool:
    """Know the envelope of the current revision, with nothing beside it or more in it."""
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


def _is_greeting(params: dict[str, Any]) -> bool:
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
        and all(_fits(member, said) for member, said in members.items())
        for name, members in value.items()
    )


def _fits(member: str, said: Any) -> bool:
    return isinstance(said, bool) if member == "listChanged" else said == {}


class Opening:
    """Reads and answers in a thread, until the SDK stands and takes over."""

    def __init__(self, wire: Pipes, agent_id: str | None) -> None:
        self._wire = wire
        self._known = agent_id is None or _AGENT_ID.fullmatch(agent_id) is not None
        self._recorded = Recorded(agent_id) if self._known else None
        self._wake, self._woken = os.pipe()
        self._lines: list[bytes] = []
        self._rest = b""
        self._ended = False
        self._owing = False
        self._answered: list[str | int] = []
        self._unsent = b""
        self._thread = threading.Thread(target=self._listen, name="opening", daemon=True)

    def begin(self) -> None:
        """Begin to listen, where one can without waiting for ever."""
        if self._known and can_wait_for(self._wire.stdin):
            self._thread.start()

    @property
    def over(self) -> bool:
        """Tell whether the client has left, and asked nothing that is not answered."""
        return self._ended and not self._owing

    def end(self) -> Handover:
        """Stop listening, and hand over what is left."""
        os.write(self._woken, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._wake)
        os.close(self._woken)
        answered = tuple(self._answered)
        return Handover(self._lines, self._rest, self._ended, answered, self._unsent)

    def _listen(self) -> None:
        while not self._ended and self._waited_for(self._wire.stdin, select.POLLIN):
            try:
                chunk = os.read(self._wire.stdin, CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            lines, self._rest = split(self._rest, chunk or b"\n")
            for line in lines:
                self._hear(line)
            self._ended |= not chunk

    def _waited_for(self, descriptor: int, event: int) -> bool:
        """Wait until the descriptor is ready; False if it is over before that."""
        poll = select.poll()
        poll.register(descriptor, event)
        poll.register(self._wake, select.POLLIN)
        return self._wake not in dict(poll.poll())

    def _hear(self, line: bytes) -> None:
        """Answer a line, or leave it; after one that waits for its answer all others wait too."""
        request: Any = None if self._owing else _read(line)
        response = self._recorded.answer(request) if self._recorded else None
        if response is None:
            self._lines.append(line)
            self._owing |= bool(line.strip()) and not _is_notification(request)
            return
        if request["method"] == "initialize":
            self._lines.append(line)
            self._answered.append(request["id"])
        self._tell(_line(response))

    def _tell(self, told: bytes) -> None:
        """Write an answer, as far as the client reads it in time; what comes later waits for it."""
        try:
            while told and self._waited_for(self._wire.stdout, select.POLLOUT):
                told = told[os.write(self._wire.stdout, told[: select.PIPE_BUF]) :]
        except OSError:  # the client has left
            self._ended = True
        else:
            self._unsent = told
            self._owing |= bool(told)


def _read(line: bytes) -> Any:
    """Read what the SDK reads as well: no other encoding than UTF-8, and no half characters."""
    try:
        request = json.loads(line.decode())
        json.dumps(request, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return request


def _is_notification(message: Any) -> bool:
    return isinstance(message, dict) and "method" in message and "id" not in message


def _line(response: Mapping[str, Any]) -> bytes:
    return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

"""One fault, met by a server process whose client is the SDK's own."""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

from support.fault_catalogue import FAULTS, KEY, LIMIT, THE_PAGE, Failure, Fault, Page, ids
from support.raw_upstream import SECURE, TOTAL, Upstream, right, upstream

GUARD = 2.0  # seconds after its deadline that a call may take to end
_LOST = 30.0  # seconds after which a step is given up
_TRIES, _BETWEEN_TRIES = 50, 0.3  # seconds; a circuit may be open for some
_PROC = Path("/proc")
_ARGUMENTS = {"limit": LIMIT, "detail": "brief"}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a fault."""

    text: str
    ids: tuple[str, ...] | None = field(repr=False)  # None for an error
    rest: tuple[str, ...] | None = field(repr=False)  # by its cursor, once all is well
    whole: str = field(repr=False)  # the result as it was sent
    seconds: float
    requests: Sequence[bytes] = field(repr=False)
    rise: float | None  # MiB, where the system tells
    recovered: bool
    stderr: str

    @property
    def code(self) -> str:
        """Return the code of an error, or nothing."""
        return self.text.split(":", 1)[0] if self.ids is None else ""


def meets(run: Run, answer: Page | Failure) -> bool:
    """Tell whether the call ended as it must."""
    if isinstance(answer, Page):
        if answer.in_part:
            return bool(run.ids) and run.ids == answer.ids[: len(run.ids)]
        return run.ids == answer.ids
    return run.code == answer.code and re.search(answer.pattern, run.text) is not None


def rest_after(seen: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the list that come after those that were seen."""
    every = ids(range(TOTAL))
    return every[every.index(seen[-1]) + 1 :]


def meet(fault: Fault, elsewhere: str, certificates: "Certificates") -> Run:
    """Start an upstream and a server, call it once in health, once in the fault, and once more."""
    secure = fault.door in SECURE
    contexts = (certificates.trusted, certificates.foreign) if secure else (None, None)
    with upstream(elsewhere, *contexts) as api, TemporaryFile("w+", encoding="utf-8") as errors:
        settings = _settings(fault, api, certificates)
        return anyio.run(_meet, fault, api, settings, errors)


@dataclass(frozen=True, slots=True)
class Certificates:
    """The contexts of an upstream that is trusted and of one that is not, and who is trusted."""

    trusted: object
    foreign: object
    authority: str  # the path of its certificate


def _settings(fault: Fault, api: Upstream, certificates: Certificates) -> dict[str, str]:
    # Some are run with all that a log may tell.
    loud = {"MCP_SESSIONS_LOG_LEVEL": "debug"} if FAULTS.index(fault) % 3 == 0 else {}
    return {
        "EVERRUNS_API_URL": api.url,
        "EVERRUNS_API_KEY": KEY,
        "SSL_CERT_FILE": certificates.authority,
        "MCP_SESSIONS_DEADLINE": str(fault.deadline),
        **loud,
        **fault.settings,
    }


async def _meet(fault: Fault, api: Upstream, settings: Mapping[str, str], errors: TextIO) -> Run:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_sessions"], env=dict(settings)
    )
    async with Client(stdio_client(server, errlog=errors)) as client:
        assert _ids(await _call(client, _LOST)) == THE_PAGE.ids
        memory = _Memory.of(api.url)
        api.turn_to(fault.behave, fault.door)
        began = time.monotonic()
        result = await _call(client, fault.deadline + _LOST)
        seconds = time.monotonic() - began
        requests, rise = api.asked(), memory.rise()
        api.turn_to(right())
        recovered = await _recovers(client, fault, api)
        rest = await _rest(client, result, fault)
    errors.seek(0)
    return Run(
        text=_text(result),
        ids=_ids(result),
        rest=rest,
        whole=result.model_dump_json(),
        seconds=seconds,
        requests=requests,
        rise=rise,
        recovered=recovered,
        stderr=errors.read(),
    )


async def _call(client: Client, seconds: float) -> CallToolResult:
    with anyio.fail_after(seconds):
        return await client.call_tool("list_sessions", _ARGUMENTS)


async def _recovers(client: Client, fault: Fault, api: Upstream) -> bool:
    """Tell whether the server gives the page again, once its circuit has closed.

    One that was told to wait for longer than a test lasts is well if it waits.
    """
    for _ in range(_TRIES):
        result = await _call(client, _LOST)
        if fault.pauses:
            return _text(result).startswith("rate_limited: ") and not api.asked()
        if _ids(result) == THE_PAGE.ids:
            return True
        await anyio.sleep(_BETWEEN_TRIES)
    return False


async def _rest(client: Client, result: CallToolResult, fault: Fault) -> tuple[str, ...] | None:
    """Turn pages to the end of the list, where the result of a fault leads there."""
    if not (isinstance(fault.answer, Page) and fault.answer.goes_on and _ids(result)):
        return None
    rest: tuple[str, ...] = ()
    for _ in range(TOTAL):  # no page is empty
        cursor = (result.structured_content or {}).get("next_cursor")
        if cursor is None:
            break
        with anyio.fail_after(_LOST):
            result = await client.call_tool("get_session_page", {"cursor": cursor})
        rest += _ids(result) or ()
    return rest


def _text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def _ids(result: CallToolResult) -> tuple[str, ...] | None:
    if result.is_error or result.structured_content is None:
        return None
    return tuple(row["id"] for row in result.structured_content["sessions"])


@dataclass(frozen=True, slots=True)
class _Memory:
    """The most memory that a process has held since this was made, over what it held then."""

    process: Path | None
    before: int

    @classmethod
    def of(cls, url: str) -> "_Memory":
        """Watch the server that asks this URL, where the system lets us."""
        process = _process_asking(url)
        if process is None:
            return cls(None, 0)
        with suppress(OSError):  # a system may let nobody forget the peak
            (process / "clear_refs").write_text("5")
        return cls(process, _peak(process))

    def rise(self) -> float | None:
        """Return MiB."""
        return None if self.process is None else (_peak(self.process) - self.before) / 1024


def _process_asking(url: str) -> Path | None:
    own = f"EVERRUNS_API_URL={url}".encode()
    for process in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # another's, or gone
            if own in (process / "environ").read_bytes().split(b"\0"):
                return process
    return None


def _peak(process: Path) -> int:
    """Return the most KiB that were resident."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    return int(found[1])


def table(runs: Mapping[str, Run]) -> str:
    """Return the table, in the order of the catalogue, of the faults that were run."""
    lines = ["| fault | answer | seconds | requests | MiB |", "|-|-|-|-|-|"]
    for name in dict.fromkeys(fault.name for fault in FAULTS if fault.title in runs):
        faults = [fault for fault in FAULTS if fault.name == name and fault.title in runs]
        met = [runs[fault.title] for fault in faults]
        answer = ", ".join({_answered(*pair): None for pair in zip(faults, met, strict=True)})
        seconds = max(run.seconds for run in met)
        requests = max(len(run.requests) for run in met)
        rise = max(run.rise or 0 for run in met)
        lines.append(f"| {name} | {answer} | {seconds:.1f} | {requests} | {rise:.0f} |")
    return "\n".join(lines) + "\n"


def _answered(fault: Fault, run: Run) -> str:
    """Return the answer as the catalogue has it, or else what came."""
    came = run.text.split("\n", 1)[0]
    return fault.answer.label if meets(run, fault.answer) else f"NOT AS EXPECTED: {came}"

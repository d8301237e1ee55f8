"""Faults, met by server processes whose client is the SDK's own."""

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

from support.fault_catalogue import FAULTS, KEY, LIMIT, SHORT, THE_PAGE, Failure, Fault, Page, ids
from support.raw_upstream import SECURE, TOTAL, Upstream, right, upstream

GUARD = 2.0  # seconds after its deadline that a call may take to end
_LOST = 30.0  # seconds after which a step is given up
_TRIES, _BETWEEN_TRIES = 50, 0.3  # seconds; a circuit may be open for some
_PROC = Path("/proc")
_TOGETHER = 8  # faults that one server meets
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
    stderr: str = ""

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


def batches(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Return the faults in batches, each for a server that is started anew.

    Most leave a server as it was. One by itself meets what has settings, a time or a door of its
    own, what makes the server pause, and what is large, so that its memory is its own.
    """
    alone = [[fault] for fault in faults if not _shares(fault)]
    for loud in (False, True):
        alike = [fault for fault in faults if _shares(fault) and _is_loud(fault) == loud]
        alone += [alike[at : at + _TOGETHER] for at in range(0, len(alike), _TOGETHER)]
    return alone


def _shares(fault: Fault) -> bool:
    special = fault.settings or fault.pauses or fault.door in SECURE
    return fault.deadline == SHORT and not special


def _is_loud(fault: Fault) -> bool:
    """Tell whether a fault is run with all that a log may tell."""
    return FAULTS.index(fault) % 3 == 0


def meet(batch: Sequence[Fault], elsewhere: str, certificates: "Certificates") -> list[Run]:
    """Start an upstream and a server, and call it before, in and after each of the faults."""
    first = batch[0]
    secure = first.door in SECURE
    contexts = (certificates.trusted, certificates.foreign) if secure else (None, None)
    with upstream(elsewhere, *contexts) as api, TemporaryFile("w+", encoding="utf-8") as errors:
        settings = _settings(first, api, certificates)
        return anyio.run(_meet_all, batch, api, settings, errors)


@dataclass(frozen=True, slots=True)
class Certificates:
    """The contexts of an upstream that is trusted and of one that is not, and who is trusted."""

    trusted: object
    foreign: object
    authority: str  # the path of its certificate


def _settings(fault: Fault, api: Upstream, certificates: Certificates) -> dict[str, str]:
    loud = {"MCP_SESSIONS_LOG_LEVEL": "debug"} if _is_loud(fault) else {}
    return {
        "EVERRUNS_API_URL": api.url,
        "EVERRUNS_API_KEY": KEY,
        "SSL_CERT_FILE": certificates.authority,
        "MCP_SESSIONS_DEADLINE": str(fault.deadline),
        **loud,
        **fault.settings,
    }


async def _meet_all(
    batch: Sequence[Fault], api: Upstream, settings: Mapping[str, str], errors: TextIO
) -> list[Run]:
    """Meet one fault after another; what stderr said until the next is the fault's."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_sessions"], env=dict(settings)
    )
    runs, said = [], [0]
    async with Client(stdio_client(server, errlog=errors)) as client:
        for fault in batch:
            runs.append(await _meet(client, fault, api))
            said.append(os.fstat(errors.fileno()).st_size)
    errors.seek(0)
    whole = errors.buffer.read()
    said[-1] = len(whole)
    parts = [whole[start:end].decode() for start, end in pairwise(said)]
    return [replace(run, stderr=part) for run, part in zip(runs, parts, strict=True)]


async def _meet(client: Client, fault: Fault, api: Upstream) -> Run:
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
    return Run(
        text=_text(result),
        ids=_ids(result),
        rest=rest,
        whole=result.model_dump_json(),
        seconds=seconds,
        requests=requests,
        rise=rise,
        recovered=recovered,
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

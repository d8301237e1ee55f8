"""Let greedy tenants, hostile texts and strangers at one server, and see if honest callers notice.

Each KIND is a part of the siege; without one, all are.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import siege_crowd
from siege_api import FAULTS
from siege_callers import Audit, Kept, tool_call
from siege_honest import HonestCaller
from siege_seen import Seen
from siege_server import END_WITHIN, Server, SiegeFailed, served, upstream
from siege_tenants import Tenant, new_tenants
from table import report

_FILE = "file"
_KINDS = (*siege_crowd.KINDS, *FAULTS, _FILE)
_HONEST = ("quiet", "calm", "narrow", "narrow")
_START_WITHIN, _SETTLE_WITHIN = 30.0, 25.0  # seconds
_LOOK_EVERY = 1.0  # seconds
_REWRITE_EVERY = 2.5  # seconds
_PAUSES = (0.3, 0.9)  # seconds between the two pieces that the tenants file is written in


def main() -> int:
    """Print what was seen and return 1 if anything was not as it must be, else 0."""
    options, tenants = _options(), new_tenants()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # with all that it started
    faults = [kind for kind in options.kinds if kind in FAULTS]
    try:
        with (
            TemporaryDirectory() as folder,
            upstream(faults) as (url, upstream_told),
            served(url, Path(folder), options.files, [*tenants.values()]) as server,
        ):
            seen = Seen(server, upstream=upstream_told)
            asyncio.run(_Siege(server, tenants, options, seen).last())
    except* SiegeFailed as failed:
        sys.exit(str(failed.exceptions[0]))
    report(seen.tables(), as_json=options.json)
    complaints = list(seen.complaints())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(_KINDS)}")
    parser.add_argument("--seconds", type=float, default=600.0, help="(%(default)s)")
    parser.add_argument("--files", type=int, default=512, help="of the server (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(_KINDS):
        parser.error(f"there is no kind {', '.join(unknown)}")
    options.kinds = options.kinds or list(_KINDS)
    return options


@dataclass(slots=True)
class _Siege:
    """Everybody at one server."""

    server: Server
    tenants: dict[str, Tenant]
    options: argparse.Namespace
    seen: Seen

    async def last(self) -> None:
        """Let all at the server for as long as it is to take, and look at it on the way."""
        for name in _HONEST:
            await self._answered_once(self.tenants[name])
        until = time.monotonic() + self.options.seconds
        self.seen.moments.append(self.server.moment())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._besiege())
            group.create_task(self._look(until))
            group.create_task(self.seen.own.watch(until))
            if _FILE in self.options.kinds:
                group.create_task(self._rewrite(until))
            for probe in self.seen.probes:
                group.create_task(probe.ask(self.server.port, until))
            for seed, name in enumerate(_HONEST):
                entropy = Random(seed)  # noqa: S311 - repeatable
                kept = Kept(self.server.port)
                caller = HonestCaller(self.tenants[name], kept, self.seen.calls, entropy)
                group.create_task(caller.read(until))
        await self._settle()

    async def _answered_once(self, tenant: Tenant) -> None:
        """Wait until the server has started and a tenant is answered."""
        until = time.monotonic() + _START_WITHIN
        kept, sent = Kept(self.server.port), tool_call(tenant.token, "list_sessions", {})
        refused: str | None = "not asked"
        while refused:
            if time.monotonic() > until:
                raise SiegeFailed(f"the server did not start: {refused}")
            self.server.moment()
            try:
                refused, _ = (await kept.ask(sent, _START_WITHIN)).told()
            except OSError as fault:
                refused = str(fault)
                await asyncio.sleep(0.1)
        kept.close()

    async def _besiege(self) -> None:
        """Run the crowd in a process of its own."""
        orders = {
            "port": self.server.port,
            "tenants": {name: asdict(tenant) for name, tenant in self.tenants.items()},
            "kinds": [kind for kind in siege_crowd.KINDS if kind in self.options.kinds],
            "seconds": self.options.seconds,
        }
        command, pipe = (sys.executable, siege_crowd.__file__), asyncio.subprocess.PIPE
        crowd = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        try:
            async with asyncio.timeout(self.options.seconds + END_WITHIN):
                told, _ = await crowd.communicate(json.dumps(orders).encode() + b"\n")
        finally:
            if crowd.returncode is None:
                crowd.kill()
                await crowd.wait()
        if crowd.returncode:
            raise SiegeFailed("the crowd failed")
        self.seen.crowd = {kind: Audit.of(told) for kind, told in json.loads(told).items()}

    async def _look(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(_LOOK_EVERY, self.options.seconds / 10))
            self.seen.moments.append(self.server.moment())

    async def _rewrite(self, until: float) -> None:
        """Write the tenants file in two pieces; the first is good TOML too, but without a scope."""
        path = self.server.tenants_file
        whole = path.read_text()
        start = whole.index("org_id")
        for pause in cycle(_PAUSES):
            await asyncio.sleep(min(_REWRITE_EVERY, self.options.seconds / 4))
            if time.monotonic() > until:
                return
            with path.open("w") as file:
                file.write(whole[:start])
                file.flush()
                await asyncio.sleep(pause)
                file.write(whole[start:])
            await asyncio.sleep(pause)
            path.touch()

    async def _settle(self) -> None:
        """Wait until the server has noticed that everybody has gone, or ought to have."""
        until = time.monotonic() + _SETTLE_WITHIN
        while True:
            self.seen.moments.append(self.server.moment())
            if not any(self.seen.left_over()) or time.monotonic() > until:
                return
            await asyncio.sleep(_LOOK_EVERY)


if __name__ == "__main__":
    sys.exit(main())

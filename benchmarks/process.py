"""Processes as Linux's /proc tells of them."""

import os
from pathlib import Path

_PARENT, _USER, _SYSTEM = 1, 11, 12  # fields of /proc/PID/stat after the name in parentheses
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def children() -> set[int]:
    """Return the ids of this process's living children."""
    own = str(os.getpid())
    stats = {int(path.name): _stat(path) for path in Path("/proc").glob("[0-9]*")}
    return {pid for pid, stat in stats.items() if stat and stat[_PARENT] == own}


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far, to a tick of usually 10 ms."""
    stat = _stat(Path("/proc") / str(pid))
    return (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds in RAM."""
    return int((Path("/proc") / str(pid) / "statm").read_text().split()[1]) * _PAGE


def peak_resident_bytes(pid: int) -> int:
    """Return the most memory that a process has held in RAM so far."""
    return _status(pid, "VmHWM") * 1024


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return _status(pid, "Threads")


def open_files(pid: int) -> int:
    """Return how many descriptors a process has."""
    return len(list((Path("/proc") / str(pid) / "fd").iterdir()))


def _status(pid: int, name: str) -> int:
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _stat(process: Path) -> list[str]:
    """Return the fields from the state on, or none for a process that has ended meanwhile."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

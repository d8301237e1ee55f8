"""The README and the tables in it."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "README.md"


def table(header: str) -> list[list[str]]:
    """Return the rows of the table under `header`, as lists of cells."""
    _, lines, _ = _parts(header)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def write_table(header: str, whole: str) -> None:
    """Put another table in the place of the one under `header`."""
    before, _, after = _parts(header)
    FILE.write_text("\n".join([*before, *whole.splitlines(), *after]), encoding="utf-8")


def _parts(header: str) -> tuple[list[str], list[str], list[str]]:
    """Return the lines before a table, its own, and those after it."""
    lines = FILE.read_text(encoding="utf-8").split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {header}"))
    end = next(n for n in range(start, len(lines)) if not lines[n].startswith("|"))
    return lines[:start], lines[start:end], lines[end:]

"""README and docs, and the tables in them."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "README.md"
FILES = (README, *sorted((PROJECT / "docs").glob("*.md")))


def text_of(name: str) -> str:
    """Return the text of a file of docs, or of README.md."""
    file = README if name == "README.md" else PROJECT / "docs" / name
    return file.read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """Return the rows of the table under `header`, wherever it is, as lists of cells."""
    _, _, lines, _ = _parts(header)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def write_table(header: str, whole: str) -> None:
    """Put another table in the place of the one under `header`."""
    file, before, _, after = _parts(header)
    file.write_text("\n".join([*before, *whole.splitlines(), *after]), encoding="utf-8")


def write_excerpt(whole: str) -> None:
    """Put another text in the place of README's first block of text."""
    before, rest = README.read_text(encoding="utf-8").split("```text\n", 1)
    after = rest.split("\n```", 1)[1]
    README.write_text(f"{before}```text\n{whole}\n```{after}", encoding="utf-8")


def _parts(header: str) -> tuple[Path, list[str], list[str], list[str]]:
    """Return the file of a table, the lines before it, its own, and those after it."""
    start = f"| {header}"
    for file in FILES:
        lines = file.read_text(encoding="utf-8").split("\n")
        found = [n for n, line in enumerate(lines) if line.startswith(start)]
        if found:
            (first,) = found
            end = next(n for n in range(first, len(lines)) if not lines[n].startswith("|"))
            return file, lines[:first], lines[first:end], lines[end:]
    raise LookupError(header)

"""Sessions from a file: a JSON list, an envelope with `data`, or one object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_sessions.embedded.record import microseconds, recorded


def load_sessions(path: str | Path) -> list[dict[str, Any]]:
    """Return the sessions of a file, every one of which the store will take.

    Raises OSError if the file cannot be read, and ValueError naming the file and the line (in
    JSONL) or the place in the list (in JSON) of the first session that cannot be served.
    """
    path = Path(path)
    sessions: list[dict[str, Any]] = []
    seen: set[str] = set()
    for place, session in _placed(path):
        try:
            sessions.append(_checked(session, seen))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    return sessions


def _placed(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield every entry of the file with the words that say where it stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 text") from None
    try:
        whole = json.loads(text)
    except ValueError as error:
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _opens_an_object(lines[0][1]):  # noqa: PLR2004 - one line is not JSONL
            raise ValueError(f"{path}: not JSON: {error}") from None
        yield from _lines(path, lines)
        return
    if isinstance(whole, dict) and "data" not in whole:
        whole = [whole]  # JSONL of one line
    entries = whole["data"] if isinstance(whole, dict) else whole
    if not isinstance(entries, list):
        raise ValueError(f"{path}: neither a list of sessions nor an object with `data`")  # noqa: TRY004 - a wrong file, not a call
    for index, entry in enumerate(entries):
        yield f"{path}: session {index}", entry


def _lines(path: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[str, Any]]:
    for number, line in lines:
        place = f"{path}: line {number}"
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{place}: not JSON: {error}") from None
        yield place, entry


def _opens_an_object(line: str) -> bool:
    """Say whether a line reads as a whole JSON value of its own, as it does in JSONL."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _checked(session: object, seen: set[str]) -> dict[str, Any]:
    if not isinstance(session, dict):
        raise ValueError("not an object")  # noqa: TRY004 - a wrong file, not a call
    id_ = session.get("id")
    if not isinstance(id_, str) or not id_:
        raise ValueError("no id")
    if id_ in seen:
        raise ValueError(f"a second session with the id {id_}")
    if "created_at" not in session:
        raise ValueError("no created_at")
    microseconds(session["created_at"])
    recorded(session)
    seen.add(id_)
    return session

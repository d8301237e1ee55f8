"""Parses JSON that a strict parser refuses, so that one broken row does not cost the page.

Broken UTF-8 and half characters cost a character; numbers without end, infinite ones, and what is
nested deeper than anything shown are none. It is slow, and takes several times the body's memory.
"""

import json
import math
import re
from collections.abc import Iterator
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import Any, Final

_DEEPEST: Final = 4  # row, tools, tool, name
_LONGEST_NUMBER: Final = 18  # digits
_MARK: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[][{}]', re.DOTALL)
_SPACE: Final = re.compile(r"[ \t\n\r]*")


def parse_lenient_page(body: bytes | bytearray, max_rows: int) -> dict[str, Any]:
    """Return a page's members, and of its `data` the first `max_rows` rows.

    Raises:
        ValueError, IndexError: it is no JSON object, even so.
        RecursionError: it is nested without end.
    """
    return dict(_members(_text(body), max_rows))


def parse_lenient(text: bytes) -> Any:
    """Return one row or other value, or None where nothing can be made of it."""
    try:
        return _pruned(json.loads(_text(text), parse_int=_whole), _DEEPEST)
    except (ValueError, RecursionError):
        return None


def _text(body: bytes | bytearray) -> str:
    return body.decode("utf-8-sig", "replace")


def _members(text: str, max_rows: int) -> Iterator[tuple[str, Any]]:
    read = JSONDecoder(parse_int=_whole).raw_decode
    index = _past(text, 0, "{")
    while text[index] != "}":
        name, index = scanstring(text, _past(text, index, '"'), True)
        index = _past(text, index, ":")
        if name == "data":
            rows, index = _rows(text, index, max_rows)
            yield name, rows
        else:
            value, index = read(text, index)
            yield name, _pruned(value, 0)
        index = _past_comma(text, index)


def _rows(text: str, index: int, max_rows: int) -> tuple[list[Any], int]:
    read = JSONDecoder(parse_int=_whole).raw_decode
    rows: list[Any] = []
    index = _past(text, index, "[")
    while text[index] != "]":
        try:
            row, index = read(text, index)
        except RecursionError:
            row, index = None, _past_nested(text, index)
        if len(rows) < max_rows:
            rows.append(_pruned(row, _DEEPEST))
        index = _past_comma(text, index)
    return rows, index + 1


def _past_nested(text: str, index: int) -> int:
    """Return the index behind an object or list that is nested too deeply to be read."""
    depth = 0
    for mark in _MARK.finditer(text, index):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    raise ValueError("it has no end")


def _past(text: str, index: int, mark: str) -> int:
    """Return the index behind `mark` and behind the white space around it, but for a string's."""
    index = _past_space(text, index)
    if text[index] != mark:
        raise ValueError(mark)
    return index + 1 if mark == '"' else _past_space(text, index + 1)


def _past_comma(text: str, index: int) -> int:
    index = _past_space(text, index)
    return _past_space(text, index + 1) if text[index] == "," else index


def _past_space(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _pruned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if depth == 0 and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {_pruned(name, 0): _pruned(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_pruned(item, depth - 1) for item in value]
    return value

"""What a fast parser refuses, read all the same, so that one broken row does not cost the page.

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


def mended_page(body: bytes | bytearray, most: int) -> dict[str, Any]:
    """Return a page's members, and of its `data` the first `most` rows.

    Raises:
        ValueError, IndexError: it is no JSON object, even so.
        RecursionError: it is nested without end.
    """
    return dict(_members(_text(body), most))


def mended(text: bytes) -> Any:
    """Return one row or other value, or None where nothing can be made of it."""
    try:
        return _pruned(json.loads(_text(text), parse_int=_whole), _DEEPEST)
    except (ValueError, RecursionError):
        return None


def _text(body: bytes | bytearray) -> str:
    return body.decode("utf-8-sig", "replace")


def _members(text: str, most: int) -> Iterator[tuple[str, Any]]:
    read = JSONDecoder(parse_int=_whole).raw_decode
    place = _past(text, 0, "{")
    while text[place] != "}":
        name, place = scanstring(text, _past(text, place, '"'), True)
        place = _past(text, place, ":")
        if name == "data":
            rows, place = _rows(text, place, most)
            yield name, rows
        else:
            value, place = read(text, place)
            yield name, _pruned(value, 0)
        place = _past_comma(text, place)


def _rows(text: str, place: int, most: int) -> tuple[list[Any], int]:
    read = JSONDecoder(parse_int=_whole).raw_decode
    rows: list[Any] = []
    place = _past(text, place, "[")
    while text[place] != "]":
        try:
            row, place = read(text, place)
        except RecursionError:
            row, place = None, _past_nested(text, place)
        if len(rows) < most:
            rows.append(_pruned(row, _DEEPEST))
        place = _past_comma(text, place)
    return rows, place + 1


def _past_nested(text: str, place: int) -> int:
    """Return the place behind an object or list that is nested too deeply to be read."""
    depth = 0
    for mark in _MARK.finditer(text, place):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    raise ValueError("it has no end")


def _past(text: str, place: int, mark: str) -> int:
    """Return the place behind `mark` and behind the white space around it, but for a string's."""
    place = _past_space(text, place)
    if text[place] != mark:
        raise ValueError(mark)
    return place + 1 if mark == '"' else _past_space(text, place + 1)


def _past_comma(text: str, place: int) -> int:
    place = _past_space(text, place)
    return _past_space(text, place + 1) if text[place] == "," else place


def _past_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


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

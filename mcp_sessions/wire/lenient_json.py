"""Parses JSON that a strict parser refuses, so that one odd value does not cost the page.

Broken UTF-8 and half characters cost a character; numbers without end, infinite ones, and what is
nested deeper than anything shown become null. It takes several times the text's memory.
"""

import json
import math
from typing import Any, Final

_MAX_DEPTH: Final = 6  # page, data, row, tools, tool, name
_MAX_DIGITS: Final = 18


def parse_lenient(text: bytes | bytearray) -> Any:
    """Return the value of a JSON text; raises as `load_lenient` does."""
    return readable(load_lenient(text))


def load_lenient(text: bytes | bytearray) -> Any:
    """Return the value of a JSON text, of which `readable` is what may be read.

    Raises:
        ValueError: it is no JSON, even so.
        RecursionError: it is nested without end.
    """
    return json.loads(text.decode("utf-8-sig", "replace"), parse_int=_whole)


def readable(value: Any) -> Any:
    """Return a value without what cannot be read: half characters, infinities, great depth."""
    return _readable(value, _MAX_DEPTH)


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _readable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if depth == 0 and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {_readable(name, 0): _readable(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_readable(item, depth - 1) for item in value]
    return value

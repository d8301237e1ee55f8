"""Secrets that are known by where they stand: what is around them, and what is no secret there."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.random_tokens import Span, looks_random

_DIGIT = re.compile("[0-9]")
_JOINTS = re.compile("[-_%.~]")
_MAX_CHARS_JUDGED = 128


def _always(_value: str, _around: re.Match[str]) -> bool:
    return True


class Place(NamedTuple):
    """A place where secrets stand: `pattern` has it in its group `secret`, in lower case.

    `hint` is in every text that has such a place; finding it is faster than the pattern. `holds`
    judges the value as it is written, and what was found around it.
    """

    hint: str
    pattern: re.Pattern[str]
    holds: Callable[[str, re.Match[str]], bool] = _always


def at_places(places: Iterable[Place], line: Folded) -> Iterator[Span]:
    """Yield where secrets stand at any of the places."""
    for place in places:
        if place.hint in line.lower:
            for found in place.pattern.finditer(line.lower):
                start, end = found.span("secret")
                if place.holds(line.text[start:end], found):
                    yield start, end


def is_drawn(value: str, _around: re.Match[str] | None = None) -> bool:
    """Tell a value that was drawn at random from a word, a slug, a number or a date."""
    characters = _JOINTS.sub("", value[:_MAX_CHARS_JUDGED])
    digits = len(_DIGIT.findall(characters))
    long = len(characters) >= 16 and 2 < digits < len(characters)  # noqa: PLR2004 - a slug has fewer
    return long or looks_random(characters)


def has_digits(value: str, _around: re.Match[str] | None = None) -> bool:
    """Tell what has two digits from a word."""
    return len(_DIGIT.findall(value)) > 1

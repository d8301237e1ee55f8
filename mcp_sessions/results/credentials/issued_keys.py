"""Keys in the shape of a known issuer, with what a line break or a space tore from their end."""

import re
from collections.abc import Iterator
from functools import cache

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.issuers import ISSUERS
from mcp_sessions.results.credentials.names import alternatives
from mcp_sessions.results.credentials.random_tokens import Span, looks_random

_TORN = re.compile(r" ([A-Za-z0-9+/=_.-]{6,}+)")
_LONG = re.compile(r"[^ ]{30}")  # as long as keys without a start of their own
_DIGIT = re.compile("[0-9]")


def issued_keys(line: Folded) -> Iterator[Span]:
    """Yield where keys of the issuers stand."""
    text, position = line.text, 0
    while (found := _starts().search(text, position)) is not None:
        position = found.end()
        for rest in _rests(found[0]):
            if (key := rest.match(text, found.end())) is not None:
                position = _torn_end(text, key.end())
                yield found.start(), position
                break
    if _LONG.search(text) is None:
        return
    for key in _without_start().finditer(text):
        yield key.start(), _torn_end(text, key.end())


def _torn_end(text: str, end: int) -> int:
    """Return where a key ends, with the parts that follow it after a space."""
    while (torn := _TORN.match(text, end)) is not None and _is_part_of_a_key(torn[1]):
        end = torn.end()
    return end


def _is_part_of_a_key(word: str) -> bool:
    if looks_random(word):
        return True
    if word.endswith("-") and word[:-1].isdigit():
        return True
    digits = len(_DIGIT.findall(word))
    if word == word.lower():
        return word.isalnum() and len(word) >= 12 and digits >= 4  # noqa: PLR2004 - hexadecimal
    return word.isalnum() and len(word) >= 8 and digits > 1  # noqa: PLR2004 - letters of both cases


@cache
def _starts() -> re.Pattern[str]:
    """Return how keys begin, the longest first: "sk-ant-" before "sk-"."""
    starts = {start for issuer in ISSUERS for start in issuer.starts}
    return re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives(starts)})")


@cache
def _rests(start: str) -> tuple[re.Pattern[str], ...]:
    """Return what may follow a start; compiled when a text has it, since few texts do."""
    return tuple(re.compile(issuer.rest) for issuer in ISSUERS if start in issuer.starts)


@cache
def _without_start() -> re.Pattern[str]:
    shapes = "|".join(issuer.rest for issuer in ISSUERS if not issuer.starts)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{shapes})")

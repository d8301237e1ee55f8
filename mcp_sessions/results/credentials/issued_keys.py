"""Keys in the shape of a known issuer, with what a line break or a space tore from their end."""

import re
from collections.abc import Iterator
from functools import cache

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.issuers import ISSUERS
from mcp_sessions.results.credentials.names import alternatives
from mcp_sessions.results.credentials.random_tokens import Span, looks_random

# What comes between the parts of a key: a space, or what joins two texts in a program.
_TORN = re.compile(r"(?: |[\"'`] ?[+.&\\]{0,2} ?[\"'`])([A-Za-z0-9+/=_.-]{6,}+)")
_TORN_EARLY = re.compile(r"([A-Za-z0-9_-]{4,15}+) ([A-Za-z0-9_-]{6,100}+)")
_LONG = re.compile(r"[^ ]{30}")  # as long as keys without a start of their own
_JOINT = re.compile("[_-]")
_RUN = re.compile(r"[A-Za-z0-9_-]{6,64}")
_DIGIT = re.compile("[0-9]")


def issued_keys(line: Folded) -> Iterator[Span]:
    """Yield where keys of the issuers stand."""
    text, position = line.text, 0
    starts = _starts(glued=len(_JOINT.findall(text)) > 1)
    while (found := starts.search(text, position)) is not None:
        position = found.end()
        if found.lastgroup and not _is_drawn(text, position):
            continue
        end = _end(text, found)
        if end is not None:
            position = _torn_end(text, end)
            yield found.start(), position
    if _LONG.search(text) is None:
        return
    for key in _without_start().finditer(text):
        yield key.start(), _torn_end(text, key.end())


def _is_drawn(text: str, start: int) -> bool:
    """Tell whether a key follows, by no more than its beginning: a word may have many starts."""
    run = _RUN.match(text, start)
    return run is not None and _is_part_of_a_key(run[0])


def _end(text: str, start: re.Match[str]) -> int | None:
    """Return where the key that begins so ends, or None if it is none; it may be torn early."""
    rests = _rests(start[0])
    for rest in rests:
        if (key := rest.match(text, start.end())) is not None:
            return key.end()
    torn = _TORN_EARLY.match(text, start.end())
    if torn is not None and looks_random(torn[1] + torn[2]) and _is_part_of_a_key(torn[2]):
        whole = torn[1] + torn[2]
        if any(rest.match(whole) is not None for rest in rests):
            return torn.end()
    return None


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
def _starts(*, glued: bool) -> re.Pattern[str]:
    """Return how keys begin, the longest first ("sk-ant-", "sk-"); if `glued`, in words too."""
    starts = {start for issuer in ISSUERS for start in issuer.starts}
    # A word may stand right before those that no word ends in: "tokensk_live_…".
    telling = {start for start in starts if len(_JOINT.findall(start)) > 1}
    inside = rf"|(?P<glued>{alternatives(telling)})" if glued else ""
    return re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives(starts)}){inside}")


@cache
def _rests(start: str) -> tuple[re.Pattern[str], ...]:
    """Return what may follow a start; compiled when a text has it, since few texts do."""
    return tuple(re.compile(issuer.rest) for issuer in ISSUERS if start in issuer.starts)


@cache
def _without_start() -> re.Pattern[str]:
    shapes = "|".join(issuer.rest for issuer in ISSUERS if not issuer.starts)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{shapes})")

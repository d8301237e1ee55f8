"""Strangers' text, made harmless: one line, nothing invisible, no credential, no longer than asked.

Titles, previews, tags and names come from whoever talked to the agent. They stay readable in
every script (Persian joiners, Indic conjuncts, emoji families) and lose only what a reader
cannot see or must not see.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from mcp_sessions.results.credentials.mask import masked

if TYPE_CHECKING:
    import regex

_SPARE_CHARS = 160  # code points beyond what is shown: blanks, and the rest of a credential
_MAX_MARKS = 6  # stacked marks that living scripts use stay well under this
# What str.isprintable lets through though it has no shape, and marks piled up too high.
_SUSPECT = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]|[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f"
    f"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MAX_MARKS + 1}}}"
)


def harmless(text: str, limit: int) -> str:
    """Return `text` as one safe line of at most `limit` code points, the last one "…" if cut.

    Of a long text only as much is looked at as can be shown, so that the time is bounded.
    """
    text, is_cut = _line(text, limit)
    text = masked(text)
    return text if len(text) <= limit and not is_cut else _cut(text, limit)


def one_line(text: str, limit: int) -> str:
    """Return `text` like `harmless`, but with its credentials: for what the reader said itself."""
    text, is_cut = _line(text, limit)
    return text if len(text) <= limit and not is_cut else _cut(text, limit)


def excerpt(text: str, start: int, end: int, limit: int) -> str:
    """Return about `limit` code points of a harmless text around a part of it, "…" where cut.

    It is cut between words where that leaves the part whole, else between grapheme clusters.
    """
    first = max(0, min(start - (limit - (end - start)) // 2, len(text) - limit))
    first = min(first, start)
    last = min(len(text), first + limit)
    if first > 0:
        blank = text.find(" ", first - 1, start)
        first = blank + 1 if blank >= 0 else _boundary(text, first)
    if last < len(text):
        blank = text.rfind(" ", end, last + 1)
        last = blank if blank >= 0 else _boundary(text, last)
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def _boundary(text: str, index: int) -> int:
    """Return the start of the grapheme cluster that holds the code point at `index`."""
    if text.isascii():
        return index
    starts = (cluster.start() for cluster in _clusters().finditer(text, endpos=index + 1))
    return max(starts, default=index)


def _line(text: str, limit: int) -> tuple[str, bool]:
    """Return the visible text up to some way beyond `limit`, and whether more follows.

    It ends with a whole word if it can: half a credential might pass for none.
    """
    start = text[: 2 * (limit + _SPARE_CHARS)]
    line = " ".join(start.split())  # most of what is not printable is a line break
    if not line.isprintable() or not (line.isascii() or _SUSPECT.search(line) is None):
        line = " ".join(_visible(start).split())
    if not line or (len(start) == len(text) and len(line) <= limit + _SPARE_CHARS):
        return line, False
    line = line[: limit + _SPARE_CHARS]
    end = line.rfind(" ", limit)
    return line if end < 0 else line[:end], True


def _cut(text: str, limit: int) -> str:
    """Keep whole grapheme clusters: half a flag or a lone vowel sign is not the author's text."""
    if text.isascii():
        return text[: limit - 1].rstrip() + "…"
    kept, size = [], 0
    for cluster in _clusters().findall(text, endpos=limit + 1):
        size += len(cluster)
        if size >= limit:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + "…"


def _visible(text: str) -> str:
    """Drop what has no shape of its own, keeping the joiners that shape their neighbours."""
    escapes, breaks, invisible, joiners, marks = _noise()
    text = breaks.sub(" ", escapes.sub("", text))
    text = joiners.sub("", invisible.sub("", text))
    return marks.sub(r"\1", text)


@cache
def _noise() -> "tuple[regex.Pattern[str], ...]":
    import regex  # noqa: PLC0415 - 10 ms that plain ASCII text never needs

    return (
        # Terminal escapes: CSI, then OSC and its kin up to their terminator, then two-byte ones.
        regex.compile(
            r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
            r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\|\x9c)"
            r"|\x1b[ -/]*[0-~]"
        ),
        regex.compile(r"[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]"),
        # Default-ignorable and format characters, but for ZWNJ, ZWJ, the two emoji presentation
        # selectors, Mongolian variation selectors and the Arabic signs that do have a shape;
        # surrogates, private use, noncharacters, and the blank that pretends to be Braille.
        regex.compile(
            r"[[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}"
            r"\u2800]--[\u200c\u200d\ufe0e\ufe0f\u180b-\u180d\u180f\p{Prepended_Concatenation_Mark}]]",
            regex.VERSION1,
        ),
        # A joiner or selector that joins nothing: first, last, repeated, beside a space, or
        # beside a letter of ASCII, which has no joined form.
        regex.compile(
            r"(?<=[\x21-\x7e])[\u200c\u200d]+|[\u200c\u200d]+(?=[\x21-\x7e])"
            r"|(?<![^\s\u200c\u200d])[\u200c\u200d]+|(?<=[\u200c\u200d])[\u200c\u200d]+"
            r"|[\u200c\u200d]+(?=\s|$)|(?<![^\s\ufe0e\ufe0f])[\ufe0e\ufe0f]+"
            r"|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+"
        ),
        regex.compile(rf"([\p{{Mn}}\p{{Me}}]{{{_MAX_MARKS}}})[\p{{Mn}}\p{{Me}}]+"),
    )


@cache
def _clusters() -> "regex.Pattern[str]":
    import regex  # noqa: PLC0415 - as above

    return regex.compile(r"\X")

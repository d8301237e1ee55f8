"""Strangers' text, made harmless: one line, nothing invisible, no credential, no longer than asked.

Titles, previews, tags and names come from whoever talked to the agent. They stay readable in
every script (Persian joiners, Indic conjuncts, emoji families) and lose only what a reader
cannot see or must not see.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

MASK = "[masked]"
_LONGEST_READ = 4_000  # code points; what follows could not be shown anyway
_MOST_MARKS = 6  # stacked marks that living scripts use stay well under this
# What str.isprintable lets through though it has no shape, and marks piled up too high.
_SUSPECT = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]|[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f"
    f"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MOST_MARKS + 1}}}"
)

_ANNOUNCING = {"bearer", "basic", "apikey", "password", "passwd", "-u"}  # a value without a colon
_SHORTEST = 12  # code points of a credential that no such word announces
_LONG = re.compile(f"[^ ]{{{_SHORTEST}}}")


def harmless(text: str, limit: int) -> str:
    """Return `text` as one safe line of at most `limit` code points, the last one "…" if cut."""
    text = _line(text)
    if _may_hold_credential(text):
        text = _credentials().sub(_masked, text)
    return text if len(text) <= limit else _cut(text, limit)


def one_line(text: str, limit: int) -> str:
    """Return `text` like `harmless`, but with its credentials: for what the reader said itself."""
    text = _line(text)
    return text if len(text) <= limit else _cut(text, limit)


def _line(text: str) -> str:
    text = text[:_LONGEST_READ]
    line = " ".join(text.split())  # most of what is not printable is a line break
    if line.isprintable() and (line.isascii() or _SUSPECT.search(line) is None):
        return line
    return " ".join(_visible(text).split())


def _may_hold_credential(line: str) -> bool:
    """Rule out most titles at a tenth of the cost: every shape of _credentials has one of these."""
    if "=" in line or ":" in line or "\uff1a" in line or "-----" in line:
        return True
    if _LONG.search(line) is not None and any(map(_is_no_plain_word, line.split(" "))):
        return True
    return not _ANNOUNCING.isdisjoint(line.lower().split(" "))


def _is_no_plain_word(word: str) -> bool:
    return len(word) >= _SHORTEST and not (word.isalpha() and word.islower())


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
            r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
            r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
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
        regex.compile(rf"([\p{{Mn}}\p{{Me}}]{{{_MOST_MARKS}}})[\p{{Mn}}\p{{Me}}]+"),
    )


@cache
def _clusters() -> "regex.Pattern[str]":
    import regex  # noqa: PLC0415 - as above

    return regex.compile(r"\X")


@cache
def _credentials() -> re.Pattern[str]:
    """Shapes that issuers give their keys, names followed by a value, and long mixtures.

    Every look-ahead is bounded, so that the time stays linear in the text.
    """
    issued = "|".join(_ISSUED)
    strong = (
        r"(?:pass(?:word|wd|phrase|wort)?|pwd|(?:client_?)?secret(?:[_-](?:access_)?key)?"
        r"|(?:api|access|private|auth)[_ -]?(?:key|token))[\"']?"
    )
    digits = r"(?=[^\s\"',;&0-9]{0,64}[0-9][^\s\"',;&0-9]{0,64}[0-9])"
    named = (
        # Any value after an equals sign; after a colon one with digits or signs, or a long word.
        rf"(?P<assigned>{strong}=[\"']?)[^\s\"',;&]{{4,}}+"
        rf"|(?P<strong>{strong}\s?[:\uff1a=]\s?[\"']?)"
        r"(?=[^\s\"',;&]{0,64}[0-9!@#$%^*]|[^\s\"',;&]{12})[^\s\"',;&]{6,}+"
        r"|(?P<spoken>password\s(?:is\s)?)(?=[^\s0-9]{1,64}[0-9])[^\s\"',;&]{6,}+"
        r"|(?P<header>authorization[\"']?\s?[:=\uff1a]\s?[\"']?(?:bearer|basic|token|apikey|digest)\s)"
        r"[^\s\"',;]{6,}+"
        rf"|(?P<bearer>(?:bearer|apikey)\s){digits}[^\s\"',;]{{12,}}+"
        # A weak name says little: dates, counts and issue numbers follow it as well as keys.
        r"|(?P<weak>(?:key|token|credential|cookie|signature|sig)[\"']?\s?[:=\uff1a]\s?[\"']?"
        r"|session=)(?!(?:19|20)[0-9]{2}|[a-z]{2,10}-[0-9]+\b|session_)"
        rf"{digits}(?=[^\s\"',;&:]{{0,64}}[a-z])[^\s\"',;&:]{{8,}}+"
    )
    in_url = r"(?<=://)[^\s/]{1,256}(?=@)|(?<=-u )[^\s:]{1,64}:\S{1,256}"
    basic = r"(?<=[Bb]asic )[A-Za-z0-9+/]{8,}+={1,2}"
    upper_and_lower = r"(?=[A-Z0-9+=]{0,31}[a-z])(?=[a-z0-9+=]{0,31}[A-Z])"
    mixture = (
        rf"{upper_and_lower}(?=[A-Za-z+=]{{0,31}}[0-9])"
        r"(?:(?=[A-Za-z+=]{0,31}[0-9][A-Za-z+=]{0,31}[0-9])[A-Za-z0-9+=]{24}|[A-Za-z0-9+=]{32})"
        r"[A-Za-z0-9+=]*+"
        # With slashes only at the length of a secret access key: a path is longer or shorter.
        r"|(?=[A-Z0-9/+]{0,31}[a-z])(?=[a-z0-9/+]{0,31}[A-Z])"
        r"(?=(?:[A-Za-z/+]{0,20}[0-9]){3})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    )
    return re.compile(
        rf"(?<![A-Za-z0-9])(?:{issued}|{mixture})|{basic}|{in_url}|(?i:(?<![a-z])(?:{named}))"
    )


_WORD = r"[A-Za-z0-9_\-]"
_DIGIT = rf"(?={_WORD}{{0,64}}[0-9])"
_ISSUED = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*",
    rf"(?:sk|pk|rk)[-_](?:proj|ant|live|test|or|svcacct|admin)[-_]{_WORD}{{6,}}+",
    r"(?:sk|pk|rk)[-_](?=[A-Za-z]{0,64}[0-9])[A-Za-z0-9]{16,}+",
    rf"(?:sk|pk|rk)[-_]{_DIGIT}(?=[a-z0-9_\-]{{0,64}}[A-Z]){_WORD}{{12,}}+",
    rf"(?:gh[a-z]_|github_pat_|glpat-|shp[a-z]{{2}}_|dop_v1_|whsec_|lin_api_|nvapi-){_WORD}{{8,}}+",
    rf"(?:evr_[a-z]{{2,9}}_|dckr_pat_|glsa_|figd_|tskey-[a-z]{{2,9}}-|sntrys_|PMAK-){_WORD}{{8,}}+",
    rf"(?:gsk_|xai-|pplx-|r8_|hf_|npm_){_DIGIT}[A-Za-z0-9_]{{16,}}+",
    rf"pypi-{_DIGIT}{_WORD}{{24,}}+|dapi[0-9a-f]{{32}}|hvs\.{_WORD}{{12,}}+",
    rf"ATATT3x{_WORD}{{8,}}+|sq0[a-z]{{3}}-{_WORD}{{12,}}+|AGE-SECRET-KEY-1[0-9A-Z]{{12,}}+",
    rf"(?:xox[a-z]|xapp)-{_WORD}{{6,}}+|AIza{_WORD}{{16,}}+|ya29\.{_WORD}{{8,}}+",
    rf"EAAC{_DIGIT}[A-Za-z0-9]{{16,}}+|(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{{16}}(?![0-9A-Z])",
    r"SG\.[\w-]{8,64}\.[\w-]{8,}+|eyJ[\w-]{6,2000}\.[\w-]{4,}+(?:\.[\w-]*+)?",
)


def _masked(found: re.Match[str]) -> str:
    """Keep the name that says what was masked."""
    return next((name for name in found.groupdict().values() if name), "") + MASK

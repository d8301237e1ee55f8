"""Masks credentials in strangers' text: the shapes of issuers' keys, and names with a value."""

import re
from functools import cache
from typing import Final

MASK: Final = "[masked]"

_ANNOUNCING = {"bearer", "basic", "apikey", "password", "passwd", "-u"}  # a value without a colon
_MIN_CHARS = 12  # code points of a credential that no such word announces
_LONG = re.compile(f"[^ ]{{{_MIN_CHARS}}}")


def masked(line: str) -> str:
    """Return one line of text with `[masked]` in place of each credential."""
    return _credentials().sub(_mask, line) if _may_hold_credential(line) else line


def _may_hold_credential(line: str) -> bool:
    """Rule out most titles at a tenth of the cost: every shape of _credentials has one of these."""
    if "=" in line or ":" in line or "\uff1a" in line or "-----" in line:
        return True
    if _LONG.search(line) is not None and any(map(_is_no_plain_word, line.split(" "))):
        return True
    return not _ANNOUNCING.isdisjoint(line.lower().split(" "))


def _is_no_plain_word(word: str) -> bool:
    return len(word) >= _MIN_CHARS and not (word.isalpha() and word.islower())


@cache
def _credentials() -> re.Pattern[str]:
    """Shapes that issuers give their keys, names followed by a value, and long mixtures.

    The time is linear in the text: every look-ahead is short and gives nothing back (`++`, what
    follows it is of another class), and whatever else is repeated is then masked, not read again.
    """
    issued = "|".join(_ISSUED)
    strong = (
        r"(?:pass(?:word|wd|phrase|wort)?|pwd|(?:client_?)?secret(?:[_-](?:access_)?key)?"
        r"|(?:api|access|private|auth)[_ -]?(?:key|token))[\"']?"
    )
    digits = r"(?=(?:[^\s\"',;&0-9]{0,32}+[0-9]){2})"
    named = (
        # Any value after an equals sign; after a colon one with digits or signs, or a long word.
        rf"(?P<assigned>{strong}=[\"']?)[^\s\"',;&]{{4,}}+"
        rf"|(?P<strong>{strong}\s?[:\uff1a=]\s?[\"']?)"
        r"(?=[^\s\"',;&0-9!@#$%^*]{0,64}+[0-9!@#$%^*]|[^\s\"',;&]{12})[^\s\"',;&]{6,}+"
        r"|(?P<spoken>password\s(?:is\s)?)(?=[^\s0-9]{1,64}+[0-9])[^\s\"',;&]{6,}+"
        r"|(?P<header>authorization[\"']?\s?[:=\uff1a]\s?[\"']?(?:bearer|basic|token|apikey|digest)\s)"
        r"[^\s\"',;]{6,}+"
        rf"|(?P<bearer>(?:bearer|apikey)\s){digits}[^\s\"',;]{{12,}}+"
        # A weak name says little: dates, counts and issue numbers follow it as well as keys.
        r"|(?P<weak>(?:key|token|credential|cookie|signature|sig)[\"']?\s?[:=\uff1a]\s?[\"']?"
        r"|session=)(?!(?:19|20)[0-9]{2}|[a-z]{2,10}-[0-9]+\b|session_)"
        rf"{digits}(?=[^\s\"',;&:a-zA-Z]{{0,64}}+[a-z])[^\s\"',;&:]{{8,}}+"
    )
    in_url = r"(?<=://)[^\s/]{1,256}(?=@)|(?<=-u )[^\s:]{1,64}+:\S{1,256}+"
    basic = r"(?<=[Bb]asic )[A-Za-z0-9+/]{8,}+={1,2}"
    upper_and_lower = r"(?=[A-Z0-9+=]{0,31}+[a-z])(?=[a-z0-9+=]{0,31}+[A-Z])"
    mixture = (
        rf"{upper_and_lower}(?=[A-Za-z+=]{{0,31}}+[0-9])"
        r"(?:(?=(?:[A-Za-z+=]{0,31}+[0-9]){2})[A-Za-z0-9+=]{24}|[A-Za-z0-9+=]{32})"
        r"[A-Za-z0-9+=]*+"
        # With slashes only at the length of a secret access key: a path is longer or shorter.
        r"|(?=[A-Z0-9/+]{0,31}+[a-z])(?=[a-z0-9/+]{0,31}+[A-Z])"
        r"(?=(?:[A-Za-z/+]{0,20}+[0-9]){3})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    )
    return re.compile(
        rf"(?<![A-Za-z0-9])(?:{issued}|{mixture})|{basic}|{in_url}|(?i:(?<![a-z])(?:{named}))"
    )


_WORD = r"[A-Za-z0-9_\-]"
_DIGIT = r"(?=[A-Za-z_\-]{0,64}+[0-9])"
_ISSUED = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*+",
    rf"(?:sk|pk|rk)[-_](?:proj|ant|live|test|or|svcacct|admin)[-_]{_WORD}{{6,}}+",
    r"(?:sk|pk|rk)[-_](?=[A-Za-z]{0,64}+[0-9])[A-Za-z0-9]{16,}+",
    rf"(?:sk|pk|rk)[-_]{_DIGIT}(?=[a-z0-9_\-]{{0,64}}+[A-Z]){_WORD}{{12,}}+",
    rf"(?:gh[a-z]_|github_pat_|glpat-|shp[a-z]{{2}}_|dop_v1_|whsec_|lin_api_|nvapi-){_WORD}{{8,}}+",
    rf"(?:evr_[a-z]{{2,9}}_|dckr_pat_|glsa_|figd_|tskey-[a-z]{{2,9}}-|sntrys_|PMAK-){_WORD}{{8,}}+",
    rf"(?:gsk_|xai-|pplx-|r8_|hf_|npm_){_DIGIT}[A-Za-z0-9_]{{16,}}+",
    rf"pypi-{_DIGIT}{_WORD}{{24,}}+|dapi[0-9a-f]{{32}}|hvs\.{_WORD}{{12,}}+",
    rf"ATATT3x{_WORD}{{8,}}+|sq0[a-z]{{3}}-{_WORD}{{12,}}+|AGE-SECRET-KEY-1[0-9A-Z]{{12,}}+",
    rf"(?:xox[a-z]|xapp)-{_WORD}{{6,}}+|AIza{_WORD}{{16,}}+|ya29\.{_WORD}{{8,}}+",
    rf"EAAC{_DIGIT}[A-Za-z0-9]{{16,}}+|(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{{16}}(?![0-9A-Z])",
    r"SG\.[\w-]{8,64}+\.[\w-]{8,}+",
    # Base64 of '{"': the header of a JWT, which ends in a dot or is too long to be anything else.
    r"eyJ(?=[\w-]{6,64}+(?:\.[\w-]{4}|[\w-]))[\w-]++(?:\.[\w-]*+)*+",
)


def _mask(found: re.Match[str]) -> str:
    """Keep the name that says what was masked."""
    return next((name for name in found.groupdict().values() if name), "") + MASK

"""Judges what stands behind the name of a secret: a value, or a word of the sentence."""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from mcp_sessions.results.credentials.names import Kind
from mcp_sessions.results.credentials.random_tokens import looks_random

By = Literal["=", ":", "is", " "]
"""What stands between a name and its value."""

_SHORT = 4  # characters of a value that is rather a word
_PHRASE = 3  # spaces in a phrase that is a password
_LONG = 12  # characters of a word that nobody would put behind "password:" but as one
_CHARS_DRAWN = 64  # in which what was drawn at random shows itself

_PLACEHOLDER = re.compile(
    r"\$[a-z_({]|--?[a-z]|[<({\[%]|\*{2,}|x{4,}$|\.{2,}|\w{1,40}\(|(?:null|none|nil|true|false"
    r"|undefined|redacted|hidden|required|optional|string|str|your[-_]\w*)(?![a-z0-9])"
    r"|(?:os|env|process|secrets?|config|settings|self|this)\.[a-z]|(?:vault|op|arn|env|file):"
    r"|(?:projects|arn|secrets|vaults?)/",
    re.IGNORECASE,
)
# Years, issues, versions, ids and algorithms.
_KNOWN = re.compile(
    r"(?:19|20)[0-9]{2}(?![0-9])|[a-z]{2,10}-[0-9]{1,6}\b|v?[0-9]+(?:\.[0-9]+)+\b|v[0-9]+\b|0x[0-9a-f]{1,8}\b"
    r"|(?:session|agent)_|(?:ed|rsa|ecdsa|dsa|aes|sha|secp|hs|rs|es|ps|chacha|argon|base|utf|oauth"
    r"|x|curve)[-_]?[0-9]+[a-z0-9]{0,6}\b",
    re.IGNORECASE,
)
_MIXED = re.compile(r"(?=[A-Za-z]{0,64}+[0-9])(?=[0-9]{0,64}+[A-Za-z])[A-Za-z0-9]{8,}+")
_WORD = r"(?:[A-Z]?[a-z]{2,}+|[A-Z]{3,}+)"
_WORD_AND_NUMBER = re.compile(rf"{_WORD}(?:[0-9]{{1,3}}|(?:19|20)[0-9]{{2}})|[0-9]{{1,4}}{_WORD}")
# As variables are called that hold one.
_VARIABLE = re.compile(r"(?:[a-z]{2,12}_){1,3}(?:password|passwd|pwd|token|secret|key)")
# As such names are written in a template, in any language.
_CAPITALS = re.compile(r"[A-Z]{2,}(?:_[A-Z]{2,})+")
_HEX = re.compile(r"(?=(?:[a-f-]{0,16}+[0-9]){4})[0-9a-f-]{16,}+", re.IGNORECASE)
_SIGN = re.compile(r"[!@#$%^*?~+=|\\]")
# A capital, a small letter, a digit, and a sign that neither a link nor a pattern has.
_ALL_SORTS = re.compile(
    r"(?=.{8})(?=[^A-Z]{0,64}+[A-Z])(?=[^a-z]{0,64}+[a-z])(?=[^0-9]{0,64}+[0-9])[^!#^~]{0,64}+[!#^~]"
)
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"[0-9]")


class Value(NamedTuple):
    """What may be the value of a secret; `closed` says that no sentence goes on behind it."""

    text: str
    by: By
    closed: bool

    def is_secret(self, kind: Kind) -> bool:
        """Tell whether it is one, behind a name of that kind."""
        return not is_placeholder(self.text) and _RULES[kind](self)


def is_placeholder(text: str) -> bool:
    """Tell what stands for a value in an example or a template."""
    names = (_CAPITALS, _VARIABLE)
    return _PLACEHOLDER.match(text) is not None or any(name.fullmatch(text) for name in names)


def _is_password(value: Value) -> bool:
    """Judge what may be any word: by its signs and digits, or by standing where only it can."""
    text, by, closed = value
    has_letter, has_digit = _LETTER.search(text), _DIGIT.search(text)
    known, size = _KNOWN.match(text) is not None, len(text)
    if by == "=":
        secret = size >= _SHORT or bool(has_digit and has_letter)
    elif " " in text:  # in quotes
        secret = by != " " or text.count(" ") >= _PHRASE
    elif _SIGN.search(text[:-1]):
        secret = size > _SHORT and bool(has_letter or has_digit)
    elif has_digit and has_letter:
        alone = by == ":" or closed or not _WORD_AND_NUMBER.fullmatch(text)
        secret = size > _SHORT and alone and not known
    elif has_digit:
        secret = size >= _SHORT and text.isdigit() and by != " " and closed and not known
    else:
        joined = max(map(text.count, "-.")) > 1  # with "_" it would be a function's name
        lower = text.isascii() and text[0].islower() and (text.isalpha() or joined)
        secret = size >= _LONG and lower and by == ":" and closed
    return secret


def _is_key(value: Value) -> bool:
    """Judge what a machine has drawn."""
    text, by, closed = value
    if by == "=":
        return len(text) > _SHORT + 1 or _is_password(value._replace(by=":"))
    if _KNOWN.match(text) or " " in text or len(text) <= _SHORT + 1:
        return False
    if by in ("is", " "):
        return _is_surely_drawn(text) or (by == "is" and _is_drawn(text))
    in_sentence = not closed and _WORD_AND_NUMBER.fullmatch(text) is not None
    return not in_sentence and _is_password(value._replace(by=":"))


def _is_pin(value: Value) -> bool:
    digits = value.text.replace("-", "")
    return value.closed and value.by != " " and digits.isdigit() and _SHORT <= len(digits) <= 10  # noqa: PLR2004 - as PINs have


def _is_token(value: Value) -> bool:
    if _KNOWN.match(value.text) or " " in value.text:
        return False
    surely = value.by in ("is", " ")
    if value.by == "=" and _ALL_SORTS.match(value.text):
        return True
    return _is_surely_drawn(value.text) if surely else _is_drawn(value.text)


def _is_surely_drawn(text: str) -> bool:
    """Tell what a sentence may mention of a key: a long mixture."""
    return _HEX.fullmatch(text) is not None or (len(text) > _LONG and looks_random(text))


def _is_drawn(text: str) -> bool:
    """Tell whether letters and digits alternate as in no word with a number."""
    text = text[:_CHARS_DRAWN]
    runs = (run for run in _MIXED.findall(text) if not _WORD_AND_NUMBER.fullmatch(run))
    return any(len(_DIGIT.findall(run)) > 1 for run in runs) or looks_random(text)


_RULES: Final[dict[Kind, Callable[[Value], bool]]] = {
    "password": _is_password,
    "secret": _is_key,
    "pin": _is_pin,
    "weak": _is_token,
}

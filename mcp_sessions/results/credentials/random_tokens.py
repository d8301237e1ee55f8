"""Long mixtures of letters and digits that no issuer's shape explains: which of them are secrets.

A secret is drawn at random; a name is made of words, and a public id says what it is.
"""

import re
from collections.abc import Iterator

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.public_ids import PREFIXES, is_public, link_start

Span = tuple[int, int]
"""Where a part of a text begins and ends."""

_WORD = re.compile(r"[^ ]{16,}+")
_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_PREFIXED = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9]{0,11}(?:[_-][a-z0-9]{1,10}){0,2})[_-]+"
    r"(?P<body>[A-Za-z0-9]{16,}+)$"
)
_RUNS = re.compile(r"[A-Za-z0-9]+")
_MIN_CHARS = 24  # of a token without a prefix
_MIN_RUN = 12  # characters in a row that are neither - nor _
_CHARS_A_JOINT = 10  # characters to each - and _, at least
_MIN_CHARS_WITH_SLASHES = 40  # of a secret access key; a path has more slashes, and words
_CHARS_A_SLASH = 8

_MAX_CHARS_JUDGED = 128
_WORDS = re.compile(r"[A-Z][a-z]{2,}+|[a-z]{4,}+|[A-Z]{4,}+(?![a-z])|[0-9]{4,}+")
_VOWEL_OR_DIGIT = re.compile("[aeiouyAEIOUY0-9]")
_MOST_IN_WORDS = 0.52  # of the characters: names have more; of 24 drawn at random one in 20 has
_FEWEST = 3  # letters of each case

_SPELLED = re.compile(r"(?<!\S)\S(?: \S(?!\S)){11,}+")  # letter by letter
_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Za-z]")
# An id that is public; the token beside it has no shape of its own.
_TWILIO_ID = re.compile(r"(?<![A-Za-z0-9])(?:AC|SK|MG|VA)[0-9a-f]{32}(?![0-9A-Za-z])")
_HEX = re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32}(?![0-9A-Za-z])")


def random_tokens(line: Folded) -> Iterator[Span]:
    """Yield where secrets without a known shape stand."""
    text = line.text
    for word in _WORD.finditer(text):
        secrets = [
            token.span() for token in _TOKEN.finditer(text, *word.span()) if _is_secret(token[0])
        ]
        # Once for the word, or a word of many tokens would take long.
        path = link_start(text, *word.span()) if secrets else 0
        for start, end in secrets:
            if end < path and not is_public(text, start, end):
                yield start, end
    for spelled in _SPELLED.finditer(text):
        if len(_DIGIT.findall(spelled[0])) > 1 and _LETTER.search(spelled[0]):
            yield spelled.span()
    if ("AC" in text or "SK" in text) and _TWILIO_ID.search(text):
        yield from (found.span() for found in _HEX.finditer(text))


def looks_random(characters: str) -> bool:
    """Tell whether letters of both cases and digits were drawn at random, rather than spelled."""
    judged = characters[:_MAX_CHARS_JUDGED]
    if _DIGIT.search(judged) is None:
        return False
    lower = sum(map(str.islower, judged))
    upper = sum(map(str.isupper, judged))
    if lower < _FEWEST or upper < _FEWEST:
        return False
    words = (word[0] for word in _WORDS.finditer(judged))
    in_words = sum(len(word) for word in words if _VOWEL_OR_DIGIT.search(word))
    return in_words < _MOST_IN_WORDS * len(judged)


def _is_secret(token: str) -> bool:
    """Judge a token by what follows its prefix, or by its longest run of letters and digits."""
    prefixed = _PREFIXED.match(token)
    if prefixed is not None and looks_random(prefixed["body"]):
        name = prefixed["name"].lower()
        return name not in PREFIXES and name.partition("_")[0] not in PREFIXES
    plain = token.rstrip("=")
    longest = max(map(len, _RUNS.findall(plain)), default=0)
    joints = sum(map(plain.count, "-_")) * _CHARS_A_JOINT
    if len(plain) < _MIN_CHARS or longest < _MIN_RUN or joints > len(plain):
        return False
    slashes = plain.count("/") * _CHARS_A_SLASH
    if slashes and (len(token) < _MIN_CHARS_WITH_SLASHES or slashes > len(plain)):
        return False
    return looks_random(plain.replace("-", "").replace("_", ""))

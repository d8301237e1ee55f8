"""Values of what is named a secret: `DB_PASS=…`, "the password for prod is …", `--token …`.

A name is looked for, then a short way on for its value; nothing reads further than that, so that
the time stays linear in the text.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from mcp_sessions.results.credentials.folded import Folded, fold
from mcp_sessions.results.credentials.names import IS, NOW, Kind, alternatives, any_of, kinds
from mcp_sessions.results.credentials.random_tokens import Span
from mcp_sessions.results.credentials.secret_values import By, Value

_REACH = 96  # characters from a name to its value
_INSIDE_WORDS = {"password", "passwd", "passwort", "secret", "token", "apikey"}
_MAX_TRIES = 3  # of what may be an "is"
_MAX_WORDS = 5  # between a name and "is": "the password for our new wifi is"
_JUDGED = 200  # characters of a value that are looked at

_ASSIGNED = re.compile(
    r"[\"'`\])\\*]{0,2}(?P<more>(?:(?:[_0-9-]|(?<=[a-z])[A-Z])[A-Za-z0-9_-]{0,24}|s)?)[\"'`]?"
    r"(?:\s\([^()]{1,24}\))?"  # token (for staging): …
    r"(?::\s?&?(?:'static\s)?(?:str|[Ss]tring)\s?(?==))?"  # of a program that names the type
    r"\s?(?P<by>:=|=>|==?|:|\||\((?=[bfru]?[\"']))(?:\*\*?(?=\s))?\s?"
)
# What a longer name says of the secret that it does not hold: `password_file=`, `token_limit:`.
_ABOUT = re.compile(
    "file|path|dir|name|count|len|ttl|expir|ur[li]|policy|type|field|hint|reset|min|max|rot|manage"
    "|limit|budget|usage|_id|-id|ids?$|size|hash|version|age|date|time|arn|ref|label|env|var|prefix"
    "|header|alg",
    re.IGNORECASE,
)
_UNSPACED = "\u1100-\u11ff\u3000-\u30ff\u4e00-\u9fff"  # scripts that put no space behind a value
_QUOTED = re.compile(
    rf"\s?\\?(?:[bfru](?=[\"']))?[\"'`]\s?(?P<value>[^\"'`]{{1,{_JUDGED}}}+)(?:[\"'`]|$)"
)
_BARE = re.compile(rf"(?P<value>[^\s\"'`{_UNSPACED}]{{1,{_JUDGED}}}+)")
_IN_PARAMETER = rf"[^\s\"'`;&<{_UNSPACED}]{{0,{_JUDGED}}}+"
_PARAMETER = re.compile(rf"(?P<value>{_IN_PARAMETER}(?:<(?!/){_IN_PARAMETER}){{0,3}}+)")
_ELEMENT = re.compile(r"[\"']?>(?=[^<>\s]{1,200}+</)")  # <password>…</password>
_ANOTHER = re.compile(r"[\"'`]?,?\s(?:(?:to|or|and|oder|und|ou|et|y|o|или|и)|/|->|→)\s")
# As app passwords and recovery keys are written.
_GROUPS = re.compile(r"(?P<value>[A-Za-z0-9]{4}(?: [A-Za-z0-9]{4}){3,11}+)(?![A-Za-z0-9 ])")
_NO_WORD = re.compile(r"[0-9]|\b[^AEIOUYaeiouy ]{4}\b")
_REST = re.compile(r"[^\s\"'`;&]*")
_PUNCTUATION = ".,;:!?)>]}،؛。，、"
_GOES_ON = re.compile(r"[!-~](?<![\"')\]])")  # what makes another name of it
_NEVER_LAST = ".,;:\\"  # of a value, though it may end in other signs
_CLOSED = re.compile(rf"\s?(?:$|[\"'`.,;:!?)>\]}}،؛。，、」{_UNSPACED}])")


def named_values(line: Folded) -> Iterator[Span]:
    """Yield where the values of what is named a secret stand."""
    position = 0
    names = _names(ascii_only=line.lower.isascii())
    while (found := names.search(line.lower, position)) is not None:
        position = found.end()
        kind = kinds()[found[0]]
        if not _stands_alone(line, *found.span()):
            continue
        for span in _values(line, found, kind):
            yield span
            position = span[1]


def _values(line: Folded, found: re.Match[str], kind: Kind) -> Iterator[Span]:
    """Yield where the value of a name stands, and others that are named with it: "from … to …"."""
    for by, start in _starts(line, found):
        span = _value(line.text, start, kind, by)
        if span is None:
            continue
        yield span
        while (another := _ANOTHER.match(line.lower, span[1])) is not None:
            span = _value(line.text, another.end(), kind, by)
            if span is None:
                return
            yield span
        return


@cache
def _names(*, ascii_only: bool) -> re.Pattern[str]:
    """Return all names; those of other scripts are left out where no text can have them."""
    names = {name for name in kinds() if name.isascii() or not ascii_only}
    inside = alternatives(names & _INSIDE_WORDS)
    return re.compile(rf"(?<![a-z])(?:{alternatives(names)})|{inside}")


@cache
def _is() -> re.Pattern[str]:
    """Return what stands before a value in a sentence."""
    words = tuple(
        word for word in IS if fold(word).lower.isascii() and word.replace(" ", "").isalpha()
    )
    signs = tuple(word for word in IS if word not in words)
    now = rf"(?:(?:{any_of(NOW)})\s)?"
    return re.compile(
        rf"(?:(?<![a-z])(?:{any_of(words)})\s|(?:{any_of(signs)})\s?|\s-{{1,2}}\s){now}"
    )


def _stands_alone(line: Folded, start: int, end: int) -> bool:
    """Tell a name from a part of a word: `PGPASSWORD` and `dbToken` are names, `tokenize` none."""
    inside = start > 0 and "a" <= line.lower[start - 1] <= "z"
    return not inside or line.text[start].isupper() or line.lower[end : end + 1] in ("=", ":")


def _starts(line: Folded, found: re.Match[str]) -> Iterator[tuple[By, int]]:
    """Yield where a value may begin, and by what it is introduced."""
    text, end = line.text, found.end()
    before = text[max(0, found.start() - 2) : found.start()]
    assigned = _ASSIGNED.match(text, end, end + _REACH)
    inside = before.endswith(":") and text.startswith(":", end)  # a name with colons
    if inside or text.startswith("}", end) or before.endswith("$"):  # or a variable of a template
        return
    if assigned is not None and not _ABOUT.search(assigned["more"]):
        # What is compared is as often a name.
        literal = assigned["by"] in ("=", ":=", "=>") or text[end : end + 1] in (
            "'",
            '"',
        )  # as in JSON
        yield ("=" if literal else ":"), assigned.end()
    if (element := _ELEMENT.match(text, end)) is not None:
        yield "=", element.end()
    if text.startswith(" ", end):
        yield ("=" if before.strip() in ("-", "--") else " "), end + 1  # an option, or a sentence
    for spoken in islice(_is().finditer(line.lower, end, end + _REACH), _MAX_TRIES):
        between = line.lower[end : spoken.start()]
        words = between.split()
        if len(words) > _MAX_WORDS or (words and _GOES_ON.match(between)):
            break
        yield "is", spoken.end()


def _value(text: str, start: int, kind: Kind, by: By) -> Span | None:
    """Return where the value that begins at `start` stands, if it is one."""
    groups = _GROUPS.match(text, start) if by in ("=", ":") and kind != "weak" else None
    if groups is not None and _NO_WORD.search(groups["value"]):
        return groups.span("value")
    quoted = _QUOTED.match(text, start)
    found = quoted or (_PARAMETER if by == "=" else _BARE).match(text, start)
    if found is None:
        return None
    first, last = found.span("value")
    value = found["value"] if quoted else found["value"].rstrip(_PUNCTUATION)
    closed = quoted is not None or _CLOSED.match(text, first + len(value)) is not None
    if not value or not Value(value, by, closed).is_secret(kind):
        return None
    if last - first >= _JUDGED:
        return first, _end_of(text, last)
    return first, first + len(found["value"].rstrip(_NEVER_LAST))


def _end_of(text: str, start: int) -> int:
    rest = _REST.match(text, start)
    return rest.end() if rest else start

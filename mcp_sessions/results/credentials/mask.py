"""Masks credentials in a line of text: found on a folded copy, masked in the original.

The time is linear in the text: every finder looks a bounded way on from what it knows, and goes on
behind what it found.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from mcp_sessions.results.credentials.command_lines import command_lines
from mcp_sessions.results.credentials.folded import Folded, fold
from mcp_sessions.results.credentials.headers import headers
from mcp_sessions.results.credentials.issued_keys import issued_keys
from mcp_sessions.results.credentials.links import links
from mcp_sessions.results.credentials.named_values import named_values
from mcp_sessions.results.credentials.random_tokens import Span, random_tokens

MASK: Final = "[masked]"

# Words of letters in any script, with what separates them in a sentence.
_PLAIN = re.compile(r"(?:[(\"']?[^\W\d_]++[,.!?)\"']*+(?: |$))*+")
_FINDERS: Final[tuple[Callable[[Folded], Iterator[Span]], ...]] = (
    issued_keys,
    named_values,
    links,
    headers,
    command_lines,
    random_tokens,
)


def masked(line: str) -> str:
    """Return one line of text with `[masked]` in place of each credential."""
    if _PLAIN.fullmatch(line):
        return line
    folded = fold(line)
    found = sorted(chain.from_iterable(find(folded) for find in _FINDERS))
    if not found:
        return line
    parts: list[str] = []
    shown = 0
    for start, end in _joined(found):
        first, last = folded.span(start, end)
        parts += (line[shown:first], MASK)
        shown = last
    return "".join([*parts, line[shown:]])


def _joined(found: list[Span]) -> Iterator[Span]:
    """Yield the parts to mask, those that overlap or touch as one."""
    start, end = found[0]
    for first, last in found[1:]:
        if first > end:
            yield start, end
            start, end = first, last
        else:
            end = max(end, last)
    yield start, end

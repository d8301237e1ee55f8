"""Words that a session's texts contain, and excerpts of the texts around them.

The texts are those that can be shown, masked: what is masked cannot be found out by asking for it.
"""

from typing import Final
from unicodedata import normalize

from mcp_sessions.results.models import Found, Row
from mcp_sessions.results.rows import FULL
from mcp_sessions.results.safe_text import excerpt, harmless, one_line
from mcp_sessions.wire.models import Session

MAX_EXCERPT_CHARS: Final = 60


def words_of(text: str) -> tuple[str, ...]:
    """Return the words to look for; one of nothing visible is looked for as it is."""
    return tuple(_folded(one_line(text, len(text))).split()) or (text,)


def contains_all(session: Session, words: tuple[str, ...]) -> bool:
    """Tell whether each word occurs in any of a session's texts."""
    texts = [_folded(text) for text in _shown_texts(session).values()]
    return all(any(word in text for text in texts) for word in words)


def with_found(row: Row, session: Session, words: tuple[str, ...]) -> Row:
    """Return a row with an excerpt of each text around its first word, if the row shows none.

    Words that are still not to be seen then have excerpts too.
    """
    texts = _shown_texts(session)
    shown = {
        "title": row.label if "title" in texts else None,
        "question": row.question if "title" in texts else row.label,
        "reply": row.reply,
    }
    seen = _folded(" ".join(filter(None, shown.values())))
    found: dict[str, str] = {}
    for name, text in texts.items():
        hits = sorted((place, word) for word in words if (place := _place(text, word)))
        for (start, end), word in hits:
            if word not in (seen if name in found else _folded(shown[name] or "")):
                part = excerpt(text, start, end, MAX_EXCERPT_CHARS)
                found[name] = f"{found[name]} {part}" if name in found else part
                seen += _folded(part)
    return row.model_copy(update={"found": Found(**found)}) if found else row


def _shown_texts(session: Session) -> dict[str, str]:
    given = (
        ("title", session.title, FULL.label),
        ("question", session.preview, FULL.quote),
        ("reply", session.output_preview, FULL.quote),
    )
    shown = ((name, harmless(text, cap)) for name, text, cap in given if text)
    return {name: normalize("NFC", text) for name, text in shown if text}


def _folded(text: str) -> str:
    return normalize("NFC", text).casefold()


def _place(text: str, word: str) -> tuple[int, int] | None:
    """Return where a folded word stands in a text, whose letters may fold to several each."""
    at = text.casefold().find(word)
    if at < 0:
        return None
    origins = [index for index, letter in enumerate(text) for _ in letter.casefold()]
    return origins[at], origins[at + len(word) - 1] + 1

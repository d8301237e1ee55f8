"""A folded copy of a line: what looks like an ASCII letter or sign is one, and knows where it was.

Credentials are looked for in the copy, so that full-width, mathematical, circled or accented
letters, look-alikes of other scripts and percent-encoding hide none; what is shown is cut from the
original.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_ENCODED = re.compile(r"%([2-7][0-9A-Fa-f])")
_UNSEEN = {"Mn", "Me", "Cf"}  # categories of what has no place of its own in a line


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and the same in lower case, character by character.

    `starts` has the index in the original of each character, and its length at the end; without
    it the indices are the same.
    """

    text: str
    lower: str
    starts: Sequence[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the folded text stands in the original."""
        if self.starts is None:
            return start, end
        return self.starts[start], self.starts[end]


def fold(line: str) -> Folded:
    """Return the folded copy of a line."""
    if "%" not in line:
        if line.isascii():
            return Folded(line, line.lower())
        parts = list(map(_FOLDED.__getitem__, line))
        if all(map((1).__eq__, map(len, parts))):
            return _folded("".join(parts), None)
    text: list[str] = []
    starts: list[int] = []
    index = 0
    while index < len(line):
        encoded = _ENCODED.match(line, index)
        seen = chr(int(encoded[1], 16)) if encoded else _FOLDED[line[index]]
        text.append(seen)
        starts.extend([index] * len(seen))
        index += 3 if encoded else 1
    starts.append(index)
    return _folded("".join(text), starts)


def _folded(text: str, starts: Sequence[int] | None) -> Folded:
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small form is two
        lower = "".join(letter if len(letter.lower()) > 1 else letter.lower() for letter in text)
    return Folded(text, lower, starts)


class _FoldedCharacters(dict[str, str]):
    """What each character is folded to, found out when it is first met."""

    def __missing__(self, character: str) -> str:
        seen = character
        if not character.isascii():
            parts = unicodedata.normalize("NFKD", character)
            kept = (part for part in parts if unicodedata.category(part) not in _UNSEEN)
            seen = "".join(_LOOK_ALIKES.get(part, part) for part in kept)
        if len(self) < _MOST_REMEMBERED:
            self[character] = seen
        return seen


_MOST_REMEMBERED = 4_096  # characters
_FOLDED = _FoldedCharacters()


# What other scripts draw as a Latin letter or an ASCII sign, by what it is drawn as.
_DRAWN_AS = {
    "A": "АΑᎪᴀ", "B": "ВΒᏴʙ", "C": "СϹᏟᴄ", "D": "ᎠᴅĐ", "E": "ЕΕᎬᴇ", "F": "Ϝꜰ", "G": "ԌᏀɢ",
    "H": "НΗᎻʜ", "I": "ІΙӀɪ", "J": "ЈᎫᴊ", "K": "КΚᏦᴋ", "L": "ᏞʟŁ", "M": "МΜᎷᴍ", "N": "Νɴ",
    "O": "ОΟՕᴏØ", "P": "РΡᏢᴘ", "Q": "Ԛ", "R": "Ꮢʀ", "S": "ЅᏚꜱ", "T": "ТΤᎢᴛ", "U": "ՍՄᴜ",
    "V": "ѴᏙᴠ", "W": "ԜᎳᴡ", "X": "ХΧ", "Y": "ҮΥᎩʏ", "Z": "ΖᏃᴢ",
    "a": "аɑα", "b": "Ьƅ", "c": "сϲ", "d": "ԁđ", "e": "еε", "f": "ƒ", "g": "ɡց", "h": "һհħ",
    "i": "іıιɩ", "j": "јϳ", "k": "кκ", "l": "ӏł", "m": "м", "n": "пոη", "o": "оοօσø", "p": "рρ",
    "q": "ԛզ", "r": "гɼ", "s": "ѕʂ", "t": "тτŧ", "u": "υսʋ", "v": "ѵν", "w": "ԝωա", "x": "хχ",
    "y": "уүγ", "z": "ʐƶ",
    "-": "‐‑‒–—―−", ":": "∶꞉ː։", "/": "⁄∕⧸", "'": "‘’‛‹›`´", '"': "“”„«»「」『』",
}  # fmt: skip
_LOOK_ALIKES = {
    **{alike: meant for meant, alikes in _DRAWN_AS.items() for alike in alikes},
    # White on black letters, in circles and squares, and those of flags.
    **{
        chr(first + n): chr(ord("A") + n)
        for first in (0x1F150, 0x1F170, 0x1F1E6)
        for n in range(26)
    },
}

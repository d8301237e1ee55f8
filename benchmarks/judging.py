"""Whether an answer read from results is true, and whether altered results would be found out."""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from question import NotToldError, Question
from raw_page import compact
from shown import Shown

_CENT = 0.01
_NUMBER = re.compile(r"(?<![\w.-])(?<!\d:)\d+(?:\.\d+)?(?![\w:-])")
_LINES = re.compile(r"^session_[0-9a-f]{32} .*\n(?: .*\n)*", re.MULTILINE)


def right(question: Question, results: Sequence[str], read: Callable[[str], Shown]) -> bool:
    """Tell whether a reader of these results alone comes to the true answer."""
    try:
        return _same(question.answer([read(result) for result in results]), question.truth)
    except (NotToldError, LookupError):
        return False


def _same(answer: Any, truth: Any) -> bool:
    """Compare the parts of an answer; dollars to the cent."""
    match truth:
        case float():
            return isinstance(answer, int | float) and math.isclose(answer, truth, abs_tol=_CENT)
        case dict():
            return (
                isinstance(answer, dict)
                and answer.keys() == truth.keys()
                and all(_same(answer[key], truth[key]) for key in truth)
            )
        case list() | tuple():
            return len(answer) == len(truth) and all(map(_same, answer, truth))
        case _:
            return bool(answer == truth)


def survives(question: Question, results: Sequence[str], read: Callable[[str], Shown]) -> bool:
    """Tell whether an altered result, of which there has to be one, is taken for a right one."""
    altered = list(_altered(results, question.truth))
    return not altered or any(right(question, results, read) for results in altered)


def _altered(results: Sequence[str], truth: Any) -> Iterator[list[str]]:
    """Yield the last result, altered in each part of the truth that it shows, or a session short.

    A count may be read from a figure or from the sessions, so it is altered in both.
    """
    *before, last = results
    counted = isinstance(truth, int)
    for part in _parts(truth):
        match part:
            case int() | float():
                changed = _NUMBER.sub(partial(_other, part), last)
            case str():
                changed = last.replace(part, part[:-1] + ("0" if part[-1] != "0" else "1"))
            case _:
                continue
        changed = _short(changed) if counted else changed
        if changed != last:
            yield [*before, changed]
    if not counted and _short(last) != last:
        yield [*before, _short(last)]


def _other(part: float, found: re.Match[str]) -> str:
    number = found[0]
    near = _CENT if isinstance(part, float) else 0
    if not math.isclose(float(number), part, abs_tol=near):
        return number
    return str(float(number) + 1 if "." in number else int(number) + 1)


def _short(result: str) -> str:
    """Leave out the first session of a result, if it shows any."""
    if not result.startswith("{"):
        return _LINES.sub("", result, count=1)
    told = json.loads(result)
    sessions = told.get("sessions")
    return compact(told | {"sessions": sessions[1:]}) if sessions else result


def _parts(truth: Any) -> Iterator[Any]:
    match truth:
        case dict():
            for pair in truth.items():
                yield from _parts(pair)
        case set() | list() | tuple():
            for item in truth:
                yield from _parts(item)
        case _:
            yield truth

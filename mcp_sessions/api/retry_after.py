"""Retry-After: the wait that a failed answer names, in seconds or as a date (RFC 9110, 10.2.3)."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST: Final = 86_400  # seconds; a longer wait is no advice
_SECONDS: Final = re.compile(r"\d+(\.\d*)?", re.ASCII)
_VALUE: Final = re.compile(r"\s*(?:[A-Za-z]{3}(?:[a-z]*day)?,)?[^,]+")
"""One of several values between commas; in a date one comma follows the weekday."""


def retry_after(headers: Mapping[str, str], in_body: float | None) -> int | None:
    """Return the wait that the header asks for, or else the body, in whole seconds up to a day.

    Where the header was sent more than once, the longest counts.
    """
    values = _values(headers.get("retry-after", ""))
    waits = [_advice(_seconds(value, headers)) for value in values]
    return max((wait for wait in waits if wait), default=_advice(in_body))


def _advice(seconds: float | None) -> int | None:
    if seconds is None or not 0 <= seconds <= _LONGEST:
        return None
    return max(1, math.ceil(seconds))


def _values(header: str) -> list[str]:
    """Return the values that were sent under one name, which the HTTP client joins by commas."""
    return [value.strip() for value in _VALUE.findall(header)]


def _seconds(value: str, headers: Mapping[str, str]) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _moment(value)
    if until is None:
        return None
    # By the clock that set the date: this machine's may be hours off.
    said = (_moment(value) for value in _values(headers.get("date", "")))
    now = next((moment for moment in said if moment), None) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _moment(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is not None:
        return moment
    # asctime's format names no zone and means UTC; a zone whose name is unknown may mean any.
    return None if date[-1:].isalpha() else moment.replace(tzinfo=UTC)

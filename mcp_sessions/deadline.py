"""The deadline of a call, and what each step of it may take: every rule about it, side by side.

The deadline is that of the cancel scope which `tools/call.py` opens, so every wait below ends with
it; a read that several calls share lives until the latest of theirs.
"""

from typing import Final

import anyio

_READING: Final = 0.95  # of a call's seconds; the rest is for the answer
_ONE_REQUEST: Final = 0.6  # of the time left, so that a smaller page can be asked for after it
_MIN_FOR_REQUEST: Final = 0.25  # seconds that must be left after a wait, or it is not worth it
_FOR_REFUSAL: Final = 0.05  # seconds that a call in a queue needs to be told that it waited in vain


def seconds_left() -> float:
    """Return the seconds until the deadline."""
    return anyio.current_effective_deadline() - anyio.current_time()


def end_of_reading(seconds: float) -> float:
    """Return when a call of so many seconds, which begins now, has to stop reading more."""
    return anyio.current_time() + _READING * seconds


def for_one_request(longest: float) -> float:
    """Return the seconds that one request may take, of the time left or of `longest`."""
    return _ONE_REQUEST * min(seconds_left(), longest)


def leaves_time_after(wait: float) -> bool:
    """Tell whether a request after `wait` seconds could still be answered."""
    return wait + _MIN_FOR_REQUEST <= seconds_left()


def end_of_queueing() -> float:
    """Return when a call that waits for a slot has to give up."""
    return anyio.current_effective_deadline() - _FOR_REFUSAL

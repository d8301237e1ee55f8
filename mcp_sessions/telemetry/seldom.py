"""Log lines that are written at most once a minute, with how often they were meant since."""

import logging
import time
from collections.abc import Callable, Hashable
from typing import Final

_EVERY: Final = 60.0  # seconds


class SeldomLog:
    """Warns of what may happen a thousand times a second, once a minute for each `kind`."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._next: dict[Hashable, float] = {}
        self._unsaid: dict[Hashable, int] = {}

    def warning(self, kind: Hashable, message: str, *arguments: object) -> None:
        """Write a warning, or count it if one of its kind was written within the last minute."""
        now = self._clock()
        if now < self._next.get(kind, now):
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._next[kind] = now + _EVERY
        if unsaid := self._unsaid.pop(kind, 0):
            message += f" (and {unsaid} times more since the last such line)"
        self._logger.warning(message, *arguments)

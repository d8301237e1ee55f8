"""SIGINT and SIGTERM, the signals that stop a server."""

import os
import signal
from typing import Final, NoReturn

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def exit_on_signals() -> None:
    """Exit at once at a stop signal from now on, for as long as nothing is open yet."""
    for number in STOP_SIGNALS:
        signal.signal(number, exit_now)


def exit_now(*_: object) -> NoReturn:
    """End the process with exit code 0, without Python's own clean-up.

    That would wait for a thread that nobody reads from, and die of a second signal.
    """
    os._exit(0)

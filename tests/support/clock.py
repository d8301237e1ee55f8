"""A clock that stands still until a test moves it."""

from collections.abc import Callable


class Clock:
    """Seconds that pass when a test says so, or when whoever was handed `sleep` sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.meanwhile: list[Callable[[], object]] = []
        """What happens during the next sleeps, one at each."""

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and what happens meanwhile happen."""
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()

"""How long repeated calls took."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timings:
    """Measurements of one thing in the order they were made, in milliseconds."""

    all: list[float] = field(default_factory=list)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add the time that the block takes; one that raises is not counted."""
        started = time.perf_counter()
        yield
        self.all.append((time.perf_counter() - started) * 1000)

    @property
    def median(self) -> float:
        """Return the middle measurement."""
        return statistics.median(self.all)

    @property
    def p90(self) -> float:
        """Return the measurement that nine in ten do not exceed."""
        return statistics.quantiles(self.all, n=10, method="inclusive")[-1]

    @property
    def deviation(self) -> float:
        """Return the median absolute deviation from the median."""
        middle = self.median
        return statistics.median(abs(one - middle) for one in self.all)

    @property
    def drift(self) -> float:
        """Return the median of the second half over that of the first; 1 on a quiet machine."""
        half = len(self.all) // 2
        return statistics.median(self.all[half:]) / statistics.median(self.all[:half])

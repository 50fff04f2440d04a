"""How long to train, and the learning rate that fits: it falls to zero exactly when the budget is spent."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Minutes of wall time or a number of steps, whichever is spent first; at least one of them.

    Args:
        minutes: Wall time of training, validation and saving included; a resumed run counts what it spent
            before.
        steps: Updates. With `minutes=None` a run is a function of its seed alone, to the bit.
    """

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if not any(v is not None for v in (self.minutes, self.steps)):
            raise ValueError("a budget needs minutes or steps")
        if any(v is not None and not v > 0 for v in (self.minutes, self.steps)):
            raise ValueError(f"a budget must be above 0, got {self.minutes} minutes, {self.steps} steps")

    def part(self, share: float) -> "Budget":
        """A share of it, in (0, 1]; at least one step of a budget of steps."""
        minutes = None if self.minutes is None else self.minutes * share
        return Budget(minutes, None if self.steps is None else max(1, round(self.steps * share)))

    def spent(self, step: int, seconds: float) -> float:
        """The share spent after `step` updates and `seconds`, in [0, 1]."""
        shares = [
            step / self.steps if self.steps else 0.0,
            seconds / (60 * self.minutes) if self.minutes else 0.0,
        ]
        return min(1.0, max(shares))


class Clock:
    """Seconds spent on a run, going on from those of an interrupted one.

    Args:
        before: Seconds spent before.
        now: Tells the time in seconds.
    """

    def __init__(self, before: float = 0.0, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._start = now, now() - before

    def seconds(self) -> float:
        """Seconds so far."""
        return self._now() - self._start


def learning_rate(spent: float, step: int, warmup: int = 50, hold: float = 0.4) -> float:
    """The factor on the base learning rate, in [0, 1]: linear warm-up, a plateau, then a cosine to zero.

    Args:
        spent: Share of the budget spent, in [0, 1].
        step: Updates made so far.
        warmup: Updates until the full rate.
        hold: Share of the budget at which the decay begins.
    """
    rise = min(1.0, (step + 1) / max(1, warmup))
    fall = 1.0 if spent < hold else 0.5 * (1 + math.cos(math.pi * (spent - hold) / (1 - hold)))
    return rise * fall

"""Who sees what, in which order: a seeded plan that hides known answers and repeats among the outputs."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from burnish.errors import BurnishError

OUTPUT, GOOD, BAD, REPEAT = "output", "known-good", "known-bad", "repeat"
GAP = 5
"""Places between a thing and its repeat, at least, where the queue is long enough."""


@dataclass(frozen=True)
class Plan:
    """How outputs are reviewed.

    Attributes:
        reviewers: Names; at least two where outputs are seen twice.
        double: Share of outputs that two reviewers see, neither knowing of the other's verdict, in [0, 1].
        good, bad: Files whose answer is known.
        controls: As a share of a reviewer's outputs; half of them bad (all, where no good ones are given).
        repeats: Outputs shown again to the same reviewer, as a share of its outputs, in [0, 1].
        seed: Decides everything that is drawn.

    Raises:
        BurnishError: A share out of range, a name given twice, or too few reviewers.
    """

    reviewers: tuple[str, ...]
    double: float = 0.0
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    controls: float = 0.2
    repeats: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if len(set(self.reviewers)) < max(1, len(self.reviewers)) or not all(self.reviewers):
            raise BurnishError("reviewers", "must be named, each once", "Give --reviewer NAME for each")
        if self.double > 0 and len(self.reviewers) < 2:
            raise BurnishError("double review", "needs two reviewers", "Name a second one")
        for name in ("double", "controls", "repeats"):
            if not 0 <= getattr(self, name) <= 1:
                raise BurnishError(f"{name} {getattr(self, name):g}", "must lie between 0 and 1")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in ("reviewers", "good", "bad")}}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Plan":
        """The inverse of `to_json`."""
        lists = {name: tuple(given[name]) for name in ("reviewers", "good", "bad")}
        return cls(**{**given, **lists})


@dataclass(frozen=True)
class Slot:
    """One place in a queue: its kind, and which output (or which control of its kind) is shown."""

    kind: str
    index: int


def assign(outputs: int, plan: Plan) -> dict[str, list[int]]:
    """Which outputs each reviewer sees; pairs take turns, so that everybody meets everybody."""
    rng = np.random.default_rng((plan.seed, 1))
    order = rng.permutation(outputs)
    twice = set(order[: math.ceil(plan.double * outputs - 1e-9)].tolist())
    n = len(plan.reviewers)
    found: dict[str, list[int]] = {name: [] for name in plan.reviewers}
    for turn, output in enumerate(rng.permutation(outputs).tolist()):
        first = turn % n
        found[plan.reviewers[first]].append(output)
        if output in twice:
            found[plan.reviewers[(first + 1 + turn // n % (n - 1)) % n]].append(output)
    return found


def queue(mine: Sequence[int], reviewer: str, plan: Plan) -> list[Slot]:
    """A reviewer's queue: its outputs, controls and repeats, mixed by the plan's seed.

    Args:
        mine: From `assign`.
        reviewer: Their name; with the seed it decides the order.
        plan: The plan.
    """
    rng = np.random.default_rng((plan.seed, 2, zlib.crc32(reviewer.encode())))
    slots = [Slot(OUTPUT, k) for k in mine]
    wanted = math.ceil(plan.controls * len(mine) - 1e-9)
    kinds = [kind for kind, files in ((BAD, plan.bad), (GOOD, plan.good)) if files]
    for i, kind in enumerate(kinds):
        files = plan.bad if kind == BAD else plan.good
        share = wanted // len(kinds) + (i < wanted % len(kinds))
        drawn = [rng.permutation(len(files)) for _ in range(-(-share // len(files)))]
        slots += [Slot(kind, int(k)) for k in np.concatenate([*drawn, np.zeros(0, int)])[:share]]
    mixed = [slots[i] for i in rng.permutation(len(slots))]
    for k in rng.permutation(mine)[: math.ceil(plan.repeats * len(mine) - 1e-9)].tolist():
        first = mixed.index(Slot(OUTPUT, k))
        earliest = min(first + 1 + GAP, len(mixed))
        mixed.insert(int(rng.integers(earliest, len(mixed) + 1)), Slot(REPEAT, k))
    return mixed

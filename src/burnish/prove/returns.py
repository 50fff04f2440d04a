"""The return of an inspector: ranges in, ranges out, and which input the answer hangs on.

Each input is a range (low, likely, high) and is drawn from the triangular distribution on it, independent of
the others. A year with inspection is compared with a year without:

    benefit = parts x defect_rate x (escapes_now - escapes_then) x cost_per_escape
            + parts x (1 - defect_rate) x (false_rejects_now - false_rejects_then) x cost_per_false_reject
            + hours_saved x wage + (recalls_now - recalls_then) x cost_per_recall
            - running_cost

`escapes_*` are miss rates: the share of bad parts that pass.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from burnish.core.stats import Interval
from burnish.errors import BurnishError, in_words

DRAWS = 20_000


@dataclass(frozen=True)
class Range:
    """low <= likely <= high."""

    low: float
    likely: float
    high: float

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n,) values of the triangular distribution."""
        if self.low == self.high:
            return np.full(n, self.low)
        return rng.triangular(self.low, self.likely, self.high, n)


NONE = Range(0.0, 0.0, 0.0)
SHARES = ("defect_rate", "escapes_now", "escapes_then", "false_rejects_now", "false_rejects_then")


@dataclass(frozen=True)
class Inputs:
    """A year of a line. Shares lie in [0, 1], all else is per year, in parts, hours or money.

    Attributes:
        parts: Parts a year.
        defect_rate: Share of parts that are bad.
        escapes_now, escapes_then: Share of bad parts that pass, without and with.
        cost_per_escape: Of one bad part that passed.
        false_rejects_now, false_rejects_then: Share of good parts rejected.
        cost_per_false_reject: Of one good part rejected: looking again, or scrap.
        hours_saved: Labour that is not spent any more; negative when more is.
        wage: Of an hour.
        recalls_now, recalls_then: Expected recalls a year.
        cost_per_recall: Of one.
        running_cost: Of the system in a year: machine, energy, upkeep, checks, retraining.
        one_off_cost: To set it up: cameras, light, data, labels, integration.
    """

    parts: Range
    defect_rate: Range
    escapes_now: Range
    escapes_then: Range
    cost_per_escape: Range
    running_cost: Range
    one_off_cost: Range
    false_rejects_now: Range = NONE
    false_rejects_then: Range = NONE
    cost_per_false_reject: Range = NONE
    hours_saved: Range = NONE
    wage: Range = NONE
    recalls_now: Range = NONE
    recalls_then: Range = NONE
    cost_per_recall: Range = NONE


@dataclass(frozen=True)
class Lever:
    """What the yearly benefit does when one input goes over its range and the others stay likely.

    Attributes:
        at_low, at_high: The benefit at the input's low and high end.
        turns_at: The input at which the benefit is 0, where that lies inside its range.
    """

    name: str
    at_low: float
    at_high: float
    turns_at: float | None

    @property
    def swing(self) -> float:
        """How far the benefit moves."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class Returns:
    """A year's benefit and when it has paid for itself.

    Attributes:
        benefit: Median, 5th and 95th percentile of a year's benefit.
        loses: Share of the draws in which a year loses money.
        payback: Median, 5th and 95th percentile of the years until the one-off cost has come back; inf:
            never.
        levers: Largest swing first.
        seed, draws: To get it again.
    """

    benefit: Interval
    loses: float
    payback: Interval
    levers: tuple[Lever, ...]
    seed: int
    draws: int

    def to_json(self) -> dict[str, Any]:
        """Plain values; null for a payback that never comes."""
        years = [self.payback.value, self.payback.low, self.payback.high]
        return {
            "benefit_per_year": [self.benefit.value, self.benefit.low, self.benefit.high],
            "loses": self.loses,
            "payback_years": [year if np.isfinite(year) else None for year in years],
            "levers": [
                {"input": v.name, "at_low": v.at_low, "at_high": v.at_high, "turns_at": v.turns_at}
                for v in self.levers
            ],
            "seed": self.seed,
            "draws": self.draws,
        }


def benefit(x: Mapping[str, Any]) -> Any:
    """A year's benefit of numbers or arrays by the names of `Inputs`."""
    bad = x["parts"] * x["defect_rate"]
    return (
        bad * (x["escapes_now"] - x["escapes_then"]) * x["cost_per_escape"]
        + (x["parts"] - bad) * (x["false_rejects_now"] - x["false_rejects_then"]) * x["cost_per_false_reject"]
        + x["hours_saved"] * x["wage"]
        + (x["recalls_now"] - x["recalls_then"]) * x["cost_per_recall"]
        - x["running_cost"]
    )


def returns(inputs: Inputs, seed: int = 0, draws: int = DRAWS) -> Returns:
    """The range of a year's benefit by Monte Carlo, and the levers.

    Args:
        inputs: Ranges.
        seed: Of the draws.
        draws: How many, >= 100.
    """
    ranges = {f.name: getattr(inputs, f.name) for f in fields(inputs)}
    rng = np.random.default_rng(seed)
    drawn = {name: found.draw(draws, rng) for name, found in ranges.items()}
    year = benefit(drawn)
    with np.errstate(divide="ignore", invalid="ignore"):
        payback = np.where(year > 0, drawn["one_off_cost"] / year, np.inf)
    levers = sorted((_lever(name, ranges) for name in ranges), key=lambda v: -v.swing)
    return Returns(
        _spread(year),
        float((year < 0).mean()),
        _spread(payback),
        tuple(lever for lever in levers if lever.swing > 0),
        seed,
        draws,
    )


def read_inputs(file: str | Path, measured: Mapping[str, Range] | None = None) -> Inputs:
    """Inputs from a YAML file: each a number, or [low, likely, high].

    Args:
        file: The file.
        measured: Ranges that go before the file's, such as measured rates.

    Raises:
        BurnishError: A key that is not known, missing, or out of range; each is named.
    """
    try:
        given = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BurnishError(
            file, f"cannot be read ({in_words(error)})", "Give a YAML file of inputs"
        ) from error
    if not isinstance(given, dict):
        raise BurnishError(file, "is no list of `input: [low, likely, high]`")
    known = {f.name: f.default is MISSING for f in fields(Inputs)}
    cure = f"Inputs are: {', '.join(known)}"
    if strange := [str(name) for name in given if name not in known]:
        raise BurnishError(file, f"states what is no input: {', '.join(strange)}", cure)
    found = {name: _range(file, name, value) for name, value in given.items()} | dict(measured or {})
    if lacking := [name for name, needed in known.items() if needed and name not in found]:
        raise BurnishError(file, f"does not state {', '.join(lacking)}", cure)
    return Inputs(**found)


def _range(file: str | Path, name: str, value: Any) -> Range:
    values = value if isinstance(value, list) else [value] * 3
    if len(values) != 3 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise BurnishError(file, f"{name} is {value!r}, not a number or [low, likely, high]")
    low, likely, high = map(float, values)
    if not low <= likely <= high:
        raise BurnishError(file, f"{name} is {value!r}, not in the order low, likely, high")
    if name in SHARES and not 0 <= low <= high <= 1:
        raise BurnishError(file, f"{name} is {value!r}, not within 0 and 1", "Write 1 % as 0.01")
    return Range(low, likely, high)


def _lever(name: str, ranges: Mapping[str, Range]) -> Lever:
    likely = {key: found.likely for key, found in ranges.items()}
    own = ranges[name]
    low, high = (float(benefit({**likely, name: end})) for end in (own.low, own.high))
    turns_at = None
    if low * high < 0:  # the benefit is linear in each single input
        turns_at = own.low + (own.high - own.low) * low / (low - high)
    return Lever(name, low, high, turns_at)


def _spread(values: np.ndarray) -> Interval:
    """Median, 5th and 95th percentile; by rank, since a payback may be infinite."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], method="nearest")
    return Interval(float(middle), float(low), float(high))

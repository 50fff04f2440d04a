r"""Agreement beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha, with bootstrap intervals.

All three are $1 - D_o / D_e$, observed over expected disagreement; they differ in where the expectation comes
from: two raters' own margins (Cohen, Educational and Psychological Measurement 20, 1960), the margins of all
raters together (Fleiss, Psychological Bulletin 76, 1971), or those of the values paired, which allows missing
ratings and ordered categories (Krippendorff, Content Analysis, 2004). 1 is full agreement, 0 is chance.

Each is a function of sums over units, so a bootstrap over units weighs those sums.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

MISSING = -1
Metric = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its bootstrap interval; None where all ratings are equal or none can be paired.

    Attributes:
        units: Things that were rated at least twice.
    """

    value: float | None
    low: float | None
    high: float | None
    units: int

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "low": self.low, "high": self.high, "units": self.units}

    def in_words(self) -> str:
        """ "0.86 (0.79 to 0.93)", or "cannot be told"."""
        if self.value is None:
            return "cannot be told"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def cohen(
    first: ArrayLike, second: ArrayLike, rng: np.random.Generator | None = None, resamples: int = 999
) -> Agreement:
    """Cohen's kappa of two raters.

    Args:
        first, second: Codes (n,), integers from 0; `MISSING` leaves a unit out.
        rng: For the 95 % interval; no interval when None.
        resamples: Of the bootstrap.

    Raises:
        ValueError: Unequal lengths.
    """
    a, b = np.asarray(first, dtype=int), np.asarray(second, dtype=int)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"two raters need as many ratings each, got {a.shape} and {b.shape}")
    kept = (a != MISSING) & (b != MISSING)
    a, b = a[kept], b[kept]
    k = int(max(a.max(initial=0), b.max(initial=0))) + 1
    tables = np.zeros((len(a), k * k))
    tables[np.arange(len(a)), a * k + b] = 1

    def kappa(sums: np.ndarray) -> np.ndarray:
        table = sums.reshape(-1, k, k) / np.maximum(sums.sum(1), 1e-300)[:, None, None]
        agreed = np.trace(table, axis1=1, axis2=2)
        chance = (table.sum(1) * table.sum(2)).sum(1)
        return _beyond(1 - agreed, 1 - chance)

    return _with_interval(tables, kappa, rng, resamples)


def fleiss(counts: ArrayLike, rng: np.random.Generator | None = None, resamples: int = 999) -> Agreement:
    """Fleiss' kappa.

    Args:
        counts: How many raters chose each category, (n, k); every unit by the same number, at least two.
        rng, resamples: As for `cohen`.

    Raises:
        ValueError: Another shape, or units with different numbers of ratings.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not len(table):
        raise ValueError(f"counts must be (n, k), got {table.shape}")
    raters = table.sum(1)
    if (raters != raters[0]).any() or raters[0] < 2:
        raise ValueError("Fleiss' kappa needs the same number of ratings, at least two, of every unit")
    r = raters[0]
    agreed = ((table**2).sum(1) - r) / (r * (r - 1))
    sums = np.column_stack([agreed, table / r, np.ones(len(table))])

    def kappa(totals: np.ndarray) -> np.ndarray:
        mean = totals[:, :-1] / totals[:, -1:]
        return _beyond(1 - mean[:, 0], 1 - (mean[:, 1:] ** 2).sum(1))

    return _with_interval(sums, kappa, rng, resamples)


def krippendorff(
    ratings: ArrayLike,
    rng: np.random.Generator | None = None,
    resamples: int = 999,
    metric: Metric = "nominal",
) -> Agreement:
    """Krippendorff's alpha, from the coincidences of values within units.

    Args:
        ratings: Codes (n units, r raters), integers from 0, `MISSING` where a rater did not rate. For ordered
            categories the codes are in their order.
        rng, resamples: As for `cohen`.
        metric: How far two categories lie apart.

    Raises:
        ValueError: Another shape.
    """
    codes = np.asarray(ratings, dtype=int)
    if codes.ndim != 2:
        raise ValueError(f"ratings must be (units, raters), got {codes.shape}")
    k = int(codes.max(initial=0)) + 1
    counts = np.stack([(codes == c).sum(1) for c in range(k)], axis=1).astype(np.float64)
    counts = counts[counts.sum(1) >= 2]
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    pairs /= np.maximum(counts.sum(1) - 1, 1)[:, None, None]

    def alpha(sums: np.ndarray) -> np.ndarray:
        seen = sums.reshape(-1, k, k)
        margins = seen.sum(2)
        total = margins.sum(1)
        apart = _distances(margins, metric)
        observed = (seen * apart).sum((1, 2)) / np.maximum(total, 1)
        expected = (margins[:, :, None] * margins[:, None, :] * apart).sum((1, 2))
        return _beyond(observed, expected / np.maximum(total * (total - 1), 1))

    return _with_interval(pairs.reshape(len(pairs), k * k), alpha, rng, resamples)


def _distances(margins: np.ndarray, metric: Metric) -> np.ndarray:
    """Squared distances between categories, (b, k, k), given the margins (b, k)."""
    k = margins.shape[1]
    if metric == "ordinal":
        position = np.cumsum(margins, 1) - margins / 2
        return (position[:, :, None] - position[:, None, :]) ** 2
    step = np.subtract.outer(np.arange(k), np.arange(k)) ** 2.0
    return np.broadcast_to(step if metric == "interval" else (step > 0).astype(float), (len(margins), k, k))


def _beyond(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """1 - observed / expected, NaN where nothing was expected to differ."""
    return np.where(expected > 1e-12, 1 - observed / np.maximum(expected, 1e-12), np.nan)


def _with_interval(
    per_unit: np.ndarray,
    coefficient: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator | None,
    resamples: int,
) -> Agreement:
    units = len(per_unit)
    value = float(coefficient(per_unit.sum(0)[None])[0]) if units else float("nan")
    if not np.isfinite(value):
        return Agreement(None, None, None, units)
    if rng is None or units < 2:
        return Agreement(value, None, None, units)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)
    draws = coefficient(weights @ per_unit)
    draws = draws[np.isfinite(draws)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Agreement(value, float(low), float(high), units)

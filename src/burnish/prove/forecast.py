r"""What more data would bring: measured on subsamples of what there is, extrapolated with an honest interval.

1. *Measure.* A model is trained on random subsamples of growing size and judged on the same held-out parts.
2. *Fit.* Families of curves (`burnish.prove.curves`) to the means, weighted by how sure each mean is.
   Subsamples of m out of N scatter around the curve of these N parts with 1 - m / N of a run's variance;
   the rest comes on top when the forecast goes beyond them.
3. *Draw.* A parametric bootstrap of the means; each draw takes a family by its Akaike weight, and the noise
   of a single run on top.
4. *Calibrate.* Forecasts from the smaller sizes to twice as many, where the answer is known, say how wrong
   such forecasts are in units of their own spread; the spread is widened (or narrowed) by that, shrunk to
   1.

The forecast is for the same kind of data, the same recipe and the same test parts. It knows nothing of
better ones.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy import special

from burnish.errors import BurnishError
from burnish.prove.curves import FAMILIES, family_weights, fit

DRAWS = 400
SHRINK = 4.0
"""How many held-out forecasts "the spread is right" counts for in the calibration."""
FLOOR = 1e-3
"""Errors below this are taken for this where noise is judged."""
BEND = 0.03
"""Relative deviation of a real learning curve from every family."""
HORIZON = 100.0
"""A target is out of reach when it takes more than this many times the data."""
Run = Callable[[np.ndarray, np.random.Generator], float]
"""(indices of the subsample, generator) to the error measured, at least 0."""


@dataclass(frozen=True)
class Curve:
    """A measured learning curve.

    Attributes:
        pool: Training parts that the subsamples were drawn from.
        sizes: Of the subsamples, ascending, (J,).
        values: Errors at each size, one a run.
        seconds: That measuring took.
        trained: What was trained and how it was judged, in words.
    """

    pool: int
    sizes: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    seconds: float = 0.0
    trained: str = ""

    @property
    def means(self) -> np.ndarray:
        return np.array([np.mean(v) for v in self.values])

    @property
    def runs(self) -> int:
        return sum(len(v) for v in self.values)

    def noise(self) -> "Noise":
        """How much single runs scatter, from the spread within sizes."""
        points = []
        for size, values, mean in zip(self.sizes, self.values, self.means, strict=True):
            apart = 1 - min(size / self.pool, 1.0)
            if len(values) > 1 and apart >= 0.25 and mean > FLOOR:
                variance = max(float(np.var(values, ddof=1)), (FLOOR * mean) ** 2)
                half = (len(values) - 1) / 2
                # the logarithm of a sample variance is low by psi(half) - ln(half) on average
                unbiased = math.log(variance / apart) - float(special.digamma(half)) + math.log(half)
                points.append((math.log(mean), unbiased, half))
        if len(points) < 2:
            return Noise(0.02, 2.0)
        x, y, weight = np.array(points).T
        centre_x, centre_y = np.average(x, weights=weight), np.average(y, weights=weight)
        spread = float((weight * (x - centre_x) ** 2).sum())
        slope = float((weight * (x - centre_x) * (y - centre_y)).sum()) / max(spread, 1e-9)
        slope = min(max(slope, 1.0), 2.0)
        return Noise(math.exp(centre_y - slope * centre_x), slope)

    def up_to(self, size: int) -> "Curve":
        """The part of it with sizes of at most `size`, from the same pool."""
        kept = [i for i, s in enumerate(self.sizes) if s <= size]
        return Curve(self.pool, tuple(self.sizes[i] for i in kept), tuple(self.values[i] for i in kept))

    def variances(self, noise: "Noise") -> np.ndarray:
        """Of the means around the pool's own curve, (J,); no size is taken for more exact than `BEND`."""
        apart = 1 - np.minimum(np.array(self.sizes) / self.pool, 1.0)
        runs = np.array([len(v) for v in self.values])
        return noise.of(self.means) * apart / runs + (BEND * np.maximum(self.means, FLOOR)) ** 2


@dataclass(frozen=True)
class Noise:
    """Variance of one run at a mean error y: scale * y^power, the power between a count's 1 and 2."""

    scale: float
    power: float

    def of(self, mean: np.ndarray) -> np.ndarray:
        """Variances at these means, above 0."""
        return self.scale * np.maximum(mean, FLOOR) ** self.power


@dataclass(frozen=True)
class Forecast:
    """Draws of the curve beyond what was measured.

    Attributes:
        curve: What it rests on.
        weights: Of the families.
        widened: Factor of the calibration.
        tested: Held-out forecasts that the calibration rests on.
        grid: Amounts of data, ascending, (G,).
        draws: Mean error at each, (D, G), widened.
        noise: See `Curve.noise`.
    """

    curve: Curve
    weights: dict[str, float]
    widened: float
    tested: int
    grid: np.ndarray
    draws: np.ndarray
    noise: Noise

    def at(self, size: float, level: float = 0.8) -> tuple[float, float, float]:
        """(median, low, high) of the error of one run on `size` parts, at a nominal `level`."""
        where = np.log(self.grid)
        found = np.array([np.interp(math.log(size), where, row) for row in self.draws])
        rng = np.random.default_rng(0)
        fresh = min(max(size / self.curve.pool - 1, 0.0), 1.0)
        single = np.sqrt(self.noise.of(found) * fresh) * self.widened
        found = np.maximum(found + single * rng.normal(size=len(found)), 0.0)
        tail = 50 * (1 - level)
        low, middle, high = np.percentile(found, [tail, 50, 100 - tail])
        return float(middle), float(low), float(high)

    def needed(self, target: float) -> np.ndarray:
        """Data at which each draw's mean error falls to `target`, (D,); inf beyond `HORIZON` pools."""
        below = self.draws <= target
        first = below.argmax(1)
        return np.where(below.any(1), self.grid[first], np.inf)


def measure(
    run: Run,
    pool: int,
    rng: np.random.Generator,
    *,
    smallest: int | None = None,
    repeats: int = 5,
    seconds: float = 600.0,
    on_run: Callable[[int, int], None] | None = None,
) -> Curve:
    """Trains on subsamples of 2^(-k/2) of the pool, small ones first, until done or the time is up.

    Args:
        run: Trains and measures.
        pool: Training parts.
        rng: Draws the subsamples.
        smallest: Least size; a sixteenth of the pool, but at least 8, when None. Smaller ones say little
            about
            what comes after the pool: with a sixty-fourth the intervals covered too much
            (docs/experiments.md).
        repeats: Runs a size; fewer near the whole pool, where subsamples are nearly the same, and one on all.
        seconds: Most time to spend; the largest size is begun only if it will likely fit.
        on_run: Called with (runs done, runs planned).

    Raises:
        BurnishError: Too few parts for four sizes, or the time was up before there were four.
    """
    plan = plan_runs(pool, smallest, repeats)
    sizes = [size for size, _ in plan]
    began, last = time.monotonic(), 0.0
    done, values = 0, []
    total = sum(count for _, count in plan)
    for size, count in plan:
        found = []
        for _ in range(count):
            spent = time.monotonic() - began
            if spent + last * 1.5 > seconds and (found or len(values) >= 4):
                break
            start = time.monotonic()
            found.append(float(run(rng.permutation(pool)[:size], rng)))
            last = time.monotonic() - start
            done += 1
            if on_run:
                on_run(done, total)
        if not found:
            break
        values.append(tuple(found))
    return Curve(pool, tuple(sizes[: len(values)]), tuple(values), time.monotonic() - began)


def plan_runs(pool: int, smallest: int | None = None, repeats: int = 5) -> list[tuple[int, int]]:
    """(size, runs of it), ascending; the arguments are those of `measure`.

    Raises:
        BurnishError: Too few parts for four sizes.
    """
    smallest = max(8, pool // 16) if smallest is None else smallest
    sizes = [pool]
    while sizes[-1] / math.sqrt(2) >= smallest:
        sizes.append(round(pool / math.sqrt(2) ** len(sizes)))
    if len(set(sizes)) < 4:
        raise BurnishError(
            f"{pool} parts", "are too few for a learning curve", f"Give at least {math.ceil(smallest * 3)}"
        )
    return [(size, 1 if size == pool else repeats) for size in sorted(set(sizes))]


def forecast(curve: Curve, rng: np.random.Generator, draws: int = DRAWS) -> Forecast:
    """Extrapolates a curve, with the spread calibrated on its own smaller sizes.

    Args:
        curve: At least four sizes.
        rng: Draws.
        draws: How many.

    Raises:
        BurnishError: Fewer than four sizes, or a value that is no error.
    """
    flat = np.array([v for values in curve.values for v in values])
    if len(curve.sizes) < 4 or not np.isfinite(flat).all() or (flat < 0).any():
        raise BurnishError(
            f"learning curve of {len(curve.sizes)} sizes",
            "needs at least four sizes, with errors of at least 0",
            "Measure more sizes; of what should be high give 1 - value, or say --higher",
        )
    noise = curve.noise()
    misses = _held_out(curve, noise, rng)
    widened = math.sqrt((SHRINK + float((misses**2).sum())) / (SHRINK + len(misses))) if len(misses) else 1.5
    grid = np.unique(np.geomspace(curve.sizes[0], HORIZON * curve.pool, 160))
    found, weights = _draw(curve, noise, grid, rng, draws)
    middle = np.median(found, 0)
    return Forecast(
        curve,
        weights,
        widened,
        len(misses),
        grid,
        np.maximum(middle + widened * (found - middle), 0.0),
        noise,
    )


@dataclass(frozen=True)
class Outlook:
    """What the forecast says about one target.

    Attributes:
        target: Error wanted.
        parts: Data needed: median, and an 80 % interval; inf where a draw never gets there.
        reached: Share of draws that get there within `HORIZON` times the data.
        cost: Money for the parts still missing, as `parts`; None without a price.
        dates: When they will be there, as `parts`; None without a rate, and within for what never comes.
    """

    target: float
    parts: tuple[float, float, float]
    reached: float
    cost: tuple[float, float, float] | None
    dates: tuple[date | None, date | None, date | None] | None

    @property
    def reachable(self) -> bool:
        """Whether at least one draw in ten gets there."""
        return self.reached >= 0.1


def outlook(
    found: Forecast,
    target: float,
    *,
    price: float | None = None,
    per_day: float | None = None,
    today: date | None = None,
) -> Outlook:
    """How much data, money and time a target takes.

    Args:
        found: The forecast.
        target: Mean error wanted, above 0.
        price: Of one labelled part.
        per_day: Labelled parts a day, above 0.
        today: Where the calendar begins.

    Raises:
        BurnishError: A number out of range.
    """
    if target <= 0 or (per_day is not None and per_day <= 0) or (price is not None and price < 0):
        raise BurnishError("forecast", "needs a target and a rate above 0, and a price of at least 0")
    draws = found.needed(target)
    middle, low, high = np.quantile(draws, [0.5, 0.1, 0.9], method="inverted_cdf").tolist()
    parts = (middle, low, high)
    missing = [max(0.0, n - found.curve.pool) for n in parts]
    day = today or date.today()
    dates = None
    if per_day is not None:
        dates = tuple(
            day + timedelta(math.ceil(n / per_day)) if n / per_day < 36_500 else None for n in missing
        )
    cost = None if price is None else tuple(n * price for n in missing)
    return Outlook(target, parts, float(np.isfinite(draws).mean()), cost, dates)  # type: ignore[arg-type]


def _draw(
    curve: Curve, noise: Noise, grid: np.ndarray, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, dict[str, float]]:
    n, y = np.array(curve.sizes, dtype=np.float64), curve.means
    variance = curve.variances(noise)
    weight = 1 / variance
    losses = {name: float(fit(f, n, y[None], weight).loss[0]) for name, f in FAMILIES.items()}
    weights = family_weights(losses, len(n))
    names = list(weights)
    again = np.maximum(y + np.sqrt(variance) * rng.normal(size=(draws, len(n))), 0.0)
    choice = rng.choice(len(names), size=draws, p=[weights[name] for name in names])
    found = np.empty((draws, len(grid)))
    for k, name in enumerate(names):
        if (mine := choice == k).any():
            found[mine] = fit(FAMILIES[name], n, again[mine], weight).at(grid)
    return found, weights


def _held_out(curve: Curve, noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """Misses of forecasts to about twice the data, where it is known, in units of their spread."""
    misses = []
    for j, size in enumerate(curve.sizes):
        later = [k for k, s in enumerate(curve.sizes) if 1.8 * size <= s <= 2.3 * size]
        if j < 3 or not later:
            continue
        k = later[0]
        part = curve.up_to(size)
        found, _ = _draw(part, noise, np.array([curve.sizes[k]], dtype=np.float64), rng, 100)
        expected = float(found.mean())
        variance = float(found.var()) + float(curve.variances(noise)[k])
        misses.append((curve.means[k] - expected) / math.sqrt(variance))
    return np.array(misses)

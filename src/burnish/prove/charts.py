r"""Control charts whose false-alarm run length is computed, not guessed.

The average run length (ARL) of a chart is the mean number of observations until it alarms. Started at 0:

- Bernoulli CUSUM (Reynolds and Stoumbos, J. Quality Technology 31, 1999): $S_i = \max(0, S_{i-1} + X_i -
  \gamma)$ with the reference value of the likelihood ratio of $p_1$ to $p_0$. $\gamma$ is taken as a
  fraction, so S walks on a lattice and its ARL is exactly that of a finite Markov chain (Brook and Evans,
  Biometrika 59, 1972).
- Normal CUSUM, one-sided: $S_i = \max(0, S_{i-1} + z_i - k)$; ARL from Page's integral equation.
- EWMA, two-sided with its asymptotic limits: $E_i = (1 - \lambda) E_{i-1} + \lambda z_i$, alarm where
  $|E_i| > L \sqrt{\lambda / (2 - \lambda)}$; ARL from Crowder's integral equation (Technometrics 29, 1987).

Integral equations are solved by Gauss-Legendre quadrature. The published tables are in the tests.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from scipy import optimize, sparse, stats
from scipy.sparse.linalg import spsolve

from burnish.errors import BurnishError

NODES = 61
"""Quadrature nodes; the tables' digits are reached with 31."""
MOST_STATES = 200_000
"""Of a Bernoulli CUSUM's Markov chain."""
SHORTEST, LONGEST = 5.0, 1e8
"""Run lengths that can be asked of charts on normal values."""


@dataclass(frozen=True)
class BernoulliCusum:
    """Watches for a rate that rises from `p0` to `p1`.

    The walk is in whole steps: `up` for an event, `down` for none; it alarms at `limit` and above.
    """

    p0: float
    p1: float
    up: int
    down: int
    limit: int

    def run_length(self, p: float) -> float:
        """The exact ARL at a true rate `p` in [0, 1]; infinite at 0."""
        if p <= 0:
            return math.inf
        states = np.arange(self.limit)
        lower, upper = np.maximum(states - self.down, 0), states + self.up
        inside = upper < self.limit
        rows = np.concatenate([states, states, states[inside]])
        columns = np.concatenate([states, lower, upper[inside]])
        values = np.concatenate(
            [np.ones(self.limit), np.full(self.limit, p - 1.0), np.full(inside.sum(), -p)]
        )
        system = sparse.csc_matrix((values, (rows, columns)), shape=(self.limit, self.limit))
        lengths: Any = spsolve(system, np.ones(self.limit))
        return float(lengths[0])

    def walk(self, events: Iterable[bool]) -> Iterator[tuple[int, bool]]:
        """S in steps and whether it alarms, after each observation; it starts again at 0 after an alarm."""
        level = 0
        for event in events:
            level = max(0, level + (self.up if event else -self.down))
            yield level, level >= self.limit
            level = 0 if level >= self.limit else level


@dataclass(frozen=True)
class NormalCusum:
    """Watches for standard-normal values that rise; best at a rise of 2 k."""

    limit: float
    k: float = 0.5

    def run_length(self, shift: float = 0.0) -> float:
        """The ARL when the values' mean is `shift`."""
        x, w = _nodes(0.0, self.limit)
        density = stats.norm.pdf(x[None, :] + self.k - shift - x[:, None]) * w
        stay = stats.norm.cdf(self.k - shift - x)
        at_zero = stats.norm.pdf(x + self.k - shift) * w
        # unknowns: L at the nodes, and L(0)
        system = np.block(
            [
                [np.eye(len(x)) - density, -stay[:, None]],
                [-at_zero[None, :], np.array([[1 - stats.norm.cdf(self.k - shift)]])],
            ]
        )
        return float(np.linalg.solve(system, np.ones(len(x) + 1))[-1])

    def walk(self, values: Iterable[float]) -> Iterator[tuple[float, bool]]:
        """S and whether it alarms, after each value; it starts again at 0 after an alarm."""
        level = 0.0
        for value in values:
            level = max(0.0, level + float(value) - self.k)
            yield level, level > self.limit
            level = 0.0 if level > self.limit else level


@dataclass(frozen=True)
class Ewma:
    """Watches for standard-normal values whose mean moves, either way.

    Attributes:
        width: L, in standard deviations of the average.
        weight: Of the newest value, in (0, 1]; small finds small shifts.
    """

    width: float
    weight: float = 0.1

    @property
    def limit(self) -> float:
        return self.width * math.sqrt(self.weight / (2 - self.weight))

    def run_length(self, shift: float = 0.0) -> float:
        """The ARL when the values' mean is `shift`."""
        x, w = _nodes(-self.limit, self.limit)

        def towards(u: np.ndarray) -> np.ndarray:
            z = (x[None, :] - (1 - self.weight) * u[:, None]) / self.weight - shift
            return stats.norm.pdf(z) * w / self.weight

        at_nodes = np.linalg.solve(np.eye(len(x)) - towards(x), np.ones(len(x)))
        return float(1 + (towards(np.zeros(1)) @ at_nodes)[0])

    def walk(self, values: Iterable[float]) -> Iterator[tuple[float, bool]]:
        """The average and whether it alarms, after each value; it starts again at 0 after an alarm."""
        level = 0.0
        for value in values:
            level = (1 - self.weight) * level + self.weight * float(value)
            yield level, abs(level) > self.limit
            level = 0.0 if abs(level) > self.limit else level


def first_alarm(walk: Iterable[tuple[float, bool]]) -> int | None:
    """How many observations a chart took to its first alarm, 1 or more; None when it never alarmed."""
    return next((count for count, (_, alarm) in enumerate(walk, 1) if alarm), None)


@cache
def bernoulli_cusum(p0: float, p1: float, run_length: float) -> BernoulliCusum:
    """The chart that reacts soonest to p1 among those with an ARL of at least `run_length` at p0.

    Args:
        p0: Rate in order, in (0, 1).
        p1: Rate that matters, in (p0, 1).
        run_length: Observations between false alarms, more than 1 / p0.

    Raises:
        BurnishError: A number out of range.
    """
    if not 0 < p0 < p1 < 1:
        raise BurnishError(f"rates {p0:g} and {p1:g}", "must satisfy 0 < in order < that matters < 1")
    up, down = _steps(p0, p1)
    low, high = 0, up
    while BernoulliCusum(p0, p1, up, down, high).run_length(p0) < run_length:
        low, high = high, 2 * high
        if high > MOST_STATES:
            raise BurnishError(
                f"rates {p0:g} and {p1:g}",
                f"need too long a memory for a run length of {run_length:g}",
                "Let the rates lie further apart, or ask for a shorter run length",
            )
    while high - low > 1:
        middle = (low + high) // 2
        if BernoulliCusum(p0, p1, up, down, middle).run_length(p0) < run_length:
            low = middle
        else:
            high = middle
    return BernoulliCusum(p0, p1, up, down, high)


@cache
def normal_cusum(run_length: float, k: float = 0.5) -> NormalCusum:
    """The one-sided chart with this in-control ARL, from `SHORTEST` to `LONGEST`."""
    limit = _solve(lambda h: NormalCusum(h, k).run_length(), run_length)
    return NormalCusum(limit, k)


@cache
def ewma(run_length: float, weight: float = 0.1) -> Ewma:
    """The two-sided chart with this in-control ARL, from `SHORTEST` to `LONGEST`."""
    return Ewma(_solve(lambda width: Ewma(width, weight).run_length(), run_length), weight)


def _steps(p0: float, p1: float) -> tuple[int, int]:
    """(up, down) of the lattice nearest to the likelihood ratio's reference value."""
    pays, costs = math.log(p1 * (1 - p0) / (p0 * (1 - p1))), math.log((1 - p0) / (1 - p1))
    gamma = Fraction(costs / pays).limit_denominator(max(20, math.ceil(pays / costs)))
    return gamma.denominator - gamma.numerator, gamma.numerator


def _solve(run_length_of: Callable[[float], float], wanted: float) -> float:
    """The limit whose run length is `wanted`; the bracket grows from below, where the equation is tame."""
    if not SHORTEST <= wanted <= LONGEST:
        raise BurnishError(
            f"run length {wanted:g}",
            f"must lie between {SHORTEST:g} and {LONGEST:g}",
            "Choose another number of observations between false alarms",
        )
    low, high = 0.01, 0.5
    while run_length_of(high) < wanted:
        low, high = high, high + 0.5
    found = optimize.root_scalar(
        lambda x: math.log(run_length_of(x) / wanted), bracket=(low, high), xtol=1e-10, rtol=1e-12
    )
    return float(found.root)


def _nodes(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    return low + (high - low) * (x + 1) / 2, w * (high - low) / 2

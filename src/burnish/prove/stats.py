"""Intervals, claims and paired tests for the questions that `burnish prove` answers.

Clopper-Pearson, sample sizes and bootstraps are `burnish.core.stats`; here is what only proof needs: Wilson's
interval, a claim that is refused when the count cannot carry it, paired proportions, and how far two samples
lie apart.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from burnish.core.stats import clopper_pearson, parts_to_prove
from burnish.errors import BurnishError


@dataclass(frozen=True)
class Test:
    """A test's statistic and p-value in [0, 1]."""

    __test__ = False  # no test case of pytest's

    statistic: float
    p_value: float


@dataclass(frozen=True)
class Claim:
    """Whether a count carries the claim "at least `wanted`".

    Attributes:
        count, of: Successes in trials.
        wanted: The rate claimed, in (0, 1).
        confidence: In (0, 1).
        bound: One-sided lower Clopper-Pearson bound: the most that the count can claim.
        needed: Trials that would carry the claim with as many failures as there are.
    """

    count: int
    of: int
    wanted: float
    confidence: float
    bound: float
    needed: int

    @property
    def holds(self) -> bool:
        return self.bound >= self.wanted

    def in_words(self) -> str:
        """One sentence."""
        if self.holds:
            return (
                f'"At least {_percent(self.wanted)}" holds at {_percent(self.confidence)} confidence: '
                f"{self.count} of {self.of} prove {_percent(self.bound)}."
            )
        failures = self.of - self.count
        with_failures = f" with at most {failures} that fail" if failures else ", all of them good"
        return (
            f'"At least {_percent(self.wanted)}" cannot be claimed from {self.count} of {self.of}: they '
            f"prove {_percent(self.bound)} at {_percent(self.confidence)} confidence. It takes "
            f"{self.needed:,}{with_failures}."
        )


def claim_at_least(count: int, of: int, wanted: float, confidence: float = 0.95) -> Claim:
    """Judges the claim that the success rate is at least `wanted`.

    Args:
        count: Successes, 0 <= count <= of.
        of: Trials.
        wanted: In (0, 1).
        confidence: In (0, 1), one-sided.

    Raises:
        BurnishError: A number out of range.
    """
    if not 0 <= count <= of:
        raise BurnishError(f"{count} of {of}", "a count lies between 0 and the number of trials")
    in_unit("claim", wanted)
    in_unit("confidence", confidence)
    low = clopper_pearson(count, of, confidence, "lower")[0]
    return Claim(count, of, wanted, confidence, low, parts_to_prove(1 - wanted, of - count, confidence))


def wilson(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (JASA 22, 1927): right on average, where Clopper-Pearson is right always.

    Args:
        count: Events, 0 <= count <= of.
        of: Trials; with none the bounds are (0, 1).
        confidence: In (0, 1), two-sided.

    Raises:
        ValueError: A number out of range.
    """
    if not 0 <= count <= of:
        raise ValueError(f"count must lie in 0..of, got {count} of {of}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    if of == 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share, inflated = count / of, 1 + z * z / of
    centre = (share + z * z / (2 * of)) / inflated
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / inflated
    return (0.0 if count == 0 else max(0.0, centre - half)), (1.0 if count == of else min(1.0, centre + half))


def parts_to_plan(
    wanted: float, expected: float, power: float = 0.9, confidence: float = 0.95, limit: int = 10_000_000
) -> tuple[int, int]:
    """How many parts to plan for, so that the proof of "at most `wanted`" succeeds with chance `power`.

    `parts_to_prove` says what suffices if nothing (or k) fails; a true rate of `expected` fails sometimes.
    The plan is the smallest of those n, over k = 0, 1, ..., with P(Binomial(n, expected) <= k) >= power.

    Args:
        wanted: Rate to prove, in (0, 1).
        expected: True rate, 0 <= expected < wanted.
        power: Chance of success, in (0, 1).
        confidence: Of the proof, in (0, 1).
        limit: Most parts considered.

    Returns:
        Parts, and how many of them may fail.

    Raises:
        BurnishError: Numbers out of range, or more than `limit` parts are needed.
    """
    for name, value in (("rate", wanted), ("power", power), ("confidence", confidence)):
        in_unit(name, value)
    if not 0 <= expected < wanted:
        raise BurnishError(
            f"expected rate {expected}", f"must lie below the rate to prove, {wanted}", "Ask for less"
        )
    failures = 0
    while (parts := parts_to_prove(wanted, failures, confidence)) <= limit:
        if stats.binom.cdf(failures, parts, expected) >= power:
            return parts, failures
        # as many failures as this many parts will likely bring; never past the first k that suffices
        failures = max(failures + 1, int(stats.binom.ppf(power, parts, expected)))
    raise BurnishError(
        f"expected rate {expected}", f"is so near to {wanted} that more than {limit:,} parts are needed"
    )


def sample_size_text(
    wanted: float,
    confidence: float = 0.95,
    failures: int = 3,
    expected: float | None = None,
    power: float = 0.9,
) -> str:
    """What it takes to claim a miss rate of at most `wanted`, in words.

    Raises:
        BurnishError: A number out of range.
    """
    in_unit("rate", wanted)
    in_unit("confidence", confidence)
    most, sure = _percent(wanted), _percent(confidence)
    needed = [parts_to_prove(wanted, k, confidence) for k in range(failures + 1)]
    lines = [
        f"To claim a miss rate of at most {most} at {sure} you need {needed[0]:,} defects found and none "
        "missed.",
        "",
        "missed  judged",
        *(f"{k:>6}  {n:>6,}" for k, n in enumerate(needed)),
    ]
    if expected is not None:
        parts, may_fail = parts_to_plan(wanted, expected, power, confidence)
        lines += [
            "",
            f"If the true rate is {_percent(expected)}, plan for {parts:,} of which {may_fail} may be "
            f"missed: then the proof succeeds in {_percent(power)} of all cases at least.",
        ]
    return "\n".join(lines)


def superiority(better: int, worse: int) -> Test:
    """McNemar's exact one-sided test: does the challenger win more of the pairs that differ?

    Args:
        better: Pairs that only the challenger got right.
        worse: Pairs that only the champion got right.

    Returns:
        The statistic better - worse and P(Binomial(better + worse, 1/2) >= better); 1 where none differ.
    """
    differ = better + worse
    p = float(stats.binom.sf(better - 1, differ, 0.5)) if differ else 1.0
    return Test(float(better - worse), p)


def non_inferiority(better: int, worse: int, pairs: int, margin: float) -> Test:
    r"""One-sided score test that a rate fell by less than `margin` between two paired samples.

    H0 is $p_+ - p_- \le -\delta$ for the shares that changed for the better and the worse. With
    $\lambda = -\delta$, $b$ = better, $c$ = worse and $\tilde p$ the restricted maximum-likelihood share of
    the worse (Tango, Statistics in Medicine 17, 1998):

    $$ T = \frac{b - c - n \lambda}{\sqrt{n (2 \tilde p + \lambda (1 - \lambda))}} $$

    It stays honest where nothing differs: then n pairs show non-inferiority by a margin of about
    z^2 / (n + z^2) and no finer.

    Args:
        better, worse: Pairs that only the challenger, only the champion got right.
        pairs: All pairs.
        margin: In (0, 1).
    """
    in_unit("margin", margin)
    if better < 0 or worse < 0 or better + worse > pairs or pairs < 1:
        raise ValueError(f"{better} + {worse} differing pairs of {pairs}")
    return Test(*_tango(better, worse, pairs, -margin))


def paired_difference(
    better: int, worse: int, pairs: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """(value, low, high) of the difference of two paired rates, by Tango's score interval.

    Args:
        better, worse: Pairs that only the second, only the first counts as success.
        pairs: All pairs, at least 1.
        confidence: In (0, 1), two-sided.
    """
    z, value = float(stats.norm.ppf((1 + confidence) / 2)), (better - worse) / pairs
    edge = 1 - 1e-12

    def root(sign: float, end: float) -> float:
        def miss(difference: float) -> float:
            return _tango(better, worse, pairs, difference)[0] - sign * z

        if miss(value) * miss(end) >= 0:
            return -sign
        return float(optimize.root_scalar(miss, bracket=(value, end), xtol=1e-12).root)

    return value, root(1.0, -edge), root(-1.0, edge)


def _tango(better: int, worse: int, pairs: int, difference: float) -> tuple[float, float]:
    """Tango's score statistic for H0 `difference`, and its upper tail."""
    a = 2 * pairs
    b = -better - worse + (2 * pairs - better + worse) * difference
    c = -worse * difference * (1 - difference)
    restricted = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    restricted = min(max(restricted, 0.0, -difference), (1 - difference) / 2)
    variance = pairs * (2 * restricted + difference * (1 - difference))
    excess = better - worse - pairs * difference
    if variance <= 1e-300:
        statistic = 0.0 if abs(excess) < 1e-12 else math.copysign(math.inf, excess)
    else:
        statistic = excess / math.sqrt(variance)
    return statistic, float(stats.norm.sf(statistic))


def kolmogorov_smirnov(reference: ArrayLike, now: ArrayLike) -> Test:
    """Two-sample Kolmogorov-Smirnov test (scipy's: exact for small samples)."""
    found: Any = stats.ks_2samp(np.asarray(reference, dtype=np.float64), np.asarray(now, dtype=np.float64))
    return Test(float(found.statistic), float(found.pvalue))


def population_stability(reference: ArrayLike, now: ArrayLike, bins: int = 10) -> Test:
    """Population stability index over bins that hold equal shares of the reference.

    PSI = sum (a - e) ln(a / e), the Jeffreys divergence of two histograms, counts smoothed by one half. The
    usual cuts 0.1 and 0.25 ignore sample size; here the p-value is from PSI * n m / (n + m), about
    chi-squared with (bins - 1) degrees of freedom when nothing moved (Yurdakul and Naranjo, J. Risk Model
    Validation 14, 2020).

    Args:
        reference: (n,) values; now: (m,) values; both n and m at least 5 * bins.
        bins: At least 2; ties make fewer.

    Raises:
        ValueError: Too few values.
    """
    old, new = np.asarray(reference, dtype=np.float64), np.asarray(now, dtype=np.float64)
    if bins < 2 or min(len(old), len(new)) < 5 * bins:
        raise ValueError(
            f"{bins} bins need at least {5 * max(bins, 2)} values a side, got {len(old)}, {len(new)}"
        )
    edges = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1]))
    a, e = (
        np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) + 0.5
        for x in (new, old)
    )
    a, e = a / a.sum(), e / e.sum()
    index = float(((a - e) * np.log(a / e)).sum())
    scaled = index * len(old) * len(new) / (len(old) + len(new))
    return Test(index, float(stats.chi2.sf(scaled, max(1, len(edges)))))


def in_unit(name: str, value: float) -> None:
    """Raises BurnishError unless 0 < value < 1."""
    if not 0 < value < 1:
        raise BurnishError(f"{name} {value:g}", "must lie between 0 and 1", "Give 0.05 for 5 %")


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"

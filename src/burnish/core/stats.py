"""Small-sample statistics for inspection: exact bounds, sample sizes, ranking, paired bootstrap.

Everything here leans on scipy; what is ours is the question asked (how many *more* parts, seeds and images
resampled together), not the numerics.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Side = Literal["two-sided", "upper", "lower"]


@dataclass(frozen=True)
class Rate:
    """`count` events in `of` trials with Clopper-Pearson bounds; `value` is None when nothing was tried."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    def to_json(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "count": self.count, "of": self.of}


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence bounds, in the unit of what was estimated."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        return self.low > 0


def clopper_pearson(
    count: int, of: int, confidence: float = 0.95, side: Side = "two-sided"
) -> tuple[float, float]:
    """Exact binomial bounds (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        count: Events seen, 0 <= count <= of.
        of: Trials; with none the bounds are (0, 1).
        confidence: In (0, 1).
        side: "two-sided"; "upper" gives (0, bound), "lower" gives (bound, 1), each at the whole confidence.

    Raises:
        ValueError: When count, of or confidence lie outside their range.
    """
    if not 0 <= count <= of:
        raise ValueError(f"count must lie in 0..of, got {count} of {of}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    if of == 0:
        return 0.0, 1.0
    alpha = (1 - confidence) / (2 if side == "two-sided" else 1)
    low = 0.0 if count == 0 or side == "upper" else float(stats.beta.ppf(alpha, count, of - count + 1))
    high = 1.0 if count == of or side == "lower" else float(stats.beta.ppf(1 - alpha, count + 1, of - count))
    return low, high


def rate(count: int, of: int, confidence: float = 0.95) -> Rate:
    """`count` of `of` with two-sided Clopper-Pearson bounds."""
    return Rate(int(count), int(of), *clopper_pearson(int(count), int(of), confidence))


def goodman(counts: Sequence[int], confidence: float = 0.95) -> list[tuple[float, float]]:
    """Simultaneous bounds of the shares of k categories (Goodman, Technometrics 7, 1965).

    All hold together with about the stated confidence: each is Wilson's at 1 - (1 - confidence) / k.

    Args:
        counts: Of each category, not negative; without any event the bounds are (0, 1).
        confidence: In (0, 1).

    Raises:
        ValueError: A negative count, or a confidence out of its range.
    """
    if any(count < 0 for count in counts) or not 0 < confidence < 1:
        raise ValueError(f"counts must not be negative and confidence lie in (0, 1): {counts}, {confidence}")
    of = sum(counts)
    if not of:
        return [(0.0, 1.0)] * len(counts)
    quantile = float(stats.chi2.ppf(1 - (1 - confidence) / len(counts), 1))
    bounds = []
    for count in counts:
        half = math.sqrt(quantile * (quantile + 4 * count * (of - count) / of))
        middle, scale = quantile + 2 * count, 2 * (of + quantile)
        bounds.append((max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)))
    return bounds


def parts_to_prove(wanted: float, failures: int = 0, confidence: float = 0.95) -> int:
    """The smallest n for which `failures` of n prove a rate of at most `wanted`, one-sided.

    With no failure this is ceil(ln(1 - confidence) / ln(1 - wanted)): 59 parts for 5 %, 299 for 1 %
    (the success-run theorem). In general the smallest n with
    P(Binomial(n, wanted) <= failures) <= 1 - confidence.
    """
    if not 0 < wanted < 1:
        raise ValueError(f"wanted must lie in (0, 1), got {wanted}")
    if failures < 0:
        raise ValueError(f"failures must not be negative, got {failures}")
    low, high = failures, max(2 * failures, math.ceil(3 / wanted))
    while stats.binom.cdf(failures, high, wanted) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if stats.binom.cdf(failures, middle, wanted) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def more_parts_to_prove(
    count: int, of: int, wanted: float, *, rate: float = 0.0, confidence: float = 0.95, limit: int = 1_000_000
) -> int | None:
    """How many more parts would prove a rate of at most `wanted`, after `count` failures in `of` parts.

    Args:
        count: Failures so far.
        of: Parts so far.
        wanted: The rate to prove (one-sided upper Clopper-Pearson bound at most this).
        rate: The failure rate to expect among the further parts; 0 is the best case, count / of as so far.
        confidence: In (0, 1).
        limit: The most further parts considered.

    Returns:
        0 when it is proven already, None when not even `limit` more would do (say, rate >= wanted).
    """
    if rate == 0:
        more = max(0, parts_to_prove(wanted, count, confidence) - of)
        return more if more <= limit else None
    start, width = 0, 1024
    while start <= limit:
        more = np.arange(start, min(start + width, limit + 1))
        failures = count + np.ceil(rate * more - 1e-9)
        enough = np.flatnonzero(stats.binom.cdf(failures, of + more, wanted) <= 1 - confidence)
        if len(enough):
            return int(more[enough[0]])
        start, width = start + width, 2 * width
    return None


def auroc(good: ArrayLike, bad: ArrayLike) -> float | None:
    """P(a bad score > a good score) + P(equal) / 2 (Mann-Whitney); None when either side is empty."""
    good, bad = np.asarray(good, dtype=np.float64), np.asarray(bad, dtype=np.float64)
    if not len(good) or not len(bad):
        return None
    ranks = stats.rankdata(np.concatenate([good, bad]))
    return float((ranks[len(good) :].sum() - len(bad) * (len(bad) + 1) / 2) / (len(good) * len(bad)))


def average_precision(scores: ArrayLike, true: ArrayLike) -> float | None:
    """Mean precision at each true one, from the highest score down; None without true ones.

    Ties are taken in the order given. (Area under the precision-recall curve by steps, as in scikit-learn.)

    Args:
        scores: (n,).
        true: bool (n,).
    """
    hits = np.cumsum(np.asarray(true, bool)[np.argsort(-np.asarray(scores, float), kind="stable")])
    if not len(hits) or not hits[-1]:
        return None
    rises = np.flatnonzero(np.diff(hits, prepend=0))
    return float(np.mean(hits[rises] / (rises + 1)))


def auroc_by_class(scores: ArrayLike, labels: Sequence[str], good: str = "good") -> dict[str, float | None]:
    """AUROC of each class of `labels` other than `good` against all the good scores."""
    scores, names = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    return {
        str(name): auroc(scores[names == good], scores[names == name])
        for name in np.unique(names)
        if name != good
    }


def threshold_at_false_rejects(good: ArrayLike, share: float = 0.01) -> float:
    """The lowest threshold t that rejects (score > t) at most floor(share * n) of these n good scores.

    It looks at the very scores it is applied to, so it ranks models; it is not a calibrated threshold.
    """
    ordered = np.sort(np.asarray(good, dtype=np.float64))[::-1]
    if not len(ordered):
        raise ValueError("threshold_at_false_rejects needs at least one good score")
    return float(ordered[min(math.floor(share * len(ordered) + 1e-9), len(ordered) - 1)])


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, rng: np.random.Generator, *, resamples: int = 9999, confidence: float = 0.95
) -> Interval:
    """Mean of a - b with a paired bootstrap interval.

    One value a seed, shape (S,): BCa (Efron 1987, by scipy). One value for each seed and image, shape (S, I):
    percentile, with seeds and images both resampled, because the same images meet every seed (Owen 2007).
    A bootstrap of few seeds is narrower than it says: at nominal 95 % it covered normal differences in 73 %
    (3 seeds), 84 % (5) and 91 % (10) of 600 simulated cases.

    Raises:
        ValueError: When the shapes differ or there is only one seed of one value.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim not in (1, 2) or a.size < 2:
        raise ValueError(
            f"paired_bootstrap needs two equal shapes (S,) or (S, I), size >= 2, got {a.shape} {b.shape}"
        )
    difference = a - b
    value = float(difference.mean())
    if np.ptp(difference) == 0:
        return Interval(value, value, value)
    if difference.ndim == 1:
        found = stats.bootstrap(
            (difference,), np.mean, n_resamples=resamples, confidence_level=confidence, method="BCa", rng=rng
        ).confidence_interval
        return Interval(value, float(found.low), float(found.high))
    seeds, images = difference.shape
    means = np.empty(resamples)
    for i in range(resamples):
        weights = np.bincount(rng.integers(images, size=images), minlength=images) / images
        means[i] = (difference[rng.integers(seeds, size=seeds)] @ weights).mean()
    return Interval(value, *_percentiles(means, confidence))


def bootstrap_over_parts(
    statistic: Callable[[np.ndarray], float],
    strata: Sequence[str],
    rng: np.random.Generator,
    *,
    resamples: int = 999,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of statistic(indices), parts resampled with replacement inside each stratum.

    For what is no mean over parts, such as AUROC: strata = "good" or not keeps both kinds in every resample.
    """
    names = np.asarray(strata)
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    draws = [
        statistic(np.concatenate([rng.choice(group, len(group)) for group in groups]))
        for _ in range(resamples)
    ]
    return Interval(float(statistic(np.arange(len(names)))), *_percentiles(np.asarray(draws), confidence))


def mean_of(values: Mapping[str, float | None] | Sequence[float | None]) -> float | None:
    """The mean of what is there; None when nothing is."""
    there = [v for v in (values.values() if isinstance(values, Mapping) else values) if v is not None]
    return float(np.mean(there)) if there else None


def _percentiles(values: np.ndarray, confidence: float) -> tuple[float, float]:
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)

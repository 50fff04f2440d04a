"""Bounds, sample sizes, ranking and bootstrap against scipy, scikit-learn and published tables."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.metrics import average_precision_score, roc_auc_score

from burnish.core import stats


@pytest.mark.parametrize(("count", "of"), [(0, 10), (10, 10), (31, 164), (1, 1), (0, 1), (5, 521)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_clopper_pearson_is_scipys(count, of, confidence):
    for side, alternative in [("two-sided", "two-sided"), ("upper", "less"), ("lower", "greater")]:
        reference = scipy_stats.binomtest(count, of, alternative=alternative).proportion_ci(
            confidence, "exact"
        )
        assert stats.clopper_pearson(count, of, confidence, side) == pytest.approx(
            (reference.low, reference.high)
        )


def test_rate_of_nothing_is_unknown():
    nothing = stats.rate(0, 0)
    assert nothing.value is None and (nothing.low, nothing.high) == (0, 1)
    assert stats.rate(31, 164).to_json() == {
        "value": 31 / 164,
        "low": pytest.approx(0.13225, abs=1e-4),
        "high": pytest.approx(0.25746, abs=1e-4),
        "count": 31,
        "of": 164,
    }


@pytest.mark.parametrize(("count", "of", "confidence"), [(-1, 3, 0.95), (4, 3, 0.95), (1, 3, 1.0)])
def test_bounds_refuse_nonsense(count, of, confidence):
    with pytest.raises(ValueError):
        stats.clopper_pearson(count, of, confidence)


@pytest.mark.parametrize(
    ("wanted", "failures", "confidence", "n"),
    [  # success-run and acceptance tables (reliability demonstration)
        (0.01, 0, 0.95, 299), (0.01, 1, 0.95, 473), (0.01, 2, 0.95, 628), (0.05, 0, 0.95, 59),
        (0.05, 1, 0.95, 93), (0.10, 0, 0.90, 22), (0.10, 0, 0.95, 29), (0.01, 0, 0.90, 230),
        (0.10, 1, 0.90, 38), (0.10, 2, 0.90, 52),
    ],
)  # fmt: skip
def test_parts_to_prove_matches_the_tables(wanted, failures, confidence, n):
    assert stats.parts_to_prove(wanted, failures, confidence) == n
    assert stats.clopper_pearson(failures, n, confidence, "upper")[1] <= wanted
    assert stats.clopper_pearson(failures, n - 1, confidence, "upper")[1] > wanted


def test_more_parts():
    assert stats.more_parts_to_prove(0, 100, 0.01) == 199
    assert stats.more_parts_to_prove(0, 299, 0.01) == 0
    assert stats.more_parts_to_prove(2, 500, 0.01) == 128
    as_so_far = stats.more_parts_to_prove(2, 500, 0.01, rate=0.004)
    assert as_so_far is not None and as_so_far > 128
    failures = 2 + np.ceil(0.004 * as_so_far)
    assert stats.clopper_pearson(int(failures), 500 + as_so_far, 0.95, "upper")[1] <= 0.01
    assert stats.more_parts_to_prove(10, 500, 0.01, rate=0.02, limit=20_000) is None


def test_auroc_with_ties_is_scikit_learns():
    rng = np.random.default_rng(0)
    good, bad = rng.integers(0, 6, 80), rng.integers(2, 9, 30)
    reference = roc_auc_score([0] * 80 + [1] * 30, np.concatenate([good, bad]))
    assert stats.auroc(good, bad) == pytest.approx(reference)
    assert stats.auroc([1, 1], [1, 1]) == 0.5
    assert stats.auroc([], [1]) is None


def test_auroc_by_class():
    found = stats.auroc_by_class([0, 1, 2, 3, 0.5], ["good", "good", "a", "a", "b"])
    assert found == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize(("n", "above"), [(521, 5), (100, 1), (99, 0), (28, 0)])
def test_threshold_at_one_percent(n, above):
    good = np.random.default_rng(n).permutation(n).astype(float)
    cut = stats.threshold_at_false_rejects(good, 0.01)
    assert int((good > cut).sum()) == above
    assert stats.threshold_at_false_rejects(np.zeros(n)) == 0.0


def test_paired_bootstrap_over_seeds_is_scipys_bca():
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 1, 12), rng.normal(0, 1, 12)
    found = stats.paired_bootstrap(a, b, np.random.default_rng(5), resamples=4000)
    reference = scipy_stats.bootstrap(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), paired=True, vectorized=True, n_resamples=4000,
        method="BCa", rng=np.random.default_rng(6),
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx(np.mean(a - b))
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.06)
    again = stats.paired_bootstrap(a, b, np.random.default_rng(5), resamples=4000)
    assert again == found


def test_paired_bootstrap_over_seeds_and_images_is_wider_than_over_images():
    rng = np.random.default_rng(4)
    seeds, images = rng.normal(0, 0.5, (6, 1)), rng.normal(0, 1, (1, 200))
    a = 0.3 + seeds + images + rng.normal(0, 0.1, (6, 200))
    crossed = stats.paired_bootstrap(a, np.zeros_like(a), np.random.default_rng(0), resamples=2000)
    pooled = stats.paired_bootstrap(a.mean(0), np.zeros(200), np.random.default_rng(0), resamples=2000)
    expected = np.sqrt(
        a.mean(1).var() / 6 + a.mean(0).var() / 200
    )  # the crossed design's variance, leading terms
    assert (crossed.high - crossed.low) / (2 * 1.96) == pytest.approx(expected, rel=0.1)
    assert crossed.high - crossed.low > 1.5 * (pooled.high - pooled.low)


def test_paired_bootstrap_edges():
    rng = np.random.default_rng(0)
    same = stats.paired_bootstrap([2.0, 3.0], [1.0, 2.0], rng)
    assert (same.value, same.low, same.high) == (1.0, 1.0, 1.0) and same.above_zero
    with pytest.raises(ValueError):
        stats.paired_bootstrap([1.0], [0.0], rng)
    with pytest.raises(ValueError):
        stats.paired_bootstrap([1.0, 2.0], [0.0, 1.0, 2.0], rng)


def test_bootstrap_over_parts_covers_like_the_mean():
    values = np.random.default_rng(1).normal(size=100)
    found = stats.bootstrap_over_parts(
        lambda i: values[i].mean(), ["x"] * 100, np.random.default_rng(2), resamples=2000
    )
    error = values.std() / 10
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.03
    )


def test_mean_of_skips_what_is_missing():
    assert stats.mean_of([1.0, None, 3.0]) == 2.0
    assert stats.mean_of({"a": None}) is None


def test_goodman_against_the_published_example():
    """Sison and Glaz (JASA 90, 1995): 467 events in seven categories."""
    found = stats.goodman([56, 72, 73, 59, 62, 87, 58])
    assert np.round(found, 3).tolist() == [
        [0.085, 0.166], [0.115, 0.204], [0.116, 0.207], [0.091, 0.173], [0.096, 0.181], [0.143, 0.239],
        [0.089, 0.171],
    ]  # fmt: skip


def test_goodman_without_events_and_out_of_range():
    assert stats.goodman([0, 0]) == [(0.0, 1.0), (0.0, 1.0)]
    with pytest.raises(ValueError, match="negative"):
        stats.goodman([-1, 2])


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_scikits_where_no_scores_tie(seed):
    rng = np.random.default_rng(seed)
    scores, true = rng.normal(0, 1, 60), rng.random(60) < 0.3
    assert stats.average_precision(scores, true) == pytest.approx(average_precision_score(true, scores))
    assert stats.average_precision(scores, np.zeros(60, bool)) is None

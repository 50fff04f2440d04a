"""Agreement against scikit-learn and the published examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from burnish.prove.agreement import MISSING, cohen, fleiss, krippendorff


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_cohen_is_scikit_learns(pairs):
    first, second = zip(*pairs, strict=True)
    found = cohen(first, second)
    if len(set(first) | set(second)) == 1:
        assert found.value is None
    else:
        assert found.value == pytest.approx(cohen_kappa_score(first, second))


FLEISS = [  # Fleiss 1971's method on 10 subjects, 14 raters, 5 categories; published kappa 0.210
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def test_fleiss_matches_the_published_example():
    found = fleiss(FLEISS, np.random.default_rng(0))
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low is not None and found.high is not None and found.low < 0.21 < found.high
    with pytest.raises(ValueError):
        fleiss([(1, 1), (2, 1)])


M = MISSING
KRIPPENDORFF = np.array([  # Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, part C
    (1, 2, 3, 3, 2, 1, 4, 1, 2, M, M, M), (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, M, 3),
    (M, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, M), (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, M),
]).T  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_krippendorff_matches_the_published_example(metric, published):
    codes = np.where(KRIPPENDORFF == M, M, KRIPPENDORFF - 1)
    found = krippendorff(codes, np.random.default_rng(0), metric=metric)
    assert found.value == pytest.approx(published, abs=6e-4) and found.units == 11
    assert found.low is not None and found.low < published


def test_alpha_of_two_raters_nears_fleiss_for_many_units():
    """For nominal data alpha = 1 - (1 - kappa)(N - 1) / N with N = 2 n values (closed form)."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (50, 1)).repeat(2, 1)
    codes[:15, 1] = rng.integers(0, 3, 15)
    counts = np.stack([(codes == c).sum(1) for c in range(3)], axis=1)
    kappa, alpha = fleiss(counts).value, krippendorff(codes).value
    assert kappa is not None and alpha == pytest.approx(1 - (1 - kappa) * 99 / 100)


def test_what_cannot_be_told():
    assert cohen([1, 1], [1, 1]).in_words() == "cannot be told"
    assert krippendorff([[0, M], [M, 1]]).value is None
    assert cohen([0, 1, M], [0, 1, 1]).units == 2
    with pytest.raises(ValueError):
        cohen([0, 1], [0])


def test_intervals_cover_the_true_kappa():
    """300 studies of 60 units with a true kappa of 0.6: nominal 95 %, seen at least 90 %."""
    rng, covered = np.random.default_rng(2), 0
    for _ in range(300):
        first = rng.integers(0, 2, 60)
        second = np.where(rng.random(60) < 0.6, first, rng.integers(0, 2, 60))
        found = cohen(first, second, rng, 199)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.6 <= found.high
    assert 0.90 <= covered / 300 <= 0.99

"""Cross-fitting keeps groups whole and leaks nothing; its guarantee holds on simulated models."""

import json
from pathlib import Path

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.inspect.calibrate import Calibration, calibrate, cross_fit, cv_plus_p_value, fold_of
from burnish.media.part import Part


def parts(n, group=lambda i: ""):
    return [Part(Path(f"{i}.png"), "good", group=group(i)) for i in range(n)]


def test_folds_hold_every_part_once_and_never_split_a_group():
    goods = parts(23, lambda i: "" if i < 5 else f"g{i // 4}")
    seen = []

    def fit_and_score(learned, held):
        assert not {p.image for p in learned} & {p.image for p in held}
        assert not {p.group for p in learned if p.group} & {p.group for p in held}
        assert len(learned) + len(held) == 23
        seen.extend(held)
        return [float(p.image.stem) for p in held]

    scores = cross_fit(goods, fit_and_score, 4, np.random.default_rng(0))
    assert np.array_equal(scores, np.arange(23.0))  # in the order of the parts, whatever the folds
    assert len(seen) == 23


def test_folds_are_even_and_seeded():
    fold = fold_of([""] * 22, 5, np.random.default_rng(1))
    assert sorted(np.bincount(fold)) == [4, 4, 4, 5, 5]
    assert np.array_equal(fold, fold_of([""] * 22, 5, np.random.default_rng(1)))
    assert not np.array_equal(fold, fold_of([""] * 22, 5, np.random.default_rng(2)))
    assert fold_of(["a", "b", "b"], 10, np.random.default_rng(0)).max() == 1


@pytest.mark.parametrize("groups", [[""], ["a", "a", "a"], []])
def test_nothing_to_hold_out_is_told(groups):
    with pytest.raises(BurnishError, match="hold out"):
        fold_of(groups, 5, np.random.default_rng(0))


@pytest.mark.parametrize("answer", [[1.0], [np.nan] * 2])
def test_scores_missing_or_not_numbers_are_told(answer):
    with pytest.raises(BurnishError, match="scores"):
        cross_fit(parts(4), lambda learned, held: answer, 2, np.random.default_rng(0))


def test_false_rejects_of_cross_fitted_thresholds():
    """A model that learns the mean of its goods; score = distance to it. 600 repeats, 10 % wanted, n = 30.

    The refitted model lands near what was asked; CV+ stays below its proven worst case. Standard error about
    0.003.
    """
    rng = np.random.default_rng(0)
    refitted, joint, worst = [], [], []
    for _ in range(600):
        x = rng.normal(size=(30, 3))
        new = rng.normal(size=(20, 3))
        fold = fold_of([""] * 30, 5, rng)
        means = np.array([x[fold != k].mean(0) for k in range(5)])
        scores = np.linalg.norm(x - means[fold], axis=1)
        rule = calibrate(scores, 0.1, folds=5)
        refitted.append((np.linalg.norm(new - x.mean(0), axis=1) > rule.threshold.value).mean())
        by_fold = np.linalg.norm(new[:, None] - means, axis=2)
        joint.append(np.mean([cv_plus_p_value(scores, fold, s) <= rule.threshold.promised for s in by_fold]))
        worst.append(rule.worst_case)
    assert np.mean(refitted) == pytest.approx(0.1, abs=0.015)
    assert np.mean(joint) < worst[0] and np.mean(joint) == pytest.approx(0.1, abs=0.02)


def test_worst_case_matches_the_theorem():
    scores = np.arange(99.0)
    assert calibrate(scores, 0.01).worst_case == pytest.approx(0.01)
    jackknife = calibrate(scores, 0.01, folds=99)
    assert jackknife.worst_case == pytest.approx(0.02)
    assert calibrate(scores, 0.01, folds=9).worst_case == pytest.approx(
        0.02 + min(16 / 9 / 12, (1 - 9 / 99) / 10)
    )


def test_bad_luck_is_the_beta_quantile():
    """The rate of one calibration on uniform scores is 1 - threshold; 4,000 repeats."""
    rng = np.random.default_rng(0)
    found = [calibrate(rng.random(60), 0.05) for _ in range(4000)]
    above = np.mean([1 - f.threshold.value > f.likely_at_most for f in found])
    assert above == pytest.approx(0.05, abs=0.012)


def test_the_statement_names_its_limits():
    text = calibrate(np.linspace(0, 1, 20), 0.01, folds=5).guarantee()
    assert "can promise 4.8 % at best" in text and "no proof" in text and "1905.02928" in text
    assert "same process" in calibrate(np.linspace(0, 1, 200), 0.01).guarantee()


def test_json_and_back():
    first = calibrate(np.linspace(0, 1, 20), 0.01, folds=5)
    again = Calibration.from_json(json.loads(json.dumps(first.to_json())))
    assert (
        again.threshold == first.threshold and again.folds == 5 and np.array_equal(again.scores, first.scores)
    )
    with pytest.raises(BurnishError, match="incomplete"):
        Calibration.from_json({"value": 1.0})


def test_json_holds_the_sorted_scores():
    found = calibrate([3.0, 1.0, 2.0], 0.3, folds=3).to_json()
    assert found["good_scores"] == [1.0, 2.0, 3.0] and found["value"] == 3.0 and found["folds"] == 3

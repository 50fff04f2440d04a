"""The weights follow the judge that tells good from bad, and stay put where nothing speaks against them."""

import numpy as np
import pytest

from burnish.inspect.detector import Fusion
from burnish.inspect.fuse import GUESSED, PRIOR, SHARES, weigh


def peaks(n: int, shift: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (n, 2))


def test_without_defects_the_prior_stands_and_scores_are_in_the_goods_spread() -> None:
    good = peaks(400) * (2.0, 0.1) + (5.0, 1.0)
    fusion = weigh(good, np.zeros((0, 2)))
    assert fusion.weight == pytest.approx(tuple(PRIOR))
    assert fusion.centre == pytest.approx((5.0, 1.0), abs=0.3)
    assert fusion.spread == pytest.approx((2.0, 0.1), rel=0.2)


@pytest.mark.parametrize("judge", [0, 1])
def test_weights_move_to_the_judge_that_separates(judge: int) -> None:
    shift = (6.0, 0.0) if judge == 0 else (0.0, 6.0)
    fusion = weigh(peaks(100), peaks(40, shift, 1))
    assert fusion.weight[judge] > PRIOR[judge]
    assert min(fusion.weight) >= 0 and sum(fusion.weight) == pytest.approx(1)


def test_where_places_were_guessed_surprise_leads_until_defects_say_otherwise() -> None:
    assert weigh(peaks(20), np.zeros((0, 2)), prior=GUESSED).weight == pytest.approx(tuple(GUESSED))
    assert weigh(peaks(100), peaks(40, (6.0, 0.0), 1), prior=GUESSED).weight[0] > GUESSED[0]


def test_unseen_training_leaves_surprise_alone() -> None:
    assert weigh(peaks(20), np.zeros((0, 2)), seen=False).weight == (0.0, 1.0)


def test_the_segmenter_counts_only_upwards() -> None:
    fusion = Fusion(weight=(0.5, 0.5))
    assert fusion.score(np.array([[-9.0, 1.0], [0.0, 1.0], [2.0, 1.0]])) == pytest.approx(
        0.5 * np.log(2) + np.array([0, 0, 0.5 * np.log(3)])
    )


@pytest.mark.parametrize(("useful", "chosen"), [(True, max(SHARES)), (False, min(SHARES))])
def test_heat_takes_as_much_surprise_as_helps(useful: bool, chosen: float) -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = True
    told, noise = mask * 4.0 + rng.normal(0, 1, mask.shape), rng.normal(0, 1, mask.shape)
    marked = (noise, told, mask) if useful else (told, noise, mask)
    offset, logit, surprise = weigh(peaks(20), peaks(5, (3, 3)), [marked]).pixel
    assert (logit, surprise) == (1.0, chosen)
    heat = offset + logit * marked[0] + surprise * marked[1] > 0
    assert (heat & mask).sum() / heat.sum() > 0.5 and (heat & mask).sum() / mask.sum() > 0.5


def test_json_round_trip() -> None:
    fusion = weigh(peaks(30), peaks(5, (2, 2)))
    assert Fusion.from_json(fusion.to_json()) == fusion


def test_an_older_inspectors_peaks_stay_as_they_were() -> None:
    old = {k: v for k, v in Fusion(weight=(0.5, 0.5)).to_json().items() if k != "squashed"}
    assert Fusion.from_json(old).score(np.array([[-9.0, 1.0], [2.0, -3.0]])).tolist() == [0.5, -0.5]

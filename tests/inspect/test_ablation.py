"""Arms with known differences: the table finds them, says when diffusion loses, refuses unequal seeds."""

import json

import numpy as np
import pytest

from burnish.core.stats import rate
from burnish.errors import BurnishError
from burnish.inspect.ablation import ablation_table


def run(seed, gain, masks=True):
    """One evaluation's JSON: defects lie `gain` above goods, with noise that every arm of a seed shares."""
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 0.3)
    good, bad = rng.normal(base, 1, 60), rng.normal(base + 1 + gain, 1, 40)
    parts = [
        {"name": f"g{i}", "label": "good", "score": s, "rejected": bool(s > 2)} for i, s in enumerate(good)
    ]
    parts += [
        {"name": f"d{i}", "label": "dent", "score": s, "rejected": bool(s > 2)} for i, s in enumerate(bad)
    ]
    return {
        "pixel_ap": 0.3 + 0.1 * gain + 0.02 * base if masks else None,
        "aupro": 0.5 + 0.1 * gain if masks else None,
        "image_auroc": float((bad[:, None] > good).mean()),
        "miss_rate": rate(int((bad <= 2).sum()), 40).to_json(),
        "miss_rate_at_1pct_false_rejects": float((bad <= good.max()).mean()),
        "parts": parts,
    }


def arms(gains, seeds=5, masks=True, first=0):
    return {arm: [run(first + s, gain, masks) for s in range(seeds)] for arm, gain in gains.items()}


def find(table, arm, against, metric):
    return next(d for d in table.differences if (d.arm, d.against, d.metric) == (arm, against, metric))


GAINS = {"real only": 0.0, "cut-paste": 1.5, "diffusion": 0.8, "cut-paste + diffusion": 2.5}


def test_winners_and_losers_are_both_told():
    table = ablation_table(arms(GAINS), rng=np.random.default_rng(0))
    assert find(table, "cut-paste", "real only", "pixel_ap").better == "yes"
    assert find(table, "cut-paste", "real only", "pixel_ap").interval.value == pytest.approx(0.15)
    assert find(table, "cut-paste", "real only", "miss_rate").better == "yes"  # fewer
    assert find(table, "cut-paste", "real only", "miss_rate").over == "seeds and parts"
    best = find(table, "cut-paste + diffusion", "cut-paste", "pixel_ap")
    assert best.better == "yes" and best.interval.low > 0
    losing = ablation_table(arms(GAINS | {"cut-paste + diffusion": 1.0}), rng=np.random.default_rng(0))
    lost = find(losing, "cut-paste + diffusion", "cut-paste", "pixel_ap")
    assert lost.better == "no" and "worse" in losing.text() and json.dumps(losing.to_json())


def test_no_gain_is_unclear():
    noisy = arms({"real only": 0.0})
    noisy["diffusion"] = [run(100 + s, 0.0) for s in range(5)]
    for one, other in zip(noisy["diffusion"], noisy["real only"], strict=True):
        assert one["image_auroc"] != other["image_auroc"]
    assert (
        find(
            ablation_table(noisy, rng=np.random.default_rng(0)), "diffusion", "real only", "image_auroc"
        ).better
        == "unclear"
    )


def test_several_sets_are_averaged_by_seed():
    sets = {
        "tile": arms(GAINS),
        "toys": arms(GAINS, masks=False, first=50),
        "screw": arms({a: g / 2 for a, g in GAINS.items()}),
    }
    table = ablation_table(sets, rng=np.random.default_rng(0))
    assert table.sets == ("tile", "toys", "screw") and table.seeds == 5
    assert find(table, "cut-paste", "real only", "pixel_ap").interval.value == pytest.approx(
        (0.15 + 0.075) / 2
    )
    assert find(table, "cut-paste", "real only", "miss_rate").over == "seeds"


def test_one_seed_uses_the_parts_where_it_can():
    table = ablation_table(arms(GAINS, seeds=1), rng=np.random.default_rng(0))
    assert find(table, "cut-paste", "real only", "image_auroc").over == "parts"
    assert find(table, "cut-paste", "real only", "miss_rate").over == "parts"
    assert find(table, "cut-paste", "real only", "pixel_ap").better == "-" and "one run only" in table.text()


def test_sets_without_masks_leave_pixels_out():
    table = ablation_table(arms(GAINS, masks=False), rng=np.random.default_rng(0))
    assert {d.metric for d in table.differences} == {
        "image_auroc",
        "miss_rate",
        "miss_rate_at_1pct_false_rejects",
    }
    assert table.rows["diffusion"]["pixel_ap"] is None


def test_what_cannot_be_paired_is_refused():
    uneven = arms(GAINS) | {"diffusion": arms(GAINS, 3)["diffusion"]}
    with pytest.raises(BurnishError, match="same seeds"):
        ablation_table(uneven, rng=np.random.default_rng(0))
    with pytest.raises(BurnishError, match="same seeds"):
        ablation_table({}, rng=np.random.default_rng(0))
    other = arms(GAINS)
    other["diffusion"][0]["parts"][0]["name"] = "another"
    with pytest.raises(BurnishError, match="different parts"):
        ablation_table(other, rng=np.random.default_rng(0))

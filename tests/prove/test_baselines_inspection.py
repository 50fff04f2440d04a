"""Rivals of an inspector: each sees a planted fault, the paired interval is that of the same parts, and a
whole comparison against an inspector that is worse says so."""

import cv2
import numpy as np
import pytest
import torch

from burnish.core import stats
from burnish.errors import DatasetError
from burnish.media.image import write_png
from burnish.prove.baseline import advise
from burnish.prove.baselines import inspection
from burnish.prove.baselines.inspection import FITS, compare_inspector, first_of_each, paired_auroc


def part(rng, bad=False):
    """uint8 (96, 96, 3): stripes at one place, or with a dark spot."""
    image = 120 + 25 * np.sin(np.arange(96) / 2.5)[None] + rng.normal(0, 2, (96, 96))
    image = np.repeat(np.clip(image, 0, 255)[..., None], 3, 2).astype(np.uint8)
    if bad:
        at = tuple(int(v) for v in rng.integers(25, 70, 2))
        cv2.circle(image, at, 6, (25, 25, 25), -1)
    return image


@pytest.mark.parametrize("name", list(FITS))
def test_each_rival_sees_a_planted_fault(name):
    rng = np.random.default_rng(0)
    score = FITS[name]([part(rng) for _ in range(4)], 96, 0)
    goods, bads = ([score(part(rng, bad)) for _ in range(5)] for bad in (False, True))
    assert min(bads) > max(goods)
    assert score(part(np.random.default_rng(5))) == score(part(np.random.default_rng(5)))


def test_the_paired_interval_is_zero_for_equal_judges_and_knows_a_better_one():
    rng = np.random.default_rng(1)
    strata = ["good"] * 60 + ["bad"] * 40
    sharp = np.r_[rng.normal(0, 1, 60), rng.normal(3, 1, 40)]
    blunt = np.r_[rng.normal(0, 1, 60), rng.normal(0.3, 1, 40)]
    same = paired_auroc(sharp, 2 * sharp + 1, strata, np.random.default_rng(2), 199)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    found = paired_auroc(sharp, blunt, strata, np.random.default_rng(2), 499)
    wanted = (stats.auroc(sharp[:60], sharp[60:]) or 0) - (stats.auroc(blunt[:60], blunt[60:]) or 0)
    assert found.value == pytest.approx(wanted) and found.low > 0


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(3)
    rows = ["image,label,mask,split,group"]
    for split, label, n in (("train", "good", 4), ("test", "good", 5), ("test", "spot", 5)):
        for k in range(n):
            name = f"{split}_{label}_{k}.png"
            write_png(tmp_path / name, part(rng, label != "good"))
            rows.append(f"{name},{label},,{split},")
    (tmp_path / "split.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def blind(monkeypatch):
    """An inspector that does not look: its score is the picture's first pixel."""

    def inspector(x):
        return x[:, 0, 0, 0], torch.zeros(len(x), x.shape[2] // 4, x.shape[3] // 4)

    meta = {"side": 96, "multiple": 32, "model_hash": "blind"}
    monkeypatch.setattr(inspection, "for_line", lambda path: (inspector, meta, []))


def test_an_inspector_that_is_worse_is_advised_against(data, blind, record_property):
    found, facts = compare_inspector("b", data, resamples=99)
    advice, first = advise(found)
    assert advice == "against" and first.startswith("DO NOT USE DIFFUSION HERE")
    assert {c.rival for c in found} == set(FITS) and all(c.n == 10 for c in found)
    assert facts["model_hash"] == "blind" and facts["train"] == 4
    record_property("measured", f"inspector: {first[:90]}...")


def test_parts_of_one_kind_cannot_be_compared_on(data, blind):
    text = (data / "split.csv").read_text()
    (data / "split.csv").write_text(
        "\n".join(line for line in text.splitlines() if "spot" not in line) + "\n"
    )
    with pytest.raises(DatasetError, match="no good or no bad"):
        compare_inspector("b", data, resamples=9)


def test_a_limit_takes_the_first_of_each_kind(data):
    from burnish.media.dataset import open_parts

    parts = open_parts(data).only("test")
    kept = first_of_each(parts, 3)
    assert [p.label for p in kept].count("good") == [p.label for p in kept].count("spot") == 3
    assert list(kept.goods) == list(parts.goods[:3])

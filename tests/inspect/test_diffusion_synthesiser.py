"""Painted pairs: what holds for them whatever the denoiser has learned."""

import cv2
import numpy as np
import pytest
import torch
from parts_for_tests import defects, goods

from burnish.errors import BundleError, DatasetError
from burnish.inspect.diffusion import WAYS, DiffusionSynthesiser
from burnish.inspect.pairs import Shot


@pytest.fixture(scope="module")
def painter() -> DiffusionSynthesiser:
    torch.set_num_threads(1)
    made = DiffusionSynthesiser(goods(), defects(), steps=3, batch=4)
    made.fit(None, 25, seed=0)
    return made


@pytest.mark.parametrize("way", list(WAYS))
def test_painted_pairs_keep_the_good_part_and_say_where_they_come_from(painter, way: str) -> None:
    by_index = [g.image for g in painter.paste.goods]
    labels = ["spot", "scratch"] * 8
    before, made = painter.rejected.total(), painter.made
    pairs = painter.paint(list(range(16)), labels, way)
    assert len(pairs) + painter.rejected.total() - before == 16 and painter.made - made == 16
    assert pairs
    for pair, index in pairs:
        good = by_index[index]
        reach = 2 * (3 + int(0.06 * np.sqrt(pair.mask.sum()))) + 1
        near = cv2.dilate(pair.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        assert np.array_equal(pair.image[~near], good[~near])
        assert np.abs(pair.image[pair.mask].astype(int) - good[pair.mask]).mean() > 3
        facts = pair.provenance
        assert facts["method"] == "diffusion" and facts["t_start"] == WAYS[way][0]
        assert facts["model"] == painter.model.hash and facts["good"] == painter.paste.goods[index].name
        assert str(facts["mode"]).startswith(way)


def test_the_pool_gives_back_what_was_painted(painter) -> None:
    painter.pool.clear()
    n = painter.prepare(6, np.random.default_rng(0))
    assert n >= 6
    pair = painter.whole(0)
    (again,) = [
        p
        for p, _ in painter.paint(
            [int(str(pair.provenance["seed"]))], [pair.label], str(pair.provenance["mode"]).split()[0]
        )
    ]
    assert np.array_equal(pair.mask, again.mask)
    assert np.abs(pair.image.astype(int) - again.image).max() <= 1
    assert {painter.draw(np.random.default_rng(k), "spot").label for k in range(4)} == {"spot"}


def test_without_reuse_no_pair_comes_twice(painter, monkeypatch) -> None:
    painter.pool.clear()
    painter.prepare(4, np.random.default_rng(1))
    monkeypatch.setattr(painter, "reuse", False)
    n = len(painter.pool)
    seeds = {str(painter.draw(np.random.default_rng(k)).provenance["seed"]) for k in range(n)}
    assert len(seeds) == n and not painter.pool


def test_progress_may_stop_the_filling(painter) -> None:
    painter.pool.clear()
    calls: list[tuple[int, int]] = []
    painter.prepare(500, np.random.default_rng(0), lambda done, of: calls.append((done, of)) or True)
    assert len(calls) == 1 and calls[0][1] == 500


def test_when_nothing_passes_the_cut_paste_pair_is_given_and_says_so(painter, monkeypatch) -> None:
    painter.pool.clear()
    monkeypatch.setattr(painter.plausible, "check", lambda example: "never")
    pair = painter.draw(np.random.default_rng(0), "spot")
    assert pair.provenance["method"] == "cutpaste" and pair.label == "spot"
    assert painter.rejected["nothing accepted, cut-paste given"] == 1


def test_a_generator_of_other_classes_is_refused(painter, tmp_path) -> None:
    painter.save(tmp_path)
    other = DiffusionSynthesiser(goods(), [d for d in defects() if d.label == "spot"])
    with pytest.raises(BundleError, match="classes"):
        other.load(tmp_path)
    with pytest.raises(DatasetError):
        DiffusionSynthesiser(goods(), [])


@pytest.mark.parametrize("kind", ["all of it", "one pixel", "a line across"])
def test_odd_masks_give_pairs_too(kind: str) -> None:
    shape = (32, 96)
    mask = np.zeros(shape, bool)
    mask[{"all of it": np.s_[:], "one pixel": np.s_[0, 0], "a line across": np.s_[:, 40:42]}[kind]] = True
    image = goods(1, 5, shape)[0].image.copy()
    image[mask] //= 3
    odd = DiffusionSynthesiser(goods(1, shape=shape), [Shot(image, mask, "odd", "o")], batch=2)
    assert all(odd.draw(np.random.default_rng(k)).mask.any() for k in range(3))

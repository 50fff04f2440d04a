"""Mixing synthesisers, and pairs as a data set."""

import json
from collections import Counter

import numpy as np
import pytest
from parts_for_tests import defects, goods

from burnish.errors import BundleError, BurnishError
from burnish.inspect.pairs import Pair
from burnish.inspect.synthesise import (
    CutPaste,
    Mixed,
    Perlin,
    load_synthesiser,
    save_synthesiser,
    write_pairs,
)
from burnish.media.dataset import open_parts


class Fake:
    def __init__(self, method: str) -> None:
        self.method = method
        self.rejected = Counter({"why": 2})

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        mask = np.zeros((8, 8), bool)
        return Pair(np.zeros((8, 8, 3), np.uint8), mask, label or "?", {"method": self.method})


def test_each_class_is_drawn_by_its_own_weights() -> None:
    mixed = Mixed(
        {"a": Fake("a"), "b": Fake("b")}, {"x": {"a": 3, "b": 1}, "y": {"b": 1, "a": 0}}, {"x": 3, "y": 1}
    )
    rng = np.random.default_rng(0)
    drawn = Counter((p.label, p.provenance["method"]) for p in (mixed.draw(rng) for _ in range(1600)))
    assert ("y", "a") not in drawn
    assert abs(drawn["x", "a"] - 900) < 100 and abs(drawn["x", "b"] - 300) < 80  # over 4 deviations
    assert mixed.rejected == Counter({"a: why": 2, "b: why": 2})
    assert mixed.draw(rng, "y").label == "y"


@pytest.mark.parametrize("weights", [{"x": {"c": 1}}, {"x": {"a": 0}}, {}])
def test_weights_that_cannot_be_used_are_said(weights) -> None:
    with pytest.raises(BurnishError):
        Mixed({"a": Fake("a")}, weights)


def test_pairs_are_written_as_a_data_set_with_their_provenance(tmp_path) -> None:
    out = tmp_path / "new pairs ä"
    counts = write_pairs(CutPaste(goods(), defects()), goods(), defects(), 9, out, seed=4)
    assert sum(counts.values()) == 9
    parts = open_parts(out)
    assert len(parts.defects) == 9 and not parts.problems and {p.split for p in parts} == {"train"}
    lines = [json.loads(line) for line in (out / "provenance.jsonl").read_text().splitlines()]
    assert [line["method"] for line in lines] == ["cutpaste"] * 9
    again = CutPaste(goods(), defects()).make(lines[3]["seed"])  # the seed makes it again...
    images = {p.image.relative_to(out).as_posix(): p for p in parts}
    image, mask = images[lines[3]["image"]].read()
    if lines[3]["label"] == again.label:
        assert np.array_equal(image, again.image) and mask is not None and np.array_equal(mask, again.mask)
    goods_used = {line["good"] for line in lines}
    assert len(parts.goods) == len(goods_used) and {p.group for p in parts.goods} == goods_used
    facts = json.loads((out / "counts.json").read_text())
    assert facts["pairs"] == 9 and facts["by_class"] == dict(counts) and facts["by_method"] == {"cutpaste": 9}
    assert (out / "sheet.png").exists()


def test_the_same_seed_writes_the_same_files(tmp_path) -> None:
    for name in ("a", "b"):
        write_pairs(Perlin(goods()), goods(), [], 3, tmp_path / name, seed=1)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*.png")) for n in ("a", "b")]
    assert files[0] == files[1]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files[0])


def test_a_stopped_run_leaves_a_data_set_and_nothing_is_overwritten(tmp_path) -> None:
    stop = lambda done, of: done == 2  # noqa: E731
    assert sum(write_pairs(Perlin(goods()), goods(), [], 50, tmp_path / "o", progress=stop).values()) == 2
    assert len(open_parts(tmp_path / "o").defects) == 2
    with pytest.raises(BurnishError, match="not empty"):
        write_pairs(Perlin(goods()), goods(), [], 1, tmp_path / "o")
    with pytest.raises(BurnishError, match="at least 1"):
        write_pairs(Perlin(goods()), goods(), [], 0, tmp_path / "p")


def test_a_saved_synthesiser_needs_no_data_set(tmp_path) -> None:
    made = {"cutpaste": CutPaste(goods(), defects()), "perlin": Perlin(goods())}
    mixed = Mixed(made, {"spot": {"cutpaste": 1.0}, "unseen": {"perlin": 1.0}})
    save_synthesiser(tmp_path / "s", mixed, [*goods(), *defects()])
    loaded, good_parts, bad_parts = load_synthesiser(tmp_path / "s")
    assert len(good_parts) == 4 and len(bad_parts) == 4
    for seed in range(4):
        a, b = (s.draw(np.random.default_rng(seed)) for s in (mixed, loaded))
        assert np.array_equal(a.image, b.image) and np.array_equal(a.mask, b.mask) and a.label == b.label


def test_missing_and_damaged_synthesisers_are_said(tmp_path) -> None:
    with pytest.raises(BundleError, match="holds no synthesiser"):
        load_synthesiser(tmp_path / "nothing")
    save_synthesiser(tmp_path / "s", Perlin(goods(1)), goods(1))
    (tmp_path / "s" / "parts" / "00000.png").write_bytes(b"no")
    with pytest.raises(BundleError, match="kept parts"):
        load_synthesiser(tmp_path / "s")
    (tmp_path / "s" / "synthesis.json").write_text("{}")
    with pytest.raises(BundleError, match="damaged"):
        load_synthesiser(tmp_path / "s")

"""Pretrained pipelines by the same verbs, on one that is built on the spot; nothing is downloaded."""

from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from tiny_pipelines import write_pipeline

from burnish.adapt.album import make_files
from burnish.adapt.diffusers import Pretrained, open_pipeline
from burnish.errors import BurnishError
from burnish.media.original import Original
from burnish.store.recording import Unrecorded
from burnish.verbs.wish import Wish

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 255, (30, 37, 3), dtype=np.uint8)
HOLE = np.zeros((30, 37), bool)
HOLE[4:20, 8:30] = True


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pretrained:
    folder = write_pipeline(tmp_path_factory.mktemp("hub") / "tiny")
    return open_pipeline(f"hub:{folder}", device="cpu")


def test_picture_k_depends_on_seed_and_k_alone(pipeline):
    few, many = [list(pipeline.make("red heart", n, steps=2, seed=5)) for n in (1, 3)]
    assert (few[0] == many[0]).all()
    assert (many[0] != many[1]).any()
    assert many[0].shape == (32, 32, 3)
    other = next(pipeline.make("blue key", 1, steps=2, seed=5))
    assert (other != few[0]).any()
    assert next(pipeline.make("red heart", 1, steps=2, size=(48, 32))).shape == (48, 32, 3)


def test_every_step_can_be_seen_and_the_walk_ended(pipeline):
    seen = []

    def watch(glimpse):
        seen.append((glimpse.index, glimpse.of, glimpse.show().shape))
        return glimpse.index == 2

    ended = next(pipeline.make("key", 1, steps=4, seed=1, callback=watch))
    assert seen == [(1, 4, (32, 32, 3)), (2, 4, (32, 32, 3))]
    assert (ended != next(pipeline.make("key", 1, steps=4, seed=1))).any()


def test_refine_keeps_the_file_outside_the_mask(pipeline):
    made = next(pipeline.refine(Original(PICTURE), HOLE, Wish(steps=2, describe="key"))).picture.pixels
    assert (made[~HOLE] == PICTURE[~HOLE]).all()
    assert (made[HOLE] != PICTURE[HOLE]).any()
    deep = Original(RNG.integers(0, 65536, (30, 37), dtype=np.uint16), full=65535)
    back = next(pipeline.refine(deep, HOLE, Wish(steps=1))).picture
    assert (back.pixels[~HOLE] == deep.pixels[~HOLE]).all()


def test_refine_polishes_varies_extends_and_enlarges(pipeline):
    first, second = pipeline.refine(Original(PICTURE), None, Wish(steps=2, variations=2, seed=3))
    assert first.picture.size == (30, 37)
    assert (first.picture.pixels != second.picture.pixels).any()
    again = next(pipeline.refine(Original(PICTURE), None, Wish(steps=2, strength=0.6, seed=3)))
    assert (again.picture.pixels == first.picture.pixels).all()
    wide = next(pipeline.refine(Original(PICTURE), None, Wish(steps=2, outpaint=(0, 0, 9, 2))))
    assert wide.picture.size == (32, 46)
    assert (wide.picture.pixels[:30, :37] == PICTURE).all()
    assert next(pipeline.refine(Original(PICTURE), None, Wish(steps=1, to=2))).picture.size == (60, 74)


def test_the_hash_is_of_the_weights(pipeline, tmp_path):
    same, other = (write_pipeline(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 1)))
    assert open_pipeline(f"hub:{same}").hash == pipeline.hash
    assert open_pipeline(f"hub:{other}").hash != pipeline.hash
    assert pipeline.facts["Sampler"] == "DDIMScheduler"


def test_wrong_names_and_wishes_are_refused(pipeline, tmp_path):
    with pytest.raises(BurnishError, match="no pipeline that can be opened"):
        open_pipeline(f"hub:{tmp_path}")
    with pytest.raises(BurnishError, match="--download"):
        open_pipeline("hub:nobody/nothing")
    with pytest.raises(BurnishError, match="at least 1"):
        pipeline.make("key", 0)
    for wish in ({"noise": 9}, {"answer": "mean"}, {"rounds": 2}):
        with pytest.raises(BurnishError, match="bundle of your own"):
            next(pipeline.refine(Original(PICTURE), None, Wish(**wish)))
    with pytest.raises(BurnishError, match="its picture is"):
        next(pipeline.refine(Original(PICTURE), HOLE.T, Wish()))


def test_files_carry_their_origin_and_rows_come_first(pipeline, tmp_path):
    class Rows(Unrecorded):
        told: ClassVar[list] = []

        def begin_all(self, verb, count, **facts):
            self.told.append((verb, count, facts["model_hash"], (tmp_path / "out").exists()))
            return super().begin_all(verb, count)

    files = make_files(pipeline, tmp_path / "out", "a key", 2, 1, 5.0, 9, "blur", recorder=Rows())
    assert Rows.told == [("make", 2, pipeline.hash, False)]
    assert [f.name for f in files] == ["00000.png", "00001.png"]
    with Image.open(files[1]) as picture:
        prompt, negative, rest = picture.text["parameters"].split("\n")  # type: ignore[attr-defined]
    facts = dict(pair.split(": ", 1) for pair in rest.split(", "))
    assert (prompt, negative) == ("a key", "Negative prompt: blur")
    assert (facts["Seed"], facts["Index"], facts["Steps"]) == ("9", "1", "1")
    assert facts["Model hash"] == pipeline.hash

"""Pictures from a bundle: each its own seed, each with its origin inside, wrong wishes refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bundles_for_tests import write
from PIL import Image
from safetensors.torch import save_file

from burnish.errors import BundleError, BurnishError
from burnish.store.bundle import WEIGHTS, write_bundle
from burnish.verbs.files import make_files
from burnish.verbs.load import load
from burnish.verbs.make import make


@pytest.fixture
def model(tmp_path):
    write(tmp_path / "b", classes=2)
    return load(tmp_path / "b")


def test_picture_k_does_not_depend_on_n(model):
    few, many = list(make(model, n=2, steps=3, seed=5)), list(make(model, n=4, steps=3, seed=5))
    assert all((a == b).all() for a, b in zip(few, many, strict=False))
    assert (many[0] != many[1]).any()
    assert many[0].shape == (32, 32, 3)
    assert many[0].dtype == np.uint8
    assert (next(make(model, n=1, steps=3, seed=6)) != many[0]).any()


def test_class_and_guidance_change_the_picture(model):
    pictures = [
        next(make(model, description, 1, 3, guidance))
        for description, guidance in (("", 1.0), ("cat", 1.0), ("dog", 1.0), ("dog", 3.0))
    ]
    for a in range(4):
        for b in range(a):
            assert (pictures[a] != pictures[b]).any()
    assert (next(make(model, " DOG ", 1, 3)) == pictures[2]).all()


def test_files_carry_their_origin(model, tmp_path):
    out = tmp_path / "deep" / "made é"
    files = make_files(model, out, "cat", n=3, steps=2, guidance=2.0, seed=9)
    assert sorted(f.name for f in out.iterdir()) == ["00000.png", "00001.png", "00002.png", "sheet.png"]
    with Image.open(files[1]) as picture:
        text = picture.text["parameters"]  # type: ignore[attr-defined]
    first, rest = text.split("\n")
    facts = dict(pair.split(": ") for pair in rest.split(", "))
    assert first == "cat"
    assert (facts["Seed"], facts["Index"], facts["Steps"], facts["CFG scale"]) == ("9", "1", "2", "2")
    assert facts["Model hash"] == model.bundle.hash


def test_words_work_where_they_were_trained(tmp_path):
    write(tmp_path / "b", buckets=64)
    model = load(tmp_path / "b")
    red, blue, none = (next(make(model, words, 1, 2)) for words in ("red dot", "blue dot", ""))
    assert (red != blue).any()
    assert (red != none).any()


def test_wrong_wishes_are_refused(model, tmp_path):
    with pytest.raises(BurnishError, match="Its classes are: cat, Dog"):
        make(model, "horse")
    with pytest.raises(BurnishError, match="at least 1"):
        make(model, n=0)
    with pytest.raises(BurnishError, match="guidance"):
        make(model, guidance=-1)
    with pytest.raises(BurnishError, match="Leave the description out"):
        make(replace(model, classes=()), "cat")


def test_bundles_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(BundleError, match="not a bundle"):
        load(tmp_path)
    bundle = write(tmp_path / "b")
    meta = {k: v for k, v in bundle.meta.items() if k not in ("files", "format")}
    meta["architecture"] = {**meta["architecture"], "widths": [32, 64]}
    torch_state = {"net.stem.weight": torch.zeros(1)}
    write_bundle(tmp_path / "c", meta, lambda folder: save_file(torch_state, folder / WEIGHTS))
    with pytest.raises(BundleError, match="cannot be read"):
        load(tmp_path / "c")

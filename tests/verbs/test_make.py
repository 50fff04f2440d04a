"""Pictures from a bundle: each its own seed, each with its origin inside, wrong wishes refused."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from burnish.core.process import seeded
from burnish.errors import BundleError, BurnishError
from burnish.media.sheet import contact_sheet
from burnish.store.bundle import WEIGHTS, write_bundle
from burnish.verbs.files import make_files
from burnish.verbs.load import load
from burnish.verbs.make import TOLERANCE, make, starting_noise
from tiny_bundles import generator


@pytest.fixture
def model(tmp_path):
    generator(tmp_path / "b", classes=2)
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
    generator(tmp_path / "b", buckets=64)
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
    bundle = generator(tmp_path / "b")
    meta = {k: v for k, v in bundle.meta.items() if k not in ("files", "format")}
    meta["architecture"] = {**meta["architecture"], "widths": [32, 64]}
    torch_state = {"net.stem.weight": torch.zeros(1)}
    write_bundle(tmp_path / "c", meta, lambda folder: save_file(torch_state, folder / WEIGHTS))
    with pytest.raises(BundleError, match="cannot be read"):
        load(tmp_path / "c")


def digest(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def test_the_noise_depends_on_seed_and_index_alone(model):
    hashes = [digest(starting_noise(model, seed, index)) for seed, index in ((0, 0), (0, 1), (1, 0))]
    assert len(set(hashes)) == 3
    torch.manual_seed(99)
    assert digest(starting_noise(model, 0, 0)) == hashes[0]


def test_a_picture_is_the_same_at_any_batch_size_and_in_any_order(model):
    alone = list(make(model, "cat", n=8, steps=4, guidance=2, seed=5))
    for batch in (2, 3, 8):
        together = list(make(model, "cat", n=8, steps=4, guidance=2, seed=5, batch=batch))
        gaps = [np.abs(a.astype(int) - b).max() for a, b in zip(alone, together, strict=True)]
        assert max(gaps) <= TOLERANCE
    path = model.process
    backwards = path.prior((8, *model.shape), [seeded(5, index) for index in reversed(range(8))])
    assert all(torch.equal(backwards[7 - k], starting_noise(model, 5, k)[0]) for k in range(8))


def test_strict_answers_to_the_byte_in_another_process_whatever_its_threads(model, tmp_path):
    code = (
        "import hashlib, sys, torch; torch.set_num_threads(2)\n"
        "from burnish.verbs.load import load; from burnish.verbs.make import make, starting_noise\n"
        "model = load(sys.argv[1])\n"
        "sys.stderr.write(hashlib.sha256(starting_noise(model, 5, 1).numpy().tobytes()).hexdigest())\n"
        "made = make(model, 'cat', n=2, steps=3, guidance=2, seed=5, batch=2, strict=True)\n"
        "sys.stdout.buffer.write(b''.join(p.tobytes() for p in made))\n"
        "assert torch.get_num_threads() == 2\n"
    )
    there = subprocess.run([sys.executable, "-c", code, model.bundle.path], capture_output=True, check=True)
    assert there.stderr.decode() == digest(starting_noise(model, 5, 1))
    here = make(model, "cat", n=2, steps=3, guidance=2, seed=5, strict=True)
    assert there.stdout == b"".join(picture.tobytes() for picture in here)


def test_a_negative_description_leads_away(model):
    plain = next(make(model, "cat", 1, 3, guidance=3))
    away = next(make(model, "cat", 1, 3, guidance=3, negative="dog"))
    assert (plain != away).any()
    # Led away from itself, guidance has nothing left to follow: the guided mean is the mean.
    itself = next(make(model, "cat", 1, 3, guidance=3, negative="cat"))
    assert np.abs(itself.astype(int) - next(make(model, "cat", 1, 3))).max() <= 1
    with pytest.raises(BurnishError, match="no effect without guidance"):
        make(model, "cat", negative="dog")
    with pytest.raises(BurnishError, match="10000 characters"):
        make(model, "c" * 10_000)


def test_the_film_goes_from_noise_to_the_picture(model, tmp_path):
    files = make_files(model, tmp_path, "cat", n=2, steps=3, seed=1, negative="dog", guidance=2, film=True)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames > 3  # type: ignore[attr-defined]
        first = np.asarray(film.convert("RGB")).astype(int)
    noise = model.codec.decode(starting_noise(model, 1, 0).numpy())[0]
    sheet = contact_sheet([noise, model.codec.decode(starting_noise(model, 1, 1).numpy())[0]], 1, 64)
    assert np.abs(first - sheet).mean() < 12  # a palette of 256 colours
    with Image.open(files[0]) as picture:
        assert "Negative prompt: dog" in picture.text["parameters"]  # type: ignore[attr-defined]

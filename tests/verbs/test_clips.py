"""Making clips: given frames come back to the bit, seeds decide alone, films are extended and repaired."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from burnish.core.frames import FramePath, FramePreconditioned
from burnish.core.process import seeded
from burnish.errors import BurnishError, ImageError
from burnish.media.codec import Pixels
from burnish.media.film import read_film, write_film
from burnish.nets.clip import ClipConfig, ClipNet
from burnish.store.bundle import Bundle
from burnish.verbs.clip_files import Start, make_files, places_of
from burnish.verbs.clip_model import ClipModel
from burnish.verbs.clips import extend, make, repair

CONFIG = ClipConfig(channels=3, frames=4, patch=1, widths=(32,), depths=(1,), told=32, classes=2)


@pytest.fixture(scope="module")
def model():
    k = torch.arange(4)
    matrix = 0.95 ** (k[:, None] - k).abs().double()
    torch.manual_seed(0)
    net = FramePreconditioned(ClipNet(CONFIG), matrix)
    rng = seeded(1)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.02 * torch.randn(p.shape, generator=rng))
    bundle = Bundle(Path("m"), {"kind": "diffusion", "media": "clip", "files": {}})
    codec = Pixels((100.0, 110.0, 120.0), (30.0, 31.0, 32.0))
    return ClipModel(bundle, net.eval(), FramePath(matrix), codec, 32, ("new", "worn"))  # type: ignore[arg-type]


def picture(seed):
    return np.random.default_rng(seed).integers(40, 200, (32, 32, 3), dtype=np.uint8)


def test_clip_k_depends_on_seed_and_k_alone(model):
    three, one = list(make(model, n=3, steps=2, seed=5)), list(make(model, n=1, steps=2, seed=5))
    assert three[0].shape == (4, 32, 32, 3)
    assert three[0].dtype == np.uint8
    assert np.array_equal(three[0], one[0])
    assert not np.array_equal(three[0], three[1])
    assert not np.array_equal(
        next(make(model, "worn", steps=2, seed=5)), next(make(model, "new", steps=2, seed=5))
    )


def test_given_frames_come_back_to_the_bit_and_lead_the_others(model):
    first, last = picture(0), picture(1)
    clip = next(make(model, steps=4, given={0: first, 3: last}))
    assert np.array_equal(clip[0], first)
    assert np.array_equal(clip[3], last)
    blend = (2 * first.astype(float) + last) / 3
    away = np.abs(next(make(model, steps=4, seed=0))[1] - blend).mean()
    assert np.abs(clip[1] - blend).mean() < 0.6 * away


def test_a_film_is_extended_as_far_as_asked(model):
    film = [picture(k) for k in range(3)]
    longer = extend(model, film, 5, steps=2)
    assert longer.shape == (8, 32, 32, 3)
    assert np.array_equal(longer[:3], film)
    assert np.array_equal(extend(model, film, 2, steps=2), longer[:5])
    assert not np.array_equal(extend(model, film, 2, steps=2, index=1), longer[:5])
    with pytest.raises(BurnishError, match="at least 1"):
        extend(model, film, 0)


def test_a_repair_touches_the_bad_frames_alone(model):
    film = np.stack([picture(0)] * 11)
    bad = [0, 4, 5, 9]
    film[bad] = 255
    mended = repair(model, film, bad, steps=2)
    good = [k for k in range(11) if k not in bad]
    assert np.array_equal(mended[good], film[good])
    for k in bad:
        assert np.abs(mended[k].astype(float) - film[1]).mean() < 25
    short = repair(model, film[:2], [1], steps=2)
    assert np.array_equal(short[0], film[0])
    for wrong in ([], [11], [-1]):
        with pytest.raises(BurnishError, match="frames 0 to 10"):
            repair(model, film, wrong)
    with pytest.raises(BurnishError, match="without a good one"):
        repair(model, film, range(11))


def test_values_out_of_range_are_refused(model):
    for bad in ({"n": 0}, {"steps": 0}, {"guidance": 99}, {"given": {4: picture(0)}}, {"description": "cat"}):
        with pytest.raises(BurnishError):
            make(model, **bad)


def test_files_in_files_out(model, tmp_path):
    large = Image.fromarray(np.kron(picture(0), np.ones((4, 6, 1), np.uint8)))
    large.save(tmp_path / "first.jpg", quality=95)
    *films, grid = make_files(
        model, tmp_path / "wear.mp4", steps=2, start=Start(first=tmp_path / "first.jpg")
    )
    assert films == [tmp_path / "wear.mp4"]
    assert grid == tmp_path / "wear.png"
    assert len(read_film(films[0]).frames) == 4
    more = Start(extend=films[0], more=3)
    assert len(read_film(make_files(model, tmp_path / "long.gif", steps=1, start=more)[0]).frames) == 7
    mend = Start(repair=tmp_path / "long.gif", bad="2,4-5")
    assert len(read_film(make_files(model, tmp_path / "mended.gif", steps=1, start=mend)[0]).frames) == 7
    assert len(make_files(model, tmp_path / "many", n=2, steps=1)) == 3
    assert (tmp_path / "many" / "00001.mp4").exists()
    with pytest.raises(BurnishError, match="is one file, but 2 clips"):
        make_files(model, tmp_path / "one.gif", n=2, steps=1)
    with pytest.raises(ImageError, match="empty or not there"):
        make_files(model, tmp_path / "x.gif", start=Start(extend=tmp_path / "lost.mp4"))


def test_what_is_asked_must_fit_together(tmp_path):
    film = write_film(tmp_path / "f.gif", [picture(0)] * 2)
    for start in (
        Start(first=film, extend=film),
        Start(repair=film),
        Start(bad="3"),
        Start(extend=film, more=0),
    ):
        with pytest.raises(BurnishError):
            start.check()
    assert places_of("3, 7-9") == [3, 7, 8, 9]
    for text in ("", "a", "3-", "9-7", "1-999999", "²"):
        with pytest.raises(BurnishError, match="frames"):
            places_of(text)

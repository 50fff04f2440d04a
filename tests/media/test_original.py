"""A picture in its own form: every kind goes in and comes out alike, and only what is named changes."""

import numpy as np
import pytest
from PIL import Image

from burnish.errors import ImageError
from burnish.media.image import read_image, write_png
from burnish.media.original import read_original

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (9, 7), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (9, 7), dtype=np.uint16)
KINDS = {
    "gray": Image.fromarray(RGB[..., 0]),
    "colour": Image.fromarray(RGB),
    "palette": Image.fromarray(RGB).quantize(16),
    "gray with alpha": Image.fromarray(np.dstack([RGB[..., 0], ALPHA])),
    "colour with alpha": Image.fromarray(np.dstack([RGB, ALPHA])),
    "16 bit": Image.fromarray(DEEP),
    "12 bit": Image.fromarray(DEEP // 16),
    "black and white": Image.fromarray(RGB[..., 0]).convert("1"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changed_is_nothing_changed(kind, tmp_path):
    KINDS[kind].save(tmp_path / "a.png")
    original = read_original(tmp_path / "a.png")
    assert original.note == ""
    write_png(tmp_path / "b.png", original.array())
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        mode = {"P": "RGB", "1": "L"}.get(a.mode, a.mode)
        assert b.mode == mode
        assert (np.asarray(a.convert(mode)) == np.asarray(b)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_what_is_seen_and_go_back(kind, tmp_path):
    KINDS[kind].save(tmp_path / "a.png")
    original = read_original(tmp_path / "a.png")
    assert np.abs(original.levels() - read_image(tmp_path / "a.png")).max() <= 1
    back = original.with_levels(original.levels())
    solid = slice(None) if original.alpha is None else original.alpha > 0
    assert (back.pixels[solid] == original.pixels[solid]).all()
    where = np.zeros((9, 7), bool)
    where[2:4, 1:5] = True
    changed = original.with_levels(255 - original.levels(), where)
    assert (changed.pixels[~where] == original.pixels[~where]).all()
    assert (changed.pixels[where] != original.pixels[where]).mean() > 0.3
    assert changed.alpha is original.alpha


def test_exif_turns_the_picture_and_keeps_its_values(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    KINDS["colour"].save(tmp_path / "a.png", exif=exif)
    assert (read_original(tmp_path / "a.png").pixels == np.rot90(RGB, -1)).all()


def test_what_is_converted_is_said(tmp_path):
    KINDS["colour"].convert("CMYK").save(tmp_path / "a.tif")
    assert read_original(tmp_path / "a.tif").note == "CMYK became RGB"
    Image.fromarray(RGB[..., 0].astype(np.float32)).save(tmp_path / "b.tif")
    assert "8-bit gray" in read_original(tmp_path / "b.tif").note
    (tmp_path / "c.png").write_bytes(b"nothing")
    with pytest.raises(ImageError, match="not a picture"):
        read_original(tmp_path / "c.png")


def test_larger_ones_hold_the_old_one(tmp_path):
    KINDS["colour with alpha"].save(tmp_path / "a.png")
    original = read_original(tmp_path / "a.png")
    wide = original.extended(1, 2, 3, 4)
    assert wide.size == (15, 11)
    assert (wide.pixels[2:11, 1:8] == original.pixels).all()
    assert wide.alpha is not None
    assert (wide.alpha[2:11, 1:8] == original.alpha).all()
    assert (wide.alpha[:2] == 255).all()
    twice = original.enlarged(2)
    assert twice.size == (18, 14)
    assert twice.array().shape == (18, 14, 4)

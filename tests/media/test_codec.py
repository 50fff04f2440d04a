"""Pixels to codes and back."""

import json

import numpy as np
import pytest

from burnish.media.codec import Pixels


def test_codes_have_mean_zero_and_unit_variance_and_come_back_exactly():
    rng = np.random.default_rng(0)
    images = [rng.integers(40, 90, (h, w, 3), dtype=np.uint8) for h, w in ((8, 8), (8, 20))]
    codec = Pixels.of(images)
    codes = [codec.encode(image[None]) for image in images]
    assert codes[1].shape == (1, 3, 8, 20)
    assert codes[1].dtype == np.float32
    flat = np.concatenate([code.reshape(3, -1) for code in codes], 1)
    assert np.allclose(flat.mean(1), 0, atol=1e-4)
    assert np.allclose(flat.std(1), 1, atol=1e-4)
    assert all((codec.decode(code)[0] == image).all() for code, image in zip(codes, images, strict=True))


def test_gray_pictures_have_one_channel():
    image = np.repeat(np.arange(64, dtype=np.uint8).reshape(8, 8, 1), 3, 2)
    codec = Pixels.of([image])
    assert codec.encode(image[None]).shape == (1, 1, 8, 8)
    assert (codec.decode(codec.encode(image[None]))[0] == image).all()


def test_codes_beyond_the_range_are_clipped():
    codec = Pixels((100.0,), (50.0,))
    assert codec.decode(np.array([[[[-9.0, 9.0]]]]))[0, 0, :, 0].tolist() == [0, 255]


def test_a_flat_picture_does_not_divide_by_zero():
    codec = Pixels.of([np.full((4, 4, 3), 7, np.uint8)])
    assert np.isfinite(codec.encode(np.full((1, 4, 4, 3), 7, np.uint8))).all()


def test_json():
    codec = Pixels((1.5, 2.5, 3.5), (4.0, 5.0, 6.0))
    assert Pixels.from_json(json.loads(json.dumps(codec.to_json()))) == codec
    with pytest.raises(ValueError, match="at least one"):
        Pixels.of([])

import io

import numpy as np
import pytest
from PIL import Image

from burnish.media.copies import find_copies, pixel_hash, thumbnail


def textured(seed: int, template: np.ndarray | None = None) -> np.ndarray:
    """A part of one product: what all share, and a texture of its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 30, (48, 48))
    own = np.asarray(Image.fromarray(coarse.astype(np.float32)).resize((192, 192), Image.Resampling.BICUBIC))
    shared = template if template is not None else np.full((192, 192), 128.0)
    return np.repeat(np.clip(shared + own, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def again(image: np.ndarray, how: str) -> np.ndarray:
    picture = Image.fromarray(image)
    if how == "jpeg":
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=70)
        return np.asarray(Image.open(stream).convert("RGB"))
    if how == "smaller":
        return np.asarray(picture.resize((128, 128), Image.Resampling.LANCZOS))
    return (image * 0.8).astype(np.uint8)


def copies_of(images: list[np.ndarray]) -> list:
    return find_copies(np.stack([thumbnail(i) for i in images]), [pixel_hash(i) for i in images])


def test_exact_copies_are_found_each_pair_once():
    images = [textured(0), textured(1), textured(0), textured(0)]
    assert [(c.first, c.second, c.exact) for c in copies_of(images)] == [
        (0, 2, True),
        (0, 3, True),
        (2, 3, True),
    ]


@pytest.mark.parametrize("how", ["jpeg", "smaller", "darker"])
def test_near_copies_are_found_among_parts_of_one_product(how):
    rows = np.mgrid[:192, :192][0]
    template = 128 + 60 * np.sin(rows / 9.0)  # the strong structure that every part has
    images = [textured(k, template) for k in range(30)]
    images.append(again(images[4], how))
    assert [(c.first, c.second, c.exact) for c in copies_of(images)] == [(4, 30, False)]


def test_uniform_pictures_are_no_copies_but_when_exact():
    rng = np.random.default_rng(0)
    flat = [np.full((96, 96, 3), 100 + k, np.uint8) for k in range(5)]
    grain = [
        np.clip(rng.normal(120, 6, (200, 200, 1)), 0, 255).astype(np.uint8).repeat(3, 2) for _ in range(20)
    ]
    assert copies_of([*flat, *grain]) == []
    assert [(c.first, c.second) for c in copies_of([*flat, flat[2]])] == [(2, 5)]


def test_blocks_give_what_one_block_gives(monkeypatch):
    images = [textured(k % 13) for k in range(20)]
    whole = copies_of(images)
    monkeypatch.setattr("burnish.media.copies._BLOCK", 4)
    assert copies_of(images) == whole and len(whole) == 7


def test_two_pictures_alone_and_none():
    assert copies_of([textured(0), textured(1)]) == []
    assert [c.exact for c in copies_of([textured(0), again(textured(0), "jpeg")])] == [False]
    assert find_copies(np.zeros((0, 64, 64), np.uint8), []) == []


def test_the_hash_is_of_pixels_and_size():
    image = textured(0)
    assert pixel_hash(image) == pixel_hash(image.copy())
    assert pixel_hash(image) != pixel_hash(image.reshape(96, 384, 3))

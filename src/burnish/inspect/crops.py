"""Training crops: where to cut, how to turn, and how light and lens may vary."""

import cv2
import numpy as np


def cut(
    image: np.ndarray,
    mask: np.ndarray,
    size: int,
    rng: np.random.Generator,
    zoom: tuple[float, float] = (0.8, 1.25),
) -> tuple[np.ndarray, np.ndarray]:
    """A square crop at a random zoom, mirrored at random; around the defect if there is one.

    Args:
        image: uint8 (h, w, 3).
        mask: bool (h, w).
        size: Side of the crop in pixels; where the picture is smaller it is mirrored at its edge.
        rng: Randomness.
        zoom: Smallest and largest zoom.

    Returns:
        uint8 (size, size, 3) and bool (size, size).
    """
    h, w = mask.shape
    scale = float(np.exp(rng.uniform(*np.log(zoom))))
    span = size / scale
    spots = np.flatnonzero(mask)
    if len(spots):
        y, x = divmod(int(spots[rng.integers(len(spots))]), w)
        y, x = y + rng.uniform(-0.4, 0.4) * span, x + rng.uniform(-0.4, 0.4) * span
    else:
        y, x = rng.uniform(0, h), rng.uniform(0, w)
    y = np.clip(y, min(span, h) / 2, h - min(span, h) / 2)
    x = np.clip(x, min(span, w) / 2, w - min(span, w) / 2)
    flip_x, flip_y = rng.choice([-1.0, 1.0], 2)
    move = np.array(
        [
            [flip_x * scale, 0, size / 2 - flip_x * scale * x],
            [0, flip_y * scale, size / 2 - flip_y * scale * y],
        ]
    )
    how = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    seen = cv2.warpAffine(image, move, (size, size), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    true = cv2.warpAffine(
        mask.astype(np.uint8) * 255,
        move,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return seen, true > 127


def relight(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture under another exposure, contrast and gamma, now and then softer or noisier.

    Args:
        image: uint8 (h, w, 3).
        rng: Randomness.

    Returns:
        float32 (h, w, 3) in [0, 1].
    """
    gamma, contrast = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.12))
    levels = np.arange(256, dtype=np.float32) / 255
    middle = float(image.mean()) / 255
    levels = np.clip((levels - middle) * contrast + middle + rng.normal(0, 0.04), 0, 1) ** gamma
    seen = levels.astype(np.float32)[image]
    if rng.random() < 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.3:
        seen += rng.normal(0, rng.uniform(0, 0.03), seen.shape).astype(np.float32)
    return np.clip(seen, 0, 1)

"""Small made-up parts: striped metal with dark spots and scratches."""

import cv2
import numpy as np

from burnish.inspect.pairs import Shot


def striped(rng: np.random.Generator, shape: tuple[int, int] = (96, 128)) -> np.ndarray:
    """uint8 (h, w, 3): vertical stripes and a little noise."""
    h, w = shape
    stripes = 120 + 25 * np.sin(np.arange(w) / 2.5)[None] + rng.normal(0, 2, (h, w))
    return np.repeat(np.clip(stripes + rng.normal(0, 8), 0, 255)[..., None], 3, axis=2).astype(np.uint8)


def goods(n: int = 4, seed: int = 0, shape: tuple[int, int] = (96, 128)) -> list[Shot]:
    rng = np.random.default_rng(seed)
    return [Shot(striped(rng, shape), np.zeros(shape, bool), "good", f"good/{k}.png") for k in range(n)]


def defects(seed: int = 1, shape: tuple[int, int] = (96, 128)) -> list[Shot]:
    """Two spots and two scratches, dark."""
    rng, out = np.random.default_rng(seed), []
    for k, label in enumerate(["spot", "spot", "scratch", "scratch"]):
        mask = np.zeros(shape, np.uint8)
        at = (int(rng.integers(30, shape[1] - 30)), int(rng.integers(30, shape[0] - 30)))
        if label == "spot":
            cv2.circle(mask, at, 5 + k, 1, -1)
        else:
            cv2.line(mask, at, (at[0] + 18, at[1] + 8), 1, 2)
        image = striped(rng, shape).astype(np.float32)
        image[mask > 0] *= 0.35
        out.append(Shot(image.astype(np.uint8), mask > 0, label, f"bad/{k}.png"))
    return out

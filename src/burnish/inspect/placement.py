"""Where on a part a defect may go."""

import cv2
import numpy as np

from burnish.inspect.pairs import Shot, disc
from burnish.inspect.templates import Template


class Placement:
    """Where a defect may go, learned from the good parts.

    The allowed area is the part itself where the parts lie before a plain background (told by a uniform
    border), else the whole picture. Where the parts are registered (all show the same thing in the same
    place), half the candidates come from near the defect's own place. Of a few candidates the one whose
    surroundings look most like the defect's own is preferred, and sometimes any is taken: the next defect
    need not lie where the last one lay.
    """

    candidates = 8

    def __init__(self, goods: list[Shot]) -> None:
        self.allowed = [foreground(s.image) for s in goods]
        self.registered = registered([s.image for s in goods])
        self._maps = [_surroundings(s.image) for s in goods]
        self._spots = [np.argwhere(cv2.erode(a.astype(np.uint8), disc(3)) > 0) for a in self.allowed]

    def draw(self, index: int, template: Template | None, rng: np.random.Generator) -> tuple[float, float]:
        """A centre (y, x) in pixels for a defect on the good part of this index."""
        h, w = self.allowed[index].shape
        spots = self._spots[index]
        if not len(spots):
            return float(rng.uniform(0, h)), float(rng.uniform(0, w))
        if template is None or rng.random() < 0.2:
            y, x = spots[rng.integers(len(spots))]
            return float(y), float(x)
        chosen = spots[rng.integers(len(spots), size=self.candidates)].astype(np.float64)
        if self.registered:
            near = np.array(template.where) * (h, w) + rng.normal(0, 0.08, (self.candidates // 2, 2)) * (h, w)
            chosen[: len(near)] = np.clip(near, 0, (h - 1, w - 1))
        maps = self._maps[index]
        at = np.minimum((chosen / 8).astype(int), np.array(maps.shape[:2]) - 1)
        here = maps[at[:, 0], at[:, 1]]
        hole = cv2.dilate(template.mask.astype(np.uint8), disc(2)) > 0
        ring = template.patch[~hole] if (~hole).any() else template.patch.reshape(-1, 3)
        own = np.append(ring.mean(axis=0), ring.std(axis=0).mean())
        far = np.abs(here - own).sum(axis=1) / 40
        weight = np.exp(-(far - far.min()))
        y, x = chosen[rng.choice(len(chosen), p=weight / weight.sum())]
        return float(y), float(x)


def _surroundings(image: np.ndarray) -> np.ndarray:
    """Mean colour and contrast around each point, float32 (h / 8, w / 8, 4)."""
    small = cv2.resize(image.astype(np.float32), None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    mean = cv2.GaussianBlur(small, (0, 0), 1.5)
    square = cv2.resize(
        image.astype(np.float32) ** 2, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA
    )
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(square, (0, 0), 1.5) - mean**2, 0)).mean(
        axis=2, keepdims=True
    )
    return np.concatenate([mean, spread], axis=2)


def foreground(image: np.ndarray) -> np.ndarray:
    """The part before a plain background, bool (h, w); all True where no plain background is seen.

    The background is plain when the picture's outermost rim has one colour (nine tenths of it within 24
    levels of its median) that 5 to 90 % of the picture shares.
    """
    h, w = image.shape[:2]
    rim = np.concatenate(
        [
            image[:2].reshape(-1, 3),
            image[-2:].reshape(-1, 3),
            image[:, :2].reshape(-1, 3),
            image[:, -2:].reshape(-1, 3),
        ]
    ).astype(np.int16)
    colour = np.median(rim, axis=0)
    if (np.abs(rim - colour).max(axis=1) <= 24).mean() < 0.9:
        return np.ones((h, w), bool)
    smooth = cv2.GaussianBlur(image, (0, 0), 2).astype(np.int16)
    inside = (np.abs(smooth - colour).max(axis=2) > 24).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, disc(max(2, h // 40)))
    return inside > 0 if 0.1 <= inside.mean() <= 0.95 else np.ones((h, w), bool)


def registered(images: list[np.ndarray]) -> bool:
    """Whether the pictures show one thing in one place: median correlation with their mean >= 0.8."""
    if len(images) < 3:
        return False
    small = np.stack(
        [cv2.resize(i, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) for i in images[:200]]
    )
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    mean = flat.mean(axis=0)
    norm = np.linalg.norm(flat, axis=1) * np.linalg.norm(mean)
    return bool(np.median(flat @ mean / np.maximum(norm, 1e-6)) >= 0.8)

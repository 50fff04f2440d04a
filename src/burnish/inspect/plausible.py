"""Whether a synthetic defect looks like the real ones of its class: simple figures, and their range."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from burnish.inspect.windows import Case, Example, real_example

FIGURES = ("contrast", "sharpness", "roughness")
Features = Callable[[Sequence[np.ndarray]], np.ndarray]
"""Crops, uint8 (SIDE, SIDE, 3) each, to feature vectors (n, d): a frozen backbone, say."""


def describe(example: Example) -> np.ndarray:
    """Logarithms of contrast, sharpness and roughness of a defect, float64 (3,).

    Contrast: 90 % quantile of the change inside the mask over the ground's brightness there. Sharpness: the
        same
    quantile of the change's gradient on the mask's rim, over the change's height. Roughness: fine detail of
    the changed picture inside the mask over that of its ground around it.
    """
    inside = example.mask > 0.5
    if not inside.any():
        return np.full(3, -np.inf)
    change = example.change.mean(axis=2)
    height = float(np.quantile(np.abs(change[inside]), 0.9)) + 0.5
    contrast = height / (float(example.ground[inside].mean()) + 20)
    rim = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    rim = rim if rim.any() else inside
    dy, dx = cv2.Sobel(change, cv2.CV_32F, 0, 1) / 8, cv2.Sobel(change, cv2.CV_32F, 1, 0) / 8
    sharpness = float(np.quantile(np.hypot(dy, dx)[rim], 0.9)) / height
    picture = example.ground.mean(axis=2) + change
    fine = np.abs(picture - cv2.GaussianBlur(picture, (0, 0), 1.5))
    outside = ~example.support
    around = float(fine[outside].mean()) if outside.any() else float(fine.mean())
    roughness = (float(fine[inside].mean()) + 0.5) / (around + 0.5)
    return np.log(np.array([contrast, sharpness + 1e-3, roughness]))


class Plausible:
    """Rejects what no real defect of its class resembles.

    A figure may leave the real ones' range (over 24 turned and scaled views of each) by a factor of `slack`.
    With `features`, a crop may be no farther from the nearest real view than 1.25 times the farthest that a
    real view is from the views of other real defects (or, with one defect alone, from its own other views).

    Args:
        real: The real defects.
        features: A frozen description of crops, or None.
        slack: Factor on each figure's range.
        seed: Of the views.
    """

    views = 24

    def __init__(
        self, real: Sequence[Case], features: Features | None = None, slack: float = 1.5, seed: int = 0
    ) -> None:
        rng = np.random.default_rng(seed)
        self.features = features
        self.range: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.contrasts: dict[str, np.ndarray] = {}
        self._near: dict[str, tuple[np.ndarray, float]] = {}
        for label in sorted({c.label for c in real}):
            group = [c for c in real if c.label == label]
            views = [[real_example(c, rng) for _ in range(self.views)] for c in group]
            figures = np.array([describe(e) for row in views for e in row])
            figures = figures[np.isfinite(figures).all(axis=1)]
            if not len(figures):
                continue
            low, high = np.quantile(figures, [0.05, 0.95], axis=0)
            self.range[label] = (low - np.log(slack), high + np.log(slack))
            self.contrasts[label] = np.exp(figures[:, 0])
            if features is not None:
                self._near[label] = _spread([features([crop(e) for e in row]) for row in views])

    def check(self, example: Example) -> str | None:
        """Why a synthetic defect is unlike the real ones, in a word or two; None when it is alike."""
        if example.label not in self.range:
            return None
        low, high = self.range[example.label]
        figures = describe(example)
        for name, value, least, most in zip(FIGURES, figures, low, high, strict=True):
            if not least <= value <= most:
                return f"{name} too {'low' if not value >= least else 'high'}"
        if self.features is not None and example.label in self._near:
            vectors, most = self._near[example.label]
            far = np.linalg.norm(self.features([crop(example)]) - vectors, axis=1).min()
            if far > most:
                return "unlike the real ones"
        return None


def crop(example: Example) -> np.ndarray:
    """The window with its defect, uint8 (SIDE, SIDE, 3)."""
    return np.clip(np.rint(example.ground + example.change), 0, 255).astype(np.uint8)


def _spread(groups: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """All vectors, and 1.25 times the largest distance from one to its nearest in another group."""
    if len(groups) == 1:
        half = len(groups[0]) // 2
        groups = [groups[0][:half], groups[0][half:]]
    farthest = 0.0
    for k, group in enumerate(groups):
        others = np.concatenate(groups[:k] + groups[k + 1 :])
        apart = np.linalg.norm(group[:, None] - others[None], axis=2).min(axis=1)
        farthest = max(farthest, float(np.quantile(apart, 0.9)))
    return np.concatenate(groups), 1.25 * farthest

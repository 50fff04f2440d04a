"""Pairs of a picture with a new defect and its label, and the rule that makes the label true.

A synthetic defect is only worth training on when its mask says what changed. `settle` derives the mask from
the change itself and gives back every pixel outside it to the bit.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np


@dataclass(frozen=True)
class Shot:
    """One training part in memory, already fitted to the working resolution.

    Attributes:
        image: uint8 (h, w, 3).
        mask: bool (h, w), all False for a good part; None where only the label is known.
        label: `good` or the defect's class.
        name: The part's path inside its data set.
        weak: The mask was guessed, not drawn by a person.
        group: Parts of one group show the same thing; "" is a group of its own.
        fold: Which of the two segmenters does not see it when it is good; None before that is dealt.
    """

    image: np.ndarray
    mask: np.ndarray | None
    label: str
    name: str
    weak: bool = False
    group: str = ""
    fold: int | None = None


@dataclass(frozen=True)
class Pair:
    """A synthetic defective part.

    Attributes:
        image: uint8 (h, w, 3); the good part's own pixels wherever `mask`, grown by its feather, is False.
        mask: bool (h, w), what truly changed.
        label: The defect's class.
        provenance: What it was made of: good part, defect, method, seed and the method's own settings.
    """

    image: np.ndarray
    mask: np.ndarray
    label: str
    provenance: dict[str, object] = field(default_factory=dict)


class Synthesiser(Protocol):
    """Makes pairs without end."""

    method: str

    @property
    def rejected(self) -> Counter[str]:
        """What was made and thrown away, by reason."""
        ...

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """One new pair, of `label` if given; all randomness comes from `rng`."""
        ...


def noise_level(image: np.ndarray) -> float:
    """Standard deviation of white pixel noise in gray levels: twice the median of what a 3 x 3 median takes
    away.

    Args:
        image: uint8 (h, w, 3).
    """
    gray = image[..., 1]
    return float(2.0 * np.median(cv2.absdiff(gray, cv2.medianBlur(np.ascontiguousarray(gray), 3))))


def settle(
    good: np.ndarray, changed: np.ndarray, support: np.ndarray, noise: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The label from the true change, and the picture that is the original's outside it.

    The change is the largest channel's |changed - good|, smoothed; what exceeds both the noise and a third
    of the change's own height (less for areas above 1500 pixels), inside `support`, is the mask. Gaps of a
    few pixels are closed and holes filled. Then the change is faded out over a narrow rim around the mask,
    and everything beyond the rim is the good part's own.

    Args:
        good: uint8 (h, w, 3).
        changed: uint8 or float (h, w, 3), 0 to 255.
        support: bool (h, w), where a change is wanted.
        noise: Gray levels, as `noise_level`; measured when None.

    Returns:
        The picture, uint8 (h, w, 3), and its mask, bool (h, w), possibly empty.
    """
    image, mask = good.copy(), np.zeros(good.shape[:2], bool)
    if not support.any():
        return image, mask
    y0, y1, x0, x1 = grown_box(support, 12)
    a, b = good[y0:y1, x0:x1], np.asarray(changed[y0:y1, x0:x1], np.float32)
    inside = support[y0:y1, x0:x1]
    noise = noise_level(a) if noise is None else noise
    blur = max(0.8, 0.02 * float(np.sqrt(inside.sum())))  # a large area is one defect, not its pixels
    change = cv2.GaussianBlur(np.abs(b - a).max(axis=2), (0, 0), blur)
    height = float(np.quantile(change[inside], 0.95))
    share = 0.35 * min(1.0, 1500 / float(inside.sum())) ** 0.25
    local = (change > max(3.0, 0.9 * noise, share * height)) & inside
    reach = 1 + int(0.06 * np.sqrt(local.sum()))
    closed = cv2.morphologyEx(local.astype(np.uint8), cv2.MORPH_CLOSE, disc(reach))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    local = (cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED) > 0) & inside
    rim = cv2.dilate(local.astype(np.uint8), disc(reach + 1)).astype(np.float32)
    alpha = np.maximum(cv2.GaussianBlur(rim, (0, 0), 0.5 + 0.3 * reach) * rim, local)[..., None]
    image[y0:y1, x0:x1] = np.clip(np.rint(a + alpha * (b - a)), 0, 255).astype(np.uint8)
    mask[y0:y1, x0:x1] = local
    return image, mask


def grown_box(mask: np.ndarray, margin: int) -> tuple[int, int, int, int]:
    """(y0, y1, x0, x1) around a non-empty mask, grown by `margin` pixels, inside the picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    h, w = mask.shape
    return (
        max(0, int(rows[0]) - margin),
        min(h, int(rows[-1]) + 1 + margin),
        max(0, int(columns[0]) - margin),
        min(w, int(columns[-1]) + 1 + margin),
    )


def disc(radius: int) -> np.ndarray:
    """A round structuring element, uint8 (2 radius + 1, 2 radius + 1)."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))

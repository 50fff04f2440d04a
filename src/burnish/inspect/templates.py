"""Real defects cut out of their parts, with what the part may have looked like without them."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from burnish.inspect.pairs import Shot, disc, grown_box

SHIFTS = 400
"""Places at most, or nearly, where a texture is looked for."""


@dataclass(frozen=True)
class Template:
    """A real defect cut out with its surroundings.

    Attributes:
        patch: float32 (h, w, 3), 0 to 255; replicated beyond the picture where the defect touches its border.
        mask: bool (h, w).
        ground: float32 (h, w, 3), what the defect is to be measured from: the patch without the defect, but
            with the patch's own grain, so that `patch - ground` is the defect alone.
        box: (y0, y1, x0, x1) of the mask inside the patch.
        sides: (top, bottom, left, right), whether the defect touches that border of its picture.
        where: (y, x) of the mask's centre in its picture, 0 to 1.
        share: Area of the mask over the picture's area.
        label: The defect's class.
        name: The part it comes from, as `Shot.name`.
        weak: The mask was guessed.
        corner: (y, x) of the mask's box in its picture, in pixels.
    """

    patch: np.ndarray
    mask: np.ndarray
    ground: np.ndarray
    box: tuple[int, int, int, int]
    sides: tuple[bool, bool, bool, bool]
    where: tuple[float, float]
    share: float
    label: str
    name: str
    weak: bool
    corner: tuple[int, int]

    def on_part(self, shape: tuple[int, ...]) -> np.ndarray:
        """The mask in its own picture of this (h, w), bool."""
        out = np.zeros(shape[:2], bool)
        y0, y1, x0, x1 = self.box
        top, left = self.corner
        out[top : top + y1 - y0, left : left + x1 - x0] = self.mask[y0:y1, x0:x1]
        return out

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the mask's box in pixels."""
        y0, y1, x0, x1 = self.box
        return y1 - y0, x1 - x0

    @property
    def large(self) -> bool:
        """Whether the defect is an area of the part rather than a mark on it."""
        return is_large(self.share, self.size)


def is_large(share: float, size: tuple[int, int]) -> bool:
    """Whether a defect of this share of its picture and (height, width) is an area rather than a mark."""
    return share > 0.03 or max(size) > 100


def cut_templates(shot: Shot) -> list[Template]:
    """Every connected defect of a part as a template; pieces close together stay together.

    Args:
        shot: A defective part with a mask; without one the list is empty.
    """
    if shot.mask is None or not shot.mask.any():
        return []
    joined = cv2.dilate(shot.mask.astype(np.uint8), disc(3))
    count, pieces = cv2.connectedComponents(joined)
    found = [_cut(shot, shot.mask & (pieces == k)) for k in range(1, count)]
    largest = max(int(t.mask.sum()) for t in found)
    return [t for t in found if t.mask.sum() >= 0.02 * largest]


def _cut(shot: Shot, mask: np.ndarray) -> Template:
    assert shot.mask is not None
    h, w = mask.shape
    top, bottom, left, right = grown_box(mask, 0)
    margin = 8 + max(bottom - top, right - left) // 4
    y0, y1, x0, x1 = grown_box(mask, margin)
    sides = (top <= 1, bottom >= h - 1, left <= 1, right >= w - 1)
    pads = [max(8, margin) if side else 0 for side in sides]
    patch = np.ascontiguousarray(shot.image[y0:y1, x0:x1]).astype(np.float32)
    hole = cv2.dilate(shot.mask[y0:y1, x0:x1].astype(np.uint8), disc(2 + margin // 12)) > 0
    share = float(mask.mean())
    if is_large(share, (bottom - top, right - left)):
        everything = cv2.dilate(shot.mask.astype(np.uint8), disc(3)) > 0
        whole = textured_ground(shot.image.astype(np.float32), everything, grown_box(mask, 3))
        ground = cv2.GaussianBlur(np.ascontiguousarray(whole[y0:y1, x0:x1]), (0, 0), 2)
    else:
        ground = fill(patch, hole)

    def grow(a: np.ndarray) -> np.ndarray:
        return cv2.copyMakeBorder(a, pads[0], pads[1], pads[2], pads[3], cv2.BORDER_REPLICATE)

    oy, ox = pads[0] - y0, pads[2] - x0
    box = (top + oy, bottom + oy, left + ox, right + ox)
    inner = grow(mask[y0:y1, x0:x1].astype(np.uint8)) > 0
    where = ((top + bottom) / 2 / h, (left + right) / 2 / w)
    ground = patch - calm(patch - ground, hole, grain(patch, hole))
    patch, ground = grow(patch), grow(ground)
    corner = (top, left)
    return Template(patch, inner, ground, box, sides, where, share, shot.label, shot.name, shot.weak, corner)


def grain(image: np.ndarray, hole: np.ndarray) -> float:
    """Typical size of the fine texture around a defect, gray levels: 1.5 median |image - its blur|."""
    fine = np.abs(image - cv2.GaussianBlur(image, (0, 0), 1.5)).max(axis=2)
    around = fine[~cv2.dilate(hole.astype(np.uint8), disc(3)).astype(bool)]
    return 1.5 * float(np.median(around if len(around) else fine))


def calm(change: np.ndarray, hole: np.ndarray, grain: float) -> np.ndarray:
    """A change without its background's grain, which would be laid over the next part's own.

    What is slow stays; of what is fine, all below `grain` is taken away and all above twice that stays.

    Args:
        change: float32 (h, w, 3), zero outside the hole.
        hole: bool (h, w).
        grain: Gray levels, as `grain`.
    """
    weight = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.5)[..., None]
    slow = cv2.GaussianBlur(change * hole[..., None], (0, 0), 1.5) / np.maximum(weight, 1e-3)
    fine = change - slow
    size = np.abs(fine).max(axis=2, keepdims=True)
    kept = np.clip(2 * (1 - grain / np.maximum(size, 1e-3)), 0, 1)
    return ((slow + fine * kept) * hole[..., None]).astype(np.float32)


def fill(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture with its hole filled smoothly from the surroundings (push and pull over a pyramid).

    Args:
        image: float32 (h, w, 3).
        hole: bool (h, w). Where everything is a hole, the mean is returned.
    """
    known = (~hole).astype(np.float32)
    if not known.any():
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)
    levels = [np.concatenate([image * known[..., None], known[..., None]], axis=2)]
    while min(levels[-1].shape[:2]) > 1:
        h, w = levels[-1].shape[:2]
        levels.append(_resized(levels[-1], (h + 1) // 2, (w + 1) // 2, cv2.INTER_AREA))
    seen = float(levels[-1][..., 3].sum())
    mean = levels[-1][..., :3].sum(axis=(0, 1)) / max(seen, 1e-6)
    full = np.broadcast_to(mean, (*levels[-1].shape[:2], 3)).astype(np.float32)
    for level in reversed(levels):
        value, weight = level[..., :3], np.minimum(level[..., 3:], 1)
        full = value + (1 - weight) * _resized(full, level.shape[0], level.shape[1], cv2.INTER_LINEAR)
    return full


def _resized(array: np.ndarray, height: int, width: int, how: int) -> np.ndarray:
    return cv2.resize(array, (width, height), interpolation=how).reshape(height, width, -1)


def textured_ground(image: np.ndarray, hole: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The part as it may have looked without its defect, texture included.

    The hole is filled from the place, of a few hundred shifts, whose rim agrees best with the hole's own,
    and the disagreement that is left at the rim is spread smoothly over the fill. Where no shift lies on
    good pixels inside the picture, the fill is `fill`'s smooth one.

    Args:
        image: float32 (h, w, 3).
        hole: bool (h, w), all defects of the part, a little grown.
        box: (y0, y1, x0, x1) around the hole to fill.

    Returns:
        float32 (h, w, 3), which differs from the image inside hole and box only.
    """
    h, w = hole.shape
    y0, y1 = max(0, box[0] - 4), min(h, box[1] + 4)
    x0, x1 = max(0, box[2] - 4), min(w, box[3] + 4)
    here, bad = image[y0:y1, x0:x1], hole[y0:y1, x0:x1]
    smooth = fill(here, bad)
    best, source = np.inf, None
    places = (h - (y1 - y0) + 1) * (w - (x1 - x0) + 1)
    step = max(2, min(y1 - y0, x1 - x0) // 6, math.ceil(math.sqrt(places / SHIFTS)))
    rim = (cv2.dilate(bad.astype(np.uint8), disc(3)) > 0) & ~bad
    for top in range(0, h - (y1 - y0) + 1, step):
        for left in range(0, w - (x1 - x0) + 1, step):
            bottom, right = top + y1 - y0, left + x1 - x0
            if (hole[top:bottom, left:right] & bad).any():
                continue
            gap = (image[top:bottom, left:right] - here)[rim]
            cost = float(gap.std(axis=0).sum() + 0.2 * np.abs(gap.mean(axis=0)).sum()) if len(gap) else 0.0
            if cost < best:
                best, source = cost, image[top:bottom, left:right]
    out = image.copy()
    new = smooth if source is None else source + fill(here - source, bad)
    out[y0:y1, x0:x1] = np.where(bad[..., None], new, here)
    return out

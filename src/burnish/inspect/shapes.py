"""Shapes of defects: real ones bent and varied, and smooth noise."""

from dataclasses import dataclass

import cv2
import numpy as np

from burnish.inspect.templates import Template


@dataclass(frozen=True)
class Warp:
    """A template turned, scaled, mirrored and bent, ready to be laid on a part.

    Attributes:
        patch, ground: float32 (h, w, 3).
        mask: float32 (h, w), 0 to 1, with a soft edge.
        top, left: Where its first pixel lies on the part; may be outside.
        settings: Angle, scale and mirror, for the provenance.
    """

    patch: np.ndarray
    ground: np.ndarray
    mask: np.ndarray
    top: int
    left: int
    settings: dict[str, object]

    def on_part(self, shape: tuple[int, ...]) -> np.ndarray:
        """The mask on a part of this (h, w), bool."""
        out = np.zeros(shape[:2], bool)
        h, w = self.mask.shape
        out[self.top : self.top + h, self.left : self.left + w] = self.mask > 0.5
        return out


def warp(
    template: Template,
    shape: tuple[int, int],
    centre: tuple[float, float],
    turn: float,
    rng: np.random.Generator,
    bend: float = 1.0,
) -> Warp:
    """Draws a random affine and slightly elastic version of a template for a part.

    Args:
        template: The defect.
        shape: (h, w) of the part.
        centre: (y, x) in pixels wanted for the defect's centre; a defect that touched a border of its picture
            is moved to the same (or, mirrored, the opposite) border, one that spans the picture is stretched
            to span this one, and any other is kept inside.
        turn: Largest angle in degrees; a defect at a border turns by 6 at most.
        rng: Randomness.
        bend: Strength of the elastic deformation; 1 moves by about 1.2 pixels, or 3 % of the defect's size.
    """
    h, w = shape
    top, bottom, left, right = template.sides
    bordered = any(template.sides)
    flip_y, flip_x = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    angle = float(rng.uniform(-1, 1) * (min(turn, 6) if bordered else turn))
    scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.6))))
    scale = max(scale, float(np.sqrt(9 / template.mask.sum())))  # a crumb must not vanish
    stretch = np.exp(rng.normal(0, 0.12, 2)) * scale
    th, tw = template.size
    a = np.deg2rad(angle)
    spread = np.abs([[np.cos(a), np.sin(a)], [np.sin(a), np.cos(a)]]) @ (np.array([th, tw]) * stretch)
    stretch = stretch * min(1.0, 0.95 * h / spread[0], 0.95 * w / spread[1])
    if top and bottom:
        stretch[0] = 1.04 * h / th
    if left and right:
        stretch[1] = 1.04 * w / tw
    linear = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ np.diag(stretch)
    linear = linear @ np.diag([-1.0 if flip_y else 1.0, -1.0 if flip_x else 1.0])  # (dy, dx) source to part
    half = np.abs(linear) @ np.array([th / 2, tw / 2])
    sides = ((bottom, top) if flip_y else (top, bottom)) + ((right, left) if flip_x else (left, right))
    cy = _along(centre[0], half[0], h, sides[0], sides[1])
    cx = _along(centre[1], half[1], w, sides[2], sides[3])
    y0, y1, x0, x1 = template.box
    middle = np.array([(y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2])
    reach = np.abs(linear) @ (np.array(template.mask.shape) / 2) if bordered else half + 10
    y_from, x_from = (
        int(np.clip(np.floor(c - n), 0, m - 1)) for c, n, m in zip((cy, cx), reach, (h, w), strict=True)
    )
    y_to, x_to = (int(np.clip(np.ceil(c + n), 1, m)) for c, n, m in zip((cy, cx), reach, (h, w), strict=True))
    rows = np.arange(y_from, max(y_to, y_from + 1), dtype=np.float32) - np.float32(cy)
    columns = np.arange(x_from, max(x_to, x_from + 1), dtype=np.float32) - np.float32(cx)
    dy, dx = np.meshgrid(rows, columns, indexing="ij")
    back = np.linalg.inv(linear).astype(np.float32)
    period, height = max(12.0, 0.4 * max(th, tw) * scale), bend * min(1.2, 0.03 * (th + tw))
    moved = smooth_noise(dy.shape, period, rng, 2) * np.float32(height)
    at_y = (back[0, 0] * dy + back[0, 1] * dx + np.float32(middle[0]) + moved[0]).astype(np.float32)
    at_x = (back[1, 0] * dy + back[1, 1] * dx + np.float32(middle[1]) + moved[1]).astype(np.float32)

    def look(array: np.ndarray, border: int) -> np.ndarray:
        return cv2.remap(array, at_x, at_y, cv2.INTER_LINEAR, borderMode=border)

    mask = look(template.mask.astype(np.float32), cv2.BORDER_CONSTANT)
    settings: dict[str, object] = {
        "angle": round(angle, 2),
        "scale": round(float(np.sqrt(stretch[0] * stretch[1])), 3),
        "flip": [flip_y, flip_x],
    }
    patch, ground = (look(p, cv2.BORDER_REFLECT_101) for p in (template.patch, template.ground))
    return Warp(patch, ground, mask, y_from, x_from, settings)


def _along(centre: float, half: float, length: int, first: bool, last: bool) -> float:
    """The centre of a defect of half size `half` along one axis: at the border it belongs to, or inside."""
    if first and last:
        return (length - 1) / 2
    if first:
        return half - 1
    if last:
        return length - half
    return float(np.clip(centre, min(half, length / 2), max(length - half, length / 2)))


def smooth_noise(
    shape: tuple[int, int], period: float | tuple[float, float], rng: np.random.Generator, count: int = 1
) -> np.ndarray:
    """Smooth random fields of about unit variance, float32 (count, h, w); `period` in pixels (or y, x)."""
    py, px = period if isinstance(period, tuple) else (period, period)
    h, w = shape
    small = rng.normal(0, 1.25, (count, int(np.ceil(h / py)) + 2, int(np.ceil(w / px)) + 2)).astype(
        np.float32
    )
    return np.stack([cv2.resize(s, (w, h), interpolation=cv2.INTER_CUBIC) for s in small])


def varied(laid: Warp, shape: tuple[int, int], bordered: bool, rng: np.random.Generator) -> np.ndarray:
    """A new defect's shape after a real one's: the outline redrawn, or another line of the same length and
    width.

    Long thin shapes become lines that wander elsewhere; others get their signed distance disturbed by smooth
    noise.

    Args:
        laid: A real shape on the part.
        shape: (h, w) of the part.
        bordered: The defect belongs to the part's border, so it stays where it is.
        rng: Randomness.

    Returns:
        bool (h, w).
    """
    hard = (laid.mask > 0.5).astype(np.uint8)
    out = np.zeros(shape, bool)
    if not hard.any():
        return out
    inside = np.minimum(cv2.distanceTransform(hard, cv2.DIST_L2, 3), max(hard.shape))  # if no zero
    area = float(hard.sum())
    thick = max(1.0, 4 * (float(inside.sum()) / area - 0.5))  # exact for a strip
    where = (slice(laid.top, laid.top + hard.shape[0]), slice(laid.left, laid.left + hard.shape[1]))
    if not bordered and area / thick**2 > 5 and rng.random() < 0.7:
        rows, columns = np.nonzero(hard)
        spread = np.cov(np.stack([rows, columns])) + 1e-3 * np.eye(2)
        along = np.linalg.eigh(spread)[1][:, 1]
        centre = (laid.top + rows.mean(), laid.left + columns.mean())
        heading = float(np.arctan2(along[0], along[1])) + rng.normal(0, 0.25)
        line = wandering_line(
            shape, centre, area / thick * rng.uniform(0.6, 1.5), heading, rng.uniform(0.02, 0.35), rng
        )
        width = max(1, round(thick * rng.uniform(0.7, 1.3)))
        return cv2.dilate(line, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0
    outside = cv2.distanceTransform(1 - hard, cv2.DIST_L2, 3)
    period = max(6.0, float(rng.uniform(0.25, 0.8)) * float(np.sqrt(area)))
    noise = smooth_noise(hard.shape, period, rng)[0] * thick * rng.uniform(0.12, 0.4)
    out[where] = inside - outside + noise + rng.uniform(-0.1, 0.1) * thick > 0
    return out


def wandering_line(
    shape: tuple[int, int],
    centre: tuple[float, float],
    length: float,
    heading: float,
    wander: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """A line one pixel wide, uint8 (h, w) of 0 and 1.

    Args:
        shape: (h, w).
        centre: (y, x) of its middle.
        length: In pixels.
        heading: Angle of its start in radians, from the x axis to the y axis.
        wander: Standard deviation of the turn at each of its pieces, in radians.
        rng: Randomness.
    """
    pieces = int(np.clip(length / 4, 4, 24))
    turns = heading + np.cumsum(rng.normal(0, wander, pieces))
    path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * length / pieces, axis=0)
    path = path - path.mean(axis=0) + (centre[1], centre[0])
    out = np.zeros(shape, np.uint8)
    cv2.polylines(out, [np.rint(path * 16).astype(np.int32)], False, 1, 1, cv2.LINE_8, 4)
    return out

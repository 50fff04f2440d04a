"""Shapes of defects and where on a part they may go: templates, warps, placement, noise."""

from dataclasses import dataclass

import cv2
import numpy as np

from burnish.inspect.pairs import Shot, disc, grown_box


@dataclass(frozen=True)
class Template:
    """A real defect cut out with its surroundings.

    Attributes:
        patch: float32 (h, w, 3), 0 to 255; replicated beyond the picture where the defect touches its border.
        mask: bool (h, w).
        ground: float32 (h, w, 3), the patch as it may have looked without the defect.
        box: (y0, y1, x0, x1) of the mask inside the patch.
        sides: (top, bottom, left, right), whether the defect touches that border of its picture.
        where: (y, x) of the mask's centre in its picture, 0 to 1.
        share: Area of the mask over the picture's area.
        label: The defect's class.
        name: The part it comes from, as `Shot.name`.
        weak: The mask was guessed.
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

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the mask's box in pixels."""
        y0, y1, x0, x1 = self.box
        return y1 - y0, x1 - x0

    @property
    def large(self) -> bool:
        """Whether the defect is an area of the part rather than a mark on it."""
        return self.share > 0.03 or max(self.size) > 100


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
    return [t for t in found if t.mask.sum() >= max(3, 0.02 * largest)]


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
    ground = fill(patch, hole)
    grow = lambda a: cv2.copyMakeBorder(a, *pads, cv2.BORDER_REPLICATE)  # noqa: E731
    oy, ox = pads[0] - y0, pads[2] - x0
    box = (top + oy, bottom + oy, left + ox, right + ox)
    inner = grow(mask[y0:y1, x0:x1].astype(np.uint8)) > 0
    where = ((top + bottom) / 2 / h, (left + right) / 2 / w)
    share = float(mask.mean())
    return Template(
        grow(patch), inner, grow(ground), box, sides, where, share, shot.label, shot.name, shot.weak
    )


def fill(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture with its hole filled smoothly from the surroundings (push and pull over a pyramid).

    Args:
        image: float32 (h, w, 3).
        hole: bool (h, w). Where everything is a hole, the mean is returned.
    """
    known = (~hole).astype(np.float32)
    if not known.any():
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)
    levels = [(image * known[..., None], known)]
    while min(levels[-1][1].shape) > 1:
        value, weight = levels[-1]
        half = ((value.shape[1] + 1) // 2, (value.shape[0] + 1) // 2)
        levels.append(
            (
                cv2.resize(value, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], 3),
                cv2.resize(weight, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0]),
            )
        )
    value, weight = levels[-1]
    full = value / np.maximum(weight, 1e-6)[..., None] if weight.any() else np.zeros_like(value)
    for value, weight in reversed(levels[:-1]):
        up = cv2.resize(full, (value.shape[1], value.shape[0]), interpolation=cv2.INTER_LINEAR)
        full = value + (1 - np.minimum(weight, 1))[..., None] * up.reshape(value.shape)
    return full


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


def warp(
    template: Template,
    shape: tuple[int, int],
    centre: tuple[float, float],
    turn: float,
    rng: np.random.Generator,
) -> Warp:
    """Draws a random affine and slightly elastic version of a template for a part.

    Args:
        template: The defect.
        shape: (h, w) of the part.
        centre: (y, x) in pixels wanted for the defect's centre; a defect that touched a border of its picture
            is moved to the same (or, mirrored, the opposite) border, one that spans the picture is stretched to
            span this one, and any other is kept inside.
        turn: Largest angle in degrees; a defect at a border turns by 6 at most.
        rng: Randomness.
    """
    h, w = shape
    top, bottom, left, right = template.sides
    bordered = any(template.sides)
    flip_y, flip_x = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    angle = float(rng.uniform(-1, 1) * (min(turn, 6) if bordered else turn))
    scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.6))))
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
    grid = np.stack(np.mgrid[y_from : max(y_to, y_from + 1), x_from : max(x_to, x_from + 1)]).astype(
        np.float32
    )
    back = np.linalg.inv(linear).astype(np.float32)
    dy, dx = grid[0] - np.float32(cy), grid[1] - np.float32(cx)
    bend = smooth_noise(dy.shape, max(8.0, 0.4 * min(th, tw) * scale), rng, 2) * min(1.5, 0.04 * (th + tw))
    at_y = (back[0, 0] * dy + back[0, 1] * dx + np.float32(middle[0]) + bend[0]).astype(np.float32)
    at_x = (back[1, 0] * dy + back[1, 1] * dx + np.float32(middle[1]) + bend[1]).astype(np.float32)

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


class Placement:
    """Where a defect may go, learned from the good parts.

    The allowed area is the part itself where the parts lie before a plain background (told by a uniform border),
    else the whole picture. Where the parts are registered (all show the same thing in the same place), half the
    candidates come from near the defect's own place. Of a few candidates the one whose surroundings look most like
    the defect's own is preferred, and sometimes any is taken: the next defect need not lie where the last one lay.
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
        if template is None or rng.random() < 0.3:
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

    The background is plain when the picture's outermost rim has one colour (nine tenths of it within 24 levels of
    its median) that 5 to 90 % of the picture shares.
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
    if len(images) < 3 or len({i.shape for i in images}) > 1:
        return False
    small = np.stack(
        [cv2.resize(i, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) for i in images[:200]]
    )
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    mean = flat.mean(axis=0)
    norm = np.linalg.norm(flat, axis=1) * np.linalg.norm(mean)
    return bool(np.median(flat @ mean / np.maximum(norm, 1e-6)) >= 0.8)

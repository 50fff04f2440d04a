"""Square windows on a part at the scale a defect needs: what the diffusion synthesiser sees and paints."""

from dataclasses import dataclass

import cv2
import numpy as np

from burnish.inspect.pairs import Shot, disc, grown_box
from burnish.inspect.templates import calm, cut_templates, fill, grain, textured_ground

SIDE = 64


@dataclass(frozen=True)
class Window:
    """`SIDE * factor` pixels of a part each way, seen at `SIDE` pixels.

    Attributes:
        top, left: Its first pixel; may lie outside the part.
        factor: 1 is the working resolution; larger ones are powers of two.
    """

    top: int
    left: int
    factor: int

    @property
    def span(self) -> int:
        """Pixels of the part along one side."""
        return SIDE * self.factor

    def see(self, array: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        """Cuts the window out of (h, w) or (h, w, 3), float32 (SIDE, SIDE[, 3]), averaged down to `SIDE`."""
        h, w = array.shape[:2]
        y0, y1 = np.clip([self.top, self.top + self.span], 0, h)
        x0, x1 = np.clip([self.left, self.left + self.span], 0, w)
        cut = np.ascontiguousarray(array[y0:y1, x0:x1], np.float32)
        pads = (y0 - self.top, self.top + self.span - y1, x0 - self.left, self.left + self.span - x1)
        if any(pads):
            cut = cv2.copyMakeBorder(cut, pads[0], pads[1], pads[2], pads[3], border, value=(0, 0, 0))
        return cut if self.factor == 1 else cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    def lay(self, seen: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """The inverse of `see`: float32 (h, w, C), zero outside the window, enlarged smoothly."""
        full = seen
        if self.factor > 1:
            full = cv2.resize(seen, (self.span, self.span), interpolation=cv2.INTER_CUBIC)
        full = full.reshape(self.span, self.span, -1)
        h, w = shape
        out = np.zeros((h, w, full.shape[2]), np.float32)
        y0, y1 = np.clip([self.top, self.top + self.span], 0, h)
        x0, x1 = np.clip([self.left, self.left + self.span], 0, w)
        out[y0:y1, x0:x1] = full[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        return out


def scale_for(size: float, part: int) -> int:
    """The factor of a window for a defect `size` pixels across on a part `part` pixels across.

    The smallest power of two that leaves a rim around the defect, but none that sees far beyond the part.
    """
    factor = 1
    while 1.3 * size > SIDE * factor and SIDE * factor < part:
        factor *= 2
    return factor


def window_around(mask: np.ndarray) -> Window:
    """The window for a non-empty mask, bool (h, w): centred, then moved inside the part as far as it fits."""
    y0, y1, x0, x1 = grown_box(mask, 0)
    h, w = mask.shape
    factor = scale_for(max(y1 - y0, x1 - x0), max(h, w))
    span = SIDE * factor
    top, left = ((a + b - span) // 2 for a, b in ((y0, y1), (x0, x1)))
    return Window(_inside(top, span, h), _inside(left, span, w), factor)


def _inside(first: int, span: int, length: int) -> int:
    return int(np.clip(first, 0, length - span)) if span <= length else (length - span) // 2


@dataclass(frozen=True)
class Case:
    """A real defect to learn from.

    Attributes:
        change: float32 (h, w, 3), gray levels: what the defect adds, without the part's own grain.
        ground: float32 (h, w, 3), the part without the defect.
        mask: bool (h, w), this defect alone.
        label, name: As `Shot`.
    """

    change: np.ndarray
    ground: np.ndarray
    mask: np.ndarray
    label: str
    name: str


def cases(shot: Shot) -> list[Case]:
    """Each defect of a part with its ground; other defects of the part stay in it."""
    if shot.mask is None:
        return []
    image = shot.image.astype(np.float32)
    hole = cv2.dilate(shot.mask.astype(np.uint8), disc(3)) > 0
    found = []
    for template in cut_templates(shot):
        mask = template.on_part(shot.mask.shape)
        box = grown_box(mask, 3)
        ground = textured_ground(image, hole, box)
        own = hole & (cv2.dilate(mask.astype(np.uint8), disc(4)) > 0)
        ground = np.where(own[..., None], ground, image)
        smooth = cv2.GaussianBlur(ground, (0, 0), 2) if template.large else fill(image, hole)
        change = calm((image - smooth) * own[..., None], own, grain(image, hole))
        found.append(Case(change, ground, mask, shot.label, shot.name))
    return found


@dataclass(frozen=True)
class Example:
    """What the denoiser learns from.

    Attributes:
        change: float32 (SIDE, SIDE, 3), gray levels: the defect minus its ground.
        ground: float32 (SIDE, SIDE, 3), 0 to 255.
        mask: float32 (SIDE, SIDE), 0 to 1.
        support: bool (SIDE, SIDE), where there may be a change.
        label: The class.
        factor: The window's.
    """

    change: np.ndarray
    ground: np.ndarray
    mask: np.ndarray
    support: np.ndarray
    label: str
    factor: int


def support_of(mask: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Where a defect of this mask, float (SIDE, SIDE), may change the part: two pixels around it."""
    return (cv2.dilate((mask > 0.25).astype(np.uint8), disc(2)) > 0) & (valid > 0.5)


def real_example(case: Case, rng: np.random.Generator) -> Example:
    """A real defect, turned, scaled, mirrored and relit with its surroundings."""
    h, w = case.mask.shape
    y0, y1, x0, x1 = grown_box(case.mask, 0)
    scale = float(np.exp(rng.uniform(np.log(0.7), np.log(1.4))))
    factor = scale_for(scale * max(y1 - y0, x1 - x0), max(h, w))
    span = SIDE * factor
    angle = np.deg2rad(rng.uniform(-12, 12) + 90 * (int(rng.integers(4)) if rng.random() < 0.2 else 0))
    flip = np.where(rng.random(2) < 0.5, -1.0, 1.0)
    back = np.diag(flip) @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    room = max(1.0, 0.5 * (span - scale * max(y1 - y0, x1 - x0)))
    aim = np.array([(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2])
    middle = (span - 1) / 2 + rng.uniform(-0.6, 0.6, 2) * room
    matrix = np.concatenate([back, (aim - back @ middle)[:, None]], axis=1)

    def see(array: np.ndarray, border: int) -> np.ndarray:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        full = cv2.warpAffine(array, matrix, (span, span), flags=flags, borderMode=border)
        return full if factor == 1 else cv2.resize(full, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    change, ground = (see(a, cv2.BORDER_REPLICATE) for a in (case.change, case.ground))
    mask = see(case.mask.astype(np.float32), cv2.BORDER_CONSTANT)
    valid = see(np.ones((h, w), np.float32), cv2.BORDER_CONSTANT)
    light, shift, depth = (
        float(np.exp(rng.normal(0, 0.2))),
        float(rng.normal(0, 10)),
        float(np.exp(rng.normal(0, 0.12))),
    )
    ground = np.clip(ground * light + shift, 0, 255)
    support = support_of(mask, valid)
    change = np.clip(ground + change * light * depth, 0, 255) - ground
    change *= support[..., None]
    return Example(change, ground, mask, support, case.label, factor)


def pair_example(good: np.ndarray, image: np.ndarray, mask: np.ndarray, label: str) -> tuple[Example, Window]:
    """A pair made by another synthesiser as an example, and the window it was seen through.

    Args:
        good, image: uint8 or float (h, w, 3).
        mask: bool (h, w), not empty.
        label: The class.
    """
    window = window_around(mask)
    seen = window.see(mask.astype(np.float32), cv2.BORDER_CONSTANT)
    valid = window.see(np.ones(mask.shape, np.float32), cv2.BORDER_CONSTANT)
    support = support_of(seen, valid)
    ground = window.see(good)
    change = (window.see(image) - ground) * support[..., None]
    return Example(change, ground, seen, support, label, window.factor), window

"""Faults nobody has seen, from good parts alone: noise-shaped patches, spots, lines and gaps."""

from collections import Counter

import cv2
import numpy as np

from burnish.errors import DatasetError
from burnish.inspect.pairs import Pair, Shot, disc, noise_level, settle
from burnish.inspect.placement import Placement
from burnish.inspect.shapes import smooth_noise

SHAPES = {"cloud": 0.4, "spot": 0.3, "line": 0.3}
LOOKS = {"level": 0.35, "texture": 0.25, "colour": 0.2, "smudge": 0.1, "grain": 0.1}


class Perlin:
    """Procedural faults: no defective part is needed.

    A shape (thresholded multi-scale noise as in DRAEM, arXiv 2108.07610; a ragged spot; a wandering line) is
    given a look (darker or brighter; another good part's texture, moved and turned; another colour; smeared;
    grainy).

    Args:
        goods: Good parts.
        label: The class the pairs are given.

    Raises:
        DatasetError: No good part.
    """

    method = "perlin"
    tries = 12

    def __init__(self, goods: list[Shot], label: str = "unseen") -> None:
        if not goods:
            raise DatasetError("synthesis", "there is no good part to put a fault on", "Add good parts")
        self.goods, self.label = goods, label
        self.placement = Placement(goods)
        self.noise = [noise_level(g.image) for g in goods]
        self.rejected: Counter[str] = Counter()

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """A new pair, named `label` if given."""
        return self.make(int(rng.integers(2**62)), label)

    def make(self, seed: int, label: str | None = None) -> Pair:
        """The pair of this seed: the same seed on the same parts makes the same pair."""
        rng = np.random.default_rng(seed)
        best: Pair | None = None
        for _ in range(self.tries):
            pair, kept = self._attempt(rng, label or self.label)
            if kept or best is None or pair.mask.sum() > best.mask.sum():
                best = pair
            if kept:
                break
            self.rejected["little change"] += 1
        assert best is not None
        best.provenance["seed"] = seed
        return best

    def _attempt(self, rng: np.random.Generator, label: str) -> tuple[Pair, bool]:
        index = int(rng.integers(len(self.goods)))
        good = self.goods[index]
        size = (good.image.shape[0], good.image.shape[1])
        shape = str(rng.choice(list(SHAPES), p=list(SHAPES.values())))
        look = str(rng.choice(list(LOOKS), p=list(LOOKS.values()))) if shape != "line" else "level"
        alpha = _draw_shape(shape, size, self.placement.draw(index, None, rng), rng)
        if shape == "cloud":
            alpha *= self.placement.allowed[index]
        wanted = alpha > 0.5
        changed = good.image.astype(np.float32)
        if wanted.any():
            new = self._look(look, index, rng)
            changed += (new - changed) * alpha[..., None] * rng.uniform(0.7, 1)
        image, mask = settle(good.image, changed, alpha > 0.02, self.noise[index])
        provenance: dict[str, object] = {
            "method": self.method,
            "good": good.name,
            "defect": None,
            "shape": shape,
            "look": look,
        }
        return Pair(image, mask, label, provenance), bool(mask.sum() >= max(6, 0.3 * wanted.sum()))

    def _look(self, look: str, index: int, rng: np.random.Generator) -> np.ndarray:
        """The whole part under another look, float32 (h, w, 3)."""
        image = self.goods[index].image.astype(np.float32)
        h, w = image.shape[:2]
        # A patch of the same texture at the same level cannot be seen, and would be a false label.
        shift = rng.uniform(10, 40) * (1 if rng.random() < 0.5 else -1)
        if look == "texture":
            other = self.goods[rng.integers(len(self.goods))].image
            turned = np.ascontiguousarray(np.rot90(other, int(rng.integers(4))))
            moved = np.roll(turned, rng.integers(1, 10**4, 2), axis=(0, 1))
            return cv2.resize(moved, (w, h), interpolation=cv2.INTER_LINEAR).astype(np.float32) + shift
        if look == "colour":
            return image * rng.uniform(0.6, 1.3, 3) + shift + rng.normal(0, 15, 3)
        if look == "smudge":
            return cv2.blur(image, (int(rng.integers(5, 25)), int(rng.integers(5, 25)))) + shift
        if look == "grain":
            field = smooth_noise((h, w), float(rng.uniform(2, 6)), rng)[0][..., None]
            return image + field * rng.uniform(20, 50)
        amount = rng.uniform(0.25, 0.9)
        return image * (1 - amount) if rng.random() < 0.7 else image + (255 - image) * 0.6 * amount


def _draw_shape(
    shape: str, size: tuple[int, int], centre: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """A soft-edged shape, float32 (h, w) from 0 to 1."""
    if shape == "cloud":
        return _cloud(size, rng)
    return _line(size, centre, rng) if shape == "line" else _spot(size, centre, rng)


def _cloud(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Islands of multi-scale noise, 0.3 to 12 % of the picture."""
    side = min(size)
    field = np.zeros(size, np.float32)
    for octave in range(3):
        period = side / 2.0 ** rng.uniform(1 + octave, 3 + octave)
        field += smooth_noise(size, (period * rng.uniform(0.6, 1.7), period), rng)[0] / 1.6**octave
    small = np.ascontiguousarray(field[::4, ::4])
    level = float(np.quantile(small, 1 - np.exp(rng.uniform(np.log(0.003), np.log(0.12)))))
    return np.clip((field - level) / max(1e-3, 0.15 * float(field.std())), 0, 1)


def _spot(size: tuple[int, int], centre: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """One to four ragged blots near each other."""
    alpha = np.zeros(size, np.float32)
    side = min(size)
    for _ in range(int(rng.integers(1, 5))):
        radius = side * float(np.exp(rng.uniform(np.log(0.008), np.log(0.07))))
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        wave = 1 + 0.35 * cv2.GaussianBlur(rng.normal(0, 1, (1, 24)).astype(np.float32), (0, 0), 1.2)[0]
        stretch = rng.uniform(0.5, 1)
        turn = rng.uniform(0, np.pi)
        x, y = radius * wave * np.cos(angles), radius * stretch * wave * np.sin(angles)
        at = np.array(centre) + rng.normal(0, 2.5 * radius, 2)
        outline = np.stack(
            [at[1] + x * np.cos(turn) - y * np.sin(turn), at[0] + x * np.sin(turn) + y * np.cos(turn)], 1
        )
        cv2.fillPoly(alpha, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return np.clip(cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.6, 2.0)), 0, 1)


def _line(size: tuple[int, int], centre: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """A line that wanders, as a scratch, crack or fibre does."""
    side = min(size)
    steps = int(rng.integers(6, 24))
    length = side * float(np.exp(rng.uniform(np.log(0.06), np.log(0.6))))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.02, 0.4), steps))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * length / steps, axis=0)
    path = path - path.mean(axis=0) + (centre[1], centre[0])
    alpha = np.zeros(size, np.float32)
    thick = int(rng.integers(1, 4))
    cv2.polylines(alpha, [np.rint(path * 16).astype(np.int32)], False, 1.0, thick, cv2.LINE_AA, 4)
    if rng.random() < 0.3:
        alpha = cv2.dilate(alpha, disc(1))
    return np.clip(cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 1.0)) * 1.5, 0, 1)

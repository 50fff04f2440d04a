"""Cut-paste: a real defect, bent and relit, laid on a good part. Made online, without end."""

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from burnish.errors import DatasetError
from burnish.inspect.pairs import Pair, Shot, disc, grown_box, noise_level, settle
from burnish.inspect.placement import Placement
from burnish.inspect.shapes import Warp, warp
from burnish.inspect.templates import Template, cut_templates

SMALL = {"residual": 0.4, "ratio": 0.25, "paste": 0.2, "seamless": 0.15}
CLEAR = 0.7
"""Least `clarity`: fainter pairs teach a segmenter to see defects in good texture."""
LARGE = {"residual": 0.15, "ratio": 0.15, "paste": 0.3, "seamless": 0.1, "shade": 0.3}


@dataclass(frozen=True)
class Proposal:
    """What is to be laid where.

    Attributes:
        index: Of the good part.
        template: The real defect.
        mode: How it is to be blended.
        laid: The defect bent and placed.
    """

    index: int
    template: Template
    mode: str
    laid: Warp


class CutPaste:
    """Pastes real defects onto good parts in several ways.

    Five blends: `residual` adds the defect's difference from its own background; `ratio` multiplies by their
    quotient (what a change of reflectance does); `paste` copies pixels with a feathered edge, brightness
    matched at the rim; `seamless` is Poisson editing (Perez et al. 2003); `shade` transfers only the slow
    change and the texture's strength, for large faint areas. Cut-paste: arXiv 2104.04015; pasting with
    masks: 2012.07177.

    Args:
        goods: Good parts.
        defects: Defective parts; those without a mask are left out.

    Raises:
        DatasetError: No good part, or no defect with a mask.
    """

    method = "cutpaste"
    tries = 12

    def __init__(self, goods: list[Shot], defects: list[Shot]) -> None:
        if not goods:
            raise DatasetError("cut-paste", "there is no good part to paste on", "Add good parts")
        self.goods = goods
        self.templates = [t for shot in defects for t in cut_templates(shot)]
        if not self.templates:
            raise DatasetError("cut-paste", "no defect has a mask", "Draw masks, or use --synthesis perlin")
        self.placement = Placement(goods)
        self.noise = [noise_level(g.image) for g in goods]
        self.rejected: Counter[str] = Counter()
        self.by_class: dict[str, list[Template]] = {}
        for template in self.templates:
            self.by_class.setdefault(template.label, []).append(template)

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """A new pair, of a class drawn evenly or of `label`."""
        return self.make(int(rng.integers(2**62)), label)

    def make(self, seed: int, label: str | None = None) -> Pair:
        """The pair of this seed: the same seed on the same parts makes the same pair."""
        rng = np.random.default_rng(seed)
        for _ in range(self.tries):
            pair, kept = self.paint(self.propose(rng, label), rng)
            if kept:
                break
            self.rejected["little change"] += 1
        else:
            pair = self._as_pasted(self.propose(rng, label), rng)
            for _ in range(self.tries):
                if pair.mask.any():
                    break
                pair = self._as_pasted(self.propose(rng, label), rng)  # a crumb was lost beyond the edge
        pair.provenance["seed"] = seed
        return pair

    def _as_pasted(self, p: Proposal, rng: np.random.Generator) -> Pair:
        """For a defect that hardly shows: its pixels themselves, labelled where they were laid."""
        good = self.goods[p.index]
        changed, _, _ = blend(good.image, p.laid, "paste", p.template.large, rng)
        provenance: dict[str, object] = {"method": self.method, "good": good.name, "defect": p.template.name}
        provenance |= {
            "mode": "paste",
            "hardly_visible": True,
            "weak_mask": p.template.weak,
            **p.laid.settings,
        }
        mask = p.laid.on_part(good.image.shape)
        return Pair(np.rint(changed).astype(np.uint8), mask, p.template.label, provenance)

    def propose(self, rng: np.random.Generator, label: str | None = None) -> Proposal:
        """A defect, the good part it goes on, its place and bend; nothing is painted yet."""
        index = int(rng.integers(len(self.goods)))
        good = self.goods[index]
        classes = sorted(self.by_class)
        choices = self.by_class[label or classes[rng.integers(len(classes))]]
        weight = np.array([t.mask.sum() ** 0.5 for t in choices])  # crumbs beside a defect come less often
        template = choices[rng.choice(len(choices), p=weight / weight.sum())]
        modes = LARGE if template.large else SMALL
        mode = str(rng.choice(list(modes), p=list(modes.values())))
        turn = 12.0 if mode in ("paste", "seamless") or template.large or rng.random() < 0.6 else 180.0
        shape = (good.image.shape[0], good.image.shape[1])
        centre = self.placement.draw(index, template, rng)
        bend = 0.2 if template.large or mode in ("paste", "seamless") else 1.0  # texture must not wave
        laid = warp(template, shape, centre, turn, rng, bend)
        return Proposal(index, template, mode, laid)

    def paint(self, p: Proposal, rng: np.random.Generator) -> tuple[Pair, bool]:
        """The pair of a proposal, and whether enough of it changed."""
        good = self.goods[p.index]
        changed, support, gain = blend(good.image, p.laid, p.mode, p.template.large, rng)
        image, mask = settle(good.image, changed, support, self.noise[p.index])
        provenance: dict[str, object] = {
            "method": self.method,
            "good": good.name,
            "defect": p.template.name,
            "mode": p.mode,
            "gain": round(gain, 3),
            "weak_mask": p.template.weak,
            **p.laid.settings,
        }
        kept = mask.sum() >= max(4, 0.35 * (p.laid.mask > 0.5).sum())
        if kept:
            change = np.abs(image[mask].astype(np.float32) - good.image[mask]).max(axis=1).mean()
            kept = change >= max(5.0, 1.5 * self.noise[p.index]) and clarity(good.image, image, mask) >= CLEAR
        return Pair(image, mask, p.template.label, provenance), bool(kept)


def clarity(good: np.ndarray, image: np.ndarray, mask: np.ndarray) -> float:
    """How far a change stands out: the mean smoothed change over the texture's own spread around it.

    Args:
        good, image: uint8 (h, w, 3), before and after.
        mask: bool (h, w), not empty: what changed.
    """
    y0, y1, x0, x1 = grown_box(mask, 12)
    before, after = (a[y0:y1, x0:x1].astype(np.float32).mean(axis=2) for a in (good, image))
    change = np.abs(cv2.GaussianBlur(after - before, (0, 0), 2))[mask[y0:y1, x0:x1]].mean()
    return float(change / (1.4826 * np.median(np.abs(before - np.median(before))) + 1))


def blend(
    good: np.ndarray, laid: Warp, mode: str, large: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Lays a warped defect on a good part.

    Args:
        good: uint8 (h, w, 3).
        laid: The defect.
        mode: "residual", "ratio", "paste", "seamless" or "shade".
        large: Widens the feather.
        rng: Draws gain and brightness.

    Returns:
        The changed picture, float32 (h, w, 3); where it may have changed, bool (h, w); the gain.
    """
    h, w = laid.mask.shape
    where = (slice(laid.top, laid.top + h), slice(laid.left, laid.left + w))
    under = good[where].astype(np.float32)
    hard = laid.mask > 0.5
    soft = 1.0 + (0.03 * np.sqrt(hard.sum()) if large else 0.0)
    grown = cv2.dilate(hard.astype(np.uint8), disc(1 + int(soft)))
    alpha = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), soft)[..., None]
    alpha = np.maximum(alpha - 0.02, 0) / 0.98
    gain = float(np.exp(rng.uniform(np.log(0.65), np.log(1.4))))
    ring = (grown > 0) & ~hard
    ring = ring if ring.sum() > 8 else np.ones_like(ring)
    light = float((under[ring].mean() + 8) / (laid.ground[ring].mean() + 8))
    if mode == "residual":
        new = under + (laid.patch - laid.ground) * gain * np.clip(light, 0.4, 1.6) ** rng.uniform(0, 1)
    elif mode == "ratio":
        quotient = np.clip((laid.patch + 4) / (laid.ground + 4), 0.05, 4)
        new = (under + 4) * np.exp(gain * np.log(quotient)) - 4
    elif mode == "paste":
        relit = laid.patch * np.clip(light, 0.3, 2.5) ** rng.uniform(0.5, 1)
        new = relit + under[ring].mean(axis=0) - relit[ring].mean(axis=0) + rng.normal(0, 2)
    elif mode == "shade":
        new = _shade(under, laid, gain)
    else:
        new = _seamless(good, laid, grown, where, gain)
    support = np.zeros(good.shape[:2], bool)
    support[where] = alpha[..., 0] > 0
    changed = good.astype(np.float32)
    changed[where] = np.clip(under + (new - under) * alpha, 0, 255)
    return changed, support, gain


def _shade(under: np.ndarray, laid: Warp, gain: float) -> np.ndarray:
    """The slow part of the change, and the defect's texture strength, on the good part's own texture."""
    sigma = max(2.0, 0.04 * float(np.sqrt(laid.mask.sum())))
    slow = cv2.GaussianBlur(laid.patch - laid.ground, (0, 0), sigma)
    inside, outside = laid.mask > 0.5, laid.mask <= 0.5
    fast = np.abs(laid.patch - cv2.GaussianBlur(laid.patch, (0, 0), sigma)).mean(axis=2)
    strength = fast[inside].mean() / max(1.0, fast[outside].mean()) if inside.any() and outside.any() else 1.0
    base = cv2.GaussianBlur(under, (0, 0), sigma)
    return base + (under - base) * np.clip(strength, 0.5, 2.0) + gain * slow


def _seamless(
    good: np.ndarray, laid: Warp, grown: np.ndarray, where: tuple[slice, slice], gain: float
) -> np.ndarray:
    """Poisson editing inside the warp's window; a defect at the window's border is mirrored off it first."""
    pad = 8
    edge = [
        cv2.copyMakeBorder(a, pad, pad, pad, pad, cv2.BORDER_REFLECT_101) for a in (good[where], laid.patch)
    ]
    below, above = (np.clip(a, 0, 255).astype(np.uint8) for a in edge)
    mask = cv2.copyMakeBorder(grown * 255, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    mask = cv2.dilate(
        mask, np.ones((3, 3), np.uint8), iterations=4
    )  # seamlessClone takes three pixels off again
    if not mask.any():
        return good[where].astype(np.float32)
    x, y, w, h = cv2.boundingRect(mask)
    out = cv2.seamlessClone(above, below, mask, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE)
    new = out[pad:-pad, pad:-pad].astype(np.float32)
    under = good[where].astype(np.float32)
    return under + (new - under) * gain

"""Which way of making new defects serves each class, or none: tried on real ones that no maker has seen.

A linear probe on frozen features stands in for the segmenter, for it learns in a second: it learns from
crops of the known real defects of a class, alone or with as many of new ones of one way, and its pixel AP on
held-out real defects says how much they taught. Real ones are cut and relit as often as new ones are made,
as the segmenter sees them; shown once each, they lost to new ones that taught the segmenter nothing.

Real defects alone are hard to beat (docs/benchmarks.md), and a handful of held-out ones is a noisy judge: a
way has to be better by `MARGIN`, over all classes and `ROUNDS` of other views, before any class takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from burnish.core.stats import average_precision
from burnish.inspect.crops import cut, relight
from burnish.inspect.learn import as_tensor
from burnish.inspect.pairs import Shot, Synthesiser
from burnish.nets.backbone import load_lite0, upright
from burnish.train.loop import seeded_weights

NONE = "none"
"""The way that makes nothing: real defects alone."""
PAIRS = 24
"""Crops of real and of new defects that a way is tried on, of each class."""
ROUNDS = 2
"""How many times, each with crops of its own; one round's gain moves by 0.1 with the crops alone."""
SIDE = 256
"""Of a crop in pixels."""
MARGIN = 0.1
"""In pixel AP, the mean of all classes: by so much new ones must be better than real ones alone."""
RIDGE = 1e-2
"""Of the probe, relative to the features' mean variance."""

Pixels = tuple[Tensor, Tensor]
"""Features (n, C) and whether each lies in a defect, bool (n,)."""


@dataclass(frozen=True)
class Choice:
    """What was found.

    Attributes:
        way: The chosen way, or `NONE`, for each class; one that could not be tried takes what serves all.
        found: Held-out pixel AP by way, of each class that could be tried.
    """

    way: Mapping[str, str]
    found: Mapping[str, Mapping[str, float]]

    def in_words(self) -> str:
        """For the report."""
        if not self.way:
            return "No class has two marked defects, one to learn from and one to judge by: all ways alike."
        said = [
            f"{label}: {way.replace(NONE, 'no new ones')}"
            f" ({', '.join(f'{m} {v:.2f}' for m, v in self.found.get(label, {}).items()) or 'not tried'})"
            for label, way in self.way.items()
        ]
        return (
            "Chosen by the pixel AP of a linear probe on held-out real defects of the training parts; new"
            f" ones only where they gain {MARGIN:g} over all classes, then by class: {'; '.join(said)}."
        )


def takes_none(way: Mapping[str, str]) -> bool:
    """Whether it was found that no class gains by new defects."""
    return set(way.values()) == {NONE}


@torch.no_grad()
def choose(
    ways: Mapping[str, Synthesiser],
    known: Sequence[Shot],
    unseen: Sequence[Shot],
    rng: np.random.Generator,
) -> Choice:
    """Tries each way on each class.

    Args:
        ways: Makers that learned from `known` alone.
        known: Good and defective parts.
        unseen: Other good and defective parts; defects with drawn masks count.
        rng: Draws the new defects.
    """
    with seeded_weights(0):  # beside another training
        trunk = load_lite0()

    def look(images: Sequence[tuple[np.ndarray, np.ndarray]]) -> Pixels:
        seen = [_pixels(trunk, image, mask) for image, mask in images]
        return torch.cat([x for x, _ in seen]), torch.cat([y for _, y in seen])

    def view(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image, mask = cut(image, mask, SIDE, rng)
        return np.rint(255 * relight(image, rng)).astype(np.uint8), mask

    def views(shots: Sequence[Shot]) -> Pixels:
        images = shown(shots)
        return look([view(*images[k % len(images)]) for k in range(PAIRS)])

    def shown(shots: Sequence[Shot]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(s.image, s.mask) for s in shots if s.mask is not None]

    def marked(shots: Sequence[Shot], label: str | None = None) -> list[Shot]:
        drawn = [s for s in shots if s.label != "good" and not s.weak and s.mask is not None and s.mask.any()]
        return [s for s in drawn if label in (None, s.label)]

    fresh = look(shown([s for s in unseen if s.label == "good"][: PAIRS // 2]))
    labels = sorted({s.label for s in marked(unseen)} & {s.label for s in marked(known)})
    judged = {label: _both(look(shown(marked(unseen, label))), fresh) for label in labels}
    found: dict[str, dict[str, float]] = {label: {} for label in labels}

    def score(label: str, name: str, *lessons: Pixels) -> None:
        x, y = judged[label]
        ap = average_precision((x @ _fit(lessons)).numpy(), y.numpy()) or 0.0
        found[label][name] = found[label].get(name, 0.0) + ap / ROUNDS

    for _ in range(ROUNDS):
        good = views([s for s in known if s.label == "good"])
        for label in labels:
            real = _both(views(marked(known, label)), good)
            score(label, NONE, real)
            for name, way in ways.items():
                if label in getattr(way, "by_class", {label: 1}):
                    pairs = [way.draw(rng, label) for _ in range(PAIRS)]
                    new = look([view(pair.image, pair.mask) for pair in pairs])
                    score(label, name, real, _both(new, good))
    names = [NONE, *ways]
    found = {label: row for label, row in found.items() if len(row) == len(names)}
    mean = {name: np.mean([row[name] for row in found.values()]) if found else 0.0 for name in names}
    worth = [name for name in names if name == NONE or mean[name] > mean[NONE] + MARGIN]
    rows = {label: found.get(label, mean) for label in sorted({s.label for s in known} - {"good"}) if found}
    return Choice(
        {label: max(worth, key=lambda m, row=row: row[m] + mean[m]) for label, row in rows.items()}, found
    )


def _both(a: Pixels, b: Pixels) -> Pixels:
    return torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]])


def _pixels(trunk: torch.nn.Module, image: np.ndarray, mask: np.ndarray) -> Pixels:
    """Features at strides 4, 8 and 16 at each eighth pixel, with a constant one, and what the mask says
    there."""
    maps = [upright(m) for m in trunk(as_tensor(image))[1:4]]
    size = (image.shape[0] // 8, image.shape[1] // 8)
    fitted = [
        F.adaptive_avg_pool2d(m, size) if m.shape[-2] > size[0] else F.interpolate(m, size, mode="bilinear")
        for m in maps
    ]
    x = torch.cat([*fitted, torch.ones(1, 1, *size)], 1)[0].flatten(1).T
    y = F.adaptive_avg_pool2d(torch.from_numpy(mask)[None, None].float(), size)[0, 0].flatten() > 0.3
    return x, y


def _fit(lessons: Sequence[Pixels]) -> Tensor:
    """Weights of a ridge regression on the label, (C,); both kinds count alike, and so does each lesson."""
    gram, moment = 0.0, 0.0
    for x, y in lessons:
        weight = torch.where(y, 0.5 / y.sum().clamp_min(1), 0.5 / (~y).sum().clamp_min(1))[:, None]
        gram, moment = gram + (x * weight).T @ x, moment + (x * weight).T @ (2.0 * y - 1)
    assert isinstance(gram, Tensor)
    return torch.linalg.solve(gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)), moment)

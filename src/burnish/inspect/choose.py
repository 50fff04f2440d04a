"""Which way of making new defects serves each class: tried on real ones that none of the makers has seen.

A linear probe on frozen features stands in for the segmenter, for it learns in a second: each way makes some
defects of a class, the probe learns to tell them from good parts, and its pixel AP on held-out real defects
says how much they taught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from burnish.core.stats import average_precision
from burnish.inspect.learn import as_tensor
from burnish.inspect.pairs import Shot, Synthesiser
from burnish.nets.backbone import load_lite0, upright

PAIRS = 24
"""New defects that a way is tried on, of each class."""
RIDGE = 1e-2
"""Of the probe, relative to the features' mean variance."""

Pixels = tuple[Tensor, Tensor]
"""Features (n, C) and whether each lies in a defect, bool (n,)."""


@dataclass(frozen=True)
class Choice:
    """What was found.

    Attributes:
        way: The chosen way, for each class that could be tried.
        found: Held-out pixel AP by class and way.
    """

    way: Mapping[str, str]
    found: Mapping[str, Mapping[str, float]]

    def in_words(self) -> str:
        """For the report."""
        if not self.way:
            return "No class has two marked defects, one to learn from and one to judge by: all ways alike."
        said = [
            f"{label}: {way} ({', '.join(f'{m} {v:.2f}' for m, v in self.found[label].items())})"
            for label, way in self.way.items()
        ]
        return (
            "Chosen by class, by the pixel AP of a linear probe on held-out real defects of the training"
            f" parts (half its own class, half the mean of all): {'; '.join(said)}."
        )


@torch.no_grad()
def choose(
    ways: Mapping[str, Synthesiser],
    goods: Sequence[Shot],
    unseen: Sequence[Shot],
    rng: np.random.Generator,
) -> Choice:
    """Tries each way on each class.

    Args:
        ways: Makers that learned from neither `unseen` nor anything but `goods` and other defects.
        goods: Good parts that they know.
        unseen: Good and defective parts that they do not know; defects with drawn masks count.
        rng: Draws the new defects.
    """
    trunk = load_lite0()

    def look(images: Sequence[tuple[np.ndarray, np.ndarray]]) -> Pixels:
        seen = [_pixels(trunk, image, mask) for image, mask in images]
        return torch.cat([x for x, _ in seen]), torch.cat([y for _, y in seen])

    def shown(shots: Sequence[Shot]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(s.image, s.mask) for s in shots if s.mask is not None]

    marked = [s for s in unseen if s.label != "good" and not s.weak and s.mask is not None and s.mask.any()]
    known = look(shown(goods[:PAIRS]))
    fresh = look(shown([s for s in unseen if s.label == "good"][: PAIRS // 2]))
    found: dict[str, dict[str, float]] = {}
    for label in sorted({s.label for s in marked}):
        real = look(shown([s for s in marked if s.label == label]))
        judged = torch.cat([real[0], fresh[0]]), torch.cat([real[1], fresh[1]])
        for name, way in ways.items():
            if label not in getattr(way, "by_class", {label: 1}):
                continue
            pairs = [way.draw(rng, label) for _ in range(PAIRS)]
            made = look([(pair.image, pair.mask) for pair in pairs])
            probe = _fit(torch.cat([made[0], known[0]]), torch.cat([made[1], known[1]]))
            score = average_precision((judged[0] @ probe).numpy(), judged[1].numpy())
            found.setdefault(label, {})[name] = float(score or 0.0)
    found = {label: row for label, row in found.items() if len(row) == len(ways)}
    mean = {name: np.mean([row[name] for row in found.values()]) if found else 0.0 for name in ways}
    return Choice(
        {label: max(row, key=lambda m, row=row: row[m] + mean[m]) for label, row in found.items()}, found
    )


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


def _fit(x: Tensor, y: Tensor) -> Tensor:
    """Weights of a ridge regression on the label, both kinds counted alike, (C,)."""
    weight = torch.where(y, 0.5 / y.sum().clamp_min(1), 0.5 / (~y).sum().clamp_min(1))[:, None]
    gram = (x * weight).T @ x
    return torch.linalg.solve(
        gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)), (x * weight).T @ (2.0 * y - 1)
    )

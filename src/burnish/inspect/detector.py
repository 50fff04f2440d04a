"""The inspector: one pass that says how suspicious a part is, and where.

Two judges look at the same first blocks of a trunk. The *segmenter* has seen defects, real and new ones; the
*surprise* knows good parts alone, so it also speaks up about what nobody has seen. Their peaks are weighed on
parts that neither learned from.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from burnish.errors import BundleError
from burnish.inspect.reference import DinoReference, LiteReference, load_reference
from burnish.inspect.segmenter import FROZEN, Segmenter
from burnish.inspect.shots import PARTS, load_shots
from burnish.inspect.surprise import Surprise
from burnish.nets.backbone import Lite0
from burnish.store.bundle import WEIGHTS, Bundle, read_bundle

PEAK = 12
"""How many of the highest places make a peak."""


@dataclass(frozen=True)
class Fusion:
    """How the two judges are weighed; both peaks are first brought to the goods' scale and then squashed by
    a logarithm, so that one judge alone cannot shout the other down. That the segmenter sees nothing it knows
    speaks for no part, so its peak counts from the goods' centre upwards.

    Attributes:
        centre, spread: Of the goods' held-out peaks, for (segmenter, surprise).
        weight: Of the two standardised peaks in the score.
        pixel: Offset and weights of (segmenter logit, surprise) in the heat map's logit.
        squashed: Whether peaks are squashed; inspectors of before 2026-11-24 are not.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    spread: tuple[float, float] = (1.0, 1.0)
    weight: tuple[float, float] = (0.5, 0.5)
    pixel: tuple[float, float, float] = (0.0, 1.0, 0.0)
    squashed: bool = True

    def score(self, peaks: np.ndarray) -> np.ndarray:
        """Scores (n,) of peaks (n, 2)."""
        z = (peaks - np.array(self.centre)) / np.array(self.spread)
        z = np.maximum(z, (0.0, -np.inf))
        return (squash(z) if self.squashed else z) @ np.array(self.weight)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Fusion":
        """The inverse of `to_json`; of one that does not say so, peaks are not squashed."""
        numbers = {name: tuple(given[name]) for name in ("centre", "spread", "weight", "pixel")}
        return cls(**numbers, squashed=bool(given.get("squashed", False)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def squash(z: np.ndarray) -> np.ndarray:
    """sign(z) log(1 + |z|): linear near 0, slow far out."""
    return np.sign(z) * np.log1p(np.abs(z))


class Inspector(nn.Module):
    """Score and heat map of a picture.

    Args:
        segmenter: Has seen defects.
        reference: Frozen features.
        surprise: Over the reference's features.
        fusion: Weighs the two.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        reference: LiteReference | DinoReference,
        surprise: Surprise,
        fusion: Fusion,
    ) -> None:
        super().__init__()
        self.segmenter, self.reference, self.surprise = segmenter, reference, surprise
        self.fusion = fusion

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Judges pictures.

        Args:
            x: float32 (B, 3, H, W) in [0, 1]; H and W multiples of 32.

        Returns:
            Scores (B,), higher is more suspicious, and heat (B, H / 4, W / 4) in [0, 1].
        """
        logits, surprise = self.maps(x)
        f = self.fusion
        z = [(peak(m) - c) / s for m, c, s in zip((logits, surprise), f.centre, f.spread, strict=True)]
        z[0] = z[0].clamp_min(0)
        if f.squashed:
            z = [v.sign() * v.abs().log1p() for v in z]
        score = f.weight[0] * z[0] + f.weight[1] * z[1]
        fine = F.interpolate(surprise, size=logits.shape[-2:], mode="bilinear", align_corners=False)
        heat = torch.sigmoid(f.pixel[0] + f.pixel[1] * logits + f.pixel[2] * fine)
        return score, heat[:, 0]

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The segmenter's logits (B, 1, H / 4, W / 4) and the surprise (B, 1, h, w)."""
        trunk = self.segmenter.trunk
        shared = trunk.early(x, FROZEN)
        logits = self.segmenter.decode(trunk.late(*shared))
        return logits, self.surprise(self.reference(x, shared))


def peak(maps: Tensor) -> Tensor:
    """Mean of the `PEAK` highest values of a map smoothed over 3 x 3, (B, 1, h, w) to (B,)."""
    smoothed = F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)
    return smoothed.flatten(1).topk(PEAK, dim=1).values.mean(1)


def load_inspector(path: str | Path) -> tuple[Inspector, Bundle]:
    """An inspector from its bundle.

    Raises:
        BundleError: Not an inspector's bundle, or damaged.
    """
    bundle = read_bundle(path, "inspector")
    meta, state = bundle.meta, load_file(bundle.path / WEIGHTS)
    axes, channels = state["surprise.basis"].shape
    inspector = Inspector(
        Segmenter(Lite0()),
        load_reference(meta["architecture"]["reference"], pretrained=False),
        Surprise(channels, axes, len(state["surprise.memory"])),
        Fusion.from_json(meta["fusion"]),
    )
    try:
        inspector.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(bundle.path, "holds weights of another architecture", "Train again") from error
    return inspector.eval(), bundle


def for_line(path: str | Path) -> tuple[Inspector, dict[str, Any], list[np.ndarray]]:
    """What export and evaluation need: the inspector, its description, and a few fitted pictures to compare
    on.

    Raises:
        BundleError: Not an inspector's bundle, or damaged.
    """
    inspector, bundle = load_inspector(path)
    shots = load_shots(bundle.path / PARTS)
    goods = [s.image for s in shots if s.label == "good"][:8]
    return (
        inspector,
        {**bundle.meta, "model_hash": bundle.hash},
        goods + [s.image for s in shots if s.label != "good"][:8],
    )

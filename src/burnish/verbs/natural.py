"""How odd a picture is to a model: by how much its surprise differs from that of real held-out pictures.

A model's denoising loss alone would prefer what is smooth: a blank wall is easier to denoise than any part.
So both sides count against a picture, being harder and being easier than real ones (typicality,
arXiv:1906.02994), and a round of refining that only blurs is not kept.
"""

import math

import numpy as np
import torch
from torch import Tensor

from burnish.core.process import normal, seeded
from burnish.core.windows import Windowed
from burnish.verbs.diffusion import Diffusion

TIMES = (0.1, 0.25, 0.4)
"""Where detail is judged; held-out losses at these times stand in a bundle's training curve."""


class Oddness:
    """Answers with |ln(loss / held-out loss)|, averaged over `TIMES`; lower is more natural, 0 is typical.

    Of a bundle without a hold-out the reference is unknown, and the loss itself is the answer.

    Args:
        model: The model that judges.
        hole: bool (H, W), the only pixels that count; None for all.
        describe: What the picture shows, as said to `refine`.
    """

    def __init__(self, model: Diffusion, hole: np.ndarray | None = None, describe: str = "") -> None:
        self.model, self.hole, self.describe = model, hole, describe
        training = model.bundle.meta.get("training", {})
        kept = [row for row in training.get("curve", []) if row.get("step") == training.get("best_step")]
        self.typical = [kept[-1].get(f"t={t:.2f}") if kept else None for t in TIMES]

    @torch.no_grad()
    def __call__(self, levels: np.ndarray) -> float:
        """The oddness of a picture, float32 (H, W, 3) in [0, 255]."""
        model = self.model
        codes = encode(levels, model, model.size)
        hole = np.ones(levels.shape[:2], bool) if self.hole is None else self.hole
        weight = code_mask(hole, model).to(codes.dtype)
        denoiser = Windowed(model.denoiser, model.size // model.codec.factor)
        said = model.condition(self.describe)
        total = 0.0
        for number, (t, typical) in enumerate(zip(TIMES, self.typical, strict=True)):
            noise = normal(codes.shape, seeded(19, number), codes.device)
            x_t, when = (1 - t) * codes + t * noise, torch.full((1,), t, device=codes.device)
            loss = model.process.loss(denoiser(x_t, when, said), codes, x_t, when, weight).item()
            total += abs(math.log(max(loss, 1e-9) / typical)) if typical else loss
        return total / len(TIMES)


def encode(levels: np.ndarray, model: Diffusion, least: int) -> Tensor:
    """Codes (1, C, h, w) of a picture, mirrored at the bottom and the right where it does not fit.

    Args:
        levels: float32 (H, W, 3) in [0, 255].
        model: Whose codes.
        least: Least side in pixels.
    """
    extra = [(0, fitting(side, model, least) - side) for side in levels.shape[:2]]
    padded = np.pad(levels, (*extra, (0, 0)), mode="symmetric")
    return torch.from_numpy(model.codec.encode(padded[None])).to(model.device)


def code_mask(hole: np.ndarray, model: Diffusion) -> Tensor:
    """Numbers of a code that any pixel of a hole lies in, bool (1, 1, h, w), fitting `encode`.

    Args:
        hole: bool (H, W).
        model: Whose codes.
    """
    factor = model.codec.factor
    height, width = (fitting(side, model, model.size) for side in hole.shape)
    padded = np.zeros((height, width), bool)
    padded[: hole.shape[0], : hole.shape[1]] = hole
    cells = padded.reshape(height // factor, factor, width // factor, factor).any((1, 3))
    return torch.from_numpy(cells).to(model.device)[None, None]


def fitting(side: int, model: Diffusion, least: int) -> int:
    """The side in pixels, at least `least`, that a picture of `side` is mirrored to before it is coded."""
    factor = model.codec.factor
    return -(-max(side, least) // factor) * factor

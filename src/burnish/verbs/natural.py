"""How odd a picture is to a model: by how much its surprise differs from that of real held-out pictures.

A model's denoising loss alone would prefer what is smooth: a blank wall is easier to denoise than any part.
So both sides count against a picture, being harder and being easier than real ones (typicality,
arXiv:1906.02994), and a round of refining that only blurs is not kept.
"""

import math

import numpy as np
import torch

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
        model, least = self.model, self.model.size
        height, width = levels.shape[:2]
        extra = ((0, max(0, least - height)), (0, max(0, least - width)))
        padded = np.pad(levels, (*extra, (0, 0)), mode="symmetric")
        codes = torch.from_numpy(model.codec.encode(padded[None])).to(model.device)
        counts = np.ones((height, width), np.float32) if self.hole is None else self.hole.astype(np.float32)
        weight = torch.from_numpy(np.pad(counts, extra)).to(model.device)[None, None]
        denoiser, said = Windowed(model.denoiser, least), model.condition(self.describe)
        total = 0.0
        for number, (t, typical) in enumerate(zip(TIMES, self.typical, strict=True)):
            noise = normal(codes.shape, seeded(19, number), codes.device)
            x_t, when = (1 - t) * codes + t * noise, torch.full((1,), t, device=codes.device)
            loss = model.process.loss(denoiser(x_t, when, said), codes, x_t, when, weight).item()
            total += abs(math.log(max(loss, 1e-9) / typical)) if typical else loss
        return total / len(TIMES)

r"""Surprise: how far one denoising step moves a feature away from what it saw.

Of a finite set of good features $b_1, \dots, b_M$ the exact clean-data posterior at time $t$ on the straight path is
known in closed form, without training (the optimal denoiser of an empirical distribution, arXiv:2206.00364,
appendix B.3, with $x_t = (1 - t) x$):

$$ \hat x_0(x_t) = \sum_i w_i b_i, \qquad w_i \propto \exp \Big( -\frac{(1 - t)^2 \| x - b_i \|^2}{2 t^2} \Big) $$

A good feature is a fixed point of this step; a feature that no good part has is pulled to the nearest good one, and
$\| x - \hat x_0 \|$ says how far. As $t \to 0$ the step goes to the nearest neighbour, which is what PatchCore
(arXiv:2106.08265) measures; one step suffices. The line takes that limit: a matrix product and a minimum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Surprise(nn.Module):
    """One step of the exact denoiser over a memory of good features.

    Args:
        channels: Of the features.
        size: Features in the memory.
    """

    memory: Tensor
    level: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("memory", torch.zeros(size, channels))
        self.register_buffer("level", torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        """Surprise in units of a good part's typical surprise, (B, 1, h, w).

        Args:
            features: Of a reference, (B, C, h, w).
        """
        cross = F.conv2d(features, -2 * self.memory[:, :, None, None], self.memory.square().sum(1))
        nearest = cross.amin(1, keepdim=True) + features.square().sum(1, keepdim=True)
        return nearest.clamp_min(1e-6).sqrt() / self.level

    def denoise(self, features: Tensor, t: float) -> Tensor:
        """The posterior mean of the clean features, (B, C, h, w), of `features` taken for corrupted to time t.

        Args:
            features: (B, C, h, w).
            t: In (0, 1); towards 0 the mean goes to the nearest remembered feature.
        """
        x = features.movedim(1, -1)
        far = torch.cdist(x.flatten(0, -2), self.memory).square()
        weight = torch.softmax(-((1 - t) ** 2) * far / (2 * t * t), dim=1)
        return (weight @ self.memory).view(x.shape).movedim(-1, 1)


@torch.no_grad()
def learn_surprise(features: Sequence[Tensor], size: int, rng: torch.Generator, pool: int = 16_000) -> Surprise:
    """A memory that leaves no good feature far from a remembered one.

    Greedy k-centre: each next one is the farthest from those chosen, at most twice the optimal radius (Gonzalez
    1985). Drawn evenly instead, four times as many remember less (docs/experiments.md).

    Args:
        features: Of good parts, (C, h, w) each; at least one.
        size: Features to remember.
        rng: Draws the candidates and the first one.
        pool: Candidates.
    """
    flat = torch.cat([f.flatten(1).T for f in features])
    flat = flat[torch.randperm(len(flat), generator=rng)[:pool]]
    norms, far = flat.square().sum(1), torch.full((len(flat),), torch.inf)
    chosen = [0]
    for _ in range(min(size, len(flat)) - 1):
        last = chosen[-1]
        far = torch.minimum(far, norms - 2 * (flat @ flat[last]) + norms[last])
        chosen.append(int(far.argmax()))
    surprise = Surprise(flat.shape[1], len(chosen))
    surprise.memory.copy_(flat[chosen])
    return surprise

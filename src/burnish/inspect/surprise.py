r"""Surprise: how far one denoising step moves a feature away from what it saw.

Of a finite set of good features $b_1, \dots, b_M$ the exact clean-data posterior at time $t$ on the straight
path is known in closed form, without training (the optimal denoiser of an empirical distribution,
arXiv:2206.00364, appendix B.3, with $x_t = (1 - t) x$):

$$ \hat x_0(x_t) = \sum_i w_i b_i, \qquad
   w_i \propto \exp \Big( -\frac{(1 - t)^2 \| x - b_i \|^2}{2 t^2} \Big) $$

A good feature is a fixed point of this step; a feature that no good part has is pulled to the nearest good
one, and $\| x - \hat x_0 \|$ says how far. As $t \to 0$ the step goes to the nearest neighbour, which is what
PatchCore (arXiv:2106.08265) measures; one step suffices. The line takes that limit: a matrix product and a
minimum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAST = 0.25
"""Surprise below this counts as this: a remembered feature's own distance is rounding and differs by
runtime."""


class Surprise(nn.Module):
    """One step of the exact denoiser over a memory of good features, in their leading principal axes.

    Args:
        channels: Of the features.
        axes: Principal axes kept; distances along the others are small among good parts and are left out.
        size: Features in the memory.
    """

    basis: Tensor
    memory: Tensor
    level: Tensor

    def __init__(self, channels: int, axes: int, size: int) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(axes, channels))
        self.register_buffer("memory", torch.zeros(size, axes))
        self.register_buffer("level", torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        """Surprise in units of a good part's typical surprise, (B, 1, h, w).

        Args:
            features: Of a reference, (B, C, h, w).
        """
        x = self.project(features)
        tokens = x.flatten(2).transpose(1, 2)
        nearest = (self.memory.square().sum(1) - 2 * tokens @ self.memory.T).amin(2) + tokens.square().sum(2)
        units = (nearest / self.level.square()).clamp_min(LEAST**2).sqrt()
        return units.unflatten(1, x.shape[-2:])[:, None]

    def project(self, features: Tensor) -> Tensor:
        """Features (B, C, h, w) in the principal axes, (B, axes, h, w)."""
        return F.conv2d(features, self.basis[:, :, None, None])

    def denoise(self, features: Tensor, t: float) -> Tensor:
        """The posterior mean of clean features in the principal axes, (B, axes, h, w).

        Args:
            features: (B, C, h, w), taken for (1 - t) times features corrupted to time t.
            t: In (0, 1); towards 0 the mean goes to the nearest remembered feature.
        """
        x = self.project(features).movedim(1, -1)
        far = torch.cdist(x.flatten(0, -2), self.memory).square()
        weight = torch.softmax(-((1 - t) ** 2) * far / (2 * t * t), dim=1)
        return (weight @ self.memory).view(x.shape).movedim(-1, 1)


@torch.no_grad()
def learn_surprise(
    features: Sequence[Tensor], axes: int, size: int, rng: torch.Generator, pool: int = 16_000
) -> Surprise:
    """A memory that leaves no good feature far from a remembered one.

    Greedy k-centre: each next one is the farthest from those chosen, at most twice the optimal radius
    (Gonzalez 1985). Drawn evenly instead, four times as many remember less (docs/experiments.md).

    Args:
        features: Of good parts, (C, h, w) each; at least one.
        axes: Principal axes to keep; fewer where there are fewer channels.
        size: Features to remember.
        rng: Draws the candidates and the first one.
        pool: Candidates.
    """
    flat = torch.cat([f.flatten(1).T for f in features])
    flat = flat[torch.randperm(len(flat), generator=rng)[:pool]]
    centred = flat - flat.mean(0)
    _, vectors = torch.linalg.eigh(centred.T @ centred / len(flat))
    basis = vectors.flip(1)[:, :axes].T
    flat = flat @ basis.T
    norms, far = flat.square().sum(1), torch.full((len(flat),), torch.inf)
    chosen = [0]
    for _ in range(min(size, len(flat)) - 1):
        last = chosen[-1]
        far = torch.minimum(far, norms - 2 * (flat @ flat[last]) + norms[last])
        chosen.append(int(far.argmax()))
    surprise = Surprise(basis.shape[1], len(basis), len(chosen))
    surprise.basis.copy_(basis)
    surprise.memory.copy_(flat[chosen])
    return surprise

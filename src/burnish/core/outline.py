r"""The noisy part of a walk in closed form, so that the network's steps are spent on what only it knows.

Were the clean data Gaussian, N(mu, S) with principal axes u_k and variances lambda_k, the path from noise
eps to x_t would have a solution: x_t - (1 - t) mu keeps its direction along each axis and has the standard
deviation of x_t there,

$$ x_t = (1 - t) \mu + \sum_k s_k(t) \, (u_k^T \epsilon) \, u_k, \qquad
   s_k(t)^2 = (1 - t)^2 \lambda_k + t^2. $$

Of real data too a denoiser is nearly the Gaussian's at high noise, where it is decided how bright a picture
is and where its large shapes lie (arXiv:2412.09726). So a walk may begin at a time below 1 with this x_t; it
costs nothing, and a briefly trained network is worst above that time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from burnish.core.centred import Centred
from burnish.core.schedule import PACES, pace_of

AXES = 32
"""Principal axes kept; along the others one variance stands for all of a channel (of a clip: of one of its
courses over time)."""


class Outline(nn.Module):
    """Mean and covariance of clean data, and the times at which walks begin.

    Args:
        groups: Classes, each with a mean of its own; 1 where there are none.
        axes: Principal axes of what lies around the means.
        size: Numbers of a sample.
        parts: Of a sample, such as its channels; along what the axes leave each has a variance of its own.
        starts: The times, in (0, 1], of walks as long as each of `schedule.PACES`; 1 is the noise itself.
    """

    def __init__(
        self,
        groups: int,
        axes: int,
        size: int,
        starts: Sequence[float] = (0.5,) * len(PACES),
        parts: int = 1,
    ) -> None:
        super().__init__()
        self.starts = tuple(starts)
        self.means: Tensor
        self.axes: Tensor
        self.variances: Tensor
        self.rest: Tensor
        self.shares: Tensor
        self.register_buffer("means", torch.zeros(groups, size))
        self.register_buffer("axes", torch.zeros(axes, size))
        self.register_buffer("variances", torch.zeros(axes))
        self.register_buffer("rest", torch.zeros(parts))
        self.register_buffer("shares", torch.full((groups,), 1.0 / groups))

    @classmethod
    @torch.no_grad()
    def of(cls, samples: Tensor, labels: Tensor | None = None, classes: int = 0) -> "Outline":
        """Of clean samples.

        Args:
            samples: (n, *, h, w), n >= 2.
            labels: Class of each from 1, 0 for none, (n,).
            classes: How many there are. A class with few samples has a mean drawn to that of all.
        """
        x = samples.flatten(1).double()
        groups = max(classes, 1)
        row = torch.zeros(len(x), dtype=torch.long) if labels is None else (labels - 1).clamp_min(0)
        one = torch.nn.functional.one_hot(row, groups).double()
        if labels is not None:
            one = one * (labels > 0)[:, None]
        count, overall = one.sum(0), x.mean(0)
        means = (one.T @ x + 2 * overall) / (count + 2)[:, None] if classes > 1 else overall[None]
        around = x - means[row]
        values, vectors = torch.linalg.eigh(around @ around.T)
        kept = min(AXES, len(x) - 1, x.shape[1] - 1)
        values, vectors = values[-kept:].clamp_min(1e-12), vectors[:, -kept:]
        parts = samples[0, ..., 0, 0].numel()
        made = cls(groups, kept, x.shape[1], parts=parts)
        made.means.copy_(means)
        made.axes.copy_((vectors / values.sqrt()).T @ around)
        made.variances.copy_(values / len(x))
        left = around - vectors @ (vectors.T @ around)
        free = x.shape[1] / parts - made.axes.square().view(kept, parts, -1).sum((0, 2))
        made.rest.copy_(left.square().mean(0).view(parts, -1).sum(1) / free)
        if classes > 1:
            made.shares.copy_((count + 1e-9) / (count + 1e-9).sum())
        return made

    def packed(self) -> dict[str, Tensor]:
        """What `unpacked` needs besides the times; means and axes in half precision."""
        return {name: v.half() if v.ndim > 1 else v for name, v in self.state_dict().items()}

    @classmethod
    def unpacked(cls, known: Mapping[str, Tensor], starts: Sequence[float]) -> "Outline":
        """Undoes `packed`."""
        axes, size = known["axes"].shape
        rest = known["rest"].reshape(-1)
        made = cls(len(known["means"]), axes, size, starts, len(rest))
        made.load_state_dict({name: value.float() for name, value in {**known, "rest": rest}.items()})
        return made

    def start(self, steps: int) -> float:
        """The time at which a walk of some steps begins."""
        return self.starts[pace_of(steps)]

    def forward(
        self, noise: Tensor, t: float, label: Tensor | None = None, mean: Tensor | None = None
    ) -> Tensor:
        """x_t of noise (B, *).

        Args:
            noise: Standard normal.
            t: The time, in (0, 1).
            label: Classes from 1, (B,); where it is 0 or None, the noise itself draws one, as often as each
                occurs.
            mean: What else is known of each sample's mean, (B, *).
        """
        eps = noise.flatten(1)
        wide, narrow = (((1 - t) ** 2 * v + t * t).sqrt() for v in (self.variances, self.rest))
        x = narrow.repeat_interleave(eps.shape[1] // len(narrow)) * eps
        x = x + ((eps @ self.axes.T) * wide - x @ self.axes.T) @ self.axes
        row = self._drawn(eps)
        if label is not None:
            row = torch.where(label > 0, label - 1, row)
        x = x + (1 - t) * self.means[row]
        if mean is not None:
            x = x + (1 - t) * mean.flatten(1)
        return x.reshape(noise.shape)

    def _drawn(self, eps: Tensor) -> Tensor:
        """A class for each sample, (B,): the mean of its noise, made uniform by the normal distribution."""
        place = (1 + torch.erf(eps.mean(1) * (eps.shape[1] / 2) ** 0.5)) / 2
        return (place[:, None] > self.shares.cumsum(0)[:-1]).sum(1)


def begin(
    outline: Outline | None, denoiser: nn.Module, noise: Tensor, t: float, condition: Any = None
) -> Tensor:
    """x_t of noise (B, *), where a walk begins: at t = 1 the noise itself."""
    if outline is None or t >= 1:
        return noise
    mean = denoiser.mean(condition, len(noise)) if isinstance(denoiser, Centred) else None
    return outline(noise, t, getattr(condition, "label", None), mean)

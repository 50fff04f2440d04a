r"""Preconditioning for clips: frames of one thing resemble each other, and that much is known in closed form.

On the straight path frame i of a clip is x_t = (1 - t_i) x_0 + t_i eps, each frame at its own time: a known
frame has t = 0. Let the frames have mean 0 and covariance K (T, T), the same for each pixel. With A =
diag(1 - t_i) and B = diag(t_i) the posterior of a Gaussian clip is the Wiener filter across time

    m = W x_t,   W = K A (A K A + B^2)^-1,          S = K - W A K

(for known frames alone it is simple kriging, Matheron 1963; between two known frames that is close to their
linear blend, and far from all of them it leans to the mean). The denoiser adds what a network F knows beyond
second moments:

    D(x_t, t)_i = m_i + c_out F(c_in x_t, m, c_out, t)_i,     c_out = sqrt(S_ii),  c_in = 1 / sqrt((1 - t_i)^2
    K_ii + t_i^2).

F's target then has unit variance in every frame at every time, and so has its loss |D - x_0|^2 / c_out^2. For
one frame it is EDM's preconditioning (arXiv:2206.00364, section 5; `core.gaussian`): W = c_skip, S = c_out^2.
With F = 0 a clip between two frames is the filter's own, so a network can only be measured by what it adds.
"""

import torch
from torch import Tensor, nn

from burnish.core.gaussian import StraightPath
from burnish.core.posterior import Posterior
from burnish.core.process import Rng

FLOOR = 1e-3
"""Smallest eigenvalue of K: even a still clip has some noise of its own."""


def covariance(clips: list[Tensor], length: int) -> Tensor:
    """The covariance of frames by their distance in time, (length, length), float64, K_ii = 1.

    The mean product of frames k apart, over all clips and pixels, as a Toeplitz matrix, made positive
    definite by raising eigenvalues to `FLOOR`; distances that no clip holds take the last one measured.

    Args:
        clips: (T, C, H, W) each, of mean 0 over the set; any T >= 1.
        length: Frames of a window.

    Raises:
        ValueError: No clip, or length < 1.
    """
    if not clips or length < 1:
        raise ValueError(f"a covariance needs clips and a length >= 1; got {len(clips)} and {length}")
    products = torch.zeros(length, dtype=torch.float64)
    for lag in range(length):
        total, count = 0.0, 0
        for clip in clips:
            if len(clip) > lag:
                pair = clip[lag:] * clip[: len(clip) - lag]
                total, count = total + float(pair.double().sum()), count + pair.numel()
        products[lag] = total / count if count else products[lag - 1]
    products = products / products[0].clamp_min(1e-9)
    index = torch.arange(length)
    values, vectors = torch.linalg.eigh(products[(index[:, None] - index).abs()])
    matrix = (vectors * values.clamp_min(FLOOR)) @ vectors.T
    scale = matrix.diagonal().rsqrt()
    return matrix * scale * scale[:, None]


def wiener(t: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The filter W (B, T, T) and the posterior's deviation sqrt(S_ii) (B, T); see the module's derivation.

    Args:
        t: Times, (B, T), in [0, 1].
        matrix: K, (T, T).
    """
    t, k = t.double(), matrix.double()
    a = 1 - t
    noisy = a[:, :, None] * k * a[:, None] + torch.diag_embed(t.square())
    seen = a[:, :, None] * k
    gain = torch.linalg.solve(noisy, seen).mT
    left = k.diagonal() - (gain * seen.mT).sum(-1)
    return gain, torch.where(t > 0, left.clamp_min(0).sqrt(), 0.0)


def frame_times(t: Tensor, x: Tensor) -> Tensor:
    """(B, T) times of the frames of x (B, C, T, H, W), from (B,), (B, T) or (B, 1, T, 1, 1)."""
    t = t[:, None] if t.ndim == 1 else t.reshape(len(t), -1)
    return t.expand(x.shape[0], x.shape[2])


def over_frames(values: Tensor) -> Tensor:
    """(B, T) as (B, 1, T, 1, 1), which broadcasts over clips."""
    return values[:, None, :, None, None]


class FramePath(StraightPath):
    """The Gaussian process of clips (B, C, T, H, W): the straight path, its loss weighed frame by frame.

    Args:
        matrix: K, (T, T), see `covariance`.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = matrix

    def corrupt(self, x_0: Tensor, t: Tensor, rng: Rng = None) -> Tensor:
        """x_t = (1 - t) x_0 + t eps, (B, C, T, H, W); t is (B,), (B, T) or (B, 1, T, 1, 1)."""
        return super().corrupt(x_0, over_frames(frame_times(t, x_0)), rng)

    def loss(
        self, posterior: Posterior, x_0: Tensor, x_t: Tensor, t: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Mean of |D - x_0|^2 / c_out^2 over frames with t > 0, (B,): the squared error of F.

        Args:
            posterior, x_0, x_t: (B, C, T, H, W).
            t: Times, (B,), (B, T) or (B, 1, T, 1, 1).
            weight: (B, 1, T, 1, 1), 0 for frames that are not there; None for equal ones.
        """
        error = self.errors(posterior, x_0, t)
        counts = (frame_times(t, x_0) > 0).to(error.dtype)
        if weight is not None:
            counts = counts * weight.reshape(len(weight), -1)
        return (error * counts).sum(1) / counts.sum(1).clamp_min(1e-9)

    def errors(self, posterior: Posterior, x_0: Tensor, t: Tensor) -> Tensor:
        """|D - x_0|^2 / c_out^2 of each frame, (B, T); 0 where t = 0."""
        times = frame_times(t, x_0)
        deviation = wiener(times, self.matrix.to(times.device))[1].to(x_0.dtype)
        error = (posterior.mean - x_0).square().mean((1, 3, 4))
        return torch.where(times > 0, error / deviation.clamp_min(1e-3).square(), 0.0)


class FramePreconditioned(nn.Module):
    """A denoiser of clips made of a network, D = m + c_out F; see the module's derivation.

    Args:
        net: F: called as `net(inputs, t, condition)` with inputs (B, 2C + 1, T, H, W): the scaled clip, the
            filtered clip, c_out; t (B, T); answers (B, C, T, H, W).
        matrix: K, (T, T); kept in the state.
    """

    def __init__(self, net: nn.Module, matrix: Tensor) -> None:
        super().__init__()
        self.net = net
        self.matrix: Tensor
        self.register_buffer("matrix", matrix.double())

    def forward(self, x_t: Tensor, t: Tensor, condition: object = None) -> Posterior:
        """The posterior mean, (B, C, T, H, W); where t = 0 it is x_t itself.

        Args:
            x_t: Corrupted clips, (B, C, T, H, W), T as of the matrix.
            t: Times, (B,), (B, T) or (B, 1, T, 1, 1).
            condition: Passed on to the network.

        Raises:
            ValueError: Another number of frames.
        """
        if x_t.shape[2] != len(self.matrix):
            raise ValueError(f"made for {len(self.matrix)} frames, got {x_t.shape[2]}")
        times = frame_times(t, x_t)
        mean, c_out = self.filter(x_t, times)
        k = self.matrix.diagonal().to(x_t.dtype)
        c_in = over_frames(((1 - times).square() * k + times.square()).rsqrt().to(x_t.dtype))
        inputs = torch.cat([c_in * x_t, mean, c_out.expand(-1, 1, -1, *x_t.shape[3:])], 1)
        mean = mean + c_out * self.net(inputs, times, condition).to(x_t.dtype)
        return Posterior(torch.where(over_frames(times) > 0, mean, x_t))

    def filter(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The Gaussian clip's posterior: mean (B, C, T, H, W) and deviation (B, 1, T, 1, 1)."""
        gain, deviation = wiener(frame_times(t, x_t), self.matrix)
        mean = torch.einsum("bij,bcjhw->bcihw", gain.to(x_t.dtype), x_t)
        return mean, over_frames(deviation.to(x_t.dtype))

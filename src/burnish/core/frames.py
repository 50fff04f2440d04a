r"""Preconditioning for clips: frames of one thing resemble each other, and that much is known in closed form.

Let the frames of a clip have mean 0 and covariance K (T, T), the same for each pixel. On the straight path
frame i is x_t = (1 - t_i) x_0 + t_i eps, each frame at its own time: a known frame has t = 0. The noise of
the frames is as alike as the frames are, eps ~ N(0, K) (the progressive noise of arXiv:2305.10474), so that
frames at one time look like one noisy picture, and making a clip is nearly making one picture. With A =
diag(1 - t_i) and B = diag(t_i) the posterior of a Gaussian clip is the Wiener filter across time

    m = W x_t,   W = K A (A K A + B K B)^-1,          S = K - W A K.

At one time for all frames W = c_skip I, EDM's preconditioning of each frame alone (arXiv:2206.00364, section
5; `core.gaussian`). Given known frames alone it is simple kriging (Matheron 1963); and as K is that of a
first-order process, K_ij = rho^|i - j| with rho near 1, a frame between two known ones is their linear blend,
and one after the last is that one. The denoiser adds what a network F knows beyond second moments:

    D(x_t, t)_i = m_i + c_out F(c_in x_t, m, c_out, t)_i,     c_out = sqrt(S_ii),  c_in = 1 / sqrt((1 - t_i)^2
    + t_i^2).

With F = 0 a clip between two frames is their blend, so a network can only be measured by what it adds. Where
frames are known, m is taken band by band, with what each frame has of its own (`core.grain`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from burnish.core.gaussian import StraightPath
from burnish.core.grain import WHITE, band_matrix, bands, plain
from burnish.core.posterior import Posterior
from burnish.core.process import Rng, normal

SLOWEST = 1e-4
"""Least rate of change a frame, -log rho: even a still clip has some noise of its own."""


def covariance(clips: list[Tensor], length: int) -> Tensor:
    """K of the first-order process nearest to some clips, K_ij = rho^|i - j|, (length, length), float64.

    Each distance k in time has its own rate, -log(r_k) / k for the correlation r_k of frames k apart; rho
    goes by their geometric mean, for it sets a scale, and all distances are asked for.

    Args:
        clips: (T, C, H, W) each, of mean 0 over the set; any T >= 1.
        length: Frames of a window.

    Raises:
        ValueError: No clip, or length < 1.
    """
    if not clips or length < 1:
        raise ValueError(f"a covariance needs clips and a length >= 1; got {len(clips)} and {length}")
    power = _product(clips, 0)
    rates = [
        -float(torch.log((_product(clips, lag) / power.clamp_min(1e-9)).clamp(1e-3, 1))) / lag
        for lag in range(1, length)
        if any(len(clip) > lag for clip in clips)
    ]
    slow = torch.tensor(rates or [SLOWEST], dtype=torch.float64).clamp_min(SLOWEST)
    index = torch.arange(length)
    return torch.exp(-slow.log().mean().exp() * (index[:, None] - index).abs())


def _product(clips: list[Tensor], lag: int) -> Tensor:
    """The mean product of frames `lag` apart, over all clips and pixels."""
    pairs = [(clip[lag:] * clip[: len(clip) - lag]).double() for clip in clips if len(clip) > lag]
    return sum((pair.sum() for pair in pairs), torch.zeros(())) / sum(pair.numel() for pair in pairs)


def wiener(t: Tensor, matrix: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The filter W (B, T, T) and the posterior's deviation sqrt(S_ii) (B, T); see the module's derivation.

    Args:
        t: Times, (B, T), in [0, 1].
        matrix: K, (T, T), or of more frames.
        noise: Covariance of the noise, shaped as K; None for K.
    """
    t, frames = t.double(), t.shape[1]
    k = matrix.double()[:frames, :frames]
    n = k if noise is None else noise.double()[:frames, :frames]
    a = 1 - t
    noisy = k * (a[:, :, None] * a[:, None]) + n * (t[:, :, None] * t[:, None])
    seen = a[:, :, None] * k
    gain = torch.linalg.solve(noisy, seen).mT
    left = k.diagonal() - (gain * seen.mT).sum(-1)
    return gain, torch.where(t > 0, left.clamp_min(0).sqrt(), 0.0)


def doubt(known: Tensor, matrix: Tensor) -> Tensor:
    """How much is open in the other frames given the known ones, (B,): their rms deviation, 1 for none known.

    Noise matters when it is about as large as that, so it shifts the times that are trained and walked.

    Args:
        known: Which frames are, (B, T), bool.
        matrix: K, (T, T).
    """
    deviation = wiener((~known).double(), matrix)[1]
    return (deviation.square().sum(1) / (~known).sum(1).clamp_min(1)).sqrt()


LEAST = 1e-4
"""Added to the filter's squared error: below this (half a gray level) nothing is asked of a network."""


def frame_times(t: Tensor, x: Tensor) -> Tensor:
    """(B, T) times of the frames of x (B, C, T, H, W), from (B,), (B, T) or (B, 1, T, 1, 1)."""
    t = t[:, None] if t.ndim == 1 else t.reshape(len(t), -1)
    return t.expand(x.shape[0], x.shape[2])


def between(known: Tensor) -> Tensor:
    """Which frames have known ones on both sides, or are known, bool (B, T), of `known` (B, T)."""
    before, after = known.int().cummax(1).values, known.flip(1).int().cummax(1).values.flip(1)
    return (before * after).bool()


def over_frames(values: Tensor) -> Tensor:
    """(B, T) as (B, 1, T, 1, 1), which broadcasts over clips."""
    return values[:, None, :, None, None]


def over_time(gain: Tensor, x: Tensor) -> Tensor:
    """Frames mixed: gain (B, T, T) on x (B, C, T, H, W)."""
    return torch.einsum("bij,bcjhw->bcihw", gain.to(x.dtype).expand(len(x), -1, -1), x)


class FramePath(StraightPath):
    """The Gaussian process of clips (B, C, T, H, W): the straight path with noise that is alike over frames.

    Args:
        matrix: K, (T, T), see `covariance`; clips may be shorter.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = matrix
        self._roots: dict[int, Tensor] = {}

    def prior(self, shape: Sequence[int], rng: Rng = None) -> Tensor:
        """N(0, K) over the frames, of shape (B, C, T, H, W)."""
        return self.alike(normal(shape, rng))

    def alike(self, white: Tensor) -> Tensor:
        """Clips (B, C, T, H, W) whose frames are as alike as K says, N(0, K), of independent courses over
        time, N(0, 1): K's eigenvectors from the fastest to the slowest (nearly a cosine transform)."""
        return over_time(self._root(white.shape[2]).to(white.device)[None], white)

    def white(self, x: Tensor) -> Tensor:
        """Undoes `alike`."""
        return over_time(torch.linalg.inv(self._root(x.shape[2])).to(x.device)[None], x)

    def _root(self, frames: int) -> Tensor:
        """R with R R^T = K of some frames, (frames, frames): a column for each eigenvector, none of which
        begins below 0."""
        if frames not in self._roots:
            values, vectors = torch.linalg.eigh(self.matrix[:frames, :frames].double().cpu())
            sign = torch.where(vectors[0] < 0, -1.0, 1.0)
            self._roots[frames] = (vectors * sign * values.clamp_min(0).sqrt()).float()
        return self._roots[frames]

    def corrupt(self, x_0: Tensor, t: Tensor, rng: Rng = None) -> Tensor:
        """x_t = (1 - t) x_0 + t eps, (B, C, T, H, W); t is (B,), (B, T) or (B, 1, T, 1, 1)."""
        t = over_frames(frame_times(t, x_0))
        return (1 - t) * x_0 + t * self.prior(x_0.shape, rng).to(x_0.device)

    def loss(
        self, posterior: Posterior, x_0: Tensor, x_t: Tensor, t: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """The squared error |D - x_0|^2 of each clip over that of the filter, (B,).

        Without known frames the filter's error is taken as expected, c_out^2, and it is the squared error of
        F. With some it is the filter's own on that clip, without grain: a clip that stands still then counts
        as much as one that jumps where nobody could foretell it, and below 1 is better than the blend.

        Args:
            posterior, x_0, x_t: (B, C, T, H, W).
            t: Times, (B,), (B, T) or (B, 1, T, 1, 1).
            weight: (B, 1, T, 1, 1), 0 for frames that are not there; None for equal ones.
        """
        times = frame_times(t, x_0)
        gain, deviation = wiener(times, self.matrix.to(times.device))
        counts = (times > 0).to(x_0.dtype)
        if weight is not None:
            counts = counts * weight.reshape(len(weight), -1)
        own, expected = (
            (over_time(gain, x_t) - x_0).square().mean((1, 3, 4)),
            deviation.to(x_0.dtype).square(),
        )
        known = (times == 0).any(1, keepdim=True)
        scale = (torch.where(known, own + LEAST, expected) * counts).sum(1)
        error = (posterior.mean - x_0).square().mean((1, 3, 4))
        return (error * counts).sum(1) / scale.clamp_min(1e-9)


class FramePreconditioned(nn.Module):
    """A denoiser of clips made of a network, D = m + c_out F; see the module's derivation.

    Of frames of which nothing is seen but known ones beside them, most cannot be foretold, and a network may
    add more error than it takes away. So there F counts by `trust`, two shares in [0, 1]: for frames between
    known ones, and for those with known ones on one side. It is 1 until it is measured (`train.clip_lesson`).

    Args:
        net: F: called as `net(inputs, t, condition)` with inputs (B, 2C + 1, T, H, W): the scaled clip, the
            filtered clip, c_out; t (B, T); answers (B, C, T, H, W).
        matrix: K, (T, T); kept in the state.
        grain: See `core.grain.fit`, kept in the state; None for frames without any.
    """

    def __init__(self, net: nn.Module, matrix: Tensor, grain: Tensor | None = None) -> None:
        super().__init__()
        self.net = net
        self.matrix: Tensor
        self.grain: Tensor
        self.trust: Tensor
        self.register_buffer("matrix", matrix.double())
        self.register_buffer("grain", plain() if grain is None else grain.double())
        self.register_buffer("trust", torch.ones(2))

    def forward(self, x_t: Tensor, t: Tensor, condition: object = None) -> Posterior:
        """The posterior mean, (B, C, T, H, W); where t = 0 it is x_t itself.

        Args:
            x_t: Corrupted clips, (B, C, T, H, W), T at most that of the matrix; pure noise is not shown.
            t: Times, (B,), (B, T) or (B, 1, T, 1, 1).
            condition: Passed on to the network.

        Raises:
            ValueError: More frames.
        """
        if x_t.shape[2] > len(self.matrix):
            raise ValueError(f"made for {len(self.matrix)} frames, got {x_t.shape[2]}")
        times = frame_times(t, x_t)
        mean, c_out = self.filter(x_t, times)
        c_in = over_frames(((1 - times).square() + times.square()).rsqrt().to(x_t.dtype))
        seen = torch.where(over_frames(times) < 1, c_in * x_t, 0.0)
        inputs = torch.cat([seen, mean, c_out.expand(-1, 1, -1, *x_t.shape[3:])], 1)
        added = c_out * self.net(inputs, times, condition).to(x_t.dtype)
        mean = mean + over_frames(self._trusted(times).to(x_t.dtype)) * added
        return Posterior(torch.where(over_frames(times) > 0, mean, x_t))

    def _trusted(self, t: Tensor) -> Tensor:
        """The share of F in each frame, (B, T)."""
        known = t == 0
        shares = torch.where(between(known), self.trust[0], self.trust[1])
        return torch.where((t == 1) & known.any(1, keepdim=True), shares, 1.0)

    def filter(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The Gaussian clip's posterior: mean (B, C, T, H, W), with grain where frames are known, and
        deviation (B, 1, T, 1, 1), without."""
        times = frame_times(t, x_t)
        gain, deviation = wiener(times, self.matrix)
        mean, known = over_time(gain, x_t), (times == 0).any(1)
        if known.any():
            mean[known] = 0
            for band, (share, power), white in zip(bands(x_t[known]), self.grain, WHITE, strict=True):
                k = band_matrix(self.matrix, share)
                gain = wiener(times[known], k, self.matrix * white / power)[0]
                mean[known] += over_time(gain, band)
        return mean, over_frames(deviation.to(x_t.dtype))

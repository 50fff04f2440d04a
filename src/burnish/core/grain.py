r"""Grain: what each frame of a clip has of its own, band by band of fineness.

Large shapes go on from frame to frame as a slow first-order process, K (`core.frames`); sensor noise and the
marks of compression are drawn anew for each. In a band b of fineness let the frames' correlation be

    K_b = (1 - nu_b) K + nu_b I,

so nu_b is the band's share of grain (the nugget of kriging, Matheron 1963). The Wiener filter of a band with
grain averages over more known frames than the nearest two, and never believes a single one entirely: between
known frames that is a little better than their blend.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDES = (3, 7)
"""Sides in pixels of the boxes that smooth one after another; what each takes away is a band."""

WHITE = (8 / 9, 1 / 9 - 2 / 49 + (55 / 441) ** 2, (55 / 441) ** 2)
"""Share of white noise in each band, the sum of the squares of its kernel."""

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of grain that are tried."""


def bands(x: Tensor) -> list[Tensor]:
    """x (B, C, T, H, W) parted into `len(WHITE)` bands, fine to coarse, that sum to it."""
    flat, parted = x.transpose(1, 2).flatten(0, 1), []
    for side in SIDES:
        smooth = F.avg_pool2d(F.pad(flat, (side // 2,) * 4, mode="replicate"), side, 1)
        parted.append(flat - smooth)
        flat = smooth
    return [band.unflatten(0, (len(x), -1)).transpose(1, 2) for band in (*parted, flat)]


def band_matrix(matrix: Tensor, share: Tensor | float) -> Tensor:
    """K_b, (T, T), from K (T, T) and nu_b."""
    return (1 - share) * matrix + share * torch.diag(matrix.diagonal())


def plain() -> Tensor:
    """The grain of clips without any, as `fit` answers it, (3, 2)."""
    return torch.stack([torch.zeros(len(WHITE)), torch.tensor(WHITE)], 1).double()


def fit(clips: Sequence[Tensor], matrix: Tensor, most: int = 60) -> Tensor:
    """(nu_b, variance of the band) of each band, (bands, 2), float64.

    nu is the one of `SHARES` that foretells hidden frames best from known ones: the first alone, both ends,
    every second, three of four. Each clip counts by its error in units of the blend's.

    Args:
        clips: (T, C, H, W) each, of mean 0 and variance 1 over the set; those below 4 frames say nothing.
        matrix: K, (L, L); clips are cut into windows of up to L frames.
        most: Windows at most.
    """
    length = len(matrix)
    windows = [
        clip[start : start + length]
        for clip in clips
        for start in range(0, max(1, len(clip) - length + 1), max(1, length // 2))
        if len(clip) >= 4
    ]
    windows = windows[:: -(-len(windows) // most) or 1]
    if not windows:
        return plain()
    errors, variances = torch.zeros(len(WHITE), len(SHARES)), torch.zeros(len(WHITE))
    for window in windows:
        flat = [band[0].transpose(0, 1).flatten(1).double() for band in bands(window.transpose(0, 1)[None])]
        products = [band @ band.T / band.shape[1] for band in flat]
        variances += torch.tensor([float(p.diagonal().mean()) for p in products]) / len(windows)
        k = matrix.double()[: len(window), : len(window)]
        for known in _patterns(len(window)):
            found = torch.tensor(
                [[_foretold(p, band_matrix(k, share), known) for share in SHARES] for p in products]
            )
            errors += found / (found[:, 0].sum() + 1e-4)
    best = errors.argmin(1)
    return torch.stack([torch.tensor(SHARES)[best], variances.clamp_min(1e-6)], 1).double()


def _patterns(length: int) -> list[Tensor]:
    """Which frames are known, (length,), bool, as they are asked for."""
    place = torch.arange(length)
    return [place == 0, (place == 0) | (place == length - 1), place % 2 == 0, place % 4 != 1]


def _foretold(products: Tensor, k: Tensor, known: Tensor) -> float:
    """The mean squared error of the hidden frames of clips with these products of frames, (T, T)."""
    gain = torch.linalg.solve(k[known][:, known], k[known][:, ~known]).T
    own, cross, seen = products[~known][:, ~known], products[known][:, ~known], products[known][:, known]
    error = own - 2 * gain @ cross + gain @ seen @ gain.T
    return float(error.diagonal().mean())

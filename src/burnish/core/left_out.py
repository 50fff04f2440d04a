r"""Surprise of frames: how far each lies from what a denoiser of clips expects in its place.

A frame is left out (t = 1, so nothing of it is seen), its neighbours are known (t = 0), and one step answers
the mean of what may be there, m, and how far frames usually lie from the filter's guess, c_out
(`core.frames`). Its surprise is |x - m|^2 / c_out^2, averaged over blocks of pixels, then over the most
surprising share of them: a foreign part is small. Every fourth frame is left out at a time, so that each has
known neighbours and a clip costs four steps.

A frame that does not belong misleads what is expected beside it. So there is a second round: the most
surprising eighth of the first is left out for all others too, and what is left of a frame's surprise counts.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from burnish.core.frames import FramePath, frame_times, over_frames, wiener
from burnish.core.posterior import Denoiser

FOLDS, BLOCK, SHARE, DROPPED = 4, 8, 0.1, 8


@torch.no_grad()
def left_out(
    denoiser: Denoiser,
    process: FramePath,
    x_0: Tensor,
    there: Tensor,
    condition: Any = None,
    rounds: int = 2,
    share: float = SHARE,
) -> Tensor:
    """The surprise of each frame, (B, T), float32; 0 for frames that are not there.

    Args:
        denoiser: Of clips.
        process: It was trained on.
        x_0: Codes, (B, C, T, H, W).
        there: Which frames there are, (B, T), bool.
        condition: Passed on.
        rounds: 1, or 2 to leave out what the first round found.
        share: Of the blocks, the most surprising ones, in (0, 1].
    """
    found = _round(denoiser, process, x_0, there, condition, share)
    for _ in range(rounds - 1):
        worst = found.topk(max(1, x_0.shape[2] // DROPPED), dim=1).indices
        trusted = there.scatter(1, worst, False)
        found = _round(denoiser, process, x_0, there, condition, share, trusted)
    return found


def _round(
    denoiser: Denoiser,
    process: FramePath,
    x_0: Tensor,
    there: Tensor,
    condition: Any,
    share: float,
    trusted: Tensor | None = None,
) -> Tensor:
    """Surprise of each frame given those of `trusted` (B, T) that are in other folds."""
    place = torch.arange(x_0.shape[2], device=x_0.device)
    out = torch.zeros(there.shape, device=x_0.device)
    for fold in range(FOLDS):
        asked = (place % FOLDS == fold)[None] & there
        unknown = asked | ~(there if trusted is None else trusted)
        t = unknown.to(x_0.dtype)
        expected = denoiser(torch.where(over_frames(unknown), 0.0, x_0), t, condition).mean
        deviation = wiener(frame_times(t, x_0), process.matrix.to(t.device))[1].to(x_0.dtype)
        far = (expected - x_0).square().mean(1) / deviation[..., None, None].clamp_min(1e-3).square()
        out = torch.where(asked, top_blocks(far, BLOCK, share), out)
    return out


def top_blocks(values: Tensor, block: int, share: float) -> Tensor:
    """The mean of the largest `share` of block averages of each frame, (B, T), of values (B, T, H, W)."""
    blocks = F.avg_pool2d(values, min(block, *values.shape[-2:])).flatten(2)
    count = max(1, round(share * blocks.shape[2]))
    return blocks.topk(count, dim=2).values.mean(2)

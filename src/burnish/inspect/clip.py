"""`burnish inspect clip`: which frames of a film do not belong, by a model of clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from burnish.core.conformal import p_value
from burnish.core.left_out import left_out
from burnish.errors import BurnishError
from burnish.media.clip import window
from burnish.verbs.clip_model import ClipModel


@dataclass(frozen=True)
class FrameVerdict:
    """One frame of a film.

    Attributes:
        frame: Its number, from 0.
        surprise: How far it lies from what its neighbours let expect; 1 is usual for the filter over time.
        p: Share of held-out good frames at least as surprising, in (0, 1]; None when the bundle has none.
        difference: Mean difference to its neighbours in gray levels, for comparison.
    """

    frame: int
    surprise: float
    p: float | None
    difference: float


def inspect_film(model: ClipModel, frames: Sequence[np.ndarray], description: str = "") -> list[FrameVerdict]:
    """A verdict on each frame of a film.

    Args:
        model: From `verbs.load`.
        frames: uint8 (H, W, 3) each, at least 3; brought to the model's size.
        description: A class or words, when the model knows them.

    Raises:
        BurnishError: Fewer than 3 frames, or a description the model cannot follow.
    """
    if len(frames) < 3:
        raise BurnishError(
            f"{len(frames)} frames", "are too few to compare", "Give a film of 3 frames or more"
        )
    film = np.stack([model.fit(frame) for frame in frames])
    scores, changes = surprise(model, film, description), differences(film)
    usual = model.bundle.meta.get("surprise")
    p = p_value(scores, usual) if usual else None
    return [
        FrameVerdict(k, float(scores[k]), None if p is None else float(p[k]), float(changes[k]))
        for k in range(len(film))
    ]


def surprise(model: ClipModel, film: np.ndarray, description: str = "") -> np.ndarray:
    """The surprise of each frame, (N,): the mean over the windows that hold it, each moved by half a window.

    Args:
        model: Of clips.
        film: uint8 (N, size, size, 3).
        description: See `inspect_film`.
    """
    condition, length = model.condition(description), model.length
    total, count = np.zeros(len(film)), np.zeros(len(film))
    last = max(0, len(film) - length)
    for start in sorted({*range(0, last + 1, max(1, length // 2)), last}):
        cut, there = window(film, start, length)
        present = torch.from_numpy(there)[None].to(model.device)
        code = model.encode(cut) * present[:, None, :, None, None]
        scores = left_out(model.denoiser, model.process, code, present, condition)[0].cpu().numpy()  # type: ignore[arg-type]
        places = start + np.flatnonzero(there)
        total[places] += scores[there]
        count[places] += 1
    return total / count


def differences(film: np.ndarray) -> np.ndarray:
    """Mean absolute difference of each frame to its neighbours, gray levels, (N,); N >= 2."""
    steps = np.abs(np.diff(film.astype(np.float32), axis=0)).mean((1, 2, 3))
    both = np.full((2, len(film)), np.nan)
    both[0, 1:], both[1, :-1] = steps, steps
    return np.nanmean(both, 0)

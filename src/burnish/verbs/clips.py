"""`make` and `refine` for clips: frames that are given have t = 0, the others are walked from noise.

From a description nothing is given; from a picture the first frame; between two pictures the ends; onwards
the last frames of a film; in a repair all frames but the bad ones. One walk does all of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from burnish.core.guidance import Guided
from burnish.core.process import normal, seeded
from burnish.core.sample import Step, sample
from burnish.errors import BurnishError
from burnish.nets.condition import Condition
from burnish.verbs.clip_model import ClipModel

Watch = Callable[[Step], bool | None]


def make(
    model: ClipModel,
    description: str = "",
    n: int = 1,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    given: Mapping[int, np.ndarray] | None = None,
    callback: Watch | None = None,
) -> Iterator[np.ndarray]:
    """Makes clips one by one; clip k depends on (seed, k) alone, not on n.

    Args:
        model: From `load`.
        description: A class or words; "" for anything.
        n: How many, >= 1.
        steps: Steps of each, >= 1; a single step answers the mean of what may be there.
        guidance: 1 for none, 2 to 4 follow the description harder.
        seed: Of the set.
        given: Frames that are known, by their place in [0, model.length): uint8 (size, size, 3). They come
            back to the bit.
        callback: See `core.sample.sample`.

    Yields:
        uint8 (length, size, size, 3).

    Raises:
        BurnishError: A value out of its range, or a description the model cannot follow.
    """
    if n < 1 or steps < 1:
        raise BurnishError(f"n = {n}, steps = {steps}", "both must be at least 1")
    if not 0 <= guidance <= 30:
        raise BurnishError(f"guidance {guidance}", "must be within 0 and 30", "1 is none, 2 to 4 is usual")
    if any(not 0 <= place < model.length for place in given or {}):
        raise BurnishError(f"frames {sorted(given or {})}", f"a clip has frames 0 to {model.length - 1}")
    condition = model.condition(description)
    return (
        _walk(model, condition, given or {}, steps, guidance, seeded(seed, k), callback) for k in range(n)
    )


def extend(
    model: ClipModel,
    frames: Sequence[np.ndarray],
    more: int = 8,
    description: str = "",
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    index: int = 0,
) -> np.ndarray:
    """Goes on from a film's last frames, as often as needed; each round knows at most half a window.

    Args:
        frames: uint8 (size, size, 3) each, at least one.
        more: How many frames to add, >= 1.
        model, description, steps, guidance, seed: See `make`.
        index: Another number, another way it could go.

    Returns:
        uint8 (len(frames) + more, size, size, 3); the given ones as they were.
    """
    if more < 1 or not len(frames):
        raise BurnishError(f"{len(frames)} frames and {more} more", "both must be at least 1")
    film, turn, condition = [np.asarray(frame) for frame in frames], 0, model.condition(description)
    while len(film) < len(frames) + more:
        last = film[-(model.length // 2) :]
        rng = seeded(seed, index, turn)
        clip = _walk(model, condition, dict(enumerate(last)), steps, guidance, rng)
        film += list(clip[len(last) :])
        turn += 1
    return np.stack(film[: len(frames) + more])


def repair(
    model: ClipModel,
    frames: Sequence[np.ndarray],
    bad: Sequence[int],
    description: str = "",
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    index: int = 0,
) -> np.ndarray:
    """Makes some frames of a film anew from the others; all others stay as they are.

    Args:
        frames: uint8 (size, size, 3) each.
        bad: Places of the frames to make, from 0.
        model, description, steps, guidance, seed: See `make`.
        index: Another number, another way it could go.

    Returns:
        uint8 (len(frames), size, size, 3).

    Raises:
        BurnishError: No such frames, or no good frame within reach of a bad one.
    """
    film, wrong = np.stack([np.asarray(frame) for frame in frames]), sorted(set(bad))
    if not wrong or wrong[0] < 0 or wrong[-1] >= len(film):
        raise BurnishError(
            f"frames {wrong}", f"the film has frames 0 to {len(film) - 1}", "Name some of those"
        )
    turn, condition = 0, model.condition(description)
    while wrong:
        run = [place for place in wrong if place < wrong[0] + model.length]
        start = (run[0] + run[-1] + 1 - model.length) // 2
        start = max(0, min(start, run[0], len(film) - model.length))
        places = range(start, min(start + model.length, len(film)))
        given = {place - start: film[place] for place in places if place not in wrong}
        if not given:
            raise BurnishError(
                f"frames {run[0]} to {run[-1]}", "are bad without a good one near", "Repair fewer, or extend"
            )
        clip = _walk(model, condition, given, steps, guidance, seeded(seed, index, turn))
        for place in places:
            film[place] = clip[place - start]
        wrong, turn = [place for place in wrong if place not in places], turn + 1
    return film


def _walk(
    model: ClipModel,
    condition: Condition,
    given: Mapping[int, np.ndarray],
    steps: int,
    guidance: float,
    rng: torch.Generator,
    callback: Watch | None = None,
) -> np.ndarray:
    frames = np.zeros((model.length, model.size, model.size, 3), np.uint8)
    mask = torch.zeros(1, 1, model.length, 1, 1, dtype=torch.bool)
    for place, frame in given.items():
        frames[place], mask[:, :, place] = frame, True
    denoiser = Guided(model.denoiser, guidance, lambda c: c.without()) if guidance != 1 else model.denoiser
    code = model.encode(frames)
    times = model.times(steps, mask.flatten())
    start = float(times[0])
    x = model.begin(normal(code.shape, rng, model.device), start, condition)
    made = sample(
        denoiser,
        model.process,
        x,
        times,
        condition=condition,
        start_t=start,
        callback=callback,
        known=code if given else None,
        known_mask=mask if given else None,
        corrupted=True,
    )
    clip = model.decode(made)
    for place, frame in given.items():
        clip[place] = frame
    return clip

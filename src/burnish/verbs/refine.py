"""`refine`: polish, fill, extend, denoise, enlarge, vary a picture: one walk, from where the picture stands.

| wish | the walk starts from | what stays |
| --- | --- | --- |
| polish, vary | the picture corrupted to t = strength | nothing, but the larger shapes survive a small t |
| a mask, a border | a smooth fill corrupted to t = 0.8 | outside, at t = 0, to the bit |
| noise | the picture itself, at the time that has its noise | nothing |
| 2x, 4x | the enlarged picture corrupted | the means over blocks, so that it shrinks to the one given |
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from burnish.core.consistent import Consistent
from burnish.core.posterior import Denoiser
from burnish.core.process import seeded
from burnish.core.sample import Step, sample
from burnish.core.schedule import SHIFT, grid
from burnish.core.windows import Windowed
from burnish.errors import BurnishError
from burnish.media.original import Original, read_original
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.fill import smooth
from burnish.verbs.make import condition_of, guided
from burnish.verbs.natural import Oddness, code_mask, encode
from burnish.verbs.wish import Wish

Watch = Callable[[Step], bool | None]
FALLING = (1.0, 0.67, 0.45, 0.28, 0.17, 0.11)
"""The mean of a hole is asked for again and again, each time from the last one, with shares of the noise: the
first settles the whole, the last the rim. In one step at t = 1 a briefly trained model is far off."""


@dataclass(frozen=True)
class Refined:
    """One refined picture.

    Attributes:
        picture: In the file's own form.
        before: The picture given, on the same canvas (extended or enlarged plainly).
        scores: Oddness of the picture before and after each round that was run; () for a single round.
        kept: The round that was kept, from 1; 0 when none was less odd than the picture before.
    """

    picture: Original
    before: Original
    scores: tuple[float, ...] = ()
    kept: int = 1


def refine(
    model: Diffusion,
    image: Original | np.ndarray | str | Path,
    mask: np.ndarray | None = None,
    wish: Wish | None = None,
    callback: Watch | None = None,
    **wishes: Any,
) -> Iterator[Refined]:
    """Refines one picture.

    Args:
        model: From `load`.
        image: A file, levels uint8 (H, W, 3) or (H, W), or an `Original`.
        mask: bool (H, W), True where the picture may change; None for everywhere (or the new border alone).
        wish: What to do; or its fields by name, such as `strength=0.35` (see `Wish`).
        callback: See `core.sample.sample`.

    Yields:
        `wish.variations` results.

    Raises:
        BurnishError: A wish that cannot be met, a mask of another size, a colour picture for a model of gray
            ones; ImageError when the file cannot be read.
    """
    wish = wish or Wish(**wishes)
    original = image if isinstance(image, Original) else _take(image)
    before, hole = canvas(original, mask, wish)
    if (wish.to > 1 or wish.noise) and model.codec.factor > 1:
        cure = "Use a model of pixels (trained without --autoencoder)"
        raise BurnishError("upscaling or noise", "cannot be told to a model of an autoencoder's codes", cure)
    if model.codec.gray and before.colour:
        cure = "Save it as gray, or use a model of colour pictures"
        raise BurnishError("a picture in colour", "cannot be refined by a model of gray ones", cure)
    condition_of(model, wish.describe)  # refuses words it does not know before anything is computed
    return (
        _refine(model, original, before, hole, wish, number, callback) for number in range(wish.variations)
    )


def _refine(
    model: Diffusion,
    given: Original,
    before: Original,
    hole: np.ndarray | None,
    wish: Wish,
    number: int,
    watch: Watch | None,
) -> Refined:
    """Variation `number`: rounds from the best so far, until one is no better."""
    levels = before.levels()
    task = _Task(model, given, before.size, hole, wish, watch)
    if wish.rounds == 1:
        return Refined(before.with_levels(task.run(levels, number, 0), hole), before)
    odd = Oddness(model, hole, wish.describe)
    best, kept = levels, 0
    scores = [float("inf") if task.fresh else odd(levels)]  # what lies in a new hole is no candidate
    for turn in range(wish.rounds):
        made = task.run(best, number, turn)
        scores.append(odd(made))
        if scores[-1] >= min(scores[:-1]):
            break
        best, kept = made, turn + 1
    return Refined(before.with_levels(best, hole) if kept else before, before, tuple(scores), kept)


class _Task:
    """One picture and one wish, made ready to walk.

    Args:
        given: The picture as it came; its levels are what an upscaling must shrink to.
        size: (H, W) of the canvas.
        hole: bool (H, W), or None for everywhere.
    """

    def __init__(
        self,
        model: Diffusion,
        given: Original,
        size: tuple[int, int],
        hole: np.ndarray | None,
        wish: Wish,
        watch: Watch | None,
    ) -> None:
        self.model, self.wish, self.hole, self.watch, self.size = model, wish, hole, watch, size
        self.whole = wish.whole and min(size) > model.size
        self.fresh = hole is not None and wish.strength in (None, 1)
        self.coarse = self._encode(given.levels(), -(-model.size // wish.to)) if wish.to > 1 else None

    def run(self, levels: np.ndarray, number: int, turn: int) -> np.ndarray:
        """A round from `levels`, float32 (H, W, 3), to the same form."""
        if not self.whole:
            return self._walk(levels, self.hole, number, turn)
        scale = self.model.size / min(self.size)
        height, width = (max(self.model.size, round(side * scale)) for side in self.size)
        small = _resize(levels, height, width, Image.Resampling.HAMMING)
        hole = self.hole
        if hole is not None:
            share = _resize(hole.astype(np.float32)[..., None], height, width, Image.Resampling.BOX)
            hole = share[..., 0] > 0
        made = self._walk(small, hole, number, turn)
        grown = _resize(made if self.fresh else made - small, *self.size, Image.Resampling.BICUBIC)
        return grown if self.fresh else levels + grown

    def _walk(self, levels: np.ndarray, hole: np.ndarray | None, number: int, turn: int) -> np.ndarray:
        wish, model = self.wish, self.model
        if hole is not None and wish.strength is None and wish.noise is None:
            levels = smooth(levels, hole)
        codes = start = self._encode(levels, model.size)
        known = None if hole is None else ~code_mask(hole, model)
        t, corrupted = wish.start(hole is not None), wish.noise is not None
        if wish.noise is not None:
            sigma = wish.noise / float(np.mean(model.codec.deviation))
            t = sigma / (1 + sigma)
        mean = wish.answer == "mean"
        draws = wish.draws if mean and not corrupted else 1
        # For the mean one step is the answer; only an upscaling, not learned as such, averages whole walks.
        once = mean and self.coarse is None
        falling = FALLING if once and hole is not None and not corrupted else (1.0,)
        denoiser = self._denoiser()
        for again, share in enumerate(falling):
            begun = ((1 - t) * start if corrupted else codes).expand(draws, -1, -1, -1)
            codes = sample(
                denoiser,
                model.process,
                begun,
                grid(wish.steps, t * share, SHIFT),
                known=start,
                known_mask=known,
                condition=model.condition(wish.describe, draws),
                start_t=t * share,
                callback=(lambda step: _tell(self.watch, step) or True) if once else self.watch,
                rng=[seeded(wish.seed, number, turn, draw, again) for draw in range(draws)],
                corrupted=corrupted,
            ).mean(0, keepdim=True)
        if isinstance(denoiser, Consistent):
            codes = denoiser.correct(codes)
        height, width = levels.shape[:2]
        return model.codec.levels(codes.cpu().numpy())[0, :height, :width]

    def _denoiser(self) -> Denoiser:
        wish = self.wish
        denoiser = Windowed(guided(self.model, wish.guidance), self.model.size // self.model.codec.factor)
        return denoiser if self.coarse is None else Consistent(denoiser, self.coarse, wish.to)

    def _encode(self, levels: np.ndarray, least: int) -> Tensor:
        return encode(levels, self.model, least)


def canvas(original: Original, mask: np.ndarray | None, wish: Wish) -> tuple[Original, np.ndarray | None]:
    """The picture on its new canvas, extended or enlarged, and what may change there (None for everything).

    Raises:
        BurnishError: A mask of another size, of nothing, or together with upscaling.
    """
    if mask is not None:
        if mask.shape != original.size:
            (h, w), (height, width) = mask.shape, original.size
            raise BurnishError(
                "mask",
                f"is {w} x {h} but its picture is {width} x {height}",
                "Save the mask at the size of its picture",
            )
        if not mask.any():
            raise BurnishError("mask", "marks no pixel", "Paint white (255) what may change")
        if wish.to > 1:
            raise BurnishError("mask", "cannot go with upscaling", "Do one after the other")
    if wish.to > 1:
        return original.enlarged(wish.to), None
    if not wish.extends:
        return original, mask
    left, top, right, bottom = wish.outpaint
    inside = np.zeros(original.size, bool) if mask is None else mask
    hole = np.pad(inside, ((top, bottom), (left, right)), constant_values=True)
    return original.extended(left, top, right, bottom), hole


def _take(image: np.ndarray | str | Path) -> Original:
    if not isinstance(image, np.ndarray):
        return read_original(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise BurnishError(
            f"an array of {image.dtype} {image.shape}", "is no picture", "Give uint8 (H, W, 3) or (H, W)"
        )
    return Original(image)


def _tell(watch: Watch | None, step: Step) -> bool | None:
    return watch(step) if watch else None


def _resize(values: np.ndarray, height: int, width: int, how: Image.Resampling) -> np.ndarray:
    """float32 (H, W, C) resized plane by plane."""
    planes = [Image.fromarray(values[..., k]).resize((width, height), how) for k in range(values.shape[2])]
    return np.stack([np.asarray(plane) for plane in planes], 2)

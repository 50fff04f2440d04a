"""The learning curve of a model that makes pictures: would more of them bring its own closer to real ones?

Small diffusion models, of one shape and as many updates each, learn subsamples of the pictures; the time is
shared equally over them. What each makes is held against pictures that no subsample contains, by KID
(`burnish.core.mmd`). Nothing stops a run early, so what varies from size to size is the data. A model of few
pictures repeats them, which is far from pictures that it has not seen.

Where time is short, training is what a model lacks, and the curve is flat whatever the data would bring. So
the largest size is trained once more with half of the updates, and the difference is told.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from burnish.core.mmd import kid
from burnish.errors import BurnishError, DatasetError
from burnish.prove.forecast import Curve, measure, plan_runs
from burnish.train.augment import square
from burnish.train.budget import Budget
from burnish.train.diffusion import prepare, sample_codes
from burnish.train.features import Features
from burnish.train.loop import Options, Progress, fit
from burnish.train.pictures import Pictures, load_pictures

SIZE = 32
"""Side of the pictures in pixels: a network of this size shows the data's effect in a minute."""
SHAPE = {"widths": (48, 96), "depths": (1, 1), "told": 64, "patch": 2}
BATCH = 16
REPEATS, RANGE = 2, 8
"""Runs a size, and the pool over the smallest size: each run is dear, so fewer than of parts."""
SAMPLES, STEPS = 128, 8
"""Pictures that each model makes, and the steps of each."""
HELD_OUT, MOST_HELD = 1 / 3, 500
"""Share of pictures kept to judge by, and most of them."""
LEAST = 54
"""Pictures: 36 to draw from and 18 to judge by."""
LEAST_UPDATES = 100
"""With fewer a model makes noise, however much data it has."""
SHARED = 0.9
"""Of the time that is left after a trial, shared over the runs; the rest is slack."""
STILL = 0.9
"""KID relative to that with half of the updates, below which more training would bring more."""


def picture_curve(
    root: str | Path,
    rng: np.random.Generator,
    *,
    seconds: float = 600.0,
    updates: int | None = None,
    on_share: Callable[[float], None] = lambda share: None,
) -> Curve:
    """Measures KID against the number of pictures.

    Args:
        root: As for `burnish train`, see `load_pictures`.
        rng: Draws held-out pictures, subsamples, weights and noise.
        seconds: Most time to spend, reading and judging included.
        updates: Of each model; as many as fit into the time when None. With a number the curve is a function
            of the generator alone, unless the time is up before the largest sizes.
        on_share: Told the share of all training that is done, in [0, 1].

    Raises:
        DatasetError: Too few pictures.
        BurnishError: Too little time.
    """
    began = time.monotonic()
    pictures, copies = _without_copies(load_pictures(root, SIZE))
    share = min(HELD_OUT, MOST_HELD / len(pictures))
    pool, held = pictures.holdout(share, int(rng.integers(2**31)))
    if len(pool) < LEAST * 2 // 3 or len(held) < LEAST // 3:
        less = f" and {copies} copies" if copies else ""
        raise DatasetError(
            root,
            f"holds {len(pictures)} different pictures{less}, {len(pool)} to learn from and {len(held)} to"
            " judge by",
            f"A learning curve needs {LEAST} pictures at least, a third of them to judge by; 200 are better",
        )
    describe = Features()
    cut = [square(image, SIZE, rng) for image in pictures.images]
    real = describe([cut[i] for i in held])
    others = kid(describe([cut[i] for i in rng.permutation(pool)[:SAMPLES]]), real)
    smallest = max(8, len(pool) // RANGE)
    runs = sum(count for _, count in plan_runs(len(pool), smallest, REPEATS)) + 0.5
    if updates is None:
        trial = _time(pictures, pool, lambda made: kid(describe(made), real))
        updates = _fitting(seconds, began, runs, *trial)
    done = [0]

    def run(chosen: np.ndarray, draw: np.random.Generator) -> float:
        made = _make(
            pictures,
            [pool[i] for i in chosen],
            updates,
            int(draw.integers(2**31)),
            lambda now: on_share((done[0] + now.spent) / runs),
        )
        done[0] += 1
        return max(kid(describe(made), real), 0.0)

    left = seconds - (time.monotonic() - began)
    curve = measure(run, len(pool), rng, smallest=smallest, repeats=REPEATS, seconds=left)
    last = [int(i) for i in rng.permutation(pool)[: curve.sizes[-1]]]
    half = kid(describe(_make(pictures, last, max(1, updates // 2), int(rng.integers(2**31)))), real)
    still = curve.means[-1] < STILL * half
    told = (
        f"{curve.runs} diffusion models at {SIZE} px on {curve.sizes[0]} to {curve.sizes[-1]} pictures, each"
        f" of {updates} updates of {BATCH}; judged by {SAMPLES} pictures that each made against {len(held)}"
        f" held-out ones{f' (copies left out: {copies})' if copies else ''}. Real pictures of the set measure"
        f" {others:.2f}; {curve.sizes[-1]} pictures with half of the updates {half:.1f}: "
        + (
            "more training still brings more, so give more --minutes before you blame the data"
            if still
            else "longer training of this small network brings little"
        )
    )
    return replace(curve, seconds=time.monotonic() - began, trained=told)


def _without_copies(pictures: Pictures) -> tuple[Pictures, int]:
    """Each picture once, or a copy of a held-out one could be learned; and how many were left out."""
    first = {(image.shape, image.tobytes()): i for i, image in reversed(list(enumerate(pictures.images)))}
    kept = sorted(first.values())
    return _part(pictures, kept), len(pictures) - len(kept)


def _part(pictures: Pictures, chosen: list[int]) -> Pictures:
    return replace(
        pictures,
        images=tuple(pictures.images[i] for i in chosen),
        entries=tuple(pictures.entries[i] for i in chosen),
    )


def _make(
    pictures: Pictures,
    chosen: list[int],
    updates: int,
    seed: int,
    on_progress: Callable[[Progress], None] | None = None,
) -> np.ndarray:
    """What a model makes that learned some of the pictures, uint8 (SAMPLES, SIZE, SIZE, 3)."""
    budget = Budget(steps=updates)
    told = {"hold": 0.0, "word_mean": 0, "lesson": {"batch_size": BATCH}}
    plan, model = prepare(_part(pictures, chosen), budget, seed, **told, **SHAPE)
    lesson, options = plan.lesson, Options(seed=seed, validations=1)
    if fit(model, lesson.batch, lesson.loss, budget, options, on_progress=on_progress).stopped == "asked":
        raise KeyboardInterrupt
    return lesson.codec.decode(sample_codes(model, lesson, SAMPLES, seed, STEPS).numpy())


def _time(pictures: Pictures, pool: list[int], judge: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """Seconds of an update, and of all the rest of a run, by two short trials after one to warm up."""
    took = []
    for updates in (2, 2, 12):
        start = time.monotonic()
        judge(_make(pictures, pool, updates, 0))
        took.append(time.monotonic() - start)
    each = max(took[2] - took[1], 1e-3) / 10
    return each, max(took[1] - 2 * each, 0.0)


def _fitting(seconds: float, began: float, runs: float, each: float, rest: float) -> int:
    """Updates of each of `runs` that fit into the time that is left.

    Raises:
        BurnishError: Too few to learn anything.
    """
    spent = time.monotonic() - began
    updates = int((SHARED * (seconds - spent) / runs - rest) / each)
    if updates < LEAST_UPDATES:
        wanted = spent + runs * (LEAST_UPDATES * each + rest) / SHARED
        raise BurnishError(
            f"{seconds / 60:g} minutes",
            f"leave {max(updates, 0)} updates for each of {runs:.0f} models; {LEAST_UPDATES} are the least",
            f"Give --minutes {math.ceil(1.2 * wanted / 6) / 10:g} or more",
        )
    return updates

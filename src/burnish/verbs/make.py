"""`make`: new pictures from a description."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from torch import Tensor

from burnish.core.guidance import Guided
from burnish.core.posterior import Denoiser
from burnish.core.process import seeded
from burnish.core.sample import Step, sample
from burnish.core.schedule import SHIFT, grid, pace_of
from burnish.core.solve import SOLVERS
from burnish.errors import BurnishError
from burnish.nets.condition import Condition, told_pace
from burnish.verbs import album
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.strict import strictly

MOST_WORDS = 2000
"""Characters of a description that are taken; a longer one is refused, for nobody means all of it."""

TOLERANCE = 2
"""Gray levels by which a picture may differ at other batch sizes: floating-point sums in another order. At
one batch size the same machine answers to the bit; `strict` fixes what batch, threads and kernels decide."""


def make(
    model: Diffusion,
    description: str = "",
    n: int = 16,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    solver: str | None = None,
    callback: Callable[[Step], bool | None] | None = None,
    negative: str = "",
    batch: int = 1,
    strict: bool = False,
) -> Iterator[np.ndarray]:
    """Makes pictures; picture k depends on (seed, k), not on n nor on its neighbours (within `TOLERANCE`).

    Args:
        model: From `load`.
        description: A class or words; "" for anything.
        n: How many, >= 1.
        steps: Steps of each, >= 1; see `core.schedule.PRESETS`.
        guidance: 1 for none, 2 to 4 follow the description harder.
        seed: Of the set.
        solver: A key of `core.solve.SOLVERS`; None takes what suits, see `walk_of`.
        callback: See `core.sample.sample`; its samples are those of a batch.
        negative: What to be led away from; needs guidance above 1.
        batch: Pictures at a time.
        strict: One thread, one picture at a time, deterministic kernels: the same bytes in every process on
            one kind of machine.

    Yields:
        uint8 (size, size, 3).

    Raises:
        BurnishError: A value out of its range, or a description the model cannot follow.
    """
    if min(n, steps, batch) < 1:
        raise BurnishError(f"n = {n}, steps = {steps}, batch = {batch}", "all must be at least 1")
    times, suits, pace = walk_of(model, steps)
    solver = solver or suits
    if solver not in SOLVERS:
        raise BurnishError(f"solver {solver!r}", "is unknown", f"Known: {', '.join(SOLVERS)}")
    denoiser = guided(model, guidance, negative)
    condition = told_pace(condition_of(model, description), pace)
    size = 1 if strict else batch
    return _make(model, denoiser, condition, n, times, seed, solver, callback, size, strict)


def guided(model: Diffusion, guidance: float, negative: str = "") -> Denoiser:
    """The model's denoiser with guidance.

    Args:
        model: The model.
        guidance: In [0, 30]; 1 is none.
        negative: What to be led away from, "" for "nothing said".

    Raises:
        BurnishError: A scale out of its range, a negative description that has no effect or that the model
            cannot follow.
    """
    if not 0 <= guidance <= 30:
        raise BurnishError(f"guidance {guidance}", "must be within 0 and 30", "1 is none, 2 to 4 is usual")
    if not negative.strip():
        return model.denoiser if guidance == 1 else Guided(model.denoiser, guidance, lambda c: c.without())
    if guidance <= 1:
        raise BurnishError(
            f"negative description {negative!r}", "has no effect without guidance", "Give guidance 2 to 4"
        )
    unwanted = condition_of(model, negative)

    def without(condition: Condition) -> Condition:
        said = {name: getattr(unwanted, name) for name in ("label", "ngrams", "text")}
        count = _samples(condition)
        return replace(
            condition, **{k: None if v is None else v.expand(count, *v.shape[1:]) for k, v in said.items()}
        )

    return Guided(model.denoiser, guidance, without)


def condition_of(model: Diffusion, description: str, batch: int = 1) -> Condition:
    """`Diffusion.condition`, refusing what is far too long."""
    if len(description) > MOST_WORDS:
        raise BurnishError(
            f"description of {len(description)} characters", f"is over {MOST_WORDS}", "Say it in fewer words"
        )
    return model.condition(description, batch)


def walk_of(model: Diffusion, steps: int) -> tuple[Tensor, str, int]:
    """How a walk from noise is best taken in some steps: the times from where the model's walks begin to 0,
    the solver's name, the pace.

    A model that was tuned for few steps takes Euler's steps at its pace; others AB2's.
    """
    pace = pace_of(steps) if model.config.paces else 0
    return grid(steps, model.start(steps), SHIFT), "euler" if pace else "ab2", pace


def starting_noise(model: Diffusion, seed: int, index: int) -> Tensor:
    """The noise that picture `index` of a seed starts from, (1, channels, side, side); it depends on the two
    alone."""
    return model.process.prior((1, *model.shape), seeded(seed, index))


def parameters(
    model: Diffusion,
    description: str,
    steps: int,
    guidance: float,
    seed: int,
    index: int,
    negative: str = "",
) -> str:
    """The text that a made picture carries, in the form that picture tools read: the prompt, the negative one
    where there is one, then `Key: value` pairs.
    """
    facts = {
        "Steps": steps,
        "Sampler": walk_of(model, steps)[1],
        "CFG scale": f"{guidance:g}",
        "Seed": seed,
        "Index": index,
        "Size": f"{model.size}x{model.size}",
        "Model hash": model.bundle.hash,
    }
    return album.parameters(description, facts, negative)


def _make(
    model: Diffusion,
    denoiser: Denoiser,
    condition: Condition,
    n: int,
    times: Tensor,
    seed: int,
    solver: str,
    callback: Callable[[Step], bool | None] | None,
    batch: int,
    strict: bool,
) -> Iterator[np.ndarray]:
    for start in range(0, n, batch):
        count = min(batch, n - start)
        with strictly() if strict else nullcontext():
            rngs = [seeded(seed, index) for index in range(start, start + count)]
            noise = model.process.prior((count, *model.shape), rngs).to(model.device)
            told = condition.repeated(count)
            begun = float(times[0])
            x = model.begin(noise, begun, told)
            codes = sample(
                denoiser,
                model.process,
                x,
                times,
                solver=SOLVERS[solver],
                condition=told,
                start_t=begun,
                callback=callback,
                corrupted=True,
            )
            pictures = model.codec.decode(codes.cpu().numpy())
        yield from pictures


def _samples(condition: Condition) -> int:
    said = (condition.label, condition.ngrams, condition.text, condition.extra, condition.view)
    return next((len(one) for one in said if one is not None), 1)

r"""The last part of a budget: tuning a trained model for few steps.

A model is told its *pace*, how many steps the walk will take (`core.schedule.PACES`); pace 0 is the model as
it was trained. Two published ways to teach the other paces:

**distil** (progressive distillation, arXiv:2202.00512; the embedding of the step's size is that of shortcut
models, arXiv:2410.12557). A step of the coarse grid, from t to s, must land where the frozen teacher lands
in several fine ones. One Euler step lands at x_s = (s / t) x_t + (1 - s / t) m, so the answer that is
wanted is

    m* = (x_s - (s / t) x_t) / (1 - s / t).

**consistency** (easy consistency tuning, arXiv:2406.14548). The answer at t must be that at s < t on the
same line from data to noise, with the gap t - s halved again and again; in the limit the answer is where the
path ends.

A quarter of the batches keep pace 0 as it was.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.gaussian import StraightPath, spread
from burnish.core.posterior import Posterior
from burnish.core.sample import advance
from burnish.core.schedule import PACES, SHIFT, grid, training_times
from burnish.core.solve import ab2
from burnish.nets.condition import Condition, told_pace
from burnish.train.budget import Budget
from burnish.train.lesson import Lesson
from burnish.train.loop import Fitted, Options, Progress, fit
from burnish.train.muon import build_optimiser

Method = Literal["distil", "consistency"]
UNTOUCHED = 0.25
"""Share of batches at pace 0."""

FINE = {1: 3, 2: 8}
"""Fine steps of the teacher in one coarse step, by pace."""

MUON_RATE, ADAM_RATE = 0.005, 3e-4


class FewSteps:
    """Batches and loss for `train.loop.fit`.

    Args:
        teacher: The trained model; copied and frozen.
        lesson: What it was trained on.
        method: See the module.
        total: Updates after which the gap of `consistency` stops to shrink.
    """

    def __init__(
        self, teacher: nn.Module, lesson: Lesson, method: Method = "consistency", total: int = 400
    ) -> None:
        self.teacher = copy.deepcopy(teacher).eval().requires_grad_(False)
        self.lesson, self.method, self.total = lesson, method, total

    def batch(self, step: int, rng: np.random.Generator) -> tuple[int, int, tuple[Tensor, Condition]]:
        """The batch of an update: its step, its pace, pictures and what is said of them."""
        pace = 0 if rng.random() < UNTOUCHED else int(rng.integers(1, len(PACES)))
        return step, pace, self.lesson.batch(step, rng)

    def loss(
        self, model: nn.Module, batch: tuple[int, int, tuple[Tensor, Condition]], rng: torch.Generator
    ) -> Tensor:
        """The mean loss, a scalar."""
        step, pace, (x_0, condition) = batch
        if not pace:
            return self.lesson.loss(model, (x_0, condition), rng)
        condition = condition.dropped(self.lesson.drop, rng)
        teach = self._distilled if self.method == "distil" else self._consistent
        x_t, t, wanted, paced = teach(model, x_0, condition, pace, step, rng)
        posterior = model(x_t, t, paced)
        return self.lesson.process.loss(posterior, wanted, x_t, t).mean()

    def _distilled(
        self, model: nn.Module, x_0: Tensor, condition: Condition, pace: int, step: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Condition]:
        times = grid(PACES[pace], shift=SHIFT).float()
        place = torch.randint(PACES[pace], (len(x_0),), generator=rng)
        t, s = times[place].to(x_0.device), times[place + 1].to(x_0.device)
        x_t = self.lesson.process.corrupt(x_0, t, rng)
        wanted = landing(self.teacher, self.lesson.process, x_t, t, s, FINE[pace], condition)
        return x_t, t, wanted, told_pace(condition, pace, len(x_0))

    def _consistent(
        self, model: nn.Module, x_0: Tensor, condition: Condition, pace: int, step: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Condition]:
        t = training_times(len(x_0), rng, *self.lesson.times).to(x_0.device)
        halvings = 1 + int(6 * min(1.0, step / self.total))
        s = t * (1 - 0.5**halvings)
        noise = torch.randn(x_0.shape, generator=rng).to(x_0.device)
        x_t, x_s = ((1 - spread(u, x_0)) * x_0 + spread(u, x_0) * noise for u in (t, s))
        paced = told_pace(condition, pace, len(x_0))
        with torch.no_grad():
            wanted = model(x_s, s, paced).mean
        return x_t, t, wanted, paced


def tune(
    model: nn.Module,
    lesson: Lesson,
    budget: Budget,
    options: Options,
    on_progress: Callable[[Progress], bool | None] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    method: Method = "consistency",
) -> Fitted:
    """Tunes a trained model in place; at the end it holds the averaged weights.

    A resumed run must be given the trained model again: it is the teacher.

    Args:
        model: The trained model, told of `PACES`.
        lesson: What it was trained on.
        budget, options, on_progress, checkpoint, resume: See `train.loop.fit`.
        method: See the module.
    """
    taught = FewSteps(model, lesson, method)
    return fit(
        model,
        taught.batch,
        taught.loss,
        budget,
        replace(options, warmup=20),
        on_progress=on_progress,
        checkpoint=checkpoint,
        resume=resume,
        optimiser=build_optimiser(model, MUON_RATE, ADAM_RATE),
    )


@torch.no_grad()
def landing(
    teacher: Callable[..., Posterior],
    process: StraightPath,
    x_t: Tensor,
    t: Tensor,
    s: Tensor,
    fine: int,
    condition: Condition | None,
) -> Tensor:
    """The answer with which one Euler step from t to s lands where the teacher lands in `fine` AB2 steps,
    (B, *).

    Args:
        teacher: A denoiser.
        process: The corruption it was trained on.
        x_t: Samples at t, (B, *).
        t, s: Times, (B,), s < t.
        fine: Steps of the teacher.
        condition: What is said.
    """
    x, past = x_t, None
    places = [fine_time(t, s, k / fine) for k in range(fine + 1)]
    for here, there in pairwise(places):
        x, _, past = advance(teacher, process, x, here, there, ab2, past, condition)
    ratio = spread(s / t, x)
    return (x - ratio * x_t) / (1 - ratio)


def fine_time(t: Tensor, s: Tensor, share: float) -> Tensor:
    """A time between t (share 0) and s (share 1), (B,): nearer to s than evenly, as the path bends there."""
    return s + (t - s) * (1 - math.sin(share * math.pi / 2))

"""The training loop: any model, any loss, a budget; validated, resumable to the bit, stopped in time.

Everything random at step k comes from (seed, k): `batch(k, numpy generator)` and `loss(model, batch, torch
generator)` get generators made from those two numbers. So a run that was killed goes on exactly as if it had
not been, without random state to save, and a run on a budget of steps is a function of its seed alone.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.process import seeded
from burnish.errors import BundleError
from burnish.train.budget import Budget, Clock, learning_rate
from burnish.train.checkpoint import copy_state, read_checkpoint, write_checkpoint
from burnish.train.ema import Ema
from burnish.train.muon import Both, build_optimiser

Batch = Any
DrawBatch = Callable[[int, np.random.Generator], Batch]
Loss = Callable[[nn.Module, Batch, torch.Generator], Tensor]


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Args:
        step: Updates made.
        seconds: Spent, with those of interrupted runs.
        spent: Share of the budget, in [0, 1].
        eta: Seconds left, or None at the start.
        loss: Running mean of the training loss.
        validation: The last validation, {} before the first; has `loss`.
        model: The averaged model.
        validated: Whether this report follows a validation.
    """

    step: int
    seconds: float
    spent: float
    eta: float | None
    loss: float
    validation: dict[str, float]
    model: nn.Module
    validated: bool


@dataclass
class Fitted:
    """What came of a run; the model itself now holds the best averaged weights.

    Args:
        step: Updates made.
        seconds: Spent.
        best_step: The update whose weights were kept.
        best_loss: Their validation loss, inf without validation.
        stopped: `budget`, `upturn`, `copies` or `asked`.
        curve: One row a validation: step, seconds, train loss, and what `validate` answered.
    """

    step: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_loss: float = float("inf")
    stopped: str = "budget"
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """Settings of `fit` that rarely change.

    Args:
        seed: Of batches and noise.
        ema: Decay of the averaged weights per step.
        warmup: Updates until the full learning rate.
        clip: Largest norm of the gradient.
        validations: How many times to validate over the budget, at most.
        overhead: With a budget in minutes, validate less often where that would take a larger share of them.
        patience: Validations in a row that are worse than the best by more than `slack` before stopping.
        slack: Relative slack of an upturn.
        save_every: Seconds between checkpoints (a checkpoint also follows each validation).
        report_every: Updates between progress reports.
        most_copies: Share of samples that copy training data beyond which training stops.
        now: Tells the time in seconds; `time.process_time` gives a budget of processor minutes.
    """

    seed: int = 0
    ema: float = 0.999
    warmup: int = 50
    clip: float = 1.0
    validations: int = 12
    overhead: float = 0.1
    patience: int = 3
    slack: float = 0.01
    save_every: float = 60.0
    report_every: int = 10
    most_copies: float = 0.02
    now: Callable[[], float] = time.monotonic


def fit(
    model: nn.Module,
    batch: DrawBatch,
    loss: Loss,
    budget: Budget,
    options: Options = Options(),
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    copies: Callable[[nn.Module], float] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    optimiser: Both | None = None,
) -> Fitted:
    """Trains `model` in place; at the end it holds the averaged weights with the lowest validation loss.

    Args:
        model: The model; moved nowhere, so put it on its device first.
        batch: `batch(step, generator)` answers the batch of an update; it must depend on nothing else.
        loss: `loss(model, batch, generator)` answers a scalar.
        budget: When to stop; the learning rate is zero there.
        options: The rest of the settings.
        validate: Given the averaged model, answers named figures, `loss` among them; deterministic.
        copies: Given the averaged model, the share of samples that copy training data. Asked at each
            improvement in the second half of the validations; too many stop the run and the model before is
            kept.
        on_progress: Called every few updates; answering True stops the run, as does Ctrl-C.
        checkpoint: A file to save to, so that a killed run can go on.
        resume: Goes on from `checkpoint` if it is there.
        optimiser: None for `build_optimiser(model)`.

    Raises:
        BundleError: The checkpoint is damaged or of another model.
        FloatingPointError: The loss is not finite.
    """
    return _Run(model, batch, loss, budget, options, validate, copies, on_progress, checkpoint, optimiser).go(
        resume
    )


_WEIGHTS = threading.Lock()


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Inside, torch's global generator, which new modules draw their weights from, starts at `seed`; then it
    is put back. One thread at a time, or they would draw from each other's."""
    with _WEIGHTS, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """Collects Ctrl-C (SIGINT) and SIGTERM so that a loop can end between two updates; the second one raises
    KeyboardInterrupt. Outside the main thread nothing is caught."""
    caught: list[int] = []

    def catch(number: int, frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    """The state of one `fit`."""

    def __init__(
        self, model, batch, loss, budget, options, validate, copies, on_progress, checkpoint, optimiser
    ):
        self.model: nn.Module = model
        self.batch, self.loss, self.budget, self.options = batch, loss, budget, options
        self.validate, self.copies, self.on_progress, self.checkpoint = (
            validate,
            copies,
            on_progress,
            checkpoint,
        )
        self.optimiser: Both = optimiser or build_optimiser(model)
        self.ema = Ema(model, options.ema)
        self.best: dict[str, Tensor] | None = None
        self.fitted = Fitted()
        self.mean_loss, self.validated_at, self.worse = float("nan"), 0.0, 0
        self.clock, self.saved_at, self.started = Clock(), 0.0, (0.0, 0.0)
        self.checked_at, self.check_took = 0.0, 0.0

    def go(self, resume: bool) -> Fitted:
        if resume and self.checkpoint is not None and self.checkpoint.exists():
            self._load(self.checkpoint)
        self.model.train()
        self.clock = Clock(self.fitted.seconds, self.options.now)
        self.started = (self.fitted.seconds, self._spent())
        self.saved_at = self.checked_at = self.fitted.seconds
        with interruptions() as interrupted:
            while self.fitted.stopped == "budget" and self._spent() < 1:
                self._update()
                if self._due():
                    self._check()
                elif self.clock.seconds() - self.saved_at > self.options.save_every:
                    self._save()
                if self.fitted.step % self.options.report_every == 0:
                    self._report(False)
                if interrupted:
                    self.fitted.stopped = "asked"
        return self._finish()

    def _spent(self) -> float:
        return self.budget.spent(self.fitted.step, self.fitted.seconds)

    def _update(self) -> None:
        step, seed = self.fitted.step, self.options.seed
        rate = learning_rate(self._spent(), step, self.options.warmup)
        drawn = self.batch(step, np.random.default_rng((seed, step)))
        value = self.loss(self.model, drawn, seeded(seed, step))
        if not torch.isfinite(value):
            raise FloatingPointError(f"the loss is {value.item()} at update {step}; lower the learning rate")
        value.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimiser.step(rate)
        self.fitted.step += 1
        self.fitted.seconds = self.clock.seconds()
        self.ema.update(self.model, self.fitted.step)
        now = float(value.detach())
        self.mean_loss = now if self.mean_loss != self.mean_loss else 0.98 * self.mean_loss + 0.02 * now

    def _due(self) -> bool:
        if self._spent() >= 1:
            return True
        waited = self.clock.seconds() - self.checked_at
        affordable = self.budget.minutes is None or self.check_took <= self.options.overhead * waited
        return affordable and self._spent() - self.validated_at >= 1 / self.options.validations

    def _check(self) -> None:
        """Validates, keeps the best, decides whether to stop."""
        f, o = self.fitted, self.options
        began, self.validated_at = self.clock.seconds(), self._spent()
        figures = self.validate(self.ema.model) if self.validate else {}
        f.curve.append({"step": f.step, "seconds": f.seconds, "train": self.mean_loss, **figures})
        now = figures.get("loss", 0.0)
        if now < f.best_loss or not self.validate:
            if self._copying():
                f.stopped = "copies"
            else:
                self.best, f.best_loss, f.best_step = copy_state(self.ema.model), now, f.step
                self.worse = 0
        elif now > f.best_loss * (1 + o.slack):
            self.worse += 1
            f.stopped = "upturn" if self.worse >= o.patience else f.stopped
        self._report(True)
        f.seconds = self.checked_at = self.clock.seconds()
        self.check_took = self.checked_at - began
        self._save()

    def _copying(self) -> bool:
        if (
            self.copies is None
            or self.best is None
            or len(self.fitted.curve) <= self.options.validations // 2
        ):
            return False
        share = self.copies(self.ema.model)
        self.fitted.curve[-1]["copies"] = share
        return share > self.options.most_copies

    def _report(self, validated: bool) -> None:
        if self.on_progress is None:
            return
        f, spent = self.fitted, self._spent()
        gone, done = f.seconds - self.started[0], spent - self.started[1]
        eta = gone * (1 - spent) / done if done > 0 else None
        last = f.curve[-1] if f.curve else {}
        report = Progress(f.step, f.seconds, spent, eta, self.mean_loss, last, self.ema.model, validated)
        if self.on_progress(report):
            self.fitted.stopped = "asked"

    def _finish(self) -> Fitted:
        if self.fitted.stopped == "asked":
            self._save()
        if self.best is None:
            self.best, self.fitted.best_step = copy_state(self.ema.model), self.fitted.step
        self.model.load_state_dict(self.best)
        self.model.eval()
        return self.fitted

    def _save(self) -> None:
        self.saved_at = self.clock.seconds()
        if self.checkpoint is None:
            return
        fitted = asdict(self.fitted) | {
            "stopped": "budget" if self.fitted.stopped == "asked" else self.fitted.stopped
        }
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "fitted": fitted,
            "run": {"mean_loss": self.mean_loss, "validated_at": self.validated_at, "worse": self.worse},
            "seed": self.options.seed,
        }
        write_checkpoint(self.checkpoint, state)

    def _load(self, path: Path) -> None:
        state = read_checkpoint(path)
        if state["seed"] != self.options.seed:
            raise BundleError(
                path, f"is of a run with seed {state['seed']}", "Resume with that --seed, or train afresh"
            )
        try:
            self.model.load_state_dict(state["model"])
            self.ema.model.load_state_dict(state["ema"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise BundleError(
                path, "is of another model", "Train without --resume, or with the same options"
            ) from error
        self.best = state["best"]
        self.fitted = Fitted(**state["fitted"])
        run = state["run"]
        self.mean_loss, self.validated_at, self.worse = run["mean_loss"], run["validated_at"], run["worse"]

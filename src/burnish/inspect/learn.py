"""The steps of training an inspector: settings, parts in memory, segmenters that learn side by side.

Two segmenters, each on one core, learn from one half of the good parts each, so that every good part is
judged by one that never saw it (`burnish.inspect.heldout`). One of them is kept.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from burnish.errors import BurnishError, DatasetError, ImageError
from burnish.inspect.detector import Fusion, Inspector
from burnish.inspect.pairs import Shot, Synthesiser
from burnish.inspect.reference import load_reference
from burnish.inspect.segmenter import Drill, Segmenter
from burnish.inspect.surprise import Surprise
from burnish.media.dataset import PartSet
from burnish.media.image import fit, fit_mask, header_size
from burnish.nets.backbone import load_lite0
from burnish.train.budget import Budget
from burnish.train.loop import Fitted, Options, Progress, interruptions, seeded_weights
from burnish.train.loop import fit as train_loop

SIDES = (256, 480)
"""Least and greatest working resolution, the square root of a picture's area in pixels."""

Report = Callable[[str, float], bool | None]
"""Told what is going on and the share of it done; answering True stops."""


@dataclass(frozen=True)
class Settings:
    """What `burnish inspect train` may be told.

    Attributes:
        minutes: Wall time of training.
        steps: Updates of each segmenter instead; then a run is a function of its seed alone.
        false_rejects: Wanted false-reject rate.
        seed: Of everything random.
        backbone: Where surprise is measured: a name in `reference.BACKBONES`, a path or a hub name.
        synthesis: One of `recipe.METHODS`.
        workers: Segmenters that learn at the same time.
    """

    minutes: float = 10.0
    steps: int | None = None
    false_rejects: float = 0.01
    seed: int = 0
    backbone: str = "lite0"
    synthesis: str = "auto"
    workers: int = field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)))

    def __post_init__(self) -> None:
        if not 0 < self.false_rejects < 1:
            raise BurnishError(
                f"--false-rejects {self.false_rejects:g}",
                "is not a share that a threshold can promise",
                "Give a number between 0 and 1, such as 0.01",
            )

    def budget(self, minutes: float) -> Budget:
        """What a segmenter may spend: the steps, or the minutes that are left."""
        return Budget(None, self.steps) if self.steps else Budget(max(minutes, 0.02), None)


def working_side(shots: Sequence[tuple[int, int]]) -> int:
    """The working resolution for pictures of sizes (H, W): their own median, within `SIDES`, in steps of
    32."""
    own = float(np.median([np.sqrt(h * w) for h, w in shots])) if shots else SIDES[0]
    return int(np.clip(round(own / 32) * 32, *SIDES))


def header_sizes(parts: PartSet) -> list[tuple[int, int]]:
    """(H, W) of each picture that can be opened, before any EXIF rotation; no pixel is read."""
    sizes = []
    for part in parts.parts:
        with suppress(ImageError):
            sizes.append(header_size(part.image))
    return sizes


def read_shots(parts: PartSet, problems: list[Any], report: Report) -> tuple[list[Shot], int]:
    """All usable parts at one working resolution.

    Returns:
        The parts and the working side.

    Raises:
        DatasetError: Fewer than two good parts can be read.
    """
    side = working_side(header_sizes(parts))
    shots: list[Shot] = []
    for i, (part, image, mask) in enumerate(parts.read(problems)):
        known = None if mask is None else fit_mask(mask, side)
        shots.append(Shot(fit(image, side), known, part.label, parts.name(part), group=part.group))
        report("reading parts", (i + 1) / len(parts))
    goods = sum(x.label == "good" for x in shots)
    if goods < 2:
        raise DatasetError(
            parts.root,
            f"holds {goods} readable good part{'s' if goods != 1 else ''}",
            "Add good parts: two at least, a hundred are better",
        )
    return shots, side


def as_tensor(image: np.ndarray) -> Tensor:
    """uint8 (h, w, 3) to float32 (1, 3, h, w) in [0, 1]."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


@contextmanager
def one_core_each():
    """Inside, torch uses one core a thread: models learn side by side, and small steps do not wait for each
    other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class Lesson:
    """One segmenter's training: what it learns from, and what came of it.

    Attributes:
        goods, defects: Parts.
        synthesiser: Makes the source of new defects, or answers None; called when the lesson begins.
        budget: Called once that is there.
        checkpoint: File to go on from.
        seed: Of weights and batches.
    """

    goods: list[Shot]
    defects: list[Shot]
    synthesiser: Callable[[], Synthesiser | None]
    checkpoint: Path
    budget: Callable[[], Budget]
    seed: int
    model: Segmenter | None = None
    fitted: Fitted | None = None


def teach(
    lessons: Sequence[Lesson], workers: int, report: Report, warm: dict[int, dict[str, Tensor]] | None = None
) -> bool:
    """Trains all segmenters, `workers` at a time; each goes on from its checkpoint if there is one.

    Args:
        lessons: Get their `model` and `fitted`.
        workers: At a time.
        report: Told the share done; answering True stops all, and their checkpoints are kept.
        warm: Weights to start from, by the lesson's number.

    Returns:
        Whether it was stopped.
    """
    spent, halt, failed = [0.0] * len(lessons), threading.Event(), []

    def learn(number: int) -> None:
        lesson = lessons[number]
        torch.set_num_threads(1)
        with seeded_weights(lesson.seed):
            model = Segmenter(load_lite0())
        if warm and number in warm:
            model.load_state_dict(warm[number])
        drill = Drill(lesson.goods, lesson.defects, lesson.synthesiser())

        def follow(now: Progress) -> bool:
            spent[number] = now.spent
            return halt.is_set()

        options = Options(seed=lesson.seed, ema=0.98, warmup=30, validations=1, save_every=30)
        lesson.fitted = train_loop(
            model, drill.batch, drill.loss, lesson.budget(), options,
            on_progress=follow, checkpoint=lesson.checkpoint, resume=True, optimiser=model.optimiser(),
        )  # fmt: skip
        lesson.model, spent[number] = model, 1.0

    with interruptions() as interrupted, ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(learn, number) for number in range(len(lessons))]
        while not all(job.done() for job in jobs):
            time.sleep(0.2)
            if interrupted or report("learning defects", sum(spent) / len(spent)):
                halt.set()
            failed = [job for job in jobs if job.done() and not job.cancelled() and job.exception()]
            if failed:
                halt.set()
    for job in failed or jobs:
        job.result()
    return halt.is_set()


def assemble(model: Segmenter | None, backbone: str, surprise: Surprise, fusion: Fusion) -> Inspector:
    """The finished inspector, in evaluation mode."""
    return Inspector(model or Segmenter(load_lite0()), load_reference(backbone), surprise, fusion).eval()

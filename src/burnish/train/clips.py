"""`burnish train` on clips: videos, GIFs or ordered frames in, a diffusion bundle of clips out."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from burnish.core.frames import FramePreconditioned
from burnish.core.left_out import left_out
from burnish.core.mmd import kid
from burnish.core.outline import Outline, begin
from burnish.core.process import normal, seeded
from burnish.core.sample import sample
from burnish.core.schedule import SHIFT, grid
from burnish.errors import BurnishError
from burnish.media.clip import load_clips
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.store.bundle import OUTLINE, Bundle, read_bundle
from burnish.train.budget import Budget
from burnish.train.clip_lesson import ClipLesson
from burnish.train.clip_plan import ClipPlan, prepare
from burnish.train.copies import copy_rate
from burnish.train.features import Features
from burnish.train.loop import Fitted, Options, Progress, fit
from burnish.train.outline import LEAST, choose_starts
from burnish.train.plan import Tariff
from burnish.train.run import CHECKPOINT, SHEET, Trained, account, agree, open_place, save

WINDOWS, MADE, BATCH = 300, 64, 16
"""Windows that an outline is fitted to, frames made at each time that is tried, and how many at a time."""


def train(
    root: str | Path,
    out: str | Path,
    budget: Budget,
    seed: int = 0,
    size: int = 64,
    resume: bool = False,
    on_plan: Callable[[ClipPlan], None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    base: str | Path | None = None,
    tariff: Tariff = Tariff(),
    options: Options = Options(),
    **changes: Any,
) -> Trained:
    """Trains a diffusion model of clips and writes its bundle.

    Args:
        root: See `media.clip.load_clips`.
        out: The bundle to write; `<out>.training` holds the checkpoint and the sample sheet meanwhile.
        budget: When to stop.
        seed: Of weights, hold-out, windows and noise.
        size: Side of the frames in pixels, a multiple of 32.
        resume: Go on from the checkpoint of an interrupted run.
        on_plan: Told what was found, before training.
        on_progress: See `train.loop.fit`; answering True or Ctrl-C stops the run and keeps the checkpoint.
        base: A bundle of clips to begin from instead of random weights.
        tariff: For the plan's cost.
        options: Of `train.loop.fit`; `seed` is set here.
        changes: Fields of `nets.clip.ClipConfig` to set.

    Raises:
        DatasetError, BundleError: Nothing to train on; no place to write; a base of another shape.
        BurnishError: A size that does not fit, or an unfinished run in the way.
    """
    if size < 32 or size % 32:
        raise BurnishError(f"size {size}", "is not a multiple of 32", "Use 64 or 128")
    out, work = Path(out), open_place(out, resume)
    plan, model = prepare(load_clips(root, size), budget, seed, base, tariff, **changes)
    if on_plan:
        on_plan(plan)
    told = {"data": plan.clips.hash, "architecture": plan.lesson.config.to_json(), "seed": seed}
    agree(work, {**told, "base": read_bundle(base).hash if base else None})

    def watch(progress: Progress) -> bool | None:
        if progress.validated:
            write_png(work / SHEET, draw_sheet(progress.model, plan.lesson, seed))
        return on_progress(progress) if on_progress else None

    fitted = fit(
        model,
        plan.lesson.batch,
        plan.lesson.loss,
        budget,
        replace(options, seed=seed),
        validate=plan.lesson.validate if len(plan.lesson.held) else None,
        copies=lambda m: measure_copies(m, plan.lesson, seed),
        on_progress=watch,
        checkpoint=work / CHECKPOINT,
        resume=resume,
    )
    if fitted.stopped == "asked":
        return Trained(None, fitted, work)
    model.trust.copy_(plan.lesson.trust(model))
    return Trained(save_bundle(out, model, plan, fitted, seed), fitted, work)


@torch.no_grad()
def choose_outline(model: torch.nn.Module, lesson: ClipLesson, updates: int, seed: int) -> Outline | None:
    """The outline of training windows, with the times whose frames are nearest to training frames by KID;
    None where walks from noise do as well. Clips with descriptions, which it would not know, have none.

    Args:
        model: The trained denoiser.
        lesson: What it was trained on.
        updates: It has had.
        seed: Of windows and noise.
    """
    config = lesson.config
    if updates < LEAST or config.buckets:
        return None
    rng = np.random.default_rng((seed, 15))
    windows, _, told = lesson.draw(WINDOWS, rng)
    labels = None if told.label is None else told.label.cpu()
    outline = Outline.of(lesson.process.white(windows).cpu(), labels, len(lesson.clips.classes))
    outline, features = outline.to(lesson.device), Features()
    shown = rng.integers(config.frames, size=WINDOWS)
    real = features(lesson.codec.decode(windows[torch.arange(WINDOWS), :, shown].cpu().numpy()))

    def distance(steps: int, half: bool) -> float:
        frames = sample_frames(model, lesson, MADE // 2 if half else MADE, seed + 2, steps, outline)
        return kid(features(lesson.codec.decode(frames.numpy())), real)

    return choose_starts(outline, distance)


def sample_frames(
    model: torch.nn.Module, lesson: ClipLesson, count: int, seed: int, steps: int, outline: Outline
) -> torch.Tensor:
    """Codes of single frames (count, C, size, size) of clips that begin at an outline, each walked alone:
    what frames look like, for a sixteenth of the time of clips."""
    rng = np.random.default_rng((seed, 11))
    chosen, shown = rng.choice(len(lesson.train), count), rng.integers(lesson.config.frames, size=count)
    shape = (lesson.codec.channels, lesson.config.frames, lesson.clips.size, lesson.clips.size)
    start, made = outline.start(steps), []
    for first in range(0, count, BATCH):
        places = range(first, min(first + BATCH, count))
        told = lesson.condition_of([lesson.train.takes[int(chosen[k])] for k in places]).to(lesson.device)
        noise = normal((len(places), *shape), [seeded(seed, 11, k) for k in places], lesson.device)
        x = lesson.process.alike(begin(outline, model, noise, start, told))
        x = x[torch.arange(len(places)), :, shown[places.start : places.stop], None]
        times = grid(steps, start, SHIFT)
        walked = sample(model, lesson.process, x, times, condition=told, start_t=start, corrupted=True)
        made.append(walked[:, :, 0].cpu())
    return torch.cat(made)


def sample_codes(
    model: torch.nn.Module,
    lesson: ClipLesson,
    count: int,
    seed: int,
    steps: int,
    outline: Outline | None = None,
) -> torch.Tensor:
    """Codes of clips under the conditions of random training takes, (count, C, T, size, size)."""
    chosen = np.random.default_rng((seed, 11)).choice(len(lesson.train), count)
    shape = (1, lesson.codec.channels, lesson.config.frames, lesson.clips.size, lesson.clips.size)
    start, made = outline.start(steps) if outline else 1.0, []
    times = grid(steps, start, SHIFT)
    for index, take in enumerate(chosen):
        told = lesson.condition_of([lesson.train.takes[int(take)]]).to(lesson.device)
        noise = normal(shape, seeded(seed, 11, index), lesson.device)
        x = lesson.process.alike(begin(outline, model, noise, start, told))
        walked = sample(model, lesson.process, x, times, condition=told, start_t=start, corrupted=True)
        made.append(walked.cpu())
    return torch.cat(made)


def draw_sheet(
    model: torch.nn.Module,
    lesson: ClipLesson,
    seed: int,
    outline: Outline | None = None,
    count: int = 2,
    steps: int = 8,
) -> np.ndarray:
    """A sheet of made clips, a row each, uint8 (H, W, 3); the same seeds each time, so that it grows."""
    frames = [
        frame
        for code in sample_codes(model, lesson, count, seed, steps, outline)
        for frame in lesson.codec.decode(code.transpose(0, 1).numpy())
    ]
    return contact_sheet(frames, columns=lesson.config.frames, tile=lesson.clips.size)


def measure_copies(
    model: torch.nn.Module, lesson: ClipLesson, seed: int, count: int = 8, steps: int = 4
) -> float:
    """Share of fresh clips that repeat a training window; see `copies.copy_rate`. Windows are taken so far
    apart that no two share a frame, or each would hide the other."""
    length, apart = lesson.config.frames, []
    for take in lesson.train.takes:
        for start in range(0, take.starts(length), length):
            apart.append((take, start))
    codes = lesson.windows_at(apart[:200])[0].cpu()
    return copy_rate(sample_codes(model, lesson, count, seed + 1, steps), codes)


def surprises(model: FramePreconditioned, lesson: ClipLesson, most: int = 16) -> list[float]:
    """Surprise of held-out frames (of training frames where none are held out), sorted: what is usual."""
    x_0, there, condition = lesson.windows(lesson.held if len(lesson.held) else lesson.train, most)
    scores = [
        left_out(model, lesson.process, x_0[k : k + 1], there[k : k + 1], condition[k : k + 1])[
            there[k : k + 1]
        ]
        for k in range(len(x_0))
    ]
    return sorted(round(float(score), 5) for score in torch.cat(scores))


def save_bundle(
    out: str | Path, model: FramePreconditioned, plan: ClipPlan, fitted: Fitted, seed: int
) -> Bundle:
    """Writes the bundle, kind `diffusion`, media `clip`, and then removes the work folder."""
    clips, lesson, began = plan.clips, plan.lesson, time.perf_counter()
    outline = choose_outline(model, lesson, fitted.step, seed)
    seconds = fitted.seconds + time.perf_counter() - began
    sheet = draw_sheet(model, lesson, seed, outline)
    meta = {
        "kind": "diffusion",
        "media": "clip",
        "architecture": {"name": "clip", **lesson.config.to_json()},
        "codec": lesson.codec.to_json(),
        "process": {"name": "frames", "correlation": [round(float(v), 6) for v in lesson.process.matrix[0]]},
        "size": clips.size,
        "classes": list(clips.classes),
        "outline": None if outline is None else {"starts": list(outline.starts), "axes": len(outline.axes)},
        "trust": [round(float(share), 3) for share in model.trust],
        "surprise": surprises(model, lesson),
        "data": {
            "hash": clips.hash,
            "clips": len(clips),
            "frames": clips.frames,
            "held_out": lesson.held.frames,
            "layout": clips.layout,
            "licence": "not stated",
        },
        **account(fitted, seed, lesson.batch_size, plan.budget, seconds),
    }

    def more(folder: Path) -> None:
        if outline is not None:
            save_file(outline.packed(), folder / OUTLINE)
        write_png(folder / SHEET, sheet)

    return save(out, meta, model, card(meta), more)


def card(meta: dict[str, Any]) -> str:
    """The model card, Markdown."""
    data, training = meta["data"], meta["training"]
    judged = (
        f"{training['best_loss']:.4f} at update {training['best_step']}"
        if data["held_out"]
        else "not measured, nothing held out"
    )
    shape, cost = meta["architecture"], meta["cost"]
    return f"""# A diffusion model of {data["clips"]} clips

- Clips of {shape["frames"]} frames of {meta["size"]} px; classes: {", ".join(meta["classes"]) or "none"}.
- {data["frames"]} frames, data hash {data["hash"]}, layout {data["layout"]};
  licence of the data: {data["licence"]}.
- Trained for {cost["seconds"]:.0f} s, {training["step"]} updates of {training["batch"]} windows,
  seed {training["seed"]}; stopped by: {training["stopped"]}.
- Loss on {data["held_out"]} held-out frames: {judged}; the Gaussian filter alone is near 1.

Made clips are not footage of real things, and a clip of wear is a guess, not a forecast. Look at `{SHEET}`
before you rely on them.
"""

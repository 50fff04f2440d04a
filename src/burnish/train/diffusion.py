"""`burnish train`: a folder of pictures in, a diffusion bundle out."""

import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

import burnish
from burnish.core.gaussian import Preconditioned
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.schedule import SHIFT, grid
from burnish.errors import BurnishError
from burnish.media.codec import Pixels
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.nets.hourglass import Hourglass, preset
from burnish.store.bundle import WEIGHTS, Bundle, write_bundle
from burnish.train import augment
from burnish.train.budget import Budget
from burnish.train.copies import copy_rate
from burnish.train.lesson import Lesson
from burnish.train.loop import Fitted, Options, Progress, fit, seeded_weights
from burnish.train.pictures import FEW, Pictures, load_pictures
from burnish.train.run import CHECKPOINT, SHEET, Trained, agree, open_place, work_folder

BUCKETS = 4096


@dataclass(frozen=True)
class Plan:
    """What was found and what will be done; `str` says it to a person."""

    pictures: Pictures
    lesson: Lesson
    budget: Budget
    parameters: int

    def __str__(self) -> str:
        p, lesson = self.pictures, self.lesson
        told = f"{len(p.classes)} classes ({', '.join(p.classes[:6])})" if p.classes else "no classes"
        told += ", descriptions" if p.described else ""
        lines = [
            f"Found {len(p)} pictures in {p.root} ({p.layout}; {told}; {'gray' if self.gray else 'colour'}).",
            *(f"  left out: {problem}" for problem in p.problems[:10]),
            *([f"  and {len(p.problems) - 10} more problems"] if len(p.problems) > 10 else []),
            f"Trains {self.parameters / 1e6:.1f} M weights at {p.size} px on {len(lesson.train)} of them;"
            f" {len(lesson.held)} are held out to judge by.",
            "Views: turned and mirrored pictures train along under their own name, so they are not made."
            if lesson.augmented
            else "Views: only as they are.",
        ]
        if p.elongated:
            lines.append("Crops: squares are cut at random along the longer side of each picture.")
        if len(p) < FEW:
            lines.append(
                f"Warning: {len(p)} pictures are few; below {FEW} a model tends to repeat them. Training"
                " stops at the first sign, so expect rough pictures, or add more."
            )
        if not lesson.held:
            lines.append("Warning: too few pictures to hold any out; nothing can say when to stop.")
        return "\n".join(lines)

    @property
    def gray(self) -> bool:
        """Whether all pictures are gray."""
        return self.lesson.codec.channels == 1


def train(
    root: str | Path,
    out: str | Path,
    budget: Budget,
    seed: int = 0,
    size: int = 64,
    resume: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    augmented: bool = True,
) -> Trained:
    """Trains a diffusion model of the pictures in a folder and writes its bundle.

    Args:
        root: See `load_pictures`.
        out: The bundle to write; `<out>.training` holds the checkpoint and the sample sheet meanwhile.
        budget: When to stop.
        seed: Of weights, hold-out, order and noise.
        size: Side of the pictures in pixels, a multiple of 32.
        resume: Go on from the checkpoint of an interrupted run.
        on_plan: Told what was found, before training.
        on_progress: See `train.loop.fit`; answering True or Ctrl-C stops the run and keeps the checkpoint.
        augmented: Train on turned and mirrored views too.

    Raises:
        DatasetError, BundleError: Nothing to train on; no place to write.
        BurnishError: A size that does not fit, or an unfinished run in the way.
    """
    if size < 32 or size % 32:
        raise BurnishError(f"size {size}", "is not a multiple of 32", "Use 64 or 128")
    out, work = Path(out), open_place(out, resume)
    pictures = load_pictures(root, size)
    plan, model = prepare(pictures, budget, seed, augmented)
    if on_plan:
        on_plan(plan)
    agree(work, {"data": pictures.hash, "architecture": plan.lesson.config.to_json(), "seed": seed})

    def watch(progress: Progress) -> bool | None:
        if progress.validated:
            write_png(work / SHEET, draw_sheet(progress.model, plan.lesson, seed))
        return on_progress(progress) if on_progress else None

    options = Options(seed=seed)
    fitted = fit(
        model,
        plan.lesson.batch,
        plan.lesson.loss,
        budget,
        options,
        validate=plan.lesson.validate if plan.lesson.held else None,
        copies=lambda m: measure_copies(m, plan.lesson, seed),
        on_progress=watch,
        checkpoint=work / CHECKPOINT,
        resume=resume,
    )
    if fitted.stopped == "asked":
        return Trained(None, fitted, work)
    return Trained(save_bundle(out, model, plan, fitted, seed), fitted, work)


def prepare(
    pictures: Pictures, budget: Budget, seed: int, augmented: bool = True
) -> tuple[Plan, Preconditioned]:
    """The lesson and a new network for some pictures."""
    codec = Pixels.of(pictures.images)
    config = preset(
        pictures.size,
        channels=codec.channels,
        classes=len(pictures.classes),
        buckets=BUCKETS if pictures.described else 0,
        views=augment.VIEWS if augmented else 0,
    )
    with seeded_weights(seed):
        model = Preconditioned(Hourglass(config))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lesson = Lesson(pictures, codec, config, seed=seed, augmented=augmented)
    lesson.device = device
    return Plan(pictures, lesson, budget, sum(p.numel() for p in model.parameters())), model.to(device)


def sample_codes(model: torch.nn.Module, lesson: Lesson, count: int, seed: int, steps: int) -> torch.Tensor:
    """Codes of samples under the conditions of random training pictures, (count, C, size, size)."""
    said = np.random.default_rng((seed, 11)).choice(lesson.train, count)
    condition = lesson.condition_of([int(index) for index in said]).to(lesson.device)
    shape = (lesson.codec.channels, lesson.pictures.size, lesson.pictures.size)
    made = []
    for start in range(0, count, 16):
        rngs = [seeded(seed, 11, index) for index in range(start, min(start + 16, count))]
        told = condition[slice(start, start + 16)]
        made.append(
            sample(
                model, lesson.process, (len(rngs), *shape), grid(steps, shift=SHIFT), condition=told, rng=rngs
            ).cpu()
        )
    return torch.cat(made)


def draw_sheet(
    model: torch.nn.Module, lesson: Lesson, seed: int, count: int = 16, steps: int = 8
) -> np.ndarray:
    """A sheet of samples, uint8 (H, W, 3); the same seeds each time, so that it grows."""
    images = list(lesson.codec.decode(sample_codes(model, lesson, count, seed, steps).numpy()))
    return contact_sheet(images, columns=4, tile=lesson.pictures.size * 2)


def measure_copies(
    model: torch.nn.Module, lesson: Lesson, seed: int, count: int = 64, steps: int = 6
) -> float:
    """Share of fresh samples that repeat a training picture; see `copies.copy_rate`."""
    samples = sample_codes(model, lesson, count, seed + 1, steps)
    return copy_rate(samples, lesson.training_codes().cpu())


def save_bundle(out: str | Path, model: Preconditioned, plan: Plan, fitted: Fitted, seed: int) -> Bundle:
    """Writes the bundle, kind `diffusion`, and then removes the work folder."""
    work, pictures, lesson = work_folder(out), plan.pictures, plan.lesson
    sheet = draw_sheet(model, lesson, seed)
    meta = {
        "kind": "diffusion",
        "architecture": {"name": "hourglass", **lesson.config.to_json()},
        "codec": lesson.codec.to_json(),
        "process": {"name": "straight", "deviation": lesson.process.deviation},
        "size": pictures.size,
        "classes": list(pictures.classes),
        "data": {
            "hash": pictures.hash,
            "pictures": len(pictures),
            "held_out": len(lesson.held),
            "layout": pictures.layout,
            "licence": "not stated",
        },
        "training": asdict(fitted)
        | {"seed": seed, "batch": lesson.batch_size, "budget": asdict(plan.budget)},
        "cost": {"seconds": round(fitted.seconds, 1), "machine": platform.processor() or platform.machine()},
        "versions": {
            "burnish": burnish.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }

    def write(folder: Path) -> None:
        state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        write_png(folder / SHEET, sheet)

    bundle = write_bundle(out, meta, write, card(meta))
    shutil.rmtree(work, ignore_errors=True)
    return bundle


def card(meta: dict[str, Any]) -> str:
    """The model card, Markdown."""
    data, training = meta["data"], meta["training"]
    loss = training["best_loss"]
    judged = (
        f"{loss:.4f} at update {training['best_step']}"
        if data["held_out"]
        else "not measured, nothing held out"
    )
    return f"""# A diffusion model of {data["pictures"]} pictures

- Pictures of {meta["size"]} px; classes: {", ".join(meta["classes"]) or "none"}.
- Data hash {data["hash"]}, layout {data["layout"]}; licence of the data: {data["licence"]}.
- Trained for {meta["cost"]["seconds"]:.0f} s, {training["step"]} updates of {training["batch"]}, seed
{training["seed"]};
  stopped by: {training["stopped"]}.
- Loss on {data["held_out"]} held-out pictures: {judged}.

Made pictures are not photographs of real things. Look at `{SHEET}` before you rely on them.
"""

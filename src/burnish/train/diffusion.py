"""`burnish train`: a folder of pictures in, a diffusion bundle out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from burnish.core.centred import Centred
from burnish.core.gaussian import Preconditioned, StraightPath
from burnish.core.outline import Outline
from burnish.core.schedule import PACES
from burnish.errors import BurnishError
from burnish.media.codec import Pixels
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.nets.condition import Condition
from burnish.nets.hourglass import Hourglass, preset, preset_latent
from burnish.nets.latents import Latents, load_autoencoder
from burnish.nets.sentence import SentenceEncoder
from burnish.nets.wordmean import WordMean
from burnish.store.bundle import OUTLINE, Bundle
from burnish.train import augment
from burnish.train.base import Base, inherit, open_base
from burnish.train.budget import Budget
from burnish.train.copies import copy_rate
from burnish.train.fewstep import tune
from burnish.train.lesson import Lesson
from burnish.train.loop import Fitted, Options, Progress, fit, seeded_weights
from burnish.train.outline import choose_outline, sample_codes
from burnish.train.pictures import Pictures, load_pictures
from burnish.train.plan import Plan, Tariff
from burnish.train.run import CHECKPOINT, SHEET, Trained, account, agree, open_place, save
from burnish.train.wordmean import cross_fit_word_mean, fit_word_mean

BUCKETS = 4096
TUNING = "fewstep.safetensors"
MOST_PIXELS = 128
"""Larger pictures need an autoencoder."""


def train(
    root: str | Path,
    out: str | Path,
    budget: Budget,
    seed: int = 0,
    size: int = 64,
    resume: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    augmented: bool = False,
    base: str | Path | None = None,
    autoencoder: str | Path | None = None,
    text_encoder: str | None = None,
    hold: float = 0.1,
    tariff: Tariff = Tariff(),
    lesson: Mapping[str, Any] | None = None,
    few_steps: float = 0.0,
    options: Options = Options(),
    word_mean: int | None = None,
    **changes: Any,
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
        augmented: Train on turned and mirrored views too, which in short trainings costs more than it brings
            (docs/experiments.md); codes of an autoencoder are not turned.
        base: A bundle to go on from: its codec, classes and text encoder stay.
        autoencoder: See `nets.latents.load_autoencoder`; None denoises pixels.
        text_encoder: See `nets.sentence.SentenceEncoder`; None trains n-grams of words and letters along.
        hold: Share of pictures held out. With 0 nothing stops the run before its budget is spent, and the
            model learns its pictures by heart: for a set that is meant to be repeated.
        tariff: For the plan's cost.
        lesson: Further arguments of `Lesson`.
        few_steps: Share of the budget that tunes the model for few steps at the end (`train.fewstep`); 0 by
            default, for in short trainings it cost more than it brought (docs/experiments.md).
        options: Of `train.loop.fit`; `seed` is set here.
        word_mean: Rank of a mean that the words tell, fitted in closed form before training (see
            `train.wordmean`) so closely that names are known by heart at once; 0 for none. By default, where
            there are descriptions, one that foretells pictures it has not seen.
        changes: Fields of `nets.hourglass.HourglassConfig` to set; not with a base.

    Raises:
        DatasetError, BundleError: Nothing to train on; no place to write.
        BurnishError: A size that does not fit, an unfinished run in the way, weights that are not there.
    """
    if size < 32 or size % 32:
        raise BurnishError(f"size {size}", "is not a multiple of 32", "Use 64, 128 or 256")
    if size > MOST_PIXELS and not (autoencoder or base):
        raise BurnishError(
            f"size {size}",
            f"is too large to denoise pixel by pixel; up to {MOST_PIXELS} px will do",
            "Give --autoencoder, see docs/create.md",
        )
    out, work = Path(out), open_place(out, resume)
    begun = open_base(base, size) if base else None
    pictures = load_pictures(root, size)
    told = {"base": begun, "autoencoder": autoencoder, "text_encoder": text_encoder, "hold": hold}
    told |= {"tariff": tariff, "lesson": lesson, "few_steps": few_steps, "word_mean": word_mean}
    plan, model = prepare(pictures, budget, seed, augmented, **told, **changes)
    if on_plan:
        on_plan(plan)
    shape = plan.lesson.config.to_json()
    agree(work, {"data": pictures.hash, "architecture": shape, "seed": seed, "base": plan.base})

    def watch(progress: Progress) -> bool | None:
        if progress.validated:
            write_png(work / SHEET, draw_sheet(progress.model, plan.lesson, seed))
        return on_progress(progress) if on_progress else None

    options = replace(options, seed=seed)
    main = budget.part(1 - few_steps) if few_steps else budget
    held = bool(plan.lesson.held)
    fitted = fit(
        model,
        plan.lesson.batch,
        plan.lesson.loss,
        main,
        options,
        validate=plan.lesson.validate if held else None,
        copies=(lambda m: measure_copies(m, plan.lesson, seed)) if hold else None,
        on_progress=watch,
        checkpoint=work / CHECKPOINT,
        resume=resume,
    )
    tuned = None
    if few_steps and fitted.stopped != "asked":
        tuned = tune(model, plan.lesson, budget.part(few_steps), options, on_progress, work / TUNING, resume)
    if "asked" in (fitted.stopped, tuned.stopped if tuned else ""):
        return Trained(None, tuned or fitted, work)
    return Trained(save_bundle(out, model, plan, fitted, seed, tuned), fitted, work)


def prepare(
    pictures: Pictures,
    budget: Budget,
    seed: int,
    augmented: bool = False,
    base: Base | None = None,
    autoencoder: str | Path | None = None,
    text_encoder: str | None = None,
    hold: float = 0.1,
    tariff: Tariff = Tariff(),
    lesson: Mapping[str, Any] | None = None,
    few_steps: float = 0.0,
    word_mean: int | None = None,
    **changes: Any,
) -> tuple[Plan, Preconditioned | Centred]:
    """The lesson and a new network for some pictures; see `train`."""
    if base is not None:
        codec, text_encoder = base.codec, base.text_encoder
        known = base.classes
        pictures = replace(pictures, classes=(*known, *(c for c in pictures.classes if c not in known)))
    elif autoencoder is not None:
        codec = Latents.of(pictures.images, load_autoencoder(autoencoder))
    else:
        codec = Pixels.of(pictures.images)
    encoder = SentenceEncoder(text_encoder) if text_encoder and pictures.described else None
    if word_mean and (base is not None or encoder is not None or not pictures.described):
        raise BurnishError("word mean", "needs descriptions, n-grams and no base", "Leave it out")
    augmented = augmented and not word_mean and isinstance(codec, Pixels)
    views = augment.VIEWS if augmented else 0
    told: dict[str, Any] = {
        "channels": codec.channels,
        "classes": len(pictures.classes),
        "buckets": BUCKETS if pictures.described and not encoder else 0,
        "views": views,
        "text": encoder.width if encoder else 0,
        "paces": len(PACES) if few_steps else 0,
        "extra": codec.channels if word_mean else 0,
    }
    if base is not None:
        kept = {
            key: max(told[key], getattr(base.config, key)) for key in ("buckets", "views", "text", "paces")
        }
        config = replace(base.config, classes=told["classes"], **kept)
    elif isinstance(codec, Latents):
        config = preset_latent(pictures.size // codec.factor, **{**told, **changes})
    else:
        config = preset(pictures.size, **{**told, **changes})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    describe = (lambda texts: Condition(text=encoder(texts))) if encoder else None
    more = {"seed": seed, "augmented": augmented, "hold": hold, "describe": describe, **(lesson or {})}
    taught = Lesson(pictures, codec, config, **more)
    mean = None
    if word_mean is None and base is None and config.buckets and not augmented:
        mean = foretold(taught, seed)
        if mean is not None:
            taught.config = config = replace(config, extra=codec.channels)
    elif word_mean:
        mean = by_heart(taught, word_mean)
    elif base is not None and base.word_mean:
        side = pictures.size // codec.factor
        mean = WordMean(config.buckets, base.word_mean, (codec.channels, side, side))
        taught.process = StraightPath(base.deviation)
    with seeded_weights(seed):
        model = Preconditioned(Hourglass(config))
    if mean is not None:
        model.deviation = taught.process.deviation
        model = Centred(model, mean)
    if base is not None:
        inherit(model, base.state)
    taught.device = device
    count = sum(p.numel() for p in model.parameters())
    plan = Plan(pictures, taught, budget, count, base.hash if base else None, text_encoder, tariff, few_steps)
    return plan, model.to(device)


def by_heart(lesson: Lesson, rank: int) -> WordMean:
    """The mean that words tell of the training pictures; the lesson's process gets the deviation of the
    rest."""
    mean, deviation = fit_word_mean(*_told(lesson), lesson.config.buckets, rank)
    lesson.process = StraightPath(deviation)
    return mean


def foretold(lesson: Lesson, seed: int) -> WordMean | None:
    """A mean that words tell of pictures it was not fitted to, or None; the lesson learns its deviation and
    each picture's fold."""
    found = cross_fit_word_mean(*_told(lesson), lesson.config.buckets, seed)
    if found is None:
        return None
    mean, deviation, lesson.told_share, fold = found
    lesson.process, lesson.folds = StraightPath(deviation), torch.zeros_like(lesson.labels)
    lesson.folds[lesson.train] = torch.from_numpy(fold)
    return mean


def _told(lesson: Lesson) -> tuple[torch.Tensor, list[str]]:
    """Codes of the training pictures and their descriptions."""
    said = [lesson.pictures.entries[index].caption for index in lesson.train]
    return lesson.training_codes(len(said)).cpu(), said


def draw_sheet(
    model: torch.nn.Module,
    lesson: Lesson,
    seed: int,
    outline: Outline | None = None,
    count: int = 16,
    steps: int = 8,
) -> np.ndarray:
    """A sheet of samples, uint8 (H, W, 3); the same seeds each time, so that it grows."""
    images = list(lesson.codec.decode(sample_codes(model, lesson, count, seed, steps, outline).numpy()))
    return contact_sheet(images, columns=4, tile=lesson.pictures.size * 2)


def measure_copies(
    model: torch.nn.Module, lesson: Lesson, seed: int, count: int = 64, steps: int = 6
) -> float:
    """Share of fresh samples that repeat a training picture; see `copies.copy_rate`."""
    samples = sample_codes(model, lesson, count, seed + 1, steps)
    return copy_rate(samples, lesson.training_codes().cpu())


def save_bundle(
    out: str | Path,
    model: Preconditioned | Centred,
    plan: Plan,
    fitted: Fitted,
    seed: int,
    tuned: Fitted | None = None,
) -> Bundle:
    """Writes the bundle, kind `diffusion`, and then removes the work folder."""
    pictures, lesson = plan.pictures, plan.lesson
    began = time.perf_counter()
    outline = choose_outline(model, lesson, fitted.step, seed)
    seconds = fitted.seconds + (tuned.seconds if tuned else 0.0) + time.perf_counter() - began
    sheet = draw_sheet(model, lesson, seed, outline)
    meta = {
        "kind": "diffusion",
        "architecture": {"name": "hourglass", **lesson.config.to_json()},
        "codec": lesson.codec.to_json(),
        "process": {"name": "straight", "deviation": lesson.process.deviation},
        "media": "image",
        "size": pictures.size,
        "word_mean": model.mean.words.shape[1] if isinstance(model, Centred) else 0,
        "outline": None if outline is None else {"starts": list(outline.starts), "axes": len(outline.axes)},
        "text_encoder": plan.text_encoder,
        "base": plan.base,
        "classes": list(pictures.classes),
        "data": {
            "hash": pictures.hash,
            "pictures": len(pictures),
            "held_out": len(lesson.held),
            "layout": pictures.layout,
            "licence": "not stated",
        },
        **account(fitted, seed, lesson.batch_size, plan.budget, seconds),
        "few_steps": None if tuned is None else {"updates": tuned.step, "seconds": tuned.seconds},
    }

    def more(folder: Path) -> None:
        if isinstance(lesson.codec, Latents):
            lesson.codec.save(folder)
        if outline is not None:
            save_file(outline.packed(), folder / OUTLINE)
        write_png(folder / SHEET, sheet)

    return save(out, meta, model, card(meta), more)


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

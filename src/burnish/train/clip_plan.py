"""What a run over clips found and will do, told before it begins; and its network, new or gone on from."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from burnish.core.frames import FramePreconditioned
from burnish.errors import BundleError
from burnish.media.clip import FEW, Clips
from burnish.media.codec import Pixels
from burnish.nets.clip import ClipConfig, ClipNet, clip_preset
from burnish.store.bundle import WEIGHTS, read_bundle
from burnish.train import augment
from burnish.train.base import inherit
from burnish.train.budget import Budget
from burnish.train.clip_lesson import ClipLesson
from burnish.train.loop import seeded_weights
from burnish.train.plan import Tariff

BUCKETS = 4096

MEASURED = ("matrix", "grain", "trust")
"""What a bundle holds besides weights; it is the data's, so another run measures it anew."""


@dataclass(frozen=True)
class ClipPlan:
    """What was found and what will be done; `str` says it to a person."""

    clips: Clips
    lesson: ClipLesson
    budget: Budget
    parameters: int
    tariff: Tariff

    def __str__(self) -> str:
        c, length = self.clips, self.lesson.config.frames
        train, held = self.lesson.train, self.lesson.held
        told = f"{len(c.classes)} classes ({', '.join(c.classes[:6])})" if c.classes else "no classes"
        told += ", descriptions" if c.described else ""
        minutes = self.budget.minutes
        cost = f"{minutes:g} minutes at most, {self.tariff.say(minutes)}" if minutes else ""
        lines = [
            f"Found {len(c)} clips of {c.frames} frames in {c.root} ({c.layout}; {told}).",
            *(f"  {problem}" for problem in c.problems[:10]),
            *([f"  and {len(c.problems) - 10} more problems"] if len(c.problems) > 10 else []),
            f"Trains {self.parameters / 1e6:.1f} M weights on {train.windows(length)} windows of"
            f" {length} frames of {c.size} px; {held.frames} frames are held out to judge by.",
            f"Takes {cost or f'{self.budget.steps} updates'}.",
        ]
        short = [take.name for take in c.takes if len(take) < length]
        if short:
            lines.append(
                f"{len(short)} clips are shorter than {length} frames; what they lack is not judged."
            )
        if train.windows(length) < FEW:
            lines.append(
                f"Warning: {train.windows(length)} windows are few; below {FEW} a model tends to repeat them."
            )
        if not len(held):
            lines.append("Warning: too few frames to hold any out; nothing can say when to stop.")
        return "\n".join(lines)


def prepare(
    clips: Clips,
    budget: Budget,
    seed: int,
    base: str | Path | None = None,
    tariff: Tariff = Tariff(),
    **changes: Any,
) -> tuple[ClipPlan, FramePreconditioned]:
    """The lesson, and a network for some clips: new, or with the weights, shape, codec and classes of `base`.

    Raises:
        BundleError: A base that is no model of clips of this size.
    """
    if base is None:
        codec = Pixels.of([frame for take in clips.takes for frame in take.frames])
        shape: dict[str, Any] = {"channels": codec.channels, "views": augment.VIEWS}
        state: dict[str, torch.Tensor] = {}
    else:
        codec, shape, classes, state = open_base(base, clips.size)
        fresh = tuple(name for name in clips.classes if name not in classes)
        clips = replace(clips, classes=classes + fresh)
    told = {
        "classes": len(clips.classes),
        "buckets": BUCKETS if clips.described else shape.get("buckets", 0),
    }
    config = clip_preset(clips.size, **{**shape, **told, **changes})
    lesson = ClipLesson(clips, codec, config, seed=seed)
    with seeded_weights(seed):
        model = FramePreconditioned(ClipNet(config), lesson.process.matrix, lesson.grain)
    inherit(model, state)
    lesson.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = sum(p.numel() for p in model.parameters())
    return ClipPlan(clips, lesson, budget, count, tariff), model.to(lesson.device)


def open_base(
    base: str | Path, size: int
) -> tuple[Pixels, dict[str, Any], tuple[str, ...], dict[str, torch.Tensor]]:
    """Codec, shape, classes and weights of a bundle of clips, without what was measured on its data.

    Raises:
        BundleError: Another kind, medium or size, or damaged.
    """
    bundle = read_bundle(base, kind="diffusion")
    meta = bundle.meta
    if meta.get("media", "image") != "clip" or meta["size"] != size:
        what = f"{meta.get('media', 'image')}s of {meta['size']} px"
        raise BundleError(base, f"makes {what}, not clips of {size} px", "Name a base of the same kind")
    try:
        named = {key: value for key, value in meta["architecture"].items() if key != "name"}
        shape = ClipConfig.from_json(named).to_json()
        state = {key: value for key, value in load_file(bundle.path / WEIGHTS).items() if key not in MEASURED}
        return Pixels.from_json(meta["codec"]), shape, tuple(meta["classes"]), state
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(base, f"cannot be read ({error})", "Update Burnish, or train again") from error

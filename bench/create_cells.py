"""The cells of `bench/create.py`: each trains or asks one model and answers with figures, on one thread."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from burnish.core.mmd import kid
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.nets.latents import Latents, load_autoencoder
from burnish.train.budget import Budget
from burnish.train.diffusion import train
from burnish.train.loop import Options
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.load import load
from burnish.verbs.make import make
from burnish.verbs.session import Session
from create_sets import CROPS, SIDE, crops, data, features, real

Figures = dict[str, Any]
STEPS = (24, 8, 2)
MADE, SHOWN = 128, 64
BATCH = 8
"""Pictures at a time."""


def burnish_cell(
    name: str,
    seed: int,
    minutes: float,
    folder: Path,
    autoencoder: str | None = None,
    kind: str | None = None,
) -> Figures:
    """Our model of a set: trained for some processor minutes, then KID and images a second by steps."""
    kind = kind or ("codes" if autoencoder else "pixels")
    out = folder / f"{name}.{kind}.{seed}.bundle"
    if not (out / "bundle.json").exists():
        options = Options(now=time.process_time)
        root = data("inspection", name)
        done = train(
            root, out, Budget(minutes), seed, SIDE, resume=True, autoencoder=autoencoder, options=options
        )
        if done.bundle is None:
            raise KeyboardInterrupt
    model = load(out)
    found: Figures = {"minutes": minutes, "parameters": sum(p.numel() for p in model.denoiser.parameters())}
    for steps in STEPS:
        images, rate = timed(lambda steps=steps: asked(model, MADE, steps, seed))
        found[f"kid.{steps}"] = kid(features()(images), real(name).features)
        found[f"rate.{steps}"] = rate
        sheet = contact_sheet(list(images[:SHOWN]), 16, 64, title=f"{name}, {kind}, {steps} steps")
        write_png(folder / f"{name}.{kind}.{seed}.{steps}.png", sheet)
    return found


def asked(model: Diffusion, count: int, steps: int, seed: int) -> np.ndarray:
    """Good parts, as the reference has them; uint8 (count, SIDE, SIDE, 3)."""
    said = "good" if "good" in model.classes else ""
    return np.stack(list(make(model, said, count, steps, seed=seed, batch=BATCH)))


def timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What a run answers, and how many pictures it made in a processor second."""
    start = time.process_time()
    images = run()
    return images, len(images) / (time.process_time() - start)


def real_cell(name: str) -> Figures:
    """KID of real crops, as they are and treated."""
    return {f"real.{way}": value for way, value in real(name).distances.items()}


def floor_cell(name: str, autoencoder: str) -> Figures:
    """KID of real crops that went through the autoencoder, there and back: how near codes can come."""
    pictures = real(name).pictures
    codec, rng = Latents.of(pictures.images, load_autoencoder(autoencoder)), np.random.default_rng(1)
    goods = [k for k, entry in enumerate(pictures.entries) if entry.label in ("good", "")]
    back = [codec.decode(codec.encode(crop[None]))[0] for crop in crops(pictures, goods, CROPS, rng)]
    return {"real.as codes, there and back": kid(features()(np.stack(back)), real(name).features)}


def session_cell(bundle: Path, repeats: int = 7) -> Figures:
    """Milliseconds from the call to the first preview and from one to the next, of a session at 64 px;
    medians of a loaded model."""
    model, first, later = load(bundle), [], []
    torch.set_num_threads(1)
    said = "good" if "good" in model.classes else ""
    for repeat in range(repeats + 1):
        began = time.perf_counter()
        session = Session(model, said, steps=8, seed=repeat)
        session.step()
        now = time.perf_counter()
        if repeat:  # the first one warms up
            first.append(now - began)
        for _ in range(3):
            session.step()
            later.append(time.perf_counter() - now)
            now = time.perf_counter()
    return {"first": 1000 * float(np.median(first)), "later": 1000 * float(np.median(later[3:]))}

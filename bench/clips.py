"""Clips against real ones: single frames, motion, interpolation.

    python bench/clips.py [--minutes 6] [--seeds 0] [--sets ball_screw,conveyor] [--only ball_screw.clip.0]

For each set a clip model and an image model of the same frames train the same minutes of one processor, not
of the clock, so that a busy machine changes nothing; both are judged on the test side, which is opened here
alone. Bundles and figures are kept under `out/bench_clips`, so an interrupted bench goes on.

- Frames: KID of frozen features of made frames from real test frames, for both models, and of real
  training frames, the floor.
- Motion: Wasserstein distance, in pixels a frame, between the magnitudes of optical flow (Farneback, OpenCV)
  of made clips and of real ones of the training side, for two films say too little of motion in general;
  controls are stills, flicker (shuffled frames), other windows of the training side, and test clips.
- Interpolation: PSNR of test frames from their neighbours, by the linear blend, by the filter over time alone
  (what the network starts from), by one step (the mean) and by 8 steps (a sample).
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import itertools

import cv2
import numpy as np
import torch
from scipy.stats import wasserstein_distance

import clip_sets
import form
from burnish.core.mmd import kid
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.train import budget, diffusion
from burnish.train import clips as clip_training
from burnish.train.features import Features
from burnish.train.loop import Options, Progress
from burnish.verbs.clip_model import ClipModel
from burnish.verbs.clips import make
from burnish.verbs.load import load
from burnish.verbs.make import make as make_pictures
from inspection_table import show

CLIPS, STEPS, EVERY, WINDOWS = 16, 8, 2, 12
"""Made clips a model is judged by, steps of each, every how many frames one is looked at alone (neighbours
are nearly the same), and real windows that are interpolated."""

GAPS = {"between 2 frames 15 apart": (0, 15), "every second frame": (*tuple(range(0, 15, 2)), 15)}
"""Which frames of a window are known when the others are interpolated."""


def main() -> None:
    """Runs what is not done yet, then writes the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--sets", default=",".join(clip_sets.SETS))
    parser.add_argument("--only", default="", help="train some cells, such as ball_screw.clip.0, and stop")
    asked = parser.parse_args()
    seeds, sets = [int(seed) for seed in asked.seeds.split(",")], asked.sets.split(",")
    torch.set_num_threads(1)
    if asked.only:
        for cell in asked.only.split(","):
            name, kind, seed = cell.split(".")
            bundle(name, kind, int(seed), asked.minutes)
        return
    for name in sets:
        for seed in seeds:
            for kind in ("clip", "image"):
                bundle(name, kind, seed, asked.minutes)
            figures_of(name, seed)
    command = f"python bench/clips.py --minutes {asked.minutes:g} --seeds {asked.seeds} --sets {asked.sets}"
    write(command, sets, seeds)


def bundle(name: str, kind: str, seed: int, minutes: float) -> Path:
    """The bundle of a set, trained if it is not there; an interrupted run goes on.

    Args:
        name: Of the set.
        kind: `clip` or `image`.
        seed: Of the training.
        minutes: Of one processor.
    """
    out = clip_sets.WORK / name / f"{kind}_{seed}"
    if (out / "bundle.json").exists():
        return out
    takes, singles = clip_sets.write_training(name)
    root, train = (singles, diffusion.train) if kind == "image" else (takes, clip_training.train)
    done = train(
        root,
        out,
        budget.Budget(minutes),
        seed,
        resume=True,
        on_plan=print,
        on_progress=report,
        options=Options(now=time.process_time),
    )
    print(done)
    if done.bundle is None:
        raise SystemExit(130)
    return out


def report(progress: Progress) -> None:
    """A line at each validation."""
    if progress.validated:
        print(f"{progress.spent:.0%}", progress.step, progress.validation, flush=True)


def figures_of(name: str, seed: int) -> dict[str, float]:
    """The figures of a set and seed, measured if they are not kept."""
    kept = clip_sets.WORK / name / f"figures_{seed}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    model, pictures = (
        load(clip_sets.WORK / name / f"clip_{seed}"),
        load(clip_sets.WORK / name / f"image_{seed}"),
    )
    train, test = clip_sets.split(name)
    began = time.process_time()
    made = list(make(model, n=CLIPS, steps=STEPS, seed=seed))
    figures = {"seconds": (time.process_time() - began) / CLIPS}
    real, known = real_clips(test, 2 * CLIPS, 1), real_clips(train, 2 * CLIPS, 2)
    singles = list(make_pictures(pictures, n=CLIPS * model.length // EVERY, steps=STEPS, seed=seed))
    features = Features()
    reference = features(alone(real))
    figures["kid_clip"] = kid(features(alone(made)), reference)
    figures["kid_image"] = kid(features(np.stack(singles)), reference)
    figures["kid_real"] = kid(features(alone(known)), reference)
    flow, rng = magnitudes(known), np.random.default_rng(seed)
    shuffled = [clip[rng.permutation(len(clip))] for clip in known]
    stills = [np.repeat(clip[:1], len(clip), 0) for clip in known]
    others = {"made": made, "again": real_clips(train, 2 * CLIPS, 3), "test": real}
    for key, clips in (others | {"still": stills, "flicker": shuffled}).items():
        figures[f"flow_{key}"] = float(wasserstein_distance(flow, magnitudes(clips)))
    figures["flow_mean"] = float(flow.mean())
    for gap, places in GAPS.items():
        figures |= {f"psnr_{key}/{gap}": value for key, value in interpolation(model, real, places).items()}
    kept.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return figures


def alone(clips: list[np.ndarray]) -> np.ndarray:
    """Single frames of clips, far enough apart to differ, uint8 (N, H, W, 3)."""
    return np.concatenate([clip[::EVERY] for clip in clips])


def real_clips(side: clip_sets.Clips, most: int, seed: int) -> list[np.ndarray]:
    """Up to `most` windows of real takes, evenly over each, cut square at random places along the longer
    side; uint8 (T, size, size, 3), T as long as the take allows."""
    rng, windows = np.random.default_rng(seed), []
    each = -(-most // len(side))
    for take in side.takes:
        last = take.starts(clip_sets.LENGTH) - 1
        for start in np.linspace(0, last, each).round().astype(int):
            frames = take.frames[start : start + clip_sets.LENGTH]
            top, left = (int(rng.integers(0, n - clip_sets.SIZE + 1)) for n in frames.shape[1:3])
            windows.append(frames[:, top : top + clip_sets.SIZE, left : left + clip_sets.SIZE])
    return windows[:most] if len(side) == 1 else [windows[k] for k in rng.permutation(len(windows))[:most]]


def magnitudes(clips: list[np.ndarray]) -> np.ndarray:
    """Magnitudes of the optical flow between neighbouring frames of all clips, pixels a frame, one of every
    16 places, (N,).

    Where a picture is flat Farneback's equations are singular and answer tens of pixels even between equal
    frames; a faint texture that all frames share (2 gray levels) makes such places stand still.
    """
    texture = np.random.default_rng(0).normal(0, 2, (clip_sets.SIZE, clip_sets.SIZE)).astype(np.float32)
    found = []
    for clip in clips:
        gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) + texture for frame in clip]
        for before, after in itertools.pairwise(gray):
            start = np.zeros((*before.shape, 2), np.float32)
            flow = cv2.calcOpticalFlowFarneback(before, after, start, 0.5, 2, 15, 3, 5, 1.1, 0)
            found.append(np.linalg.norm(flow[2::4, 2::4], axis=-1).ravel())
    return np.concatenate(found)


@torch.no_grad()
def interpolation(model: ClipModel, real: list[np.ndarray], places: tuple[int, ...]) -> dict[str, float]:
    """Mean PSNR in dB over the windows, of the frames that are not in `places`, by four means."""
    length, errors = model.length, {"blend": [], "filter": [], "mean": [], "sample": []}
    unknown = [k for k in range(length) if k not in places]
    mask = torch.zeros(1, 1, length, 1, 1, dtype=torch.bool)
    mask[:, :, list(places)] = True
    whole = [clip for clip in real if len(clip) == length][:WINDOWS]
    for index, clip in enumerate(whole):
        code = model.encode(clip)
        t = torch.ones(1, length) * ~mask.flatten()
        filtered = model.denoiser.filter(code * mask, t)[0]
        walks = {
            key: sample(
                model.denoiser,
                model.process,
                tuple(code.shape),
                model.times(steps, mask.flatten()),
                known=code,
                known_mask=mask,
                condition=model.condition(),
                rng=seeded(index),
            )
            for key, steps in (("mean", 1), ("sample", STEPS))
        }
        guesses = {"blend": blend(clip, places), "filter": model.decode(filtered)}
        guesses |= {key: model.decode(walk) for key, walk in walks.items()}
        for key, guess in guesses.items():
            difference = guess[unknown].astype(float) - clip[unknown]
            errors[key].append(10 * np.log10(255**2 / max(np.mean(difference**2), 1e-3)))
    return {key: float(np.mean(values)) if values else float("nan") for key, values in errors.items()}


def blend(clip: np.ndarray, places: tuple[int, ...]) -> np.ndarray:
    """The linear blend between the known frames around each, float (T, H, W, 3)."""
    out = clip.astype(float)
    for low, high in itertools.pairwise(places):
        for k in range(low + 1, high):
            share = (k - low) / (high - low)
            out[k] = (1 - share) * out[low] + share * out[high]
    return out


def write(command: str, sets: list[str], seeds: list[int]) -> None:
    """The table in `bench/results/clips.json` and in the docs."""
    rows = []
    for name in sets:
        runs = [figures_of(name, seed) for seed in seeds]
        mean = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        said = {"seeds": seeds}

        def add(text: str, key: str, unit: str = "", *, of: dict = mean, name: str = name, **more) -> None:
            rows.append(form.row(f"{name}: {text}", of[key], unit, **{"seeds": seeds, **more}))

        target = 1.5 * mean["kid_image"]
        add("KID of made frames", "kid_clip", peer=mean["kid_image"], target=target, better="lower")
        add("KID of the image model's pictures", "kid_image", **said)
        add("KID of real training frames", "kid_real", **said)
        limit = min(mean["flow_still"], mean["flow_flicker"])
        add("flow, made", "flow_made", "px", peer=limit, target=limit, better="lower")
        controls = {
            "still": "stills",
            "flicker": "shuffled frames",
            "again": "real again",
            "test": "real test clips",
        }
        for key, text in controls.items():
            add(f"flow, {text}", f"flow_{key}", "px", **said)
        for gap in GAPS:
            line = mean[f"psnr_blend/{gap}"]
            add(f"{gap}, one step", f"psnr_mean/{gap}", "dB", peer=line, target=line)
            add(f"{gap}, {STEPS} steps", f"psnr_sample/{gap}", "dB", peer=line)
            add(f"{gap}, filter alone", f"psnr_filter/{gap}", "dB", peer=line)
            add(f"{gap}, linear blend", f"psnr_blend/{gap}", "dB", **said)
        add(f"one clip, {STEPS} steps, one core", "seconds", "s", **said)
    form.write("clips", command, rows)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("clips", f"{head}\n\n{form.table(rows)}")


if __name__ == "__main__":
    main()

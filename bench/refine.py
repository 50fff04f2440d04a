"""`make bench-refine`: refine against the classic filters on held-out pictures of two real sets.

For each set a model is trained on the training side (the same number of updates, so that a run repeats to the
bit; its seconds are in the table), then mends held-out good parts of the test side which were spoiled in five
ways. Everything is kept in `bench/results/cells/refine`, so an interrupted run goes on.
"""

import argparse
import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import form
from burnish.core.mmd import kid
from burnish.media.dataset import open_parts
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.train.augment import square
from burnish.train.budget import Budget
from burnish.train.diffusion import train
from burnish.train.features import Features
from burnish.train.pictures import load_pictures
from burnish.verbs.load import load
from inspection_table import show
from refine_tasks import TASKS, Task, crops, ours, psnr, ssim

SIZE = 64
SETS = ("magnetic_tile", "ball_screw")
CELLS = form.RESULTS / "cells" / "refine"
MEAN, SAMPLE = "Burnish, mean", "Burnish, sample"
OURS = {MEAN: "mean", SAMPLE: "sample"}
METRICS = (("psnr", "dB", "higher"), ("ssim", "", "higher"), ("kid", "", "lower"))


def main() -> None:
    """Trains what is missing, measures what is missing, writes the table."""
    options = read_options()
    if "BURNISH_DATA" not in os.environ:
        raise SystemExit("BURNISH_DATA must name the folder of the data sets")
    root = Path(os.environ["BURNISH_DATA"]) / "inspection"
    found = {name: measure(root / name, options) for name in options.sets}
    if options.split == "test":
        write(found, options)
    else:
        print(table(found))


def read_options() -> argparse.Namespace:
    """The command line."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--updates", type=int, default=1500, help="of training, 16 pictures each")
    read.add_argument("--seed", type=int, default=0)
    read.add_argument("--pictures", type=int, default=48, help="to mend, of each set")
    read.add_argument("--sets", nargs="+", default=list(SETS))
    read.add_argument("--tasks", nargs="+", help="those whose name begins so; all by default")
    read.add_argument(
        "--split", choices=("test", "spare"), default="test", help="spare: to choose settings on"
    )
    read.add_argument("--wish", nargs="*", default=[], help="settings of ours to try, such as strength=0.5")
    return read.parse_args()


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of one set: task -> method -> metric -> value."""
    stem = f"{data.name}.{options.updates}.{options.seed}"
    bundle = CELLS / stem
    if not (bundle / "bundle.json").exists():
        train(data, bundle, Budget(None, options.updates), options.seed, SIZE, resume=True, on_plan=print)
    model = load(bundle)
    pictures = held_out(data, options.split)
    mended, reference = pictures[: options.pictures], pictures[options.pictures :]
    features = Features()
    found: dict[str, Any] = {"seconds": model.bundle.meta["cost"]["seconds"], "tasks": {}}
    found |= {"pictures": len(mended), "reference": len(reference)}
    for task in TASKS:
        if options.tasks and not any(task.name.startswith(start) for start in options.tasks):
            continue
        words = dict(word.split("=") for word in options.wish)
        task = Task(task.name, task.spoil, task.filters, task.wish | {k: float(v) for k, v in words.items()})
        tried = "".join(f".{word}" for word in options.wish)
        cell = CELLS / f"{stem}.{options.split}.{options.pictures}.{task.name.replace(' ', '_')}{tried}.json"
        if not cell.exists():
            figures = judge(task, model, mended, reference, features, cell.with_suffix(".png"))
            cell.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        found["tasks"][task.name] = json.loads(cell.read_text(encoding="utf-8"))
    return found


def held_out(data: Path, split: str) -> list[np.ndarray]:
    """Good parts that were not trained on, shrunk as in training, a random square of each, shuffled."""
    files = [part.image for part in open_parts(data).only(split=split, label="good")]
    with tempfile.TemporaryDirectory() as folder:
        for index, file in enumerate(files):
            (Path(folder) / f"{index:05d}{file.suffix}").symlink_to(file.resolve())
        images = load_pictures(folder, SIZE).images
    rng = np.random.default_rng(33)
    return [square(images[k], SIZE, rng) for k in rng.permutation(len(images))]


def judge(
    task: Task,
    model: Any,
    mended: list[np.ndarray],
    reference: list[np.ndarray],
    features: Features,
    sheet: Path,
) -> dict[str, dict[str, float]]:
    """Every method on every picture: PSNR, SSIM, KID from other real pictures, milliseconds a picture."""
    cases = [task.spoil(true, index) for index, true in enumerate(mended)]
    others = [task.spoil(true, len(mended) + index) for index, true in enumerate(reference)]
    real = features(list(crops(reference, others)))
    methods = {name: partial(ours, model, task, answer) for name, answer in OURS.items()} | task.filters
    figures, made = {}, {}
    for name, method in methods.items():
        began = time.process_time()
        made[name] = [method(case) for case in cases]
        spent = (time.process_time() - began) / len(cases)
        figures[name] = {
            "psnr": float(np.mean([psnr(c, m) for c, m in zip(cases, made[name], strict=True)])),
            "ssim": float(np.mean([ssim(c, m) for c, m in zip(cases, made[name], strict=True)])),
            "kid": kid(features(list(crops(made[name], cases))), real),
            "ms": 1000 * spent,
        }
    figures["untouched"] = {"kid": kid(features(list(crops(mended, cases))), real)}
    rows = [
        picture
        for k, case in enumerate(cases[:8])
        for picture in (case.true, case.given, *(made[name][k] for name in methods))
    ]
    names = ["true", "given", *methods] * min(8, len(cases))
    write_png(sheet, contact_sheet(rows, columns=2 + len(methods), tile=128, captions=names))
    return figures


def table(found: dict[str, Any]) -> str:
    """All methods, for people."""
    lines = [
        "| set | task | method | PSNR, dB | SSIM | KID | ms a picture |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        for task, methods in one["tasks"].items():
            for method, f in methods.items():
                cells = [f"{f[k]:{how}}" if k in f else "-" for k, how in (("psnr", ".2f"), ("ssim", ".3f"))]
                cells += [f"{f['kid']:.2f}", f"{f['ms']:.1f}" if "ms" in f else "-"]
                lines.append(" | ".join([f"| {name}", task, method, *cells]) + " |")
    return "\n".join(lines)


def rows(found: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """The rows of the form; the best filter is the target of KID, and of PSNR in small holes."""
    out = []
    for name, one in found.items():
        out.append(form.row(f"{name}: training", one["seconds"], "s", seeds=[seed]))
        for task, methods in one["tasks"].items():
            filters = {m: f for m, f in methods.items() if m not in OURS and "psnr" in f}
            for key, unit, better in METRICS:
                best = (max if better == "higher" else min)(f[key] for f in filters.values())
                for method in OURS:
                    aimed = method == (SAMPLE if key == "kid" else MEAN)
                    wanted = aimed and (key == "kid" or (key == "psnr" and task == "inpaint 1 to 5 %"))
                    out.append(
                        form.row(
                            f"{name}: {task}: {key.upper()}, {OURS[method]}",
                            methods[method][key],
                            unit,
                            best,
                            best if wanted else None,
                            better,
                            [seed],
                        )
                    )
    return out


def write(found: dict[str, Any], options: argparse.Namespace) -> None:
    """The JSON, and the block of the docs."""
    words = [f"--updates {options.updates}", f"--pictures {options.pictures}", f"--seed {options.seed}"]
    command = f"make bench-refine BENCH='{' '.join(words)}'"
    form.write("refine", command, rows(found, options.seed))
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    notes = [
        f"- {name}: trained {one['seconds']:.0f} s ({options.updates} updates of 16); {one['pictures']}"
        f" held-out good parts mended, {one['reference']} others as the reference of KID."
        for name, one in found.items()
    ]
    notes.append(
        "- PSNR of an inpainting is that of the hole alone, its SSIM and KID those of the 32 px around a"
        " small hole. `untouched` is the KID of the true pictures: what chance leaves. KID on frozen Lite0"
        " features."
    )
    show("refine", "\n\n".join([head, table(found), "\n".join(notes)]))


if __name__ == "__main__":
    main()

"""Does synthesis earn its place? The same segmenter, the same updates, other new defects.

    python bench/synthesis.py [--data DIR] [--sets A,B] [--seeds 0,1,2] [--steps 200] [--split test]
                              [--painter 1.5]

Every arm trains one segmenter for the same number of updates on the same `train` rows; only where its new
defects come from differs. The figures are the segmenter's own, without surprise, which no arm changes.
`--split spare` judges on held-out rows of the training side: there choices are made; `test` is opened to
report them. Cells are kept, so an interrupted bench goes on; learning to paint is on top and its time is
listed.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
import torch

import form
import inspection_table
from burnish.inspect.ablation import ablation_table
from burnish.inspect.detector import peak
from burnish.inspect.evaluate import evaluate
from burnish.inspect.learn import Lesson, as_tensor, one_core_each, read_shots, teach
from burnish.inspect.pairs import Shot
from burnish.inspect.recipe import Recipe, train_painter
from burnish.inspect.segmenter import Segmenter
from burnish.media.dataset import PartSet, open_parts
from burnish.media.image import fit
from burnish.train.budget import Budget

ARMS = {
    "real only": {},
    "perlin": {"perlin": 1.0},
    "cut-paste": {"cutpaste": 1.0},
    "cut-paste + perlin": {"cutpaste": 0.8, "perlin": 0.2},
    "diffusion": {"diffusion": 1.0},
    "diffusion + cut-paste": {"diffusion": 0.5, "cutpaste": 0.5},
    "diffusion + cut-paste + perlin": {"diffusion": 0.4, "cutpaste": 0.4, "perlin": 0.2},
}
SETS = ("magnetic_tile", "ball_screw", "paper_pa_bft01_tl")
CELLS = Path(__file__).parent / "results" / "cells"


def held_out(parts: PartSet, split: str, most: int, seed: int = 0) -> PartSet:
    """Rows to judge on: of `spare`, only groups that are not trained on; at most `most` good and `most` bad
    parts."""
    known = {p.group for p in parts.only("train").parts if p.group}
    rows = [p for p in parts.only(split).parts if split != "spare" or p.group not in known]
    rng, kept = np.random.default_rng(seed), []
    for good in (True, False):
        mine = [p for p in rows if p.is_good == good]
        kept += [mine[i] for i in sorted(rng.permutation(len(mine))[:most])]
    return PartSet(parts.root, tuple(kept), (), parts.layout)


def as_scorer(model: Segmenter, side: int):
    """The segmenter alone as a scorer."""

    @torch.inference_mode()
    def score(image: np.ndarray) -> tuple[float, np.ndarray]:
        logits = model(as_tensor(fit(image, side)))
        size = image.shape[:2]
        heat = torch.nn.functional.interpolate(
            logits.sigmoid(), size=size, mode="bilinear", align_corners=False
        )
        return float(peak(logits)), heat[0, 0].numpy()

    return score


def run_cell(
    shots: list[Shot], side: int, arm: str, recipe: Recipe, judged: PartSet, seed: int, steps: int
) -> dict:
    """Trains and judges one arm."""
    goods = [s for s in shots if s.label == "good"]
    defects = [s for s in shots if s.label != "good" and s.mask is not None]
    began = time.perf_counter()
    made = Recipe(dict(ARMS[arm]), "", recipe.painter if "diffusion" in ARMS[arm] else None).synthesiser(
        goods, defects
    )
    work = CELLS / f".synthesis.{os.getpid()}.safetensors"
    lesson = Lesson(goods, defects, lambda: made, work, lambda: Budget(None, steps), seed)
    teach([lesson], 1, lambda *_: None)
    work.unlink(missing_ok=True)
    assert lesson.model is not None
    seconds = time.perf_counter() - began
    found = evaluate(as_scorer(lesson.model, side), judged, 0.0, train_seconds=seconds, data_hash="")
    return found.to_json()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("BURNISH_DATA", "data")) / "inspection"
    )
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--split", default="test")
    parser.add_argument("--most", type=int, default=150, help="most good, and most bad, parts judged")
    parser.add_argument("--painter", type=float, default=1.5, help="minutes of learning to paint")
    parser.add_argument("--table", action="store_true", help="only write the results")
    o = parser.parse_args()
    sets, arms, seeds = o.sets.split(","), o.arms.split(","), [int(s) for s in o.seeds.split(",")]

    def file(name: str, arm: str, seed: int) -> Path:
        return CELLS / f"synthesis.{name}.{arm.replace(' ', '')}.{seed}.{o.steps}.{o.split}.json"

    for seed in seeds if not o.table else []:
        for name in sets:
            todo = [arm for arm in arms if not file(name, arm, seed).exists()]
            if not todo:
                continue
            parts = open_parts(o.data / name)
            with one_core_each():
                shots, side = read_shots(parts.only("train"), [], lambda *_: None)
                recipe = Recipe({"diffusion": 1.0}, "")
                if any("diffusion" in ARMS[arm] for arm in todo):
                    goods = [s for s in shots if s.label == "good"]
                    train_painter(
                        recipe,
                        goods,
                        [s for s in shots if s.mask is not None and s.mask.any()],
                        o.painter,
                        None,
                        seed,
                    )
                    print(f"{name} seed {seed} painter: {recipe.facts}", flush=True)
                for arm in todo:
                    found = run_cell(
                        shots, side, arm, recipe, held_out(parts, o.split, o.most), seed, o.steps
                    )
                    found["painter"] = recipe.facts if "diffusion" in ARMS[arm] else None
                    file(name, arm, seed).write_text(json.dumps(found), encoding="utf-8")
                    said = {
                        k: found[k] for k in ("pixel_ap", "image_auroc", "miss_rate_at_1pct_false_rejects")
                    }
                    print(f"{name} seed {seed} {arm}: {said} {found['train_seconds']:.0f} s", flush=True)
    done = [seed for seed in seeds if all(file(n, a, seed).exists() for n in sets for a in arms)]
    runs = {n: {a: [json.loads(file(n, a, s).read_text()) for s in done] for a in arms} for n in sets}
    table = ablation_table(runs, rng=np.random.default_rng(0))
    print(table.text())
    rows = [
        form.row(f"{arm}: {metric}", table.rows[arm][metric], seeds=done)
        for arm in arms
        for metric in ("pixel_ap", "image_auroc", "miss_rate_at_1pct_false_rejects")
    ]
    for d in table.differences:
        target = (
            {"pixel_ap": 0.05}.get(d.metric) if "diffusion" in d.arm and d.against != "real only" else None
        )
        interval = f" ({d.interval.low:+.3f} to {d.interval.high:+.3f})" if d.interval else ""
        value = d.interval.value if d.interval else None
        rows.append(
            form.row(f"{d.arm} minus {d.against}: {d.metric}{interval}", value, target=target, seeds=done)
        )
    if o.split == "test":
        said = f'--sets {o.sets} --arms "{o.arms}" --seeds {o.seeds} --steps {o.steps} --painter {o.painter}'
        command = f"make bench-synthesis BENCH='{said}'"
        form.write("synthesis", command, rows)
        where = form.machine()
        head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
        inspection_table.show("synthesis", f"{head}\n\n```\n{table.text()}\n```")


if __name__ == "__main__":
    main()

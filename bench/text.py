"""Masked diffusion of lines against a 5-gram and an autoregressive twin, in bits per character.

    python bench/text.py [--data DIR] [--steps 300] [--seeds 0] [--sets work_orders,shakespeare]
                         [--judged 300]

A tenth of the different lines is put aside as test lines and opened to report only; a tenth of the rest
decides which checkpoint is kept. Bits are those of the raw characters of the test lines, ends included, over
their number. The twin is the same network, causal, with the same vocabulary, updates and batch, and the same
bigram. Cells are kept, so an interrupted bench goes on.
"""

import argparse
import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
import torch

import form
from burnish.core.masked import left_to_right, surprise_orders, tighter
from burnish.core.ngram import KneserNey
from burnish.core.process import seeded
from burnish.media.text import Texts, key, load_texts
from burnish.media.vocabulary import MASK
from burnish.train.budget import Budget
from burnish.train.loop import Options, fit
from burnish.train.text_lesson import causal_nats, length_nats, pack
from burnish.train.texts import draw_lines, prepare
from inspection_table import show

CELLS = Path(__file__).parent / "results" / "cells" / "text"
SETS = {
    "work_orders": ("excavators.csv", "OriginalShorttext"),
    "shakespeare": ("tinyshakespeare.txt", None),
}
KINDS = {"masked": {}, "network alone": {"chained": False}, "twin": {"causal": True}}


def split(path: Path, column: str | None) -> tuple[Texts, list[str]]:
    """The texts to train on and the test lines."""
    texts = load_texts(path, column)
    rest, test = texts.holdout(0.1, seed=1000)
    return replace(texts, lines=tuple(rest)), test


def five_gram(train: list[str], test: list[str], order: int = 5) -> float:
    """Bits per character of an interpolated Kneser-Ney n-gram of characters; unseen ones share one symbol."""
    number = {c: k + 3 for k, c in enumerate(sorted(set("".join(train))))}

    def code(line: str) -> list[int]:
        return [*(number.get(c, 2) for c in line), 1]

    model = KneserNey([code(line) for line in train], order, len(number) + 3, 0)
    nats = -sum(float(model.log_probability(code(line)).sum()) for line in test)
    return nats / math.log(2) / sum(map(len, test))


def measure(texts: Texts, test: list[str], kind: str, steps: int, seed: int) -> dict[str, Any]:
    """Trains one model and judges it on the test lines."""
    budget, began = Budget(steps=steps), time.process_time()
    plan, model = prepare(texts, budget, seed, **KINDS[kind])
    lesson = plan.lesson
    fitted = fit(
        model,
        lesson.batch,
        lesson.loss,
        budget,
        Options(seed=seed, ema=0.998, validations=4),
        lesson.validate,
    )
    found: dict[str, Any] = {"cpu_seconds": time.process_time() - began, "updates": fitted.best_step}
    found["weights"] = plan.parameters
    characters = sum(map(len, test))
    tokens = [lesson.vocabulary.encode(line) for line in test]
    if kind == "twin":
        return found | {"bits": float(causal_nats(model, tokens).sum()) / math.log(2) / characters}
    x = pack(tokens)
    told = torch.tensor([length_nats(lesson.lengths, len(line)) for line in tokens], dtype=torch.float64)
    each = surprise_orders(model, MASK, x, x > MASK, seeded(seed, 20), orders=3)
    found["bits"] = float((each.mean(0) + told).sum()) / math.log(2) / characters
    found["tighter"] = float((tighter(each) + told).sum()) / math.log(2) / characters
    right = left_to_right(model, MASK, x, x > MASK)
    found["left_to_right"] = float((right + told).sum()) / math.log(2) / characters
    seen, made = {key(line) for line in lesson.train}, draw_lines(model, lesson, seed + 1, 100)
    return found | {"copies": fmean(key(line) in seen for line in made), "repeated": texts.repeated}


def main() -> None:
    """Measures what is not measured yet and writes the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BURNISH_DATA", "data")) / "text")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--judged", type=int, default=300, help="most test lines judged")
    parser.add_argument("--table", action="store_true", help="only write what was measured")
    o = parser.parse_args()
    seeds, rows = [int(s) for s in o.seeds.split(",")], []
    for name in o.sets.split(","):
        texts, test = split(o.data / SETS[name][0], SETS[name][1])
        chosen = np.random.default_rng(0).permutation(len(test))[: o.judged]
        judged = [test[int(k)] for k in sorted(chosen)]
        cells: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for kind in KINDS:
            for seed in seeds:
                cell = CELLS / f"{name}.{kind.replace(' ', '_')}.{seed}.{o.steps}.{o.judged}.json"
                if not cell.exists() and not o.table:
                    found = measure(texts, judged, kind, o.steps, seed)
                    cell.parent.mkdir(parents=True, exist_ok=True)
                    cell.write_text(json.dumps(found), encoding="utf-8")
                    print(name, kind, seed, found, flush=True)
                if cell.exists():
                    cells[kind].append(json.loads(cell.read_text(encoding="utf-8")))
        rows += table(name, cells, five_gram(list(texts.lines), judged), seeds)
    command = (
        f"make bench-text BENCH='--sets {o.sets} --steps {o.steps} --seeds {o.seeds} --judged {o.judged}'"
    )
    form.write("text", command, rows)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("text", f"{head}\n\n{form.table(rows)}")


def table(name: str, cells: dict[str, list[dict[str, Any]]], gram: float, seeds: list[int]) -> list[dict]:
    """The rows of one set; without cells of a kind, its rows are left out."""

    def mean(kind: str, figure: str) -> float:
        return fmean(cell[figure] for cell in cells[kind])

    unit, rows = "bits per character", []
    if cells["masked"]:
        says = {
            "bits": "bound (NELBO)",
            "tighter": "bound of 3 orders",
            "left_to_right": "left to right, exact",
        }
        for figure, words in says.items():
            target = gram if figure == "bits" else None
            rows.append(
                form.row(
                    f"{name}: masked, {words}", mean("masked", figure), unit, gram, target, "lower", seeds
                )
            )
        copies = mean("masked", "copies")
        rows.append(form.row(f"{name}: copies among 100 made", copies, "", mean("masked", "repeated")))
        rows.append(
            form.row(f"{name}: masked, training", mean("masked", "cpu_seconds"), "CPU s", seeds=seeds)
        )
    if cells["network alone"]:
        rows.append(
            form.row(f"{name}: masked, network alone", mean("network alone", "bits"), unit, gram, seeds=seeds)
        )
    if cells["twin"]:
        rows.append(form.row(f"{name}: autoregressive twin", mean("twin", "bits"), unit, gram, seeds=seeds))
        rows.append(form.row(f"{name}: twin, training", mean("twin", "cpu_seconds"), "CPU s", seeds=seeds))
    if cells["masked"] and cells["twin"]:
        gap = mean("masked", "bits") - mean("twin", "bits")
        rows.append(form.row(f"{name}: gap to the twin", gap, unit, seeds=seeds))
    rows.append(form.row(f"{name}: Kneser-Ney 5-gram of characters", gram, unit))
    return rows


if __name__ == "__main__":
    main()

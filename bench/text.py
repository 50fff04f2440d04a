"""Masked diffusion of lines against n-grams and an autoregressive twin, in bits per character.

    python bench/text.py [--data DIR] [--steps 300] [--seeds 0,1,2] [--sets work_orders,shakespeare]
                         [--judged 300] [--table]

A tenth of the different lines is put aside as test lines and opened to report only; a tenth of the rest
decides which checkpoint is kept. Bits are those of the raw characters of the test lines, ends included, over
their number. The twin is the same network, causal, with the same vocabulary, batch and trigram, once with as
many updates and once with as much processor time, preparation included, by what its own updates took. The
masked models are kept as bundles, which `bench/text_faults.py` judges. Cells are kept, so an interrupted
bench goes on; a table shows what was measured, with the seeds it was measured with.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
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
from burnish.media import casing
from burnish.media.text import Texts, key, load_texts
from burnish.media.vocabulary import MASK
from burnish.train.budget import Budget
from burnish.train.loop import Options, fit
from burnish.train.text_lesson import causal_nats, length_nats, pack
from burnish.train.texts import draw_lines, prepare, save_bundle
from burnish.verbs.load import load
from inspection_table import show

CELLS = Path(__file__).parent / "results" / "cells" / "text"
SETS = {
    "work_orders": ("excavators.csv", "OriginalShorttext"),
    "shakespeare": ("tinyshakespeare.txt", None),
}
KINDS = {
    "masked": {},
    "network alone": {"chained": False},
    "twin": {"causal": True},
    "twin at equal time": {"causal": True},
}
GRAMS = {
    "5-gram of characters": (5, False),
    "5-gram, case folded": (5, True),
    "7-gram of characters": (7, False),
    "7-gram, case folded": (7, True),
}
"""Order, and whether case is folded into marks first, as the model does."""


def split(path: Path, column: str | None) -> tuple[Texts, list[str]]:
    """The texts to train on and the test lines."""
    texts = load_texts(path, column)
    rest, test = texts.holdout(0.1, seed=1000)
    return replace(texts, lines=tuple(rest)), test


def fit_gram(train: list[str], order: int) -> Callable[[str], np.ndarray]:
    """-log p of each character of a line under a Kneser-Ney n-gram of characters; unseen ones share a
    symbol."""
    number = {c: k + 3 for k, c in enumerate(sorted(set("".join(train))))}

    def code(line: str) -> list[int]:
        return [*(number.get(c, 2) for c in line), 1]

    model = KneserNey([code(line) for line in train], order, len(number) + 3, 0)
    return lambda line: -model.log_probability(code(line))


def gram(train: list[str], test: list[str], order: int, folded: bool) -> float:
    """Bits per raw character of such an n-gram."""
    train, coded = ([casing.fold(x) if folded else x for x in part] for part in (train, test))
    costs = fit_gram(train, order)
    nats = sum(float(costs(line).sum()) for line in coded)
    return nats / math.log(2) / sum(map(len, test))


def measure(texts: Texts, test: list[str], kind: str, steps: int, seed: int, out: Path) -> dict[str, Any]:
    """Trains one model and judges it on the test lines; a masked one is kept at `out`."""
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
    if "twin" in kind:
        return found | {"bits": float(causal_nats(model, tokens).sum()) / math.log(2) / characters}
    if kind == "masked":
        save_bundle(out, model, plan, fitted, seed)
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
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--judged", type=int, default=300, help="most test lines judged")
    parser.add_argument("--table", action="store_true", help="only write what was measured")
    o = parser.parse_args()
    wanted, rows = [int(s) for s in o.seeds.split(",")], []
    for name in o.sets.split(","):
        texts, test = split(o.data / SETS[name][0], SETS[name][1])
        chosen = np.random.default_rng(0).permutation(len(test))[: o.judged]
        judged = [test[int(k)] for k in sorted(chosen)]
        cells: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
        for seed in wanted:
            for kind in KINDS:
                cell = CELLS / f"{name}.{kind.replace(' ', '_')}.{seed}.{o.steps}.{o.judged}.json"
                if not cell.exists() and not o.table:
                    steps = o.steps if "time" not in kind else equal_time(o.steps, cells, seed)
                    found = measure(texts, judged, kind, steps, seed, CELLS / f"{name}.{seed}")
                    cell.parent.mkdir(parents=True, exist_ok=True)
                    cell.write_text(json.dumps(found), encoding="utf-8")
                    print(name, kind, seed, found, flush=True)
                if cell.exists():
                    cells[kind][seed] = json.loads(cell.read_text(encoding="utf-8"))
        for seed, cell in cells["masked"].items():
            if "chain" not in cell and (CELLS / f"{name}.{seed}").exists():
                cell["chain"] = chain_alone(CELLS / f"{name}.{seed}", judged)
        grams = {said: gram(list(texts.lines), judged, *how) for said, how in GRAMS.items()}
        rows += table(name, cells, grams)
    command = (
        f"make bench-text BENCH='--sets {o.sets} --steps {o.steps} --seeds {o.seeds} --judged {o.judged}'"
    )
    form.write("text", command, rows)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("text", f"{head}\n\n{form.table(rows)}")


def chain_alone(place: Path, test: list[str]) -> float:
    """Bits per character of a kept model's chain without its network, exact."""
    model = load(place)
    tokens = [model.vocabulary.encode(line) for line in test]
    x, chain = pack(tokens), model.denoiser.chain
    hidden = torch.where(x > MASK, MASK, x)
    nats = float((chain.log_likelihood(hidden).double() - chain.log_likelihood(x).double()).sum())
    told = sum(length_nats(list(model.lengths), len(line)) for line in tokens)
    return (nats + told) / math.log(2) / sum(map(len, test))


def equal_time(steps: int, cells: dict[str, dict[int, dict[str, Any]]], seed: int) -> int:
    """Updates of the twin that take the masked model's processor time."""
    return max(1, round(steps * cells["masked"][seed]["cpu_seconds"] / cells["twin"][seed]["cpu_seconds"]))


def table(name: str, cells: dict[str, dict[int, dict[str, Any]]], grams: dict[str, float]) -> list[dict]:
    """The rows of one set; without cells of a kind, its rows are left out."""
    unit, rows, gram = "bits per character", [], grams["5-gram of characters"]

    def add(kind: str, figure: str, words: str, unit: str, peer: float | None, target: float | None) -> None:
        found = cells[kind]
        if found:
            value = fmean(cell[figure] for cell in found.values())
            rows.append(form.row(f"{name}: {words}", value, unit, peer, target, "lower", list(found)))

    add("masked", "bits", "masked, bound (NELBO)", unit, gram, gram)
    add("masked", "tighter", "masked, bound of 3 orders", unit, gram, None)
    add("masked", "left_to_right", "masked, left to right, exact", unit, gram, None)
    repeated = fmean([cell["repeated"] for cell in cells["masked"].values()] or [0.0])
    add("masked", "copies", "copies among 100 made", "", repeated, None)
    if all("chain" in cell for cell in cells["masked"].values()):
        add("masked", "chain", "masked, chain alone", unit, gram, None)
    add("masked", "cpu_seconds", "masked, training", "CPU s", None, None)
    add("network alone", "bits", "masked, network alone", unit, gram, None)
    for kind in ("twin", "twin at equal time"):
        words = kind.replace("twin", "autoregressive twin") + (", equal updates" if kind == "twin" else "")
        add(kind, "bits", words, unit, gram, None)
        add(kind, "cpu_seconds", f"{words}, training", "CPU s", None, None)
        both = sorted(cells["masked"].keys() & cells[kind].keys())
        if both:
            gap = fmean(cells["masked"][s]["bits"] - cells[kind][s]["bits"] for s in both)
            rows.append(form.row(f"{name}: gap to the {kind}", gap, unit, seeds=both))
    rows += [form.row(f"{name}: Kneser-Ney {said}", bits, unit) for said, bits in grams.items()]
    return rows


if __name__ == "__main__":
    main()

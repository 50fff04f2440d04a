"""The inspection bench's results from its finished cells: `bench/results/inspection.json` and a table."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import cells
import form

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench:inspection -->", "<!-- end -->"

# key, in words, unit, which way is better
METRICS = (
    ("image_auroc", "image AUROC", "", "higher"),
    ("pixel_ap", "pixel AP", "", "higher"),
    ("aupro", "AUPRO", "", "higher"),
    ("miss_at_1pct", "miss rate at no more than 1 % false rejects", "", "lower"),
    ("false_rejects", "false rejects at the calibrated threshold", "", "lower"),
    ("misses", "misses at the calibrated threshold", "", "lower"),
    ("train_seconds", "training", "s", "lower"),
)
RANKING = ("image_auroc", "pixel_ap", "aupro", "miss_at_1pct")
"""Figures of which the best is set in bold; a threshold is judged by its promise, not by its rank."""
TARGETS = {
    ("magnetic_tile", "image_auroc"): 0.96,
    ("magnetic_tile", "pixel_ap"): 0.55,
    ("magnetic_tile", "miss_at_1pct"): 0.27,
    ("ball_screw", "image_auroc"): 0.965,
    ("ball_screw", "pixel_ap"): 0.75,
    ("ball_screw", "miss_at_1pct"): 0.18,
    ("aliens", "image_auroc"): 0.995,
    ("aliens", "miss_at_1pct"): 0.06,
    ("paper, mean of four", "image_auroc"): 1.0,
    ("paper, mean of four", "pixel_ap"): 0.93,
    ("paper, mean of four", "miss_at_1pct"): 0.0,
}
MILLISECONDS = 12.0
TITLES = {
    "burnish": "Burnish",
    "padim": "PaDiM",
    "patchcore": "PatchCore",
    "anomalydino": "AnomalyDINO",
    "supersimplenet": "SuperSimpleNet",
}
NOT_RUN = {
    "EfficientAd": "downloads a teacher's weights and ImageNet pictures",
    "Dinomaly, RAD, INP-Former": "need weights of DINOv2-R or DINOv3 from a hub",
    "WinCLIP, VLM-AD": "need CLIP or a language model from a hub",
    "CFLOW, FastFlow, STFPM, Reverse Distillation, DRAEM, GLASS": "learn for many epochs; left out",
}

Figures = dict[str, dict[str, dict[int, dict[str, float | None]]]]
"""set -> model -> seed -> metric -> value."""


def read(
    folder: Path,
) -> tuple[Figures, dict[tuple[str, str, int], str], dict[str, dict[str, Any]]]:
    """All finished cells of `folder`.

    Returns:
        The figures; the reasons of failed cells by (set, model, seed); each model's last `meta`.
    """
    figures: Figures = {}
    failed: dict[tuple[str, str, int], str] = {}
    meta: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.*.*.json")):
        name, model, seed = path.name.removesuffix(".json").rsplit(".", 2)
        if not seed.isdigit():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        if "failed" in found:
            failed[name, model, int(seed)] = found["failed"]
            continue
        meta[model] = found.get("meta", {})
        figures.setdefault(name, {}).setdefault(model, {})[int(seed)] = {
            "image_auroc": found["image_auroc"],
            "pixel_ap": found["pixel_ap"],
            "aupro": found["aupro"],
            "miss_at_1pct": found["miss_rate_at_1pct_false_rejects"],
            "false_rejects": found["false_reject_rate"]["value"],
            "false_rejects_low": found["false_reject_rate"]["low"],
            "misses": found["miss_rate"]["value"],
            "train_seconds": found["train_seconds"],
            "promised": found["promised"],
        }
    return figures, failed, meta


def with_mean(figures: Figures, prefix: str = "paper_", title: str = "paper, mean of four") -> Figures:
    """Adds the mean over the sets whose name begins with `prefix`, of the seeds that all of them have."""
    group = [name for name in figures if name.startswith(prefix)]
    if len(group) < 4:
        return figures
    shared: dict[str, dict[int, dict[str, float | None]]] = {}
    for model in {m for name in group for m in figures[name]}:
        seeds = set.intersection(*(set(figures[name].get(model, {})) for name in group))
        for seed in sorted(seeds):
            runs = [figures[name][model][seed] for name in group]
            shared.setdefault(model, {})[seed] = {key: mean([run[key] for run in runs]) for key in runs[0]}
    return {**figures, title: shared}


def numbers(values: Iterable[float | None]) -> list[float]:
    """Those that could be measured."""
    return [value for value in values if value is not None]


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that could be measured, None without any."""
    known = numbers(values)
    return fmean(known) if known else None


def rows(figures: Figures, times: dict[str, float], models: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the form: for each set and metric ours, with the best peer's figure, then each peer."""
    found = []
    for name, by_model in figures.items():
        for key, words, unit, better in METRICS:
            values = {m: mean(run[key] for run in by_model.get(m, {}).values()) for m in models}
            peers = [v for m, v in values.items() if m != cells.OURS and v is not None]
            best = (max if better == "higher" else min)(peers, default=None)
            if all(value is None for value in values.values()):
                continue
            for model in (cells.OURS, *(m for m in models if m != cells.OURS)):
                ours, seeds = model == cells.OURS, sorted(by_model.get(model, {}))
                target = TARGETS.get((name, key)) if ours else None
                title = f"{name}: {words}" + ("" if ours else f": {TITLES[model]}")
                found.append(
                    form.row(title, values[model], unit, best if ours else None, target, better, seeds)
                )
                if ours and key == "false_rejects" and seeds:
                    found[-1] |= _promise(by_model[model].values())
    if times:
        best = min((t for m, t in times.items() if m != cells.OURS), default=None)
        ours = times.get(cells.OURS)
        found.append(form.row("one picture, one thread", ours, "ms", best, MILLISECONDS, "lower", [0]))
        for model in (m for m in models if m in times and m != cells.OURS):
            found.append(form.row(f"one picture, one thread: {TITLES[model]}", times[model], "ms", seeds=[0]))
    return found


def _promise(runs: Iterable[dict[str, float | None]]) -> dict[str, Any]:
    """The target of false rejects is what was promised; it holds while no run's 95 % bound lies above it."""
    runs = list(runs)
    kept = [r["promised"] is not None and (r["false_rejects_low"] or 0) <= r["promised"] for r in runs]
    return {"target": mean(r["promised"] for r in runs), "holds": all(kept)}


def markdown(figures: Figures, times: dict[str, float], models: Sequence[str]) -> str:
    """A line for a set and metric, a column for a model: mean (lowest to highest seed), best in bold."""
    models = [cells.OURS, *(m for m in models if m != cells.OURS)]
    lines = ["| set | figure | wanted | " + " | ".join(TITLES[m] for m in models) + " |"]
    lines.append("| --- " * (3 + len(models)) + "|")
    for name, by_model in figures.items():
        for key, words, unit, better in METRICS:
            values = {m: numbers(run[key] for run in by_model.get(m, {}).values()) for m in models}
            known = {m: fmean(v) for m, v in values.items() if v}
            if not known:
                continue
            best = (max if better == "higher" else min)(known.values())
            target = TARGETS.get((name, key))
            wanted = "" if target is None else f"{'>=' if better == 'higher' else '<='} {target:g}"
            bold = {m for m, value in known.items() if key in RANKING and f"{value:.3f}" == f"{best:.3f}"}
            shown = [_cell(values[m], unit, m in bold) for m in models]
            lines.append(f"| {name} | {words} | {wanted} | " + " | ".join(shown) + " |")
    if times:
        shown = [f"{times[m]:.1f} ms" if m in times else "-" for m in models]
        lines.append(
            f"| all | one picture, one thread | <= {MILLISECONDS:g} ms | " + " | ".join(shown) + " |"
        )
    return "\n".join(lines)


def _cell(values: Sequence[float], unit: str, best: bool) -> str:
    if not values:
        return "-"
    digits = 0 if unit == "s" else 3
    text = f"{fmean(values):.{digits}f}" + (f" {unit}" if unit else "")
    if len(values) > 1 and f"{min(values):.{digits}f}" != f"{max(values):.{digits}f}":
        text += f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
    return f"**{text}**" if best else text


def footnotes(
    failed: dict[tuple[str, str, int], str], figures: Figures, meta: dict[str, dict[str, Any]]
) -> str:
    """What a reader must know: seeds, deviations from defaults, failures, what could not be run."""
    said = []
    for model in TITLES:
        seeds = sorted({seed for by_model in figures.values() for seed in by_model.get(model, {})})
        if seeds:
            said.append(f"{TITLES[model]}: seeds {', '.join(map(str, seeds))}.")
    steps = meta.get("supersimplenet", {}).get("notes", {})
    if steps:
        said.append(
            "SuperSimpleNet learns from the defects' masks too where there are any; anomalib's 300 epochs "
            f"would take hours, so it is capped at {steps['cap_seconds']:g} processor seconds in batches of "
            f"8 (some {steps['steps']} steps)."
        )
    said.append(
        "Peers: anomalib's torch models with their defaults at 256 x 256, EfficientNet-Lite0 from the "
        "wheel that Burnish uses (AnomalyDINO: DINOv2-small), and the trunk's own normalisation. "
        "PatchCore's coreset is chosen over exact distances, which is faster than anomalib's way. "
        "Thresholds: 1 % wanted, the conformal rule on good scores cross-fitted in 4 folds (Burnish by "
        "its own command, PaDiM, AnomalyDINO, PatchCore up to 100 good parts), else on a held-out fifth. "
        "Training seconds of peers are processor seconds of one thread."
    )
    said += [f"Failed: {TITLES[m]} on {name}, seed {seed}: {why}." for (name, m, seed), why in failed.items()]
    said.append("Not run: " + "; ".join(f"{name} ({why})" for name, why in NOT_RUN.items()) + ".")
    return "\n".join(f"- {line}" for line in said)


def replace_block(text: str, block: str, begin: str = BEGIN, end: str = END) -> str:
    """`text` with what lies between `begin` and the next `end` replaced; ValueError without them."""
    changed, count = re.subn(
        f"({re.escape(begin)}).*?({re.escape(end)})",
        lambda m: f"{m[1]}\n{block}\n{m[2]}",
        text,
        count=1,
        flags=re.DOTALL,
    )
    if not count:
        raise ValueError(f"no block from {begin} to {end}")
    return changed


def show(name: str, block: str, docs: Path = DOCS) -> None:
    """Puts a block between `<!-- bench:NAME -->` and `<!-- end -->` of the docs, where they are."""
    try:
        text = docs.read_text(encoding="utf-8")
        docs.write_text(replace_block(text, block, f"<!-- bench:{name} -->"), encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"{docs} is left as it is: {error}", file=sys.stderr)


def write(command: str, models: Sequence[str], docs: Path = DOCS) -> None:
    """Writes the JSON and the block of the docs from the finished cells."""
    figures, failed, meta = read(cells.CELLS)
    figures = with_mean(figures)
    path = cells.CELLS / "time.json"
    times = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    form.write("inspection", command, rows(figures, times, models))
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    block = "\n\n".join([head, markdown(figures, times, models), footnotes(failed, figures, meta)])
    try:
        docs.write_text(replace_block(docs.read_text(encoding="utf-8"), block), encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"{docs} was left as it is ({error}); the block would be:\n\n{block}")

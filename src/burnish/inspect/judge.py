"""From a trained inspector's bundle and a folder to an evaluation, its JSON and its report."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from burnish.errors import BurnishError, DatasetError
from burnish.inspect.calibrate import Calibration, calibrate
from burnish.inspect.evaluate import Evaluation, Scorer, evaluate, in_percent
from burnish.inspect.price import Price
from burnish.inspect.report import write_report
from burnish.media.dataset import PartSet, open_parts
from burnish.media.image import fit
from burnish.store.files import write_text

Inspector = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""float32 (1, 3, h, w) in [0, 1] -> score (1,) and heat (1, h / 4, w / 4) in [0, 1]."""


def as_scorer(inspector: Inspector, side: int, multiple: int = 32) -> Scorer:
    """A function from a picture, uint8 (H, W, 3), to its score and its heat map at the picture's size."""

    def score(image: np.ndarray) -> tuple[float, np.ndarray]:
        fitted = torch.tensor(fit(image, side, multiple)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            value, heat = inspector(fitted)
        size = (image.shape[1], image.shape[0])
        plane = Image.fromarray(heat[0].float().numpy()).resize(size, Image.Resampling.BILINEAR)
        return float(value[0]), np.asarray(plane)

    return score


def parts_to_judge(root: str | Path) -> tuple[PartSet, tuple[str, ...]]:
    """The parts to evaluate on, and a note where that may flatter.

    Where the folder has splits, only `test` counts. Where it has none, all of it does.

    Raises:
        DatasetError: The folder is no data set, or has splits and none is `test`.
    """
    parts = open_parts(root)
    if "test" in parts.splits:
        return parts.only("test"), ()
    if parts.layout == "split.csv" or len(parts.splits) > 1:
        raise DatasetError(
            root,
            f"has the splits {', '.join(parts.splits)} and no `test`",
            "Mark the parts to evaluate on as `test`",
        )
    return parts, (
        "The folder has no splits; if the inspector learned from these parts, the figures flatter it.",
    )


def evaluate_inspector(
    inspector: Inspector,
    meta: Mapping[str, Any],
    root: str | Path,
    *,
    price: Price = Price(),
    wanted_misses: float = 0.01,
    json_file: str | Path | None = None,
    report: str | Path | None = None,
    command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluates an inspector on a folder's test parts, and writes what is asked for.

    Args:
        inspector: In evaluation mode.
        meta: Of its bundle: `side`, `threshold`, `good_scores`, `wanted`, `model_hash`; and where known
            `multiple`, `calibration` (`Calibration.to_json`), `folds`, `train_seconds`, `name`, and for the
            report `training`, `synthesis` (both as `write_report`).
        root: The folder.
        price: Assumptions about money.
        wanted_misses: The miss rate to prove.
        json_file: Where to write the figures.
        report: Where to write the HTML report.
        command: That was given, for the report.
        progress: Called with (done, of).

    Raises:
        BurnishError: `wanted_misses` is not in (0, 1); see also `parts_to_judge`.
    """
    if not 0 < wanted_misses < 1:
        raise BurnishError(
            f"--wanted-misses {wanted_misses:g}",
            "cannot be proved by any number of parts",
            "Give a number between 0 and 1, such as 0.01",
        )
    parts, notes = parts_to_judge(root)
    found = evaluate(
        as_scorer(inspector, int(meta["side"]), int(meta.get("multiple", 32))),
        parts,
        _rule(meta),
        train_seconds=float(meta.get("train_seconds", 0.0)),
        model_hash=str(meta.get("model_hash", "")),
        price=price,
        wanted_false_rejects=float(meta["wanted"]),
        wanted_misses=wanted_misses,
        progress=progress,
    )
    found = replace(found, notes=(*notes, *found.notes))
    if json_file:
        write_text(json_file, json.dumps(found.to_json(), indent=1) + "\n")
    if report:
        write_report(
            report,
            found,
            name=str(meta.get("name") or Path(root).name),
            training=meta.get("training"),
            synthesis=meta.get("synthesis"),
            command=command,
            versions=_versions(),
        )
    return found


def as_text(e: Evaluation) -> str:
    """The figures as a table for a terminal."""
    lines = [e.verdict(), ""]
    head = ("defect", "bad", "missed", "miss rate, 95 %", "AUROC")
    rows = [
        (name, str(r["of"]), str(r["count"]), _range(r), _figure(row["image_auroc"]))
        for name, row in sorted(e.by_class.items())
        for r in [row["miss_rate"]]
    ]
    rows.append(
        ("all", str(e.miss_rate.of), str(e.miss_rate.count), in_percent(e.miss_rate), _figure(e.image_auroc))
    )
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells))
    at_1pct = e.miss_rate_at_1pct_false_rejects
    lines += [
        "",
        f"pixel AP {_figure(e.pixel_ap)}, AUPRO {_figure(e.aupro)}, misses at 1 % false rejects "
        + ("-" if at_1pct is None else f"{100 * at_1pct:.1f} %"),
        f"threshold {e.threshold:.4g}: {e.calibration['method'] if e.calibration else 'given by hand'}",
        "{p50:.1f} ms a part (95 %: {p95:.1f}, 99 %: {p99:.1f})".format(**e.latency_ms),
    ]
    for what, proof in (("false rejects", e.proof["false_rejects"]), ("misses", e.proof["misses"])):
        more = proof["more_if_none_fails"]
        need = (
            "proven"
            if more == 0
            else "out of reach"
            if more is None
            else f"{more:,} more parts if none fails"
        )
        lines.append(f"to prove at most {100 * proof['wanted']:g} % {what}: {need}")
    total = e.money["total"]["value"]
    lines.append(
        "cost of 1,000 parts: " + ("unknown" if total is None else f"{total:.2f} {e.money['currency']}")
    )
    lines += [f"held: {h.name} ({h.reason})" for h in e.held] + [f"note: {note}" for note in e.notes]
    return "\n".join(lines)


def _rule(meta: Mapping[str, Any]) -> Calibration | float:
    """The calibration the bundle records; its bare threshold where that is all there is or they disagree."""
    if meta.get("calibration"):
        found = Calibration.from_json(meta["calibration"])
    else:
        found = calibrate(meta["good_scores"], float(meta["wanted"]), folds=int(meta.get("folds", 1)))
    threshold = float(meta["threshold"])
    return found if abs(found.threshold.value - threshold) <= 1e-6 * max(1.0, abs(threshold)) else threshold


def _versions() -> dict[str, str]:
    found = {}
    for name in ("burnish", "torch", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _range(r: Mapping[str, Any]) -> str:
    return f"{100 * r['value']:.1f} % ({100 * r['low']:.1f} to {100 * r['high']:.1f})"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

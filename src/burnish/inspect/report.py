"""One self-contained HTML file for the manager who signs and the engineer who asks: no network, no script."""

import base64
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from burnish.inspect import charts, words
from burnish.inspect.ablation import METRIC_NAMES, METRICS, Ablation
from burnish.inspect.evaluate import Evaluation
from burnish.inspect.gallery import Picture
from burnish.media.sheet import outline, overlay
from burnish.store.files import write_text

_CYAN, _DARK = (0, 229, 255), (10, 20, 30)


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    *,
    name: str,
    training: Mapping[str, Any] | None = None,
    synthesis: Mapping[str, Any] | None = None,
    ablation: Ablation | None = None,
    command: str = "",
    versions: Mapping[str, str] | None = None,
    when: str | None = None,
) -> Path:
    """Writes the report, whole or not at all.

    Args:
        path: The HTML file; missing folders are made.
        evaluation: What was measured.
        name: Of the inspector or the parts, as people call them.
        training: Facts to list, in words: {"minutes": 10, "good parts": 100, ...}.
        synthesis: Any of {"text": str, "choices": [{"class", "method", "why"}], "accepted": int,
            "rejected": int, "reasons": {why: count}, "sheet": uint8 (H, W, 3)}.
        ablation: The comparison of synthesis arms.
        command: That made the figures.
        versions: {"burnish": "0.1.0", ...}.
        when: Date and time to print; now when None.

    Raises:
        BurnishError: The file cannot be written.
    """
    path = Path(path)
    html = render_report(
        evaluation,
        name=name,
        training=training,
        synthesis=synthesis,
        ablation=ablation,
        command=command,
        versions=versions,
        when=when or datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
    )
    write_text(path, html)
    return path


def render_report(
    evaluation: Evaluation,
    *,
    name: str,
    training: Mapping[str, Any] | None,
    synthesis: Mapping[str, Any] | None,
    ablation: Ablation | None,
    command: str,
    versions: Mapping[str, str] | None,
    when: str,
) -> str:
    """The report as HTML; arguments as `write_report`. Every string that comes from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("burnish.inspect", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    e = evaluation
    return environment.get_template("report.html.j2").render(
        e=e,
        name=name,
        when=when,
        headline=words.unbroken(words.headline(e)),
        subline=words.unbroken(words.subline(e)),
        promise={k: words.unbroken(v) if isinstance(v, str) else v for k, v in words.promise_kept(e).items()},
        per_second=f"{1000 / max(e.latency_ms['p50'], 1e-6):,.0f}",
        miss_scale=1.0,
        false_scale=words.scale(e.false_reject_rate),
        classes=sorted(e.by_class.items(), key=lambda item: -(item[1]["miss_rate"]["value"] or 0)),
        histogram=charts.histogram(
            [p.score for p in e.parts if p.label == "good"],
            [p.score for p in e.parts if p.label != "good"],
            e.threshold,
        ),
        proof=[("False rejects", e.proof["false_rejects"]), ("Misses", e.proof["misses"])],
        picture_groups=_picture_groups(e),
        training=training,
        synthesis=_synthesis(synthesis),
        ablation=_ablation(ablation),
        costs=_costs(e.money),
        command=command,
        versions=versions,
        bar=charts.interval_bar,
        pct=words.pct,
        num=words.num,
        eur=words.eur,
        more=words.more,
        bounds=words.bounds,
        duration=words.duration,
    )


def _picture_groups(e: Evaluation) -> list[dict[str, Any]]:
    legend = (
        "Each shows the picture, what a person marked, where the inspector looks (bright is suspicious), "
        "and a close-up of the marked defect, or of the brightest spot where none is marked."
    )
    shown = e.pictures
    return [
        {
            "title": "The worst misses",
            "text": f"Bad parts that passed, least suspicious first. {legend}",
            "shots": [_shot(p) for p in shown.misses],
        },
        {
            "title": "The worst false rejects",
            "text": f"Good parts rejected, most suspicious first; wrong labels show up here. {legend}",
            "shots": [_shot(p) for p in shown.false_rejects],
        },
        {
            "title": "Rightly rejected",
            "text": f"The clearest catch of each kind. {legend}",
            "shots": [_shot(p) for p in shown.catches],
        },
    ]


def _shot(p: Picture) -> dict[str, Any]:
    truth = p.image.copy()
    marked = p.mask is not None and bool(p.mask.any())
    if p.mask is not None and marked:
        width = max(1, round(min(truth.shape[:2]) / 140))
        truth[outline(p.mask, 2 * width)] = _DARK
        truth[outline(p.mask, width)] = _CYAN
    return {
        "image": _jpeg(p.image),
        "truth": _jpeg(truth),
        "close": _jpeg(p.close),
        "heat": _jpeg(overlay(p.image, p.heat, p.mask if marked else None)),
        "name": p.name,
        "label": p.label,
        "score": p.score,
        "outlined": marked,
    }


def _jpeg(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "JPEG", quality=86, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _synthesis(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    sheet = given.get("sheet")
    return {**given, "sheet": None if sheet is None else _jpeg(np.asarray(sheet))}


def _ablation(table: Ablation | None) -> dict[str, Any] | None:
    if table is None:
        return None
    metrics = [m for m in METRICS if any(row[m] is not None for row in table.rows.values())]
    return {
        "metrics": [METRIC_NAMES[m] for m in metrics],
        "rows": [(arm, [row[m] for m in metrics]) for arm, row in table.rows.items()],
        "seeds": table.seeds,
        "sets": table.sets,
        "pairs": _pairs(table, metrics),
    }


def _pairs(table: Ablation, metrics: list[str]) -> list[dict[str, Any]]:
    """One row a pair of arms, one cell a metric."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for d in table.differences:
        row = rows.setdefault((d.arm, d.against), {"arm": d.arm, "against": d.against, "cells": {}})
        i = d.interval
        row["cells"][d.metric] = {
            "better": d.better,
            "value": "-" if i is None else f"{i.value:+.3f}",
            "bounds": "" if i is None or d.better == "-" else f"{i.low:+.3f} to {i.high:+.3f}",
        }
    return [{**row, "cells": [row["cells"].get(m) for m in metrics]} for row in rows.values()]


def _costs(money: Mapping[str, Any]) -> list[dict[str, Any]]:
    a = money["assumptions"]
    good = 1000 - a["defects_per_1000"]
    said = {
        "electricity": ("Electricity", f"{a['watts']:g} W at {a['eur_per_kwh']:g} EUR a kWh"),
        "rechecks": (
            "Looking again at false rejects",
            f"{a['seconds_per_recheck']:g} s each at {a['eur_per_hour']:g} EUR an hour, {good:g} in 1,000",
        ),
        "escapes": (
            "Defects that escape",
            f"{a['eur_per_escape'] or 0:g} EUR each, {a['defects_per_1000']:g} bad parts in 1,000",
        ),
        "total": (
            "Sum",
            "" if a["eur_per_escape"] is not None else "without escaped defects: no cost was given",
        ),
    }
    rows = []
    for key, (item, assumed) in said.items():
        if key in money:
            low, high = money[key]["low"], money[key]["high"]
            bounds = "" if low is None or low == high else f"{words.plain(low)} to {words.plain(high)}"
            rows.append(
                {
                    "item": item,
                    "value": words.plain(money[key]["value"]),
                    "bounds": bounds,
                    "assumed": assumed,
                    "total": key == "total",
                }
            )
    return rows

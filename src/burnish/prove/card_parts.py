"""The tables of a card, each from records, figures or the bundle itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from burnish.prove.baseline import Comparison
from burnish.prove.value import value
from burnish.prove.words import cost_text, money
from burnish.store.bundle import Bundle
from burnish.store.settings import Settings
from burnish.store.tables import DONE, Figure, Record

LOSSES = {
    "inspect": (
        ("segmenter", "focal loss, gamma 1, and soft Dice", "arXiv:1708.02002, arXiv:1606.04797"),
        ("surprise", "none: the exact denoiser of the remembered good features", "arXiv:2206.00364, B.3"),
        ("fusion", "balanced logistic regression on held-out parts, drawn to a prior", "textbook"),
    ),
    "make image": (
        (
            "denoiser",
            "squared error of the clean picture over c_out squared, straight path",
            "arXiv:2206.00364, arXiv:2209.03003",
        ),
    ),
    "make clip": (
        (
            "denoiser",
            "squared error of the clean clip over c_out squared, straight path",
            "arXiv:2206.00364, arXiv:2209.03003",
        ),
    ),
    "make text": (
        (
            "denoiser",
            "cross-entropy of masked tokens, weighted by 1 / t: a bound of the likelihood",
            "arXiv:2406.07524",
        ),
    ),
}


@dataclass(frozen=True)
class Section:
    """A table of the card.

    Attributes:
        title: Its heading.
        head: Names of the columns.
        rows: Text.
        note: What must be known to read it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Section:
    return Section(title, tuple(head), tuple(tuple(row) for row in rows), note)


def title(bundle: Bundle, task: str) -> str:
    """`An inspector for rings`, `A model of pictures`."""
    if task == "inspect":
        return f"An inspector for {bundle.meta.get('name', 'parts')}"
    things = {"image": "pictures", "clip": "clips", "text": "text"}
    return f"A diffusion model of {things.get(task.partition(' ')[2], task)}"


def data_hash(bundle: Bundle) -> str:
    """Of the training data."""
    data = bundle.meta.get("data")
    return str(data.get("hash", "") if isinstance(data, dict) else bundle.meta.get("data_hash", ""))


def outputs(session: Session, model_hash: str) -> list[Record]:
    """What was made with a model and is done, by number."""
    asked = select(Record).where(
        Record.model_hash == model_hash, Record.status == DONE, Record.verb.in_(("make", "refine"))
    )
    return list(session.scalars(asked.options(selectinload(Record.costs)).order_by(Record.number)))


def what_it_is(bundle: Bundle, task: str, trained: Sequence[Record]) -> Section:
    """What is generated or judged, from the bundle's own description."""
    meta = bundle.meta
    rows = [("task", task), ("model", f"{bundle.hash} ({meta['architecture'].get('name', '-')})")]
    if task == "inspect":
        rows += [
            ("judges", "parts: pass, reject, or hold what cannot be judged"),
            ("generates", str(meta.get("synthesis", {}).get("text", "nothing"))),
            ("rejects above", f"{meta['threshold']:.4g}: {meta.get('calibration', {}).get('guarantee', '')}"),
        ]
    else:
        classes = ", ".join(meta.get("classes", [])[:12]) or "none"
        rows += [
            ("generates", f"{meta.get('media', 'image')}s of {meta.get('size', '-')} px"),
            ("classes", classes),
        ]
    for record in trained[:1]:
        rows.append(("trained by", f"{record.command} (record {record.number}, seed {record.seed})"))
    return _section("What it is", ("", ""), rows)


def against(found: Sequence[Comparison], figures: Sequence[Figure]) -> Section:
    """Each baseline's result beside the model's, and the paired difference."""
    rows = [
        (
            c.rival,
            c.how,
            f"{c.theirs:.4g}",
            f"{c.ours:.4g}",
            f"{c.difference.value:+.4g} ({c.difference.low:+.4g} to {c.difference.high:+.4g})",
            {"against": "worse", "for": "better", "not shown": "no difference shown"}[c.advice],
            _run(figure),
        )
        for c, figure in zip(found, figures, strict=True)
    ]
    metrics = sorted({f"{c.task}: {c.metric}, {c.better} is better, {c.n} judged" for c in found})
    note = "; ".join(metrics) + ". Paired on the same things; the intervals of one run hold together at 95 %."
    head = (
        "baseline",
        "what it does",
        "its result",
        "diffusion's",
        "in favour of diffusion",
        "diffusion is",
        "run",
    )
    return _section("Against what is not diffusion", head, rows, note)


def measurements(figures: Sequence[Figure], day: date) -> Section:
    """Every other figure, with interval, threshold and run."""
    rows = []
    for f in figures:
        wanted, holds = "-", "-"
        if f.threshold is not None and f.value is not None and f.better:
            sign = "at most" if f.better == "lower" else "at least"
            wanted = f"{sign} {f.threshold:g}"
            bound = f.high if f.better == "lower" else f.low
            holds = _holds(f.value, bound, f.threshold, f.better)
        rows.append((f.what, _number(f), _of(f), wanted, holds, _run(f)))
    head = ("figure", "value (95 %)", "of", "wanted", "reached", "run")
    return _section("Measured", head, rows, "Proven: the whole interval lies on the wanted side.")


def speed_and_cost(
    session: Session, settings: Settings, bundle: Bundle, trained: Sequence[Record], made: Sequence[Record]
) -> Section:
    """Latency, energy and money per output, from the ledger."""
    rows = []
    for verb in sorted({record.verb for record in made}):
        rows += _per_output(settings, verb, [record for record in made if record.verb == verb])
    for task in sorted({record.task for record in made if record.task}):
        rows.append(
            (f"cost per usable output, {task}", cost_text(value(session, settings, task)), "prove value")
        )
    for record in trained:
        spent = sum((cost.amount for cost in record.costs), Decimal(0))
        price = money(spent, settings.currency) if record.costs else "price unknown"
        energy = f"{(record.joules or 0) / 3.6e6:.3g} kWh, {record.energy_known}"
        text = f"{record.seconds or 0:.0f} s; {energy}; {price}"
        rows.append(("training", text, f"record {record.number}"))
    return _section("Speed and cost", ("", "", "run"), rows)


def _per_output(settings: Settings, verb: str, made: Sequence[Record]) -> list[tuple[str, str, str]]:
    """Latency, energy and money of one output of a verb."""
    seconds = np.array([record.seconds or 0.0 for record in made])
    joules = [record.joules for record in made if record.joules is not None]
    known = ", ".join(sorted({record.energy_known for record in made}))
    where = ", ".join(sorted({record.machine for record in made}))
    runs = f"records {made[0].number} to {made[-1].number}"
    p50, p95 = (float(np.percentile(seconds, q)) for q in (50, 95))
    told = f"median {p50:.3g} s, 95 % {p95:.3g} s, {len(made)} outputs; {where}"
    rows = [
        (f"{verb}: latency per output", told, runs),
        (f"{verb}: energy per output", f"{np.mean(joules):.4g} J, {known}" if joules else "unknown", runs),
    ]
    if any(record.costs for record in made):
        spent = sum((cost.amount for record in made for cost in record.costs), Decimal(0))
        each = money(spent / len(made), settings.currency)
        rows.append(
            (f"{verb}: compute and energy per output", f"{each}, training and labour not in it", runs)
        )
    return rows


def data_and_licences(bundle: Bundle, settings: Settings) -> Section:
    """Training data with its hash and licence, and the licences of borrowed weights."""
    meta, found = bundle.meta, data_hash(bundle)
    stated = next(
        (text for begin, text in settings.licences.items() if found and found.startswith(begin)), ""
    )
    data = meta.get("data") if isinstance(meta.get("data"), dict) else {}
    licence = stated or str((data or {}).get("licence") or meta.get("licence") or "not stated")
    count = (data or {}).get("pictures") or meta.get("training", {}).get("good parts", "-")
    rows = [("training data", found[:16] or "not recorded", str(count), licence)]
    for name, text in (meta.get("licences") or {}).items():
        if name != "data":
            rows.append((name, "-", "-", str(text)))
    if meta.get("base"):
        rows.append((f"trained on from {meta['base']}", "-", "-", "see that model's card"))
    note = "" if licence != "not stated" else "State the licence under `licences` in burnish.yaml."
    return _section("Training data and licences", ("what", "hash", "things", "licence"), rows, note)


def losses(bundle: Bundle, task: str) -> Section:
    """What was minimised, and the loss on what was held out."""
    rows: list[Sequence[str]] = [*LOSSES.get(task, ())]
    training: dict[str, Any] = bundle.meta.get("training") or {}
    if isinstance(training.get("best_loss"), float) and np.isfinite(training["best_loss"]):
        held = f"{training['best_loss']:.4f} at update {training.get('best_step', '-')}"
        rows.append(("on the hold-out", held, "bundle.json"))
    return _section("Loss functions", ("part", "loss", "source"), rows)


def limitations(probes: Sequence[Figure], unmeasured: Sequence[str]) -> Section:
    """Hard requests and conditions with how often they succeed."""
    rows = [
        (
            f.what.removeprefix("probe: "),
            _number(f),
            _of(f),
            "-" if f.detail.get("chance") is None else f"{f.detail['chance']:.2f}",
            str(f.detail.get("measure", "")),
            _run(f),
        )
        for f in probes
    ]
    if probes:
        rows += [
            (what, "not measured", "-", "-", "needs a person: burnish prove review", "-")
            for what in unmeasured
        ]
    head = ("what was asked", "share (95 %)", "of", "by chance", "measure", "run")
    return _section(
        "Limitations", head, rows, "Success rates, or for an inspector miss and false reject rates."
    )


def owners(figures: Sequence[Figure], day: date) -> Section:
    """Who answers for the figures, and when each is to be looked at again."""
    by_owner: dict[tuple[str, date | None], list[str]] = {}
    for f in figures:
        by_owner.setdefault((f.owner, f.next_check), []).append(f.what)
    rows = [
        (
            owner or "nobody is named",
            "-" if check is None else check.isoformat() + (" OVERDUE" if check < day else ""),
            str(len(names)),
            ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else ""),
        )
        for (owner, check), names in sorted(by_owner.items(), key=lambda item: str(item[0]))
    ]
    return _section("Owners and next dates", ("owner", "next check", "figures", "which"), rows)


def runs(session: Session, figures: Sequence[Figure]) -> Section:
    """The runs behind the figures: when, what was typed, on what and where."""
    rows = []
    for number in sorted({f.record_number for f in figures if f.record_number is not None}):
        own = [f for f in figures if f.record_number == number]
        record = session.get(Record, number)
        if record is not None:
            data = own[0].data_hash[:16] or "-"
            rows.append(
                (f"record {number}", f"{record.started:%Y-%m-%d}", own[0].command, data, record.machine)
            )
    return _section("Runs behind the figures", ("run", "day", "command", "data", "machine"), rows)


def _number(f: Figure) -> str:
    if f.value is None:
        return f"not measured{': ' + f.note if f.note else ''}"
    unit = "" if f.unit in ("share", "") else f" {f.unit}"
    if f.low is None or f.high is None:
        return f"{f.value:.4g}{unit}"
    return f"{f.value:.4g} ({f.low:.4g} to {f.high:.4g}){unit}"


def _of(f: Figure) -> str:
    return "-" if f.of is None else f"{f.count} of {f.of}"


def _holds(value: float, bound: float | None, wanted: float, better: str) -> str:
    def reached(number: float) -> bool:
        return number <= wanted if better == "lower" else number >= wanted

    if bound is not None and reached(bound):
        return "proven"
    return "seen, not proven" if reached(value) else "no"


def _run(f: Figure) -> str:
    return f"record {f.record_number}"

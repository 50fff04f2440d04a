"""A forecast for people and for programs, and learning curves that were measured elsewhere."""

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from burnish.errors import DatasetError, in_words
from burnish.prove.forecast import HORIZON, Curve, Forecast, Outlook


def read_curve(path: str | Path, pool: int | None = None, higher: bool = False) -> Curve:
    """A learning curve from a CSV with the columns size and value, one run a row.

    Args:
        path: The file.
        pool: Training parts that the sizes were drawn from; the largest size when None.
        higher: Values are shares of which more is better, such as acceptance; 1 - value is the error.

    Raises:
        DatasetError: The file cannot be read or holds something else; the line is named.
    """
    found: dict[int, list[float]] = defaultdict(list)
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            for line, row in enumerate(csv.DictReader(file), 2):
                try:
                    size, value = int(row["size"]), float(row["value"])
                except (KeyError, TypeError, ValueError) as error:
                    reason = f"line {line} has no whole size and numeric value"
                    raise DatasetError(path, reason, "Its columns are size and value") from error
                value = 1 - value if higher else value
                if size < 1 or not math.isfinite(value) or value < 0:
                    raise DatasetError(
                        path, f"line {line} is out of range", "Sizes are at least 1, errors at least 0"
                    )
                found[size].append(value)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(path, f"cannot be read ({in_words(error)})", "Give a CSV file in UTF-8") from error
    sizes = tuple(sorted(found))
    if len(sizes) < 4:
        raise DatasetError(path, f"holds {len(sizes)} sizes", "Four are the least; eight are better")
    return Curve(max(pool or 0, sizes[-1]), sizes, tuple(tuple(found[s]) for s in sizes))


def as_text(
    found: Forecast,
    metric: str,
    higher: bool,
    at: Sequence[float],
    goal: Outlook | None,
    unit: str = "parts",
) -> str:
    """The curve, the forecast at some sizes, and what the target takes; data are counted in `unit`."""
    curve = found.curve
    seconds = f", which took {curve.seconds:.0f} s" if curve.seconds else ""
    lines = [f"{metric}, measured in {curve.runs} runs on subsamples of {curve.pool} {unit}{seconds}:", ""]
    if curve.trained:
        lines[:0] = [f"Trained: {curve.trained}."]
    lines.append(f"{unit:>9}  {metric}")
    for size, mean, values in zip(curve.sizes, curve.means, curve.values, strict=True):
        lines.append(f"{size:>9,}  {_figure(1 - mean if higher else mean)}  ({len(values)} runs)")
    for size in at:
        middle, low, high = found.at(size)
        ends = (1 - high, 1 - low) if higher else (low, high)
        lines.append(
            f"{size:>9,.0f}  {_figure(1 - middle if higher else middle)}  forecast, 80 %: "
            f"{_figure(ends[0])} to {_figure(ends[1])}"
        )
    families = ", ".join(f"{name} {share:.0%}" for name, share in found.weights.items())
    lines += ["", f"families: {families}; spread x {found.widened:.2f} by {found.tested} held-out forecasts"]
    if goal is not None:
        lines += ["", *_goal(goal, found, metric, higher, unit)]
    return "\n".join(lines)


def to_json(
    found: Forecast, metric: str, higher: bool, at: Sequence[float], goal: Outlook | None
) -> dict[str, Any]:
    """Plain values; errors are as fitted (1 - value where `higher`), None stands for never."""
    curve = found.curve
    return {
        "metric": metric,
        "error_is_one_minus_value": higher,
        "pool": curve.pool,
        "seconds": curve.seconds,
        "trained": curve.trained,
        "curve": [{"size": s, "errors": list(v)} for s, v in zip(curve.sizes, curve.values, strict=True)],
        "families": found.weights,
        "widened": found.widened,
        "held_out_forecasts": found.tested,
        "forecast": [dict(zip(("size", "error", "low", "high"), (s, *found.at(s)), strict=True)) for s in at],
        "target": None
        if goal is None
        else {
            "error": goal.target,
            "reachable": goal.reachable,
            "reached_by_share_of_draws": goal.reached,
            "parts": [n if math.isfinite(n) else None for n in goal.parts],
            "cost": None if goal.cost is None else [c if math.isfinite(c) else None for c in goal.cost],
            "dates": None
            if goal.dates is None
            else [None if day is None else day.isoformat() for day in goal.dates],
        },
    }


def _goal(goal: Outlook, found: Forecast, metric: str, higher: bool, unit: str) -> list[str]:
    wanted = f"{metric} of {_figure(1 - goal.target if higher else goal.target)}"
    if not goal.reachable:
        return [
            f"{wanted}: not reachable with more of the same data ({goal.reached:.0%} of the draws get there "
            f"with {HORIZON:.0f} times as much)."
        ]
    pool = found.curve.pool
    middle, low, high = (_amount(n, unit) for n in goal.parts)
    lines = [f"{wanted}: {middle} (80 %: {low} to {high})"]
    if goal.reached < 0.9:
        lines.append(
            f"It is uncertain that it can be reached at all: {goal.reached:.0%} of the draws get there."
        )
    if goal.parts[0] <= pool:
        lines.append(f"It is reached with the {unit} that are there.")
    if goal.cost is not None:
        lines.append(
            f"labelling: {_money(goal.cost[0])} (80 %: {_money(goal.cost[1])} to {_money(goal.cost[2])})"
        )
    if goal.dates is not None:
        lines.append(f"ready on {_day(goal.dates[0])} (80 %: {_day(goal.dates[1])} to {_day(goal.dates[2])})")
    return lines


def _figure(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def _amount(n: float, unit: str) -> str:
    return f"{n:,.0f} {unit}" if math.isfinite(n) else "never"


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if math.isfinite(amount) else "never"


def _day(day: Any) -> str:
    return "never" if day is None else day.isoformat()

"""The report as one HTML file: no script, no network, every figure linked to its run."""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image, UnidentifiedImageError

from burnish.inspect.charts import interval_bar
from burnish.prove.report import charts, words
from burnish.prove.report.facts import Month

THUMB = 96
"""Side of a shown output in pixels, at twice the size it is drawn at."""
MOST_RUNS = 200
"""Runs in the page, besides those that figures come from; the JSON twin has all."""


def render(month: Month, log: dict[str, Any] | None = None) -> str:
    """The page; every string that comes from outside is escaped.

    Args:
        month: The facts.
        log: `origin`, `size` and `root` of the workspace's log before this report; None without one.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("burnish.prove.report", "."),
                jinja2.PackageLoader("burnish.inspect", "."),  # its style sheet serves both
            ]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = month.facts
    wanted = {one["record_number"] for one in facts["figures"]}
    runs = [
        run
        for place, run in enumerate(facts["runs"])
        if place < MOST_RUNS or not wanted.isdisjoint(run["numbers"])
    ]
    shown = {run["number"] for run in runs}
    run_of = {number: run["number"] for run in facts["runs"] for number in run["numbers"]}
    return environment.get_template("month.html.j2").render(
        f=facts,
        title=words.title(month.month),
        headline=words.headline(facts),
        lead=words.lead(facts),
        days=charts.days(facts["records"]["by_day"]),
        shares=charts.shares(facts["records"]["costs"]),
        trend=charts.trend,
        bar=interval_bar,
        top=top,
        shots=[thumbnail(path) for path in month.first],
        runs=runs,
        more_runs=len(facts["runs"]) - len(shown),
        run_of={number: run for number, run in run_of.items() if run in shown},
        log=log,
        w=words,
    )


def top(one: dict[str, Any]) -> float:
    """The end of a bar's scale that holds a share's upper bound and threshold."""
    most = max(one["high"] or 0.0, one["threshold"] or 0.0)
    return next((end for end in (0.02, 0.05, 0.1, 0.2, 0.5) if most <= end), 1.0)


def thumbnail(path: Path | None) -> str:
    """A small picture as a data address; "" where there is none."""
    if path is None:
        return ""
    try:
        with Image.open(path) as picture:
            whole = picture.convert("RGBA")
            small = Image.new("RGB", whole.size, "white")
            small.paste(whole, mask=whole)
            small.thumbnail((2 * THUMB, 2 * THUMB))
    except (OSError, UnidentifiedImageError, ValueError):
        return ""
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def outside(html: str) -> Sequence[str]:
    """What in a page would ask the network or run: scripts, and addresses that are no fragments or data."""
    found = re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:image/)([^"']*)""", html)
    found += re.findall(r"""url\(\s*["']?(?!data:)([^)"']+)""", html)
    return [*found, *re.findall(r"<(?:script|link|iframe|object)\b|@import|\son\w+\s*=", html)]

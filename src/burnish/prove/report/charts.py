"""The report's drawings as inline SVG; colours come from the page, so that dark mode and print work."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

WIDTH = 900


def days(counts: Sequence[Mapping[str, Any]], height: int = 96) -> str:
    """Outputs a day: done upward in one colour, whatever else on top of it in the other.

    Args:
        counts: One a day: `day` (ISO), `done`, `other`.
        height: Of the tallest bar.
    """
    most = max((day["done"] + day["other"] for day in counts), default=0) or 1
    step, base, parts = WIDTH / max(1, len(counts)), height + 16, []
    for place, day in enumerate(counts):
        x, top = place * step, float(base)
        for kind in ("done", "other"):
            if day[kind]:
                tall = max(2.0, height * day[kind] / most)
                top -= tall
                parts.append(
                    f'<rect class="{kind}" x="{x + 3:.1f}" y="{top:.1f}" width="{step - 6:.1f}" '
                    f'height="{tall:.1f}" rx="1.5"><title>{day["day"]}: {day["done"]} done, '
                    f"{day['other']} not</title></rect>"
                )
        number = int(day["day"][-2:])
        if number == 1 or number % 5 == 0:
            parts.append(
                f'<text class="tick" x="{x + step / 2:.1f}" y="{base + 17}" text-anchor="middle">{number}'
                "</text>"
            )
    parts.append(f'<line class="axis" x1="0" y1="{base}" x2="{WIDTH}" y2="{base}"/>')
    parts.append(f'<text class="tick" x="0" y="11">{most} a day at most</text>')
    label = escape(
        f"Outputs a day, {sum(d['done'] for d in counts)} done, {sum(d['other'] for d in counts)} not"
    )
    return _drawing("days", WIDTH, base + 24, label, parts)


def trend(values: Sequence[float], threshold: float | None = None, width: int = 120, height: int = 30) -> str:
    """A figure's last values as a line with its newest point marked, and its threshold dashed; "" for one."""
    if len(values) < 2:
        return ""
    ends = [*values, *([] if threshold is None else [threshold])]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0

    def y(value: float) -> float:
        return 4 + (height - 8) * (1 - (value - low) / span)

    step = (width - 8) / (len(values) - 1)
    points = [(4 + place * step, y(value)) for place, value in enumerate(values)]
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    parts = (
        []
        if threshold is None
        else [f'<line class="wanted" x1="0" y1="{y(threshold):.1f}" x2="{width}" y2="{y(threshold):.1f}"/>']
    )
    parts.append(f'<polyline class="path" points="{line}"/>')
    parts.append(f'<circle class="now" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3"/>')
    label = f"{len(values)} values, from {values[0]:.4g} to {values[-1]:.4g}"
    return _drawing("trend", width, height, label, parts)


def shares(amounts: Mapping[str, str], height: int = 14) -> str:
    """Positive amounts side by side as shares of their sum; "" without any."""
    positive = {kind: Decimal(amount) for kind, amount in amounts.items() if Decimal(amount) > 0}
    total = sum(positive.values(), Decimal(0))
    if not total:
        return ""
    parts, x = [], 0.0
    for place, (kind, amount) in enumerate(positive.items()):
        wide = float(amount / total) * WIDTH
        parts.append(
            f'<rect class="share s{place % 6}" x="{x:.1f}" y="0" width="{max(wide - 2, 1):.1f}" '
            f'height="{height}" rx="2"><title>{escape(kind)}: {amount / total:.1%}</title></rect>'
        )
        x += wide
    return _drawing("shares", WIDTH, height, "Costs by kind", parts)


def _drawing(kind: str, width: int, height: int, label: str, parts: Sequence[str]) -> str:
    box = f'class="{kind}" viewBox="0 0 {width} {height}"'
    return f'<svg {box} role="img" aria-label="{label}">{"".join(parts)}</svg>'

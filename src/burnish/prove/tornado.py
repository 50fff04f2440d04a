"""A return's levers as a drawing: how far a year's benefit moves when one input goes over its range."""

from html import escape

from burnish.prove.returns import Returns

WIDTH, NAMES, ROW, TOP = 760, 190, 30, 46


def tornado(found: Returns, currency: str) -> str:
    """An SVG file's text: a bar a lever, the widest first; a line at no benefit.

    Args:
        found: The return; its likely benefit is where the bars cross.
        currency: Of the axis.
    """
    ends = [end for lever in found.levers for end in (lever.at_low, lever.at_high)] or [0.0]
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return NAMES + (WIDTH - NAMES - 70) * (value - low) / span

    height = TOP + ROW * len(found.levers) + 34
    b = found.benefit
    parts = [
        f'<text class="head" x="0" y="16">A year brings {b.value:,.0f} {escape(currency)} '
        f"({b.low:,.0f} to {b.high:,.0f} in 9 of 10 cases)</text>"
    ]
    for place, lever in enumerate(found.levers):
        y = TOP + ROW * place
        left, right = sorted((x(lever.at_low), x(lever.at_high)))
        kind = "both" if lever.turns_at is not None else "gain" if lever.at_low > 0 else "loss"
        parts.append(f'<text x="0" y="{y + 14}">{escape(lever.name.replace("_", " "))}</text>')
        parts.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{y}" width="{max(right - left, 1.5):.1f}" height="19"/>'
        )
        if lever.turns_at is not None:
            parts.append(
                f'<text class="soft" x="{right + 6:.1f}" y="{y + 14}">0 at {lever.turns_at:,.3g}</text>'
            )
    bottom = TOP + ROW * len(found.levers)
    parts.append(f'<line class="zero" x1="{x(0):.1f}" y1="{TOP - 12}" x2="{x(0):.1f}" y2="{bottom}"/>')
    parts += [
        f'<text class="soft" x="{x(value):.1f}" y="{bottom + 20}" text-anchor="middle">{value:,.0f}</text>'
        for value in dict.fromkeys((low, 0.0, high))
    ]
    style = (
        "text{font:13px system-ui,sans-serif;fill:#1d2126}.head{font-weight:600;font-size:15px}"
        ".soft{fill:#5b636d;font-size:12px}.gain{fill:#2f7f86}.loss{fill:#a3261d}.both{fill:#c2862b}"
        ".zero{stroke:#1d2126;stroke-dasharray:4 4}"
        "@media (prefers-color-scheme:dark){text{fill:#e9e7e3}.soft{fill:#a2a9b1}.zero{stroke:#e9e7e3}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>What the yearly benefit hangs on</title><style>{style}</style>{''.join(parts)}</svg>\n"
    )

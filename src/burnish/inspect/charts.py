"""The report's drawings as inline SVG: they take their colours from the page, so dark mode and print work."""

from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HALF, BASE = 720, 110, 28


def interval_bar(value: float | None, low: float, high: float, most: float, mark: float | None = None) -> str:
    """A rate with its bounds on a scale from 0 to `most`, and an optional mark (what was promised)."""
    span = max(most, 1e-9)

    def x(v: float) -> float:
        return 3 + 154 * min(v / span, 1.0)

    parts = [
        '<line class="rail" x1="3" y1="8" x2="157" y2="8"/>',
        f'<line class="range" x1="{x(low):.1f}" y1="8" x2="{x(high):.1f}" y2="8"/>',
    ]
    if mark is not None:
        parts.append(f'<line class="mark" x1="{x(mark):.1f}" y1="1" x2="{x(mark):.1f}" y2="15"/>')
    if value is not None:
        parts.append(f'<circle class="dot" cx="{x(value):.1f}" cy="8" r="4"/>')
    return f'<svg class="bar" viewBox="0 0 160 16" role="img" aria-hidden="true">{"".join(parts)}</svg>'


def histogram(good: Sequence[float], bad: Sequence[float], threshold: float, bins: int = 48) -> str:
    """Scores of good parts upward and of bad parts downward, each as a share of its kind, with the threshold.

    The far tails (beyond the central 99 % of either kind) are put into the outermost bars.
    """
    good_scores, bad_scores = np.asarray(good, float), np.asarray(bad, float)
    ends = [threshold]
    for scores in (good_scores, bad_scores):
        if len(scores):
            ends += [float(np.quantile(scores, 0.005)), float(np.quantile(scores, 0.995))]
    low, high = min(ends), max(ends)
    pad = 0.04 * (high - low) or 0.5
    edges = np.linspace(low - pad, high + pad, bins + 1)
    shares = [_shares(scores, edges) for scores in (good_scores, bad_scores)]
    tallest = max(float(s.max(initial=0.0)) for s in shares) or 1.0
    width, middle = WIDTH / bins, HALF + 26
    bars = []
    for kind, share in zip(("good", "bad"), shares, strict=True):
        for i, s in enumerate(share):
            if s > 0:
                tall = max(1.5, HALF * float(np.sqrt(s / tallest)))
                top = middle - tall if kind == "good" else middle
                bars.append(
                    f'<rect class="{kind}" x="{i * width + 0.7:.1f}" y="{top:.1f}" '
                    f'width="{width - 1.4:.1f}" height="{tall:.1f}"/>'
                )
    at = (threshold - edges[0]) / (edges[-1] - edges[0]) * WIDTH
    left = at > WIDTH * 0.72
    anchor, offset = ("end", -7) if left else ("start", 7)
    below = middle + HALF + 12
    bars += [
        f'<line class="axis" x1="0" y1="{middle}" x2="{WIDTH}" y2="{middle}"/>',
        f'<line class="cut" x1="{at:.1f}" y1="0" x2="{at:.1f}" y2="{below}"/>',
        f'<text class="cut-label" x="{at + offset:.1f}" y="17" text-anchor="{anchor}">'
        f"threshold {threshold:.4g}: rejected to the right</text>",
    ]
    for value in _ticks(edges[0], edges[-1]):
        x = (value - edges[0]) / (edges[-1] - edges[0]) * WIDTH
        bars.append(f'<text class="tick" x="{x:.1f}" y="{below + 18}" text-anchor="middle">{value:g}</text>')
    title = escape(
        f"Scores of {len(good_scores)} good and {len(bad_scores)} bad parts, threshold {threshold:.4g}"
    )
    return (
        f'<svg class="histogram" viewBox="0 0 {WIDTH} {below + BASE}" role="img" aria-label="{title}">'
        f"{''.join(bars)}</svg>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """Round values, four to nine, a little inside the ends."""
    raw = (high - low) / 5
    size = 10 ** np.floor(np.log10(raw))
    step = next(float(size * m) for m in (1, 2, 2.5, 5, 10) if size * m >= raw * 0.75)
    margin = 0.03 * (high - low)
    first = int(np.ceil((low + margin) / step))
    last = int(np.floor((high - margin) / step))
    return [float(f"{i * step:.6g}") for i in range(first, last + 1)]


def _shares(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    if not len(scores):
        return np.zeros(len(edges) - 1)
    return np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0] / len(scores)

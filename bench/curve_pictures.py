"""The drawings of docs/prove.md about forecast and drift, as SVG: `make prove-pictures`."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from burnish.prove.drift import SCORES, Plan, watch
from burnish.prove.forecast import forecast, measure
from burnish.store.files import write_text

OUT = Path(__file__).parents[1] / "docs" / "img"
WIDE, HIGH, LEFT, BASE = 720, 260, 56, 224
INK, SOFT, LOUD = "#334155", "#cbd5e1", "#c2410c"


class Frame:
    """A drawing with its axes.

    Args:
        x, y: Lowest and highest value of each axis.
        log: Whether x is logarithmic.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float], log: bool = False) -> None:
        self.x, self.y, self.log = x, y, log
        self.parts = [
            f'<line x1="{LEFT}" y1="{BASE}" x2="{WIDE - 8}" y2="{BASE}" stroke="{INK}"/>',
            f'<line x1="{LEFT}" y1="12" x2="{LEFT}" y2="{BASE}" stroke="{INK}"/>',
        ]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in pixels."""
        low, high = (math.log(v) for v in self.x) if self.log else self.x
        share = ((math.log(x) if self.log else x) - low) / (high - low)
        tall = (y - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + share * (WIDE - 16 - LEFT), BASE - tall * (BASE - 16)

    def dots(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        for x, y in (self.at(*p) for p in points):
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def line(self, points: Sequence[tuple[float, float]], colour: str, dashed: bool = False) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*p) for p in points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
        )

    def area(self, points: Sequence[tuple[float, float]]) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*p) for p in points))
        self.parts.append(f'<polygon points="{path}" fill="{SOFT}"/>')

    def words(self, x: float, y: float, text: str, anchor: str = "start", colour: str = INK) -> None:
        px, py = self.at(x, y)
        self.parts.append(
            f'<text x="{px:.0f}" y="{py:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
        )

    def tick(self, x: float, text: str) -> None:
        px, _ = self.at(x, self.y[0])
        self.parts.append(
            f'<text x="{px:.0f}" y="{BASE + 18}" text-anchor="middle" fill="{INK}">{text}</text>'
        )

    def write(self, path: Path) -> None:
        """The drawing on white, so that it can be read on a dark page too."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif"'
        back = f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>'
        write_text(path, "\n".join([f'{head} font-size="13">', back, *self.parts, "</svg>"]) + "\n")


def learning() -> Frame:
    """Handwritten digits, nearest neighbour: a curve on 200 of them, and what all 1,200 gave."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(4).permutation(len(x))
    test, train = order[:500], order[500:]

    def error(rows: np.ndarray) -> float:
        near = (x[test] ** 2).sum(1)[:, None] - 2 * x[test] @ x[rows].T + (x[rows] ** 2).sum(1)[None]
        return float((y[rows][near.argmin(1)] != y[test]).mean())

    rng, half = np.random.default_rng(0), train[:200]
    curve = measure(lambda chosen, _: error(half[chosen]), len(half), rng)
    found = forecast(curve, rng)
    sizes = np.geomspace(200, 1200, 16)
    bands = [found.at(s) for s in sizes]
    frame = Frame((10, 1300), (0, 0.6), log=True)
    frame.area(
        [(s, b[1]) for s, b in zip(sizes, bands, strict=True)][::-1]
        + [(s, b[2]) for s, b in zip(sizes, bands, strict=True)]
    )
    frame.line([(s, b[0]) for s, b in zip(sizes, bands, strict=True)], INK, dashed=True)
    frame.dots([(s, v) for s, values in zip(curve.sizes, curve.values, strict=True) for v in values], INK)
    after = [(n, error(train[:n])) for n in (400, 800, 1200)]
    frame.dots(after, LOUD)
    frame.line([(200, 0), (200, 0.35)], SOFT)
    frame.words(195, 0.36, "all there was", "end")
    frame.words(700, 0.14, "what came later", "middle", LOUD)
    frame.words(1250, 0.57, "error of the nearest neighbour on 500 other handwritten digits", "end")
    for share in (0, 0.2, 0.4):
        frame.words(9.5, share, f"{share:g}", "end")
    for n in (12, 50, 200, 400, 800, 1200):
        frame.tick(n, f"{n:,}")
    return frame


def drifting() -> Frame:
    """Scores in order up to part 400, then half as high again: the chart of their ranks."""
    rng = np.random.default_rng(3)
    scores = rng.lognormal(0, 0.4, 460) * np.where(np.arange(460) >= 400, 1.5, 1.0)
    readings = [r for r in watch(Plan(run_length=2000), scores) if r.chart == SCORES]
    first = next(r for r in readings if r.alarm and r.parts > 400)
    limit = readings[0].limit
    frame = Frame((100, 460), (-1.6 * limit, 1.6 * limit))
    for side in (-1, 1):
        frame.line([(100, side * limit), (460, side * limit)], LOUD, dashed=True)
    frame.line([(r.parts, r.level) for r in readings if r.parts <= first.parts], INK)
    frame.dots([(first.parts, first.level)], LOUD)
    frame.line([(400, -1.5 * limit), (400, 1.5 * limit)], SOFT)
    frame.words(398, -1.35 * limit, "the lamp was changed", "end")
    frame.words(first.parts - 4, first.level + 0.12 * limit, f"alarm at part {first.parts}", "end", LOUD)
    frame.words(108, 1.1 * limit, "one false alarm in 2,000 parts", colour=LOUD)
    for n in (100, 200, 300, 400):
        frame.tick(n, str(n))
    return frame


if __name__ == "__main__":
    learning().write(OUT / "forecast.svg")
    drifting().write(OUT / "drift.svg")

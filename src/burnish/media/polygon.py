"""Outlines to masks: exact sampling at pixel centres, in numpy."""

from collections.abc import Iterable, Sequence

import numpy as np

Points = Sequence[tuple[float, float]]
Box = tuple[float, float, float, float]


def rasterise(polygons: Iterable[Points], size: tuple[int, int]) -> np.ndarray:
    """The union of polygons as a mask.

    A pixel is inside when its centre is (even-odd rule). A polygon narrower than half a pixel, or that holds
    no centre, also marks the pixels its outline passes, so that a hairline is not lost between centres.

    Args:
        polygons: Each a sequence of (x, y) in pixels; (0, 0) is the top left corner of the top left pixel.
        size: (height, width) of the mask.

    Returns:
        bool (H, W).
    """
    mask = np.zeros(size, bool)
    for points in polygons:
        outline = np.asarray(points, np.float64).reshape(-1, 2)
        if not len(outline) or not np.isfinite(outline).all():
            continue
        inside = _inside(outline, size)
        mask |= inside
        # 2 area / perimeter is the width of a long strip.
        if 4 * abs(area(points)) < _perimeter(outline) or not inside.any():
            _mark_outline(mask, outline)
    return mask


def rasterise_boxes(boxes: Iterable[Box], size: tuple[int, int]) -> np.ndarray:
    """The union of boxes (x0, y0, x1, y1) in pixels as a mask, bool (H, W)."""
    return rasterise([((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in boxes], size)


def area(points: Points) -> float:
    """The signed area of a polygon in square pixels (shoelace formula)."""
    x, y = np.asarray(points, np.float64).reshape(-1, 2).T
    return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def _inside(outline: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Counts, for each pixel centre, the edges to its left; odd is inside."""
    height, width = size
    crossings = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        first, last = np.clip(np.ceil(np.sort([y0, y1]) - 0.5), 0, height).astype(int)
        rows = np.arange(first, last)
        x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
        crossings[rows, columns] += 1  # one crossing an edge and row, so no index occurs twice
    return np.cumsum(crossings, axis=1)[:, :width] % 2 == 1


def _mark_outline(mask: np.ndarray, outline: np.ndarray) -> None:
    height, width = mask.shape
    outline = np.clip(
        outline, -width - height, 2 * (width + height)
    )  # far-off points cost time and mark nothing
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        steps = int(np.ceil(2 * np.abs(end - start).max())) + 1
        x, y = np.floor(np.linspace(start, end, steps + 1)).astype(int).T
        seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        mask[y[seen], x[seen]] = True


def _perimeter(outline: np.ndarray) -> float:
    return float(np.hypot(*(np.roll(outline, -1, axis=0) - outline).T).sum())

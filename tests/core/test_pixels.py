"""Pixel AP against scikit-learn, AUPRO against a brute force over every threshold, memory against its
budget."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import average_precision_score

from burnish.core.pixels import PixelScores


def pictures(seed, n=6, ties=False):
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        mask = (
            ndimage.binary_dilation(rng.random((20, 17)) > 0.985, iterations=1 + i % 2)
            if i % 3
            else np.zeros((20, 17), bool)
        )
        heat = (rng.random((20, 17)) + 0.5 * ndimage.gaussian_filter(mask.astype(float), 1)).astype(
            np.float32
        )
        out.append((np.round(heat, 1) if ties else heat, mask))
    return out


def collect(parts):
    scores = PixelScores()
    for heat, mask in parts:
        scores.add(heat, mask)
    return scores


def brute_aupro(parts, limit):
    """Every distinct score a threshold; trapezoids; the crossing segment cut by interpolation."""
    heats, regions = np.concatenate([h.ravel() for h, _ in parts]), []
    for heat, mask in parts:
        labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [heat[labels == i] for i in range(1, n + 1)]
    good = np.concatenate([h[~m] for h, m in parts])
    x, y = [0.0], [0.0]
    for t in np.unique(heats)[::-1]:
        x.append(float((good >= t).mean()))
        y.append(float(np.mean([(r >= t).mean() for r in regions])))
    area = 0.0
    for x0, x1, y0, y1 in zip(x, x[1:], y, y[1:], strict=False):
        if x0 >= limit:
            break
        if x1 > limit:
            y1, x1 = y0 + (y1 - y0) * (limit - x0) / (x1 - x0), limit
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_average_precision_is_scikit_learns(seed, ties):
    parts = pictures(seed, ties=ties)
    reference = average_precision_score(
        np.concatenate([m.ravel() for _, m in parts]), np.concatenate([h.ravel() for h, _ in parts])
    )
    assert collect(parts).average_precision() == pytest.approx(reference, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_is_the_brute_force(limit, ties):
    parts = pictures(2, ties=ties)
    assert collect(parts).aupro(limit) == pytest.approx(brute_aupro(parts, limit), abs=1e-9)


def test_perfect_and_blind_maps():
    mask = np.zeros((10, 10), bool)
    mask[2:4, 2:4] = mask[7, 7] = True
    perfect, blind = collect([(mask.astype(float), mask)]), collect([(np.zeros((10, 10)), mask)])
    assert perfect.aupro() == pytest.approx(1.0) and perfect.average_precision() == pytest.approx(1.0)
    assert blind.average_precision() == pytest.approx(0.05)
    assert blind.aupro() == pytest.approx(0.15)  # the diagonal: half the limit
    assert perfect.regions == 2


def test_asking_twice_gives_the_same():
    scores = collect(pictures(3))
    first = scores.average_precision(), scores.aupro()
    assert (scores.average_precision(), scores.aupro()) == first


def test_nothing_to_rank_is_none():
    assert collect([]).average_precision() is None
    assert collect([(np.ones((3, 3)), np.zeros((3, 3), bool))]).aupro() is None
    assert collect([(np.ones((3, 3)), np.ones((3, 3), bool))]).average_precision() is None


def test_bad_maps_are_refused():
    with pytest.raises(ValueError, match="shape"):
        PixelScores().add(np.ones((3, 3)), np.zeros((3, 4), bool))
    with pytest.raises(ValueError, match="numbers"):
        PixelScores().add(np.full((2, 2), np.nan), np.zeros((2, 2), bool))


def test_memory_stays_within_twelve_bytes_a_pixel():
    rng = np.random.default_rng(0)
    mask = np.zeros((200, 200), bool)
    mask[50:60, 50:60] = True
    tracemalloc.start()
    scores = PixelScores()
    for _ in range(25):
        scores.add(rng.random((200, 200), dtype=np.float32), mask)
    scores.average_precision()
    scores.aupro()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 25 * 200 * 200  # 700 pictures of 300 x 300 at this rate: 0.76 GB

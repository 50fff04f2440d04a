"""What the refine bench asks: degraded pictures, the classic filters for each, and ours.

Every method gets the same uint8 picture and answers with one. Settings of the filters (strength of
non-local means, of total variation, radius of an inpainting) are those that gave the best PSNR on spare
pictures of the training side, see `TUNED`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from skimage import restoration
from skimage.metrics import structural_similarity

from burnish.core.process import seeded
from burnish.train.known import draw_known
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.refine import refine

NOISE = 20.0
"""Standard deviation of the added noise, in levels."""

TUNED = {"non-local means": 0.5, "total variation": 0.09, "radius": 2}
"""Strengths of the filters: h in units of the noise, the weight, pixels."""

SMALL, LARGE = (0.01, 0.05), (0.10, 0.25)
"""Shares of the picture that a hole covers."""


@dataclass(frozen=True)
class Case:
    """A picture, what is left of it, and where it is to be judged.

    Attributes:
        true: uint8 (H, W, 3).
        given: The same with noise, smaller, or with a hole whose content is nothing.
        hole: bool (H, W), or None.
        crop: Where realism is judged.
    """

    true: np.ndarray
    given: np.ndarray
    hole: np.ndarray | None = None
    crop: tuple[slice, slice] = (slice(None), slice(None))


@dataclass(frozen=True)
class Task:
    """One way of spoiling pictures, and the methods that mend it.

    Attributes:
        name: In the table.
        spoil: Picture and index to a case.
        filters: By name, a case to a picture.
        wish: What `refine` is asked; the answer is filled in.
    """

    name: str
    spoil: Callable[[np.ndarray, int], Case]
    filters: dict[str, Callable[[Case], np.ndarray]]
    wish: dict[str, Any]


def with_hole(share: tuple[float, float], near: int | None, true: np.ndarray, index: int) -> Case:
    """A case with a random hole of a share of the picture; what was in it is flattened to mid gray.

    Args:
        share: Least and most.
        near: Side of the crop around the hole where realism is judged; None for the whole picture.
        true: The picture.
        index: Of the picture; decides the hole.
    """
    height, width = true.shape[:2]
    for attempt in range(1000):
        hole = ~draw_known(1, height, width, seeded(31, index, attempt), inverted=0.0)[0, 0].numpy()
        if share[0] <= hole.mean() <= share[1] and (near is None or _extent(hole) <= near):
            break
    given = true.copy()
    given[hole] = 128
    if near is None:
        return Case(true, given, hole)
    rows, columns = np.nonzero(hole)
    top = int(np.clip((rows.min() + rows.max() + 1 - near) // 2, 0, height - near))
    left = int(np.clip((columns.min() + columns.max() + 1 - near) // 2, 0, width - near))
    return Case(true, given, hole, (slice(top, top + near), slice(left, left + near)))


def with_noise(true: np.ndarray, index: int) -> Case:
    """A case with white noise of `NOISE`, the same in all channels of a gray picture; rounded and clipped."""
    gray = bool((true == true[..., :1]).all())
    noise = torch.randn(*true.shape[:2], 1 if gray else 3, generator=seeded(32, index)).numpy()
    return Case(true, np.clip(np.rint(true + NOISE * noise), 0, 255).astype(np.uint8))


def smaller(factor: int, true: np.ndarray, index: int) -> Case:
    """A case shrunk by block means, as a camera with larger pixels sees it."""
    height, width = true.shape[:2]
    blocks = true.reshape(height // factor, factor, width // factor, factor, 3).astype(np.float64)
    return Case(true, np.rint(blocks.mean((1, 3))).astype(np.uint8))


def inpaint(how: int, case: Case) -> np.ndarray:
    """OpenCV's inpainting."""
    assert case.hole is not None
    return cv2.inpaint(case.given, case.hole.astype(np.uint8), TUNED["radius"], how)


def non_local_means(case: Case) -> np.ndarray:
    """Buades et al., CVPR 2005, by scikit-image."""
    h = TUNED["non-local means"] * NOISE / 255
    return _filtered(
        case,
        restoration.denoise_nl_means,
        patch_size=5,
        patch_distance=9,
        h=h,
        sigma=NOISE / 255,
        fast_mode=True,
    )


def wavelet(case: Case) -> np.ndarray:
    """BayesShrink (Chang et al., 2000), by scikit-image, averaged over shifts (cycle spinning)."""
    return _filtered(case, _wavelet)


def _wavelet(image: np.ndarray, channel_axis: int | None) -> np.ndarray:
    return restoration.cycle_spin(
        image,
        func=restoration.denoise_wavelet,
        max_shifts=3,
        func_kw={"sigma": NOISE / 255, "method": "BayesShrink", "mode": "soft", "channel_axis": channel_axis},
        channel_axis=channel_axis,
        workers=1,
    )


def total_variation(case: Case) -> np.ndarray:
    """Chambolle, 2004, by scikit-image."""
    return _filtered(case, restoration.denoise_tv_chambolle, weight=TUNED["total variation"])


def _filtered(case: Case, how: Callable[..., np.ndarray], **options: Any) -> np.ndarray:
    gray = bool((case.given == case.given[..., :1]).all())
    values = (case.given[..., 0] if gray else case.given).astype(np.float64) / 255
    out = np.asarray(how(values, channel_axis=None if gray else -1, **options))
    levels = np.clip(np.rint(out * 255), 0, 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, 2) if gray else levels


def resize(how: int, case: Case) -> np.ndarray:
    """OpenCV's interpolation to the true size."""
    height, width = case.true.shape[:2]
    return cv2.resize(case.given, (width, height), interpolation=how)


def ours(model: Diffusion, task: Task, answer: str, case: Case) -> np.ndarray:
    """`refine` with one of its answers."""
    wish = {"steps": 8, **task.wish, "answer": answer}
    picture = next(refine(model, case.given, case.hole, **wish)).picture.pixels
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)


_INPAINT = {"Telea": partial(inpaint, cv2.INPAINT_TELEA), "Navier-Stokes": partial(inpaint, cv2.INPAINT_NS)}
_RESIZE = {"Lanczos": partial(resize, cv2.INTER_LANCZOS4), "bicubic": partial(resize, cv2.INTER_CUBIC)}
TASKS = (
    Task("inpaint 1 to 5 %", partial(with_hole, SMALL, 32), _INPAINT, {}),
    Task("inpaint 10 to 25 %", partial(with_hole, LARGE, None), _INPAINT, {}),
    Task(
        "denoise",
        with_noise,
        {"non-local means": non_local_means, "wavelet": wavelet, "total variation": total_variation},
        {"noise": NOISE},
    ),
    Task("upscale 2x", partial(smaller, 2), _RESIZE, {"to": 2}),
    Task("upscale 4x", partial(smaller, 4), _RESIZE, {"to": 4}),
)


def psnr(case: Case, made: np.ndarray) -> float:
    """In dB over what was to be mended: the hole, or the whole picture."""
    where = slice(None) if case.hole is None else case.hole
    error = ((case.true.astype(np.float64) - made)[where] ** 2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-2)))


def ssim(case: Case, made: np.ndarray) -> float:
    """Structural similarity of the crop that is judged."""
    a, b = (picture[case.crop] for picture in (case.true, made))
    return float(structural_similarity(a, b, channel_axis=-1, data_range=255))


def crops(pictures: list[np.ndarray], cases: list[Case]) -> Iterator[np.ndarray]:
    """Each picture cut where its case is judged."""
    for picture, case in zip(pictures, cases, strict=True):
        yield picture[case.crop]


def _extent(hole: np.ndarray) -> int:
    rows, columns = np.nonzero(hole)
    return int(max(np.ptp(rows), np.ptp(columns)) + 1)

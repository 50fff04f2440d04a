"""An inspector under conditions that a line will meet: other light, focus, position, compression."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from burnish.core.stats import rate
from burnish.inspect.detector import for_line
from burnish.inspect.judge import as_scorer, parts_to_judge
from burnish.media.part import GOOD
from burnish.prove.baselines.inspection import first_of_each
from burnish.prove.probe import Probe
from burnish.prove.survival import jpeg

Condition = Callable[[np.ndarray], np.ndarray]


def _light(factor: float) -> Condition:
    return lambda image: np.clip(np.rint(image * factor), 0, 255).astype(np.uint8)


def _turn(degrees: float) -> Condition:
    def turn(image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        about = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(
            image, about, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )

    return turn


CONDITIONS: dict[str, Condition] = {
    "as it is": lambda image: image,
    "light down by 30 %": _light(0.7),
    "light up by 30 %": _light(1.3),
    "out of focus (sigma 1.5 px)": lambda image: cv2.GaussianBlur(image, (0, 0), 1.5),
    "turned by 5 degrees": _turn(5),
    "JPEG at quality 50": lambda image: jpeg(image, 50),
}


def probe_inspector(
    bundle: str | Path,
    root: str | Path,
    *,
    limit: int = 40,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Probe], dict[str, Any]]:
    """An inspector under conditions that a line will meet, at its own threshold, and on its smallest defects.

    Args:
        bundle: The inspector's.
        root: Test parts.
        limit: The first so many good and so many bad ones.
        progress: Called with (done, of).

    Returns:
        Two probes a condition (misses, false rejects), one for the smallest quarter of defects that have a
        mask, and `data_hash`, `model_hash`.
    """
    inspector, meta, _ = for_line(bundle)
    score = as_scorer(inspector, int(meta["side"]), int(meta.get("multiple", 32)))
    parts, cut = first_of_each(parts_to_judge(root)[0], limit), float(meta["threshold"])
    rejected: dict[str, dict[bool, list[bool]]] = {name: {True: [], False: []} for name in CONDITIONS}
    areas, missed = [], []
    for i, (part, image, mask) in enumerate(parts.read([])):
        for name, change in CONDITIONS.items():
            verdict = score(change(image))[0] > cut
            rejected[name][part.label == GOOD].append(verdict)
            if name == "as it is" and mask is not None and mask.any():
                areas.append(float(mask.mean()))
                missed.append(not verdict)
        if progress:
            progress(i + 1, len(parts))
    measure = "verdict at the inspector's own threshold"
    probes = []
    for name, found in rejected.items():
        bad, good = found[False], found[True]
        if bad:
            probes.append(Probe(f"{name}: miss rate", rate(len(bad) - sum(bad), len(bad)), "lower", measure))
        if good:
            probes.append(Probe(f"{name}: false reject rate", rate(sum(good), len(good)), "lower", measure))
    if len(areas) >= 4:
        bound = float(np.quantile(areas, 0.25))
        small = [miss for miss, area in zip(missed, areas, strict=True) if area <= bound]
        what = f"smallest quarter of defects (at most {100 * bound:.2g} % of the picture): miss rate"
        probes.append(Probe(what, rate(sum(small), len(small)), "lower", measure))
    return probes, {"data_hash": parts.hash(), "model_hash": str(meta["model_hash"])}

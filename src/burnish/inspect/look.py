"""`burnish.inspect`: parts judged by an inspector, from Python."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from burnish.core.conformal import p_value
from burnish.inspect.detector import load_inspector
from burnish.inspect.judge import as_scorer
from burnish.media.image import read_image


@dataclass(frozen=True)
class Looked:
    """What an inspector says of a part.

    Attributes:
        score: Higher is more suspicious.
        rejected: Whether it is above the inspector's threshold.
        p_value: How often a good part scores at least as high, in (0, 1].
        heat: Where, float32 (H, W) in [0, 1].
    """

    score: float
    rejected: bool
    p_value: float
    heat: np.ndarray


def inspect(inspector: str | Path, pictures: Iterable[str | Path | np.ndarray]) -> Iterator[Looked]:
    """Judges pictures one by one.

    Args:
        inspector: A bundle that `burnish inspect train` wrote.
        pictures: Files, or uint8 (H, W, 3).

    Raises:
        BundleError: Not such a bundle, or damaged; ImageError for a file that cannot be read.
    """
    model, bundle = load_inspector(inspector)
    meta = bundle.meta
    score = as_scorer(model, meta["side"])
    goods, threshold = np.asarray(meta["good_scores"]), float(meta["threshold"])
    for picture in pictures:
        value, heat = score(picture if isinstance(picture, np.ndarray) else read_image(picture))
        yield Looked(value, value > threshold, float(p_value(value, goods)), heat)

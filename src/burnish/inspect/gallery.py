"""The few pictures of an evaluation worth showing, kept small while the parts go by."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from burnish.media.part import GOOD

_THUMB, _CLOSE = 420, 360


@dataclass(frozen=True)
class Picture:
    """A judged part to show.

    Attributes:
        image, heat, mask: uint8 (h, w, 3), float32 (h, w), bool (h, w) or None; at most 420 px long.
        close: uint8 (s, s, 3), the picture's own pixels around the marked defect, or else the hottest spot.
    """

    name: str
    label: str
    score: float
    image: np.ndarray
    heat: np.ndarray
    mask: np.ndarray | None
    close: np.ndarray


@dataclass(frozen=True)
class Pictures:
    """For the report: the lowest-scored misses, the highest-scored false rejects, the clearest catch a
    class."""

    misses: tuple[Picture, ...] = ()
    false_rejects: tuple[Picture, ...] = ()
    catches: tuple[Picture, ...] = ()


class Gallery:
    """Keeps at most `show` of the worst misses and of the worst false rejects, and the best catch a class."""

    def __init__(self, show: int) -> None:
        self.show = show
        self._misses: list[Picture] = []
        self._false: list[Picture] = []
        self._catches: dict[str, Picture] = {}

    def offer(
        self,
        name: str,
        label: str,
        score: float,
        rejected: bool,
        image: np.ndarray,
        heat: np.ndarray,
        mask: np.ndarray | None,
    ) -> None:
        """Keeps a judged part if it is worth showing; arrays as in `Picture`, at the picture's own size."""

        def make() -> Picture:
            return _picture(name, label, score, image, heat, mask)

        if label == GOOD:
            if rejected:
                _insert(self._false, -score, make, self.show, lambda p: -p.score)
        elif not rejected:
            _insert(self._misses, score, make, self.show, lambda p: p.score)
        elif self.show and (label not in self._catches or score > self._catches[label].score):
            self._catches[label] = make()

    def pictures(self) -> Pictures:
        """What was kept, worst first."""
        catches = tuple(self._catches[label] for label in sorted(self._catches))
        return Pictures(tuple(self._misses), tuple(self._false), catches)


def _insert(kept: list[Picture], key: float, make: Callable[[], Picture], most: int, key_of) -> None:
    """Keeps the `most` pictures of lowest key, in order; makes a picture only when it is kept."""
    if most and (len(kept) < most or key < key_of(kept[-1])):
        kept.append(make())
        kept.sort(key=key_of)
        del kept[most:]


def _picture(
    name: str, label: str, score: float, image: np.ndarray, heat: np.ndarray, mask: np.ndarray | None
):
    scale = min(1.0, _THUMB / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    small_heat = np.asarray(Image.fromarray(heat).resize(size, Image.Resampling.BILINEAR))
    small_mask = None
    if mask is not None:
        small_mask = (
            np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)) > 0
        )
    return Picture(name, label, score, small, small_heat, small_mask, _close_up(image, heat, mask))


def _close_up(image: np.ndarray, heat: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """A square of twice the defect's extent (at least a quarter of the picture), or around the hottest."""
    height, width = heat.shape
    if mask is not None and mask.any():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        extent = 2 * max(int(np.ptp(rows)), int(np.ptp(columns))) + 2
        y, x = (int(rows[0]) + int(rows[-1])) // 2, (int(columns[0]) + int(columns[-1])) // 2
    else:
        extent, (y, x) = 0, divmod(int(heat.argmax()), width)
    side = min(max(extent, 48, max(height, width) // 4), height, width)
    top, left = (max(0, min(at - side // 2, most - side)) for at, most in ((y, height), (x, width)))
    crop = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return np.asarray(crop.resize((_CLOSE, _CLOSE), Image.Resampling.BICUBIC))

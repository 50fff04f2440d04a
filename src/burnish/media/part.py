"""One part of a data set: its picture, its label, and whatever says where the defect is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from burnish.media.image import read_image, read_mask
from burnish.media.polygon import rasterise, rasterise_boxes

GOOD = "good"


@dataclass(frozen=True)
class Problem:
    """Something in a data set that could not be used as it is.

    Attributes:
        thing: The file (relative to the data set), row or folder.
        kind: One word to count by: "missing", "broken", "mask", "label", "format" or "layout".
        reason: What is wrong.
        cure: What to do about it; may be empty.
    """

    thing: str
    kind: str
    reason: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.thing}: {self.reason}." + (f" {self.cure}." if self.cure else "")


@dataclass(frozen=True)
class Part:
    """A picture with its label.

    Attributes:
        image: The picture's file.
        label: `GOOD` or the defect's class.
        split: "train", "test", "spare" or any other word.
        group: Parts of one group show the same thing and must not straddle splits; "" is a group of its own.
        mask: The mask's file, or None.
        polygons: Outlines, each a tuple of (x, y) in pixels.
        boxes: (x0, y0, x1, y1) in pixels.
    """

    image: Path
    label: str
    split: str = "train"
    group: str = ""
    mask: Path | None = None
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the part is labelled good."""
        return self.label == GOOD

    @property
    def annotation(self) -> str:
        """What is known of the defect's place: "mask", "polygon", "box", or "label" for nothing.

        Where one defect of a picture has only a box, outlines of the others are no mask of it: "box".
        """
        if self.mask is not None:
            return "mask"
        return "box" if self.boxes else "polygon" if self.polygons else "label"

    def read(self, box_masks: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Reads the picture and its mask.

        Args:
            box_masks: Fill boxes as if they were masks. They hold good pixels too, so this is asked for, not
            given.

        Returns:
            The picture, uint8 (H, W, 3), and its mask, bool (H, W): all False for a good part, None for a
            defect of which only the label is known (or whose mask is empty, which says no more than the label
            does).

        Raises:
            ImageError: The picture or the mask is unusable.
        """
        image = read_image(self.image)
        return image, self.read_mask((image.shape[0], image.shape[1]), box_masks)

    def read_mask(self, size: tuple[int, int], box_masks: bool = False) -> np.ndarray | None:
        """The mask alone, as `read` gives it, for a picture of `size` (height, width)."""
        if self.is_good:
            return np.zeros(size, bool)
        if self.mask is not None:
            mask = read_mask(self.mask, size)
        elif self.annotation == "polygon" or (self.boxes and box_masks):
            mask = rasterise(self.polygons, size) | rasterise_boxes(self.boxes, size)
        else:
            return None
        return mask if mask.any() else None

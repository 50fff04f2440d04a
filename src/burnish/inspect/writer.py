"""Pairs on disk: a data set that others can train on, with the provenance of every pair."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

import cv2
import numpy as np

from burnish.errors import BurnishError
from burnish.inspect.pairs import Pair, Shot, grown_box
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet

SHOWN_REAL, SHOWN_NEW = 3, 5


class PairWriter:
    """Writes pairs as they come, so that an interrupted run leaves a data set.

    ```
    OUT/images/<class>/000001.png    the new part
    OUT/masks/<class>/000001.png     255 where it was changed
    OUT/images/good/0001.png         each good part that was painted on
    OUT/split.csv                    image,label,mask,split,group; all are train, grouped by their good part
    OUT/provenance.jsonl             one line a pair
    OUT/counts.json                  pairs by class, by method, and what was rejected, by reason
    OUT/sheet.png                    real | synthetic: the first pairs of each class, as they came
    ```

    Args:
        out: A new or empty folder.
        goods: Good parts; a pair names its own in `provenance["good"]`.
        defects: Real defects for the sheet.

    Raises:
        BurnishError: The folder holds something, or cannot be written.
    """

    def __init__(self, out: Path, goods: Sequence[Shot], defects: Sequence[Shot]) -> None:
        self.out, self.defects = out, defects
        self.goods = {g.name: g for g in goods}
        self.counts: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.first: dict[str, list[Pair]] = {}
        self._written: set[str] = set()
        self._split: TextIO
        self._provenance: TextIO

    def __enter__(self) -> "PairWriter":
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise BurnishError(self.out, "it exists and is not empty", "Name a new folder")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._split = (self.out / "split.csv").open("w", newline="", encoding="utf-8")
            self._provenance = (self.out / "provenance.jsonl").open("w", encoding="utf-8")
        except OSError as error:
            raise BurnishError(
                self.out, f"cannot be written ({error.strerror})", "Choose another folder"
            ) from error
        csv.writer(self._split).writerow(["image", "label", "mask", "split", "group"])
        return self

    def add(self, pair: Pair) -> None:
        """Writes one pair, and its good part when it is the first on it."""
        k = sum(self.counts.values()) + 1
        folder = "".join(c if c.isalnum() or c in "-_ ." else "_" for c in pair.label).strip(". ") or "defect"
        image, mask = (f"{kind}/{folder}/{k:06}.png" for kind in ("images", "masks"))
        write_png(self.out / image, pair.image)
        write_png(self.out / mask, pair.mask)
        good = str(pair.provenance.get("good", ""))
        self._good(good)
        csv.writer(self._split).writerow([image, pair.label, mask, "train", good])
        line = {"image": image, "mask": mask, "label": pair.label, **pair.provenance}
        self._provenance.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        self._split.flush()
        self._provenance.flush()
        self.counts[pair.label] += 1
        self.methods[str(pair.provenance.get("method", ""))] += 1
        shown = self.first.setdefault(pair.label, [])
        if len(shown) < SHOWN_NEW:
            shown.append(pair)

    def _good(self, name: str) -> None:
        if name in self._written or name not in self.goods:
            return
        self._written.add(name)
        image = f"images/good/{len(self._written):04}.png"
        write_png(self.out / image, self.goods[name].image)
        csv.writer(self._split).writerow([image, "good", "", "train", name])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._split.close()
        self._provenance.close()
        facts = {
            "pairs": sum(self.counts.values()),
            "by_class": dict(self.counts),
            "by_method": dict(self.methods),
            "rejected": dict(self.rejected),
            "good_parts": len(self._written),
        }
        (self.out / "counts.json").write_text(
            json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        if self.first:
            write_png(self.out / "sheet.png", real_and_synthetic(self.defects, self.first))


def real_and_synthetic(defects: Sequence[Shot], pairs: dict[str, list[Pair]]) -> np.ndarray:
    """A sheet: two rows a class, real defects left and the first synthetic ones right; below, with outlined
    labels.

    Args:
        defects: Real ones.
        pairs: By class, in the order they were made.

    Returns:
        uint8 (H, W, 3).
    """
    tiles, captions = [], []
    for label in sorted(pairs):
        shown: list[tuple[np.ndarray, np.ndarray | None, str]]
        shown = [(s.image, s.mask, f"real {label}") for s in defects if s.label == label][:SHOWN_REAL]
        blank = (np.full((8, 8, 3), 247, np.uint8), None, "")
        shown += [blank] * (SHOWN_REAL - len(shown))
        shown += [(p.image, p.mask, f"new: {p.provenance.get('method')}") for p in pairs[label][:SHOWN_NEW]]
        shown += [blank] * (SHOWN_REAL + SHOWN_NEW - len(shown))
        for outlined in (False, True):
            for image, mask, text in shown:
                tiles.append(_close_up(image, mask, outlined))
                captions.append(text if not outlined else "")
    title = "real (left three) | synthetic (right five): the first of each class, as they came"
    return contact_sheet(tiles, SHOWN_REAL + SHOWN_NEW, 160, captions, title)


def _close_up(image: np.ndarray, mask: np.ndarray | None, outlined: bool) -> np.ndarray:
    """The defect with as much of the part around it, and its label's outline if asked."""
    if mask is None or not mask.any():
        return image
    if outlined:
        image = image.copy()
        lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, lines, -1, (255, 40, 40), 1)
    y0, y1, x0, x1 = grown_box(mask, 0)
    half = max(32, round(0.75 * max(y1 - y0, x1 - x0)))
    cy, cx = (y0 + y1) // 2, (x0 + x1) // 2
    return image[max(0, cy - half) : cy + half, max(0, cx - half) : cx + half]

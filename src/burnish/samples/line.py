"""The sample line at work: a data set written to a folder, and a simulated camera."""

import csv
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from burnish.samples.render import DEFECTS, GOOD, Sample, SampleError, check, render_part
from burnish.samples.sensor import Drift

Progress = Callable[[int, int], None]


def _number(*parts: object) -> int:
    """A part's own seed from what names it; the same on every machine."""
    return zlib.crc32("/".join(map(str, parts)).encode())


def _plan(kind: str, split: str, goods: int, defects: int) -> Iterator[tuple[str, str | None, int]]:
    """The parts of one split, as (split, defect, number): defects take their kinds in turn."""
    for k in range(goods):
        yield split, None, k
    for k in range(defects):
        yield split, DEFECTS[kind][k % len(DEFECTS[kind])], k


def write_line(
    folder: str | Path,
    kind: str = "ring",
    goods: int = 100,
    defects: int = 10,
    test_goods: int = 100,
    test_defects: int = 50,
    seed: int = 0,
    size: int = 256,
    drift: Drift | None = None,
    progress: Progress | None = None,
) -> Path:
    """Writes a data set in the split.csv layout: images/<label>/, masks/<label>/, split.csv.

    One seed makes one data set, to the bit. No two parts share a seed, within or across splits.

    Args:
        folder: Where to write; made if missing.
        kind: One of KINDS.
        goods, defects: Parts for training. test_goods, test_defects: Parts of the test split. None negative.
        seed: Names the data set.
        size: Pixels a side.
        drift: A drift that all parts share, or None.
        progress: Called with (parts done, parts in all).

    Returns:
        The path of split.csv, written last: while it is missing the set is unfinished.

    Raises:
        SampleError: An unknown kind, a bad size or a negative count.
    """
    check(kind, None, size)
    if min(goods, defects, test_goods, test_defects) < 0:
        raise SampleError("counts", "a negative number of parts was asked for", "Give counts of 0 or more")
    root = Path(folder)
    plan = [*_plan(kind, "train", goods, defects), *_plan(kind, "test", test_goods, test_defects)]
    rows = [("image", "label", "mask", "split", "group")]
    for group, (split, defect, k) in enumerate(plan):
        part = render_part(kind, _number(seed, split, defect, k), defect, drift, size)
        name = f"{split}_{k:04d}.png"
        rows.append((*_save(root, part, name), split, str(group)))
        if progress:
            progress(group + 1, len(plan))
    table = root / "split.csv"
    root.mkdir(parents=True, exist_ok=True)
    unfinished = table.with_suffix(".part")
    with unfinished.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
    unfinished.replace(table)
    return table


def _save(root: Path, part: Sample, name: str) -> tuple[str, str, str]:
    """Writes the picture and, for a defect, its mask; returns (image, label, mask) as split.csv has them."""
    image, mask = f"images/{part.label}/{name}", ""
    (root / image).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(part.image).save(root / image, compress_level=3)
    if part.label != GOOD:
        mask = f"masks/{part.label}/{name}"
        (root / mask).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(part.mask.astype(np.uint8) * np.uint8(255)).save(root / mask)
    return image, part.label, mask


@dataclass
class Camera:
    """A simulated camera: an endless iterator of (part_id, image), image None where the frame failed.

    Each camera starts its own count at every `iter`; the same settings give the same frames.

    Args:
        kind: One of KINDS.
        seed: Names the run.
        defect_rate: Share of parts with a defect, 0 to 1.
        drift_over_time: From the frame's number to its Drift, or None for a station that does not drift.
        fault_rate: Share of frames that fail, 0 to 1.
        frames: How many frames there are before the line stops, or None for no end.
        size: Pixels a side.
    """

    kind: str = "ring"
    seed: int = 0
    defect_rate: float = 0.02
    drift_over_time: Callable[[int], Drift] | None = None
    fault_rate: float = 0.0
    frames: int | None = None
    size: int = 256
    truth: dict[str, str] = field(default_factory=dict, repr=False)
    """Label by part id of every part seen so far: "good" or the defect's name; failed frames too."""

    def __post_init__(self) -> None:
        check(self.kind, None, self.size)
        for name in ("defect_rate", "fault_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise SampleError(
                    f"{name} {getattr(self, name)}", "a share lies between 0 and 1", "Give 0 to 1"
                )

    def part(self, number: int) -> tuple[str, Sample | None]:
        """Frame `number` of the run: its part id, and the sample or None for a failed frame."""
        rng = np.random.default_rng([_number(self.kind, self.seed), number])
        bad, fails = rng.random() < self.defect_rate, rng.random() < self.fault_rate
        defect = str(rng.choice(DEFECTS[self.kind])) if bad else None
        part_id = f"{self.kind}-{self.seed}-{number:06d}"
        self.truth[part_id] = defect or GOOD
        if fails:
            return part_id, None
        drift = self.drift_over_time(number) if self.drift_over_time else None
        return part_id, render_part(self.kind, _number("camera", self.seed, number), defect, drift, self.size)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray | None]]:
        number = 0
        while self.frames is None or number < self.frames:
            part_id, sample = self.part(number)
            yield part_id, None if sample is None else sample.image
            number += 1

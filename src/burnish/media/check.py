"""What a data set holds, what is broken, what leaks from train to test, and how many good parts it takes."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from burnish.errors import DatasetError
from burnish.media.copies import Copy, find_copies, pixel_hash, thumbnail
from burnish.media.dataset import Part, PartSet, Problem, open_parts

# `spare` holds more of the train side's parts, so train and spare may share groups; no other two splits may.
_TRAIN_SIDE = ("train", "spare")
INVERTED = 0.9


@dataclass(frozen=True)
class Need:
    """How many good parts a wanted false-reject rate takes.

    Attributes:
        wanted: The rate, in (0, 1).
        goods: Different readable good parts to calibrate on (the train split's).
        test_goods: Different readable good parts to judge the promise by (the test split's).
        to_promise: Good parts from which a conformal threshold can promise the rate: n goods promise 1 / (n +
            1) at best (Vovk et al., Algorithmic Learning in a Random World, 2005).
        to_prove: Good parts that, judged without one false reject, prove it: the one-sided 95 %
            Clopper-Pearson bound for zero events among n is 1 - 0.05 ** (1 / n) (Biometrika 26, 1934).
    """

    wanted: float
    goods: int
    test_goods: int

    @property
    def to_promise(self) -> int:
        return max(1, math.ceil(1 / self.wanted - 1e-9) - 1)

    @property
    def to_prove(self) -> int:
        return math.ceil(math.log(0.05) / math.log1p(-self.wanted) - 1e-9)

    @property
    def promised(self) -> float:
        """The least false-reject rate that `goods` can promise."""
        return 1 / (self.goods + 1)

    @property
    def provable(self) -> float:
        """The least false-reject rate that `test_goods` can prove."""
        return 1 - 0.05 ** (1 / self.test_goods) if self.test_goods else 1.0


@dataclass(frozen=True)
class Pair:
    """Two pictures of one shot: their names and splits, and their likeness (1.0: the same pixels)."""

    first: str
    second: str
    splits: tuple[str, str]
    labels: tuple[str, str]
    likeness: float


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Attributes:
        layout: As in `PartSet`.
        counts: (split, label, annotation) to the number of readable parts.
        sizes: (width, height) to the number of pictures; modes likewise, as Pillow names them ("L", "RGB",
        "I;16").
        problems: Files and rows that are unusable or used only in part, by name.
        leaks: Copies across splits.
        duplicates: Exact copies within a split.
        near: Near copies within a split, outside a common group: no fault, but fewer independent parts than
        it seems.
        conflicts: Copies that are labelled good once and defective once.
        straddling: Groups in several splits, with these.
        need: What the wanted false-reject rate takes.
        goods: Different readable good parts in all splits.
    """

    layout: str
    counts: dict[tuple[str, str, str], int]
    sizes: dict[tuple[int, int], int]
    modes: dict[str, int]
    problems: tuple[Problem, ...]
    leaks: tuple[Pair, ...]
    duplicates: tuple[Pair, ...]
    near: tuple[Pair, ...]
    conflicts: tuple[Pair, ...]
    straddling: dict[str, tuple[str, ...]]
    need: Need
    goods: int

    @property
    def exit_code(self) -> int:
        """0: fine; 1: usable, with problems; 2: unusable, with fewer than two good parts in all."""
        if self.goods < 2:
            return 2
        found = (self.problems, self.leaks, self.duplicates, self.conflicts, self.straddling)
        return 1 if any(found) or self.need.goods < 2 else 0

    def to_json(self) -> dict[str, Any]:
        """Everything, in plain lists and dictionaries."""
        columns, counts = ("split", "label", "annotation"), sorted(self.counts.items())
        kinds = ("leaks", "duplicates", "near", "conflicts")
        return {
            "layout": self.layout,
            "parts": [dict(zip(columns, key, strict=True), count=n) for key, n in counts],
            "sizes": [{"width": w, "height": h, "count": n} for (w, h), n in sorted(self.sizes.items())],
            "modes": dict(sorted(self.modes.items())),
            "problems": [vars(problem) for problem in self.problems],
            **{kind: [vars(pair) for pair in getattr(self, kind)] for kind in kinds},
            "straddling_groups": {group: list(splits) for group, splits in sorted(self.straddling.items())},
            "false_rejects": {
                **vars(self.need),
                "to_promise": self.need.to_promise,
                "promised": self.need.promised,
                "to_prove": self.need.to_prove,
                "provable": self.need.provable,
            },
            "exit_code": self.exit_code,
        }


def check(
    root: str | Path | PartSet,
    false_rejects: float = 0.01,
    progress: Callable[[float, str], None] = lambda done, what: None,
) -> Report:
    """Opens every file of a data set and reports; one broken file never hides another.

    Args:
        root: The folder, or the set that `open_parts` made of it.
        false_rejects: The wanted false-reject rate, in (0, 1).
        progress: Told the share that is done, in [0, 1], and what is being done.

    Raises:
        DatasetError: Nothing in the folder is usable, or `false_rejects` is not a rate.
    """
    if not 0 < false_rejects < 1:
        raise DatasetError(
            f"false rejects {false_rejects}", "is not between 0 and 1", "Give a rate such as 0.01"
        )
    parts = root if isinstance(root, PartSet) else open_parts(root)
    problems = list(parts.problems)
    read: list[Part] = []
    thumbs, hashes = [], []
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for part, image, mask in parts.read(problems):
        read.append(part)
        thumbs.append(thumbnail(image))
        hashes.append(pixel_hash(image))
        sizes[image.shape[1], image.shape[0]] += 1
        modes[_mode(part.image)] += 1
        counts[part.split, part.label, _annotation(part, mask)] += 1
        problems += _odd_mask(part, mask, parts)
        progress(0.9 * len(read) / len(parts), "reading")
    if not read:
        raise DatasetError(parts.root, f"holds no readable picture; the first: {problems[0]}".rstrip("."))
    stack = np.stack(thumbs)
    copies = find_copies(stack, hashes, progress=lambda done: progress(0.9 + 0.1 * done, "comparing"))
    good = {(part.split, key) for part, key in zip(read, hashes, strict=True) if part.is_good}
    goods = Counter(split for split, _ in good)
    return Report(
        layout=parts.layout,
        counts=dict(counts),
        sizes=dict(sizes),
        modes=dict(modes),
        problems=tuple(problems),
        **_sort_copies(copies, read, parts),
        straddling=_straddling(read),
        need=Need(false_rejects, goods["train"], goods["test"]),
        goods=len({key for _, key in good}),
    )


def same_side(first: str, second: str) -> bool:
    """Whether two splits may share parts: a split with itself, and train with spare."""
    return first == second or (first in _TRAIN_SIDE and second in _TRAIN_SIDE)


def _sort_copies(copies: list[Copy], read: list[Part], parts: PartSet) -> dict[str, tuple[Pair, ...]]:
    kinds: dict[str, list[Pair]] = {"leaks": [], "duplicates": [], "near": [], "conflicts": []}
    for copy in copies:
        a, b = read[copy.first], read[copy.second]
        pair = Pair(
            parts.name(a), parts.name(b), (a.split, b.split), (a.label, b.label), round(copy.likeness, 4)
        )
        if copy.exact and a.is_good != b.is_good:
            kinds["conflicts"].append(pair)
        if not same_side(a.split, b.split):
            kinds["leaks"].append(pair)
        elif copy.exact:
            kinds["duplicates"].append(pair)
        elif not a.group or a.group != b.group:
            kinds["near"].append(pair)
    return {kind: tuple(pairs) for kind, pairs in kinds.items()}


def _straddling(read: list[Part]) -> dict[str, tuple[str, ...]]:
    splits: dict[str, set[str]] = defaultdict(set)
    for part in read:
        if part.group:
            splits[part.group].add(part.split)
    mixed = {g: tuple(sorted(s)) for g, s in splits.items()}
    return {g: s for g, s in mixed.items() if not all(same_side(a, b) for a in s for b in s)}


def _annotation(part: Part, mask: np.ndarray | None) -> str:
    """What a part's place is known by after its mask was opened: an empty mask is no more than a label."""
    if part.is_good:
        return "-"
    return part.annotation if mask is not None or part.annotation == "box" else "label"


def _odd_mask(part: Part, mask: np.ndarray | None, parts: PartSet) -> list[Problem]:
    if part.is_good or mask is None or mask.mean() <= INVERTED:
        return []
    reason = f"marks {mask.mean():.0%} of the picture as defective"
    return [
        Problem(parts.name(part), "mask", reason, "If the mask is inverted, save defective pixels as 255")
    ]


def _mode(path: Path) -> str:
    with Image.open(path) as picture:
        return picture.mode

"""The diffusion synthesiser: real defects teach a denoiser, which paints new ones on good parts.

It paints in three ways. `refine` starts from a cut-paste pair corrupted to t < 1, so the geometry is real;
of a large defect only what is coarse is repainted. `redraw` starts in a new mask (a real one's outline
redrawn, or another line) from a flat sketch at the real defect's level; `inpaint` starts there from noise
alone. All go through `core.sample` with everything outside the mask's rim known.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from burnish.errors import BundleError
from burnish.inspect.changes import ChangeModel
from burnish.inspect.cutpaste import CutPaste
from burnish.inspect.pairs import Pair, Shot, grown_box, settle
from burnish.inspect.plausible import Features, Plausible, describe
from burnish.inspect.shapes import Warp, varied
from burnish.inspect.templates import calm
from burnish.inspect.windows import Case, Example, Window, cases, pair_example, real_example, window_around
from burnish.train.loop import Fitted, Progress

WAYS = {"refine": (0.5, 0.45), "redraw": (0.7, 0.45), "inpaint": (1.0, 0.1)}
"""For each way the time it starts at, and how often it is taken."""
Report = Callable[[int, int], bool | None]


@dataclass(frozen=True)
class _Draft:
    """A pair before it is painted: its cut-paste pair, what the window shows, the mask asked for."""

    seed: int
    index: int
    pasted: Pair
    example: Example
    window: Window
    mask: np.ndarray
    way: str


@dataclass(frozen=True)
class _Kept:
    """A painted pair in little memory: its good part, and what differs from it."""

    index: int
    box: tuple[int, int, int, int]
    image: np.ndarray
    mask: np.ndarray
    label: str
    provenance: dict[str, object]


class DiffusionSynthesiser:
    """Paints new defects with a denoiser trained on the few real ones.

    Args:
        goods: Good parts at the full working resolution.
        defects: Defective parts; those without a mask are left out.
        features: A frozen description of crops for the filter, or None for simple figures alone.
        steps: Steps of a painting, whatever its start.
        batch: Windows painted, or trained on, at a time.

    Raises:
        DatasetError: No good part, or no defect with a mask.
    """

    method = "diffusion"

    def __init__(
        self,
        goods: list[Shot],
        defects: list[Shot],
        features: Features | None = None,
        steps: int = 4,
        batch: int = 16,
    ) -> None:
        self.steps, self.batch = steps, batch
        self.paste = CutPaste(goods, defects)
        self.cases = [case for shot in defects for case in cases(shot)]
        self.classes = sorted(self.paste.by_class)
        self.plausible = Plausible(self.cases, features)
        self.model = ChangeModel({label: _height(self.cases, label) for label in self.classes})
        self.gray = all(np.ptp(s.image, axis=2).max() == 0 for s in [*goods[:20], *defects])
        self.rejected: Counter[str] = Counter()
        self.made = 0
        self.reuse = True
        self.pool: list[_Kept] = []

    def fit(
        self,
        minutes: float | None = 3.0,
        steps: int | None = None,
        seed: int = 0,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> Fitted:
        """Trains the denoiser, see `ChangeModel.fit`, and empties the pool."""
        self.pool.clear()
        return self.model.fit(self.examples, minutes, steps, seed, on_progress)

    def examples(self, rng: np.random.Generator) -> list[Example]:
        """Examples of one update: mostly real ones, the rest cut-paste pairs, classes drawn evenly."""
        drawn: list[Example] = []
        while len(drawn) < self.batch:
            label = self.classes[rng.integers(len(self.classes))]
            if rng.random() < 0.7:
                choices = [c for c in self.cases if c.label == label]
                weight = np.array([c.mask.sum() ** 0.5 for c in choices])
                example = real_example(choices[rng.choice(len(choices), p=weight / weight.sum())], rng)
            else:
                proposal = self.paste.propose(rng, label)
                pair, kept = self.paste.paint(proposal, rng)
                if not kept:
                    continue
                good = self.paste.goods[proposal.index].image
                example, _ = pair_example(good, pair.image, pair.mask, label)
            if example.support.any():
                drawn.append(example)
        return drawn

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """A pair from the pool (of `label` if given); when it holds none, some are painted first.

        With `reuse` (the default, for training) it stays there and may come again; without, it is taken out.
        A class of which nothing passes the filter gets its cut-paste pair, whose provenance says so.
        """
        for attempt in range(3):
            chosen = [k for k, kept in enumerate(self.pool) if label in (None, kept.label)]
            if chosen:
                at = chosen[rng.integers(len(chosen))]
                pair = self.whole(at)
                if not self.reuse:
                    del self.pool[at]
                return pair
            if attempt < 2:
                labels = [label] if label else None
                self.prepare(len(self.pool) + self.batch, rng, labels=labels)
        self.rejected["nothing accepted, cut-paste given"] += 1
        return self.paste.draw(rng, label)

    def prepare(
        self,
        n: int,
        rng: np.random.Generator,
        progress: Report | None = None,
        labels: Sequence[str] | None = None,
    ) -> int:
        """Fills the pool up to n pairs, a batch at a time.

        Args:
            n: Pairs wanted in the pool.
            rng: Randomness.
            progress: Called with pairs in the pool and n after each batch; answering True stops.
            labels: Classes to draw from; None for all.

        Returns:
            Pairs now in the pool; fewer than n when stopped, or when fewer than one in five is accepted.
        """
        tried, labels = 0, list(labels or self.classes)
        most = 5 * max(0, n - len(self.pool)) + 4 * self.batch
        while len(self.pool) < n and tried < most:
            seeds = [int(s) for s in rng.integers(2**62, size=self.batch)]
            names = [labels[int(k)] for k in rng.integers(len(labels), size=self.batch)]
            way = str(rng.choice(list(WAYS), p=[often for _, often in WAYS.values()]))
            for pair, index in self.paint(seeds, names, way):
                self.pool.append(_pack(pair, index))
            tried += self.batch
            if progress and progress(min(len(self.pool), n), n):
                break
        return len(self.pool)

    def whole(self, k: int) -> Pair:
        """The pair at place k of the pool."""
        kept = self.pool[k]
        y0, y1, x0, x1 = kept.box
        image = self.paste.goods[kept.index].image.copy()
        mask = np.zeros(image.shape[:2], bool)
        image[y0:y1, x0:x1] = kept.image
        mask[y0:y1, x0:x1] = np.unpackbits(kept.mask, axis=1, count=x1 - x0).astype(bool)
        return Pair(image, mask, kept.label, dict(kept.provenance))

    def paint(self, seeds: Sequence[int], labels: Sequence[str], way: str) -> list[tuple[Pair, int]]:
        """Paints one batch and keeps what is plausible.

        Args:
            seeds: One a pair; a pair depends on its own seed, class and way alone.
            labels: One a pair.
            way: Of `WAYS`; a defect too large for a window at full resolution is refined whatever is asked.

        Returns:
            Accepted pairs with the index of their good part; the rest is counted in `rejected`.
        """
        drafts = [d for s, label in zip(seeds, labels, strict=True) if (d := self._draft(s, label, way))]
        self.made += len(seeds)
        if len(drafts) < len(seeds):
            self.rejected["no room"] += len(seeds) - len(drafts)
        if not drafts:
            return []
        out = []
        for taken in sorted({d.way for d in drafts}):
            group = [d for d in drafts if d.way == taken]
            told = [d.example for d in group]
            changes = self.model.paint(told, WAYS[taken][0], self.steps, [d.seed for d in group])
            for draft, change in zip(group, changes, strict=True):
                done = self._finish(draft, change)
                if isinstance(done, str):
                    self.rejected[done] += 1
                else:
                    out.append((done, draft.index))
        return out

    def _draft(self, seed: int, label: str, way: str) -> _Draft | None:
        rng = np.random.default_rng(seed)
        proposal = self.paste.propose(rng, label)
        pasted, kept = self.paste.paint(proposal, rng)
        good = self.paste.goods[proposal.index].image
        image, mask = pasted.image, pasted.mask
        if kept and window_around(mask).factor > 1:
            way = "refine"
        if way != "refine":
            mask = varied(proposal.laid, mask.shape, any(proposal.template.sides), rng)
            mask &= self.paste.placement.allowed[proposal.index]
            kept = mask.sum() >= 4
            image = _sketch(good, mask, proposal.laid) if way == "redraw" else good
        if not kept:
            return None
        example, window = pair_example(good, image, mask, label)
        return _Draft(seed, proposal.index, pasted, example, window, mask, way)

    def _finish(self, draft: _Draft, change: np.ndarray) -> Pair | str:
        """From a painted change to a pair, or why there is none."""
        told, good = draft.example, self.paste.goods[draft.index].image
        if self.gray:
            change = np.broadcast_to(change.mean(axis=2, keepdims=True), change.shape)
        if told.factor == 1:  # what a briefly trained denoiser leaves of its noise
            height = float(np.quantile(np.abs(change[told.support]), 0.9))
            change = calm(change, told.support, 0.12 * height)
        gain = self._gain(replace(told, change=change), np.random.default_rng((draft.seed, 1)))
        change = change * gain
        if reason := self.plausible.check(replace(told, change=change)):
            return reason
        base = good.astype(np.float32)
        if told.factor > 1 and draft.way == "refine":  # fine detail stays the pasted defect's
            base, change = draft.pasted.image.astype(np.float32), change - told.change
        shape = (good.shape[0], good.shape[1])
        support = draft.window.lay(told.support.astype(np.float32), shape)[..., 0] > 0.5
        laid = draft.window.lay(change, shape) * _soft(support, told.factor)[..., None]
        noise = self.paste.noise[draft.index]
        image, mask = settle(good, np.clip(base + laid, 0, 255), support | draft.mask, noise)
        share = mask.sum() / draft.mask.sum()
        if mask.sum() < 4 or share < 0.35:
            return "little change"
        if share > 2.5:
            return "more changed than asked"
        made = {
            "method": self.method,
            "mode": f"refine {draft.pasted.provenance['mode']}" if draft.way == "refine" else draft.way,
            "seed": draft.seed,
            "t_start": WAYS[draft.way][0],
            "steps": self.steps,
            "window_factor": told.factor,
            "gain": round(gain, 3),
            "model": self.model.hash,
        }
        return Pair(image, mask, told.label, {**draft.pasted.provenance, **made})

    def _gain(self, painted: Example, rng: np.random.Generator) -> float:
        """What brings the painted contrast towards that of a real defect, within [0.7, 1.8]."""
        real = self.plausible.contrasts.get(painted.label)
        own = float(np.exp(describe(painted)[0]))
        if real is None or own <= 0:
            return 1.0
        return float(np.clip(rng.choice(real) / own, 0.7, 1.8))

    def save(self, folder: Path) -> None:
        """Writes the denoiser; the parts themselves are kept by `synthesise.save_synthesiser`."""
        self.model.save(folder)

    def load(self, folder: Path) -> None:
        """Reads the denoiser that `save` wrote.

        Raises:
            BundleError: Missing, damaged, or of other classes.
        """
        model = ChangeModel.load(folder)
        if model.classes != self.classes:
            reason = f"the generator is of classes {model.classes}, the parts have {self.classes}"
            raise BundleError(folder, reason, "Use the parts it was trained on")
        self.model = model
        self.pool.clear()


def _sketch(good: np.ndarray, mask: np.ndarray, laid: Warp) -> np.ndarray:
    """A good part with a mask filled at a real defect's own level, float32 (h, w, 3)."""
    inside = laid.mask > 0.5
    level = (laid.patch - laid.ground)[inside].mean(axis=0) if inside.any() else np.zeros(3)
    soft = np.clip(1.3 * cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8), 0, 1)
    return np.clip(good + soft[..., None] * level, 0, 255).astype(np.float32)


def _height(real: Sequence[Case], label: str) -> float:
    squares = [(c.change[c.mask] ** 2).mean() for c in real if c.label == label]
    return float(max(2.0, np.sqrt(np.mean(squares)))) if squares else 30.0


def _pack(pair: Pair, index: int) -> _Kept:
    y0, y1, x0, x1 = box = grown_box(pair.mask, 8 + int(0.06 * np.sqrt(pair.mask.sum())))
    mask = np.packbits(pair.mask[y0:y1, x0:x1], axis=1)
    return _Kept(index, box, pair.image[y0:y1, x0:x1].copy(), mask, pair.label, pair.provenance)


def _soft(support: np.ndarray, factor: int) -> np.ndarray:
    """1 inside the support; at coarse scales it falls to 0 over `factor` pixels. float32 (h, w)."""
    if factor == 1:
        return support.astype(np.float32)
    distance = cv2.distanceTransform(support.astype(np.uint8), cv2.DIST_L2, 3)
    return np.clip(distance / (factor + 0.5), 0, 1)

"""Which new defects an inspector learns from: the choice of `--synthesis`, carried out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from burnish.errors import BurnishError
from burnish.inspect.choose import NONE, Choice
from burnish.inspect.cutpaste import CutPaste
from burnish.inspect.diffusion import DiffusionSynthesiser
from burnish.inspect.pairs import Pair, Shot, Synthesiser
from burnish.inspect.perlin import Perlin
from burnish.inspect.synthesise import Mixed

SHARES: Mapping[str, Mapping[str, float]] = {
    "auto": {"diffusion": 0.3, "cutpaste": 0.3, "perlin": 0.4},
    "diffusion": {"diffusion": 1.0},
    "diffusion+cutpaste": {"diffusion": 0.4, "cutpaste": 0.4, "perlin": 0.2},
    "cutpaste": {"cutpaste": 1.0},
    "perlin": {"perlin": 1.0},
    "none": {},
}
"""Shares of the new defects by method, for each choice of `--synthesis`; `auto` then settles painted or
pasted class by class, see `choose`."""

POOL = 600
"""Painted pairs kept for training."""


@dataclass
class Recipe:
    """What new defects are made with, and why.

    Attributes:
        shares: By method; empty for none.
        why: In words, for the report.
        painter: The diffusion synthesiser, where it has a share.
        way: The one way that a class is made by, or `choose.NONE`, where that was settled.
    """

    shares: dict[str, float]
    why: str
    painter: DiffusionSynthesiser | None = None
    way: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def synthesiser(self, goods: list[Shot], defects: list[Shot]) -> Synthesiser | None:
        """New defects made of these parts alone; painted ones where there is a painter, else pasted ones.

        Args:
            goods: To make them on.
            defects: To make them from; all with masks.
        """
        if not self.shares:
            return None
        found: dict[str, Synthesiser] = {}
        if "perlin" in self.shares or not defects:
            found["perlin"] = Perlin(goods)
        if defects and set(self.shares) - {"perlin"}:
            found["cutpaste"] = CutPaste(goods, defects)
        if self.painter is not None and "diffusion" in self.shares:
            found["diffusion"] = Pool(self.painter)
        labels = sorted({d.label for d in defects})
        if labels and all(self.way.get(label) == NONE for label in labels):
            return None
        return _mix(found, self.shares, labels, self.way)

    def ways(self, goods: list[Shot], defects: list[Shot]) -> dict[str, Synthesiser]:
        """The ways to make a class's defects that `auto` chooses from; empty where there is no choice."""
        if self.painter is None or "cutpaste" not in self.shares:
            return {}
        return {"diffusion": Pool(self.painter), "cutpaste": CutPaste(goods, defects)}

    def settle(self, choice: Choice) -> None:
        """Makes each class by the way that was found best for it."""
        self.way = dict(choice.way)
        self.why = choice.in_words()
        self.facts["tried"] = {label: dict(row) for label, row in choice.found.items()}

    def lasting(self, goods: list[Shot], defects: list[Shot]) -> Synthesiser | None:
        """As `synthesiser`, but for all classes, and it paints new pairs instead of drawing from the pool:
        what the bundle keeps."""
        settled = {label: way for label, way in self.way.items() if way != NONE}
        made = replace(self, way=settled).synthesiser(goods, defects)
        if isinstance(made, Mixed) and self.painter is not None and "diffusion" in made.synthesisers:
            made.synthesisers["diffusion"] = self.painter
        return made


class Pool:
    """The pairs that a painter has in its pool, drawn again and again.

    Args:
        painter: Holds the pairs.
    """

    method = "diffusion"

    def __init__(self, painter: DiffusionSynthesiser) -> None:
        self.painter, self.rejected = painter, painter.rejected
        self.by_class: dict[str, list[int]] = {}
        for k, kept in enumerate(painter.pool):
            self.by_class.setdefault(kept.label, []).append(k)

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """One of the pairs, of `label` if given."""
        label = label or sorted(self.by_class)[rng.integers(len(self.by_class))]
        mine = self.by_class[label]
        return self.painter.whole(mine[rng.integers(len(mine))])


def _mix(
    found: dict[str, Synthesiser],
    shares: Mapping[str, float],
    labels: Sequence[str],
    way: Mapping[str, str],
) -> Synthesiser:
    """One synthesiser of several; a class without painted pairs is pasted instead."""
    if not labels:
        return found["perlin"]
    seen = {m: s for m, s in shares.items() if m != "perlin" and s > 0}
    if not seen:
        return found["perlin"]
    weights: dict[str, dict[str, float]] = {}
    for label in labels:
        if way.get(label) == NONE:
            continue
        own = {
            m: s for m, s in seen.items() if m in found and label in getattr(found[m], "by_class", {label: 1})
        }
        chosen = way.get(label)
        weights[label] = {chosen: 1.0} if chosen in own else own or {"cutpaste": 1.0}
    kept = dict.fromkeys(weights, sum(seen.values()) / len(labels))
    if shares.get("perlin", 0) > 0:
        weights["unseen"], kept["unseen"] = {"perlin": 1.0}, shares["perlin"]
    return Mixed(found, weights, kept)


def choose_recipe(choice: str, defects: Sequence[Shot]) -> Recipe:
    """The recipe for `--synthesis`, given what is known of the defects.

    Raises:
        BurnishError: There is no such choice, or it needs defects and there are none.
    """
    if choice not in SHARES:
        raise BurnishError("--synthesis", f"there is no {choice!r}", f"Choose one of {', '.join(SHARES)}")
    if not defects:
        if choice in ("diffusion", "cutpaste"):
            raise BurnishError(
                f"--synthesis {choice}",
                "there is no defect to learn from",
                "Add defective parts, or use auto or perlin",
            )
        shares = {} if choice == "none" else {"perlin": 1.0}
        return Recipe(
            shares, "No defective parts: faults are drawn from noise alone, and surprise does the rest."
        )
    shares = dict(SHARES[choice])
    why = {
        "auto": "Painted and pasted ones alike, and some made of noise alone.",
        "none": "Asked for: real defects only.",
    }.get(choice, "Asked for.")
    if any(d.weak for d in defects):
        why += " Some defects had no mask: their place was guessed, which is weaker."
    return Recipe(shares, why)


def train_painter(
    recipe: Recipe, goods: list[Shot], defects: list[Shot], minutes: float, steps: int | None, seed: int
) -> None:
    """Trains the diffusion synthesiser, if the recipe wants one, and paints a pool of pairs.

    Args:
        recipe: Gets the painter.
        goods, defects: To learn from.
        minutes: Wall time of learning.
        steps: Updates instead.
        seed: Of everything random.
    """
    if "diffusion" not in recipe.shares or not defects:
        return
    painter = DiffusionSynthesiser(goods, defects)
    fitted = painter.fit(None if steps else minutes, steps, seed)
    enough = POOL if steps is None else min(POOL, 4 * steps)  # an update draws two
    painter.prepare(enough, np.random.default_rng((seed, 5)))
    recipe.facts |= {
        "painter_updates": fitted.step,
        "painter_seconds": round(fitted.seconds, 1),
        "made": painter.made,
        "accepted": len(painter.pool),
        "rejected": dict(painter.rejected),
    }
    recipe.painter = painter

"""Two inspectors judge the same parts, each at its own frozen threshold."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from burnish.errors import BundleError, DatasetError
from burnish.inspect.judge import parts_to_judge
from burnish.media.part import Problem
from burnish.prove.promote import Decision, Pairs, Plan, decide
from burnish.store.bundle import read_bundle

Scorer = Callable[[np.ndarray], float]
"""uint8 (H, W, 3) to its score."""


def scorer_of(path: str | Path) -> tuple[Scorer, float]:
    """The score of an inspector's bundle, as trained or as exported for the line, and its threshold.

    Raises:
        BundleError: Neither.
    """
    bundle = read_bundle(path)
    if bundle.kind == "line":
        from burnish.line.runtime import Runtime

        runtime = Runtime(path)
        return lambda image: runtime.infer(image)[0], runtime.threshold
    if bundle.kind == "inspector":
        from burnish.inspect.detector import for_line
        from burnish.inspect.judge import as_scorer

        inspector, meta, _ = for_line(path)
        scorer = as_scorer(inspector, int(meta["side"]), int(meta.get("multiple", 32)))
        return lambda image: scorer(image)[0], float(meta["threshold"])
    raise BundleError(path, f"is of kind {bundle.kind!r} and judges no parts", "Name an inspector")


def duel(
    plan: Plan,
    champion: str | Path,
    challenger: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> Decision:
    """Both judge the plan's parts; then the declared test.

    Args:
        plan: As declared; its parts must be those that were declared.
        champion, challenger: Their bundles.
        progress: Called with (done, of).

    Raises:
        DatasetError: The parts are others than declared, or cannot all be read.
    """
    parts, _ = parts_to_judge(plan.data)
    if parts.hash() != plan.data_hash:
        raise DatasetError(
            plan.data, "was changed since the test was declared", "Restore it, or declare anew"
        )
    judges = scorer_of(champion), scorer_of(challenger)
    right: dict[bool, list[tuple[bool, bool]]] = {True: [], False: []}
    problems: list[Problem] = []
    for done, (part, image, _) in enumerate(parts.read(problems), 1):
        rejected = [score(image) > threshold for score, threshold in judges]
        right[part.is_good].append((rejected[0] != part.is_good, rejected[1] != part.is_good))
        if progress:
            progress(done, len(parts))
    if problems:
        raise DatasetError(
            plan.data, f"has {len(problems)} parts that cannot be read: {problems[0]}", "Mend them"
        )
    return decide(plan, _pairs(right[False]), _pairs(right[True]))


def _pairs(right: list[tuple[bool, bool]]) -> Pairs:
    """Of (champion right, challenger right)."""
    better = sum(new and not old for old, new in right)
    return Pairs(better, sum(old and not new for old, new in right), len(right))

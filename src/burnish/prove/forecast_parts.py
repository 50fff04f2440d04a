"""The learning curve of an inspector's surprise: how many good parts until it knows what good looks like?

Features are computed once; a run remembers a subsample of the good parts (`burnish.inspect.surprise`) and
counts the defects it misses at a fixed share of false rejects, on good parts held out and the defects of
the `train` rows. Defects teach the surprise nothing, so the curve is about good parts; what more defects
bring to the segmenter has to be measured by training it (`--curve`).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from burnish.core.stats import threshold_at_false_rejects
from burnish.errors import DatasetError
from burnish.inspect.detector import peak
from burnish.inspect.heldout import AXES
from burnish.inspect.learn import as_tensor, one_core_each, read_shots
from burnish.inspect.reference import load_reference, shared_maps
from burnish.inspect.surprise import learn_surprise
from burnish.inspect.train import training_parts
from burnish.nets.backbone import load_lite0
from burnish.prove.forecast import Curve, measure

MEMORY, POOL = 500, 4000
"""Features remembered, and candidates for them: a fifth of an inspector's, to spend seconds on a run."""
HELD_OUT = 1 / 3
"""Share of good parts kept to judge on."""


@torch.no_grad()
def part_curve(
    root: str | Path,
    rng: np.random.Generator,
    *,
    false_rejects: float = 0.05,
    seconds: float = 600.0,
    on_run: Callable[[int, int], None] | None = None,
) -> Curve:
    """Measures miss rate against the number of good parts.

    Args:
        root: A data set; of one with splits only the `train` rows are opened.
        rng: Draws held-out parts and subsamples.
        false_rejects: Share of held-out good parts that the threshold may reject.
        seconds: Most time to spend on runs.
        on_run: As for `measure`.

    Raises:
        DatasetError: No defects, or too few good parts.
    """
    shots = read_shots(training_parts(root), [], lambda *_: None)[0]
    good = np.flatnonzero([s.label == "good" for s in shots])
    bad = np.flatnonzero([s.label != "good" for s in shots])
    if not len(bad) or len(good) < 36:
        raise DatasetError(
            root,
            f"holds {len(good)} good and {len(bad)} bad parts to learn from",
            "A learning curve needs 36 good ones and a bad one at least; for a model that makes such pictures"
            " say --metric KID",
        )
    reference, trunk = load_reference("lite0"), load_lite0()
    with one_core_each():
        features = [reference(x, shared_maps(trunk, x))[0] for x in (as_tensor(s.image) for s in shots)]
        order = rng.permutation(good)
        kept = max(12, round(HELD_OUT * len(good)))
        judges, pool = order[:kept], order[kept:]

        def run(chosen: np.ndarray, draw: np.random.Generator) -> float:
            seed = torch.Generator().manual_seed(int(draw.integers(2**62)))
            surprise = learn_surprise([features[i] for i in pool[chosen]], AXES, MEMORY, seed, POOL)
            score = [float(peak(surprise(features[i][None]))[0]) for i in (*judges, *bad)]
            cut = threshold_at_false_rejects(score[: len(judges)], false_rejects)
            return float(np.mean(np.array(score[len(judges) :]) <= cut))

        told = f"surprise of an inspector; judged on {kept} held-out good parts and {len(bad)} defective ones"
        return replace(measure(run, len(pool), rng, seconds=seconds, on_run=on_run), trained=told)

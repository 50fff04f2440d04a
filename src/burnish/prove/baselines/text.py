"""Lines of text without diffusion: n-gram models of the same tokens, smoothed by Kneser and Ney.

Judged by bits per character of held-out lines, ends and lengths paid for. The n-gram's figure is exact; the
model's is an upper bound, so that it may be better than it looks and never worse. Differences are paired by
line.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from burnish.core.ngram import KneserNey
from burnish.core.process import seeded
from burnish.core.stats import paired_bootstrap
from burnish.errors import BurnishError, DatasetError
from burnish.media.text import load_texts
from burnish.media.vocabulary import BEGIN, END
from burnish.prove.baseline import Comparison, Rival, confidence_of, register
from burnish.train.text_lesson import line_bits
from burnish.verbs.load import load, media_of

TASK = "make text"
SOURCE = "Chen and Goodman 1999"
ORDERS = {
    register(Rival(name, TASK, f"a token depends on the {said} before it", SOURCE)).name: order
    for name, said, order in (("bigram", "one", 2), ("trigram", "two", 3))
}


def compare_texts(
    bundle: str | Path,
    root: str | Path,
    *,
    n: int = 400,
    column: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Comparison], dict[str, Any]]:
    """A model of lines against n-grams.

    Args:
        bundle: The model's.
        root, column: The lines it was trained from, see `media.text.load_texts`.
        n: The first so many held-out lines, >= 8; fewer where fewer were held out.
        seed: Of the orders of revealing and the bootstrap.
        progress: Called with (done, of).

    Returns:
        A comparison a rival, and facts of the run: `data_hash`, `model_hash`, `train`, `held_out`.

    Raises:
        BurnishError: Not a model of text.
        DatasetError: Not the data it was trained from, or too little was held out.
    """
    model = load(bundle)
    if media_of(model.bundle) != "text":
        raise BurnishError(bundle, f"makes {media_of(model.bundle)}s, not text")
    meta, texts = model.bundle.meta, load_texts(root, column)
    if texts.hash != meta["data"]["hash"]:
        raise DatasetError(
            root,
            f"has hash {texts.hash}, but the model learned from {meta['data']['hash']}",
            "Name its own data",
        )
    train, held = texts.holdout(seed=int(meta["training"]["seed"]))
    lines = held[:n]
    if len(lines) < 8:
        raise DatasetError(root, f"had {len(lines)} lines held out", "At least 8 are needed")
    known, asked = ([model.vocabulary.encode(line) for line in part] for part in (train, lines))
    begin = time.perf_counter()
    ours: list[float] = []
    for start in range(0, len(asked), 64):
        part = asked[start : start + 64]
        rng = seeded(seed, 76, start)
        bits = line_bits(model.denoiser, part, list(model.lengths), rng, 2, model.device)
        ours += [float(b) for b in bits]
        if progress:
            progress(len(ours), len(asked))
    ours_seconds = (time.perf_counter() - begin) / len(lines)
    characters = float(np.mean([len(line) for line in lines]))
    confidence, found = confidence_of(len(ORDERS)), []
    for name, order in ORDERS.items():
        begin = time.perf_counter()
        grams = KneserNey([[*tokens, END] for tokens in known], order, len(model.vocabulary), BEGIN)
        fitted = time.perf_counter()
        theirs = [-float(grams.log_probability([*tokens, END]).sum()) / math.log(2) for tokens in asked]
        seconds = (time.perf_counter() - fitted) / len(lines)
        rng = np.random.default_rng((seed, 77))
        per_line = [np.asarray(bits) / characters for bits in (theirs, ours)]
        found.append(
            Comparison(
                name,
                TASK,
                f"a Kneser-Ney n-gram of order {order} of the same tokens ({SOURCE})",
                "bits per character",
                "lower",
                float(per_line[1].mean()),
                float(per_line[0].mean()),
                paired_bootstrap(per_line[0], per_line[1], rng, confidence=confidence),
                confidence,
                len(lines),
                fitted - begin,
                (ours_seconds, seconds),
            )
        )
    facts = {
        "data_hash": texts.hash,
        "model_hash": model.bundle.hash,
        "train": len(train),
        "held_out": len(held),
    }
    return found, facts

"""Faults planted in test work orders: a wrong word, a swapped component, a line of another corpus.

The models are those that `bench/text.py` left, one a seed, and so are the test lines, a tenth that no model
has seen; each seed plants other faults. The score is the one that `burnish inspect text` shows. The baseline
is a Kneser-Ney 5-gram of characters fitted to the same lines as the model, by the better of its mean and its
worst character, chosen for it on the test lines.
"""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

import form
from burnish.inspect.text import inspect_line
from burnish.media.text import load_texts
from burnish.verbs.load import load
from text import CELLS, SETS, fit_gram, split

COMPONENTS = (
    *("bucket", "engine", "pump", "hose", "cylinder", "motor", "light", "radiator"),
    *("belt", "seat", "ladder", "fan", "boom", "stick", "track"),
)
JUDGED = 300
"""Most pairs of a clean and a faulty line, of each kind and seed."""


def wrong_word(line: str, rng: np.random.Generator, words: list[str]) -> str:
    """One word replaced by a random one of the training lines, in the case of the old one."""
    parts = line.split()
    place = int(rng.integers(len(parts)))
    new = words[int(rng.integers(len(words)))]
    parts[place] = new.upper() if parts[place].isupper() else new.lower()
    return " ".join(parts)


def swapped_component(line: str, rng: np.random.Generator) -> str | None:
    """One component replaced by another; None where the line names none."""
    parts = line.split()
    places = [k for k, word in enumerate(parts) if word.lower() in COMPONENTS]
    if not places:
        return None
    place = places[int(rng.integers(len(places)))]
    others = [c for c in COMPONENTS if c != parts[place].lower()]
    new = others[int(rng.integers(len(others)))]
    parts[place] = new.upper() if parts[place].isupper() else new
    return " ".join(parts)


def rows(seeds: list[int]) -> list[dict[str, Any]]:
    """AUROC of each kind of fault; the baseline is peer and target.

    Raises:
        FileNotFoundError: The bundle of a seed is not there.
    """
    data = Path(os.environ.get("BURNISH_DATA", "data")) / "text"
    texts, test = split(data / SETS["work_orders"][0], SETS["work_orders"][1])
    foreign = load_texts(data / SETS["shakespeare"][0]).lines
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in seeds:
        place = CELLS / f"work_orders.{seed}"
        if not place.exists():
            raise FileNotFoundError(f"{place} is not there; run make bench-text")
        model, train = load(place), texts.holdout(seed=seed)[0]
        gram, rng = fit_gram(train, 5), np.random.default_rng(seed)
        words = sorted({word for line in train for word in line.lower().split()})
        lines = [test[int(k)] for k in rng.permutation(len(test)) if len(test[int(k)].split()) > 2][:JUDGED]
        swapped = [(line, swapped_component(line, rng)) for line in test]
        pairs = {
            "a wrong word": [(line, wrong_word(line, rng, words)) for line in lines],
            "a swapped component": [(a, b) for a, b in swapped if b is not None][:JUDGED],
            "a line of another corpus": [(line, foreign[int(rng.integers(len(foreign)))]) for line in lines],
        }
        said = functools.cache(lambda line, model=model: inspect_line(model, line).score)
        for name, both in pairs.items():
            every = [a for a, _ in both] + [b for _, b in both]
            truth = [0] * len(both) + [1] * len(both)
            ours = roc_auc_score(truth, [said(line) for line in every])
            each = [gram(line) for line in every]
            theirs = [roc_auc_score(truth, [how(e) for e in each]) for how in (np.mean, np.max)]
            found.setdefault(name, []).append((float(ours), float(max(theirs))))
            print(f"text: {name}: seed {seed}, {len(both)} pairs, {ours:.5f} against {max(theirs):.5f}")
    return [
        form.row(
            f"text: {name}",
            float(np.mean([a for a, _ in both])),
            "AUROC",
            float(np.mean([b for _, b in both])),
            float(np.mean([b for _, b in both])),
            "higher",
            seeds,
        )
        for name, both in found.items()
    ]

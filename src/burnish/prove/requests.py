"""Hard requests to a model of pictures.

A made picture is compared with the real ones in frozen features. A request succeeds when the nearest real
picture carries the asked name; of two names, when both are carried among the five nearest.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from burnish.core.stats import rate
from burnish.errors import BurnishError, DatasetError
from burnish.prove.probe import Probe
from burnish.train.features import Features
from burnish.train.pictures import Entry, Pictures, load_pictures
from burnish.verbs.load import load, media_of
from burnish.verbs.make import make

NEAR = 5
OFTEN = 3
"""A name is common when so many pictures carry it."""
TOGETHER = "two names together"
ONE = "the nearest real picture in frozen features carries the name"
BOTH = "both names are carried among the 5 nearest real pictures in frozen features"


@dataclass(frozen=True)
class Request:
    """What is asked, and what a picture that fulfils it must be like.

    Attributes:
        kind: `one common name`, `one rare name`, `two names together`.
        description: What the model is told.
        names: Each must be carried.
        chance: How often a real picture drawn at random would succeed.
    """

    kind: str
    description: str
    names: tuple[str, ...]
    chance: float


def names_of(entry: Entry) -> set[str]:
    """The names that a picture carries: its class, or the words of its descriptions of three letters or
    more."""
    if entry.label:
        return {entry.label.casefold()}
    words = re.findall(r"[^\W\d_]{3,}", " ".join((entry.caption, *entry.others)).casefold())
    return set(words) - {"the", "and", "with", "for"}


def requests_of(pictures: Pictures, n: int, seed: int = 0) -> list[Request]:
    """At most n requests of each kind that the data allows.

    Raises:
        DatasetError: Pictures carry no names, so that nothing can be asked for.
    """
    carried = [names_of(entry) for entry in pictures.entries]
    counts = Counter(name for names in carried for name in names)
    if not counts:
        raise DatasetError(
            pictures.root, "says nothing of its pictures", "Only classes or captions can be probed"
        )
    rng, total = np.random.default_rng((seed, 73)), len(pictures)
    common = sorted(name for name, count in counts.items() if count >= OFTEN)
    rare = sorted(name for name, count in counts.items() if count < OFTEN)

    def share(name: str) -> float:
        return counts[name] / total

    found = [Request("one common name", name, (name,), share(name)) for name in _some(common, n, rng)]
    found += [Request("one rare name", name, (name,), share(name)) for name in _some(rare, n, rng)]
    for _ in range(n if len(common) > 1 else 0):
        a, b = (str(name) for name in rng.choice(common, 2, replace=False))
        chance = (1 - (1 - share(a)) ** NEAR) * (1 - (1 - share(b)) ** NEAR)
        found.append(Request(TOGETHER, f"{a} and {b}", (a, b), chance))
    return found


def fulfilled(request: Request, order: Sequence[int], carried: Sequence[set[str]]) -> bool:
    """Whether a picture whose real neighbours are `order`, nearest first, fulfils a request."""
    near = order[:1] if len(request.names) == 1 else order[:NEAR]
    return all(any(name in carried[i] for i in near) for name in request.names)


def probe_pictures(
    bundle: str | Path,
    root: str | Path,
    *,
    n: int = 24,
    steps: int = 8,
    guidance: float = 2.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Probe], dict[str, Any]]:
    """Hard requests to a model of pictures.

    Args:
        bundle: The model's.
        root: Real pictures with names, as it was trained from.
        n: Requests of each kind.
        steps, guidance: Of the model.
        seed: Of requests and pictures.
        progress: Called with (done, of).

    Returns:
        A probe a kind, and `data_hash`, `model_hash`.

    Raises:
        BurnishError: Not a model of pictures, or the data has no names.
    """
    model = load(bundle)
    if media_of(model.bundle) != "image":
        raise BurnishError(bundle, f"makes {media_of(model.bundle)}s, not pictures")
    pictures = load_pictures(root, model.size)
    requests = [r for r in requests_of(pictures, n, seed) if _can_be_told(model, r.description)]
    if not requests:
        raise BurnishError(bundle, "follows no description of this data", "Train with classes or captions")
    describe = Features()
    real = _unit(describe(pictures.images))
    carried = [names_of(entry) for entry in pictures.entries]
    results: dict[str, list[bool]] = {}
    for number, request in enumerate(requests):
        (image,) = make(model, request.description, 1, steps, guidance, seed + number)
        near = (real @ _unit(describe([image]))[0]).argsort(descending=True)[:NEAR].tolist()
        results.setdefault(request.kind, []).append(fulfilled(request, near, carried))
        if progress:
            progress(number + 1, len(requests))
    chances = {kind: float(np.mean([r.chance for r in requests if r.kind == kind])) for kind in results}
    probes = [
        Probe(kind, rate(sum(seen), len(seen)), "higher", BOTH if kind == TOGETHER else ONE, chances[kind])
        for kind, seen in results.items()
    ]
    return probes, {"data_hash": pictures.hash, "model_hash": model.bundle.hash}


def _some(names: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    if not names:
        return []
    return [str(name) for name in rng.choice(names, min(n, len(names)), replace=False)]


def _can_be_told(model: Any, description: str) -> bool:
    try:
        model.condition(description)
    except BurnishError:
        return False
    return True


def _unit(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features, dim=1)

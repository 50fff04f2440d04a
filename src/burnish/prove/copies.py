"""Does a generator repeat what it was trained on? Neighbours, duplicates and planted pictures, each against a
null of pictures that it never saw."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from burnish.core.stats import Interval, auroc, bootstrap_over_parts, rate
from burnish.errors import BurnishError, DatasetError
from burnish.media.copies import find_copies, pixel_hash, thumbnail
from burnish.media.image import read_image
from burnish.prove.canaries import read_plan
from burnish.prove.copies_found import Copies, Neighbour, Suspect
from burnish.prove.memory import Seen, codes_of, extract, nearness, p_value, recall, square
from burnish.train.copies import RATIO, nearest_two
from burnish.train.features import Features
from burnish.train.pictures import Entry, load_pictures
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import make

ALPHA = 0.01
"""A picture whose p-value by membership is at most this is flagged; needs 99 pictures in the null."""
SUSPECTS = 5
"""Repeated training pictures that are tested."""
SHOWN = 8
"""Closest neighbours that the report shows."""
ASKED = 40
"""Pictures of training and of the null whose recall is taken."""

Tell = Callable[[str], object]


def probe(
    model: Diffusion,
    root: str | Path,
    n: int = 64,
    tries: int = 16,
    steps: int = 8,
    seed: int = 0,
    tell: Tell = lambda stage: None,
) -> Copies:
    """Looks for copies of training pictures among samples, and for pictures that the model remembers.

    Args:
        model: A generator of pictures.
        root: The pictures that it was trained on; `canaries.json` beside them is read (see `canaries`).
        n: Samples, each under the description of a random training picture.
        tries: Samples for each suspect.
        steps: Of each sample.
        seed: Of everything.
        tell: Told what is being done.

    Raises:
        DatasetError: Fewer than two distinct training pictures.
        BurnishError: n or tries below 1.
    """
    if n < 1 or tries < 1:
        raise BurnishError(f"n = {n}, tries = {tries}", "both must be at least 1")
    tell("reading")
    train, null, repeated, controls, facts = _gather(model, root, seed)
    tell(f"making {n} samples")
    rng = np.random.default_rng((seed, 35))
    asked = [train[int(k)].description for k in rng.integers(0, len(train), n)]
    samples = [
        next(iter(make(model, words, 1, steps, seed=seed * 1_000_003 + k))) for k, words in enumerate(asked)
    ]
    tell("comparing")
    trained, kept = codes_of(model, [s.image for s in train]), codes_of(model, [s.image for s in null])
    made = codes_of(model, samples)
    features = Features()
    felt, known = features(samples), features([s.image for s in train])
    neighbours, ratios = _neighbours(made, trained, felt, known)
    null_pixels = null_features = np.zeros(0)
    nearer, expected, p = rate(0, 0), 1.0, 1.0
    if null:
        null_pixels = _ratios(kept, trained)
        null_features = _ratios(features([s.image for s in null]), known)
        away = torch.cdist(made.flatten(1), torch.cat([trained, kept]).flatten(1)).argmin(1)
        count, expected = int((away < len(train)).sum()), len(train) / (len(train) + len(null))
        nearer = rate(count, n)
        p = float(binomtest(count, n, expected, alternative="greater").pvalue)
    tell("asking what it remembers")
    recalled = [recall(model, one, seed) for one in null]
    order = rng.permutation(len(train))[:ASKED]
    members = [recall(model, train[int(k)], seed) for k in order]
    suspects, pictures = [], {}
    for role, one in [*repeated, *controls]:
        found, shown = _suspect(model, role, one, train, trained, null, recalled, tries, steps, seed)
        suspects.append(found)
        pictures[one.name] = [one.image, *shown]
    pictures["neighbours"] = [
        image
        for e in neighbours[:SHOWN]
        for image in (samples[e.sample], train[e.first].image, train[e.second].image)
    ]
    return Copies(
        model_hash=model.bundle.hash,
        trained=len(train),
        null=len(null),
        by_pixels=rate(int((ratios[0] < RATIO).sum()), n),
        by_features=rate(int((ratios[1] < RATIO).sum()), n),
        null_by_pixels=rate(int((null_pixels < RATIO).sum()), len(null)),
        null_by_features=rate(int((null_features < RATIO).sum()), len(null)),
        nearer=nearer,
        expected=expected,
        nearer_p=p,
        membership=_membership(recalled, members, rng),
        neighbours=neighbours,
        suspects=suspects,
        pictures=pictures,
        **facts,
    )


def _gather(model: Diffusion, root: str | Path, seed: int) -> tuple:
    """(distinct training pictures, null, suspects of training, controls, facts of the data)."""
    root = Path(root)
    pictures, plan = load_pictures(root, model.size), read_plan(root)
    meta = model.bundle.meta
    # the same order and as many: the prefix that training held out, whatever share it was given
    learned, held = pictures.holdout(meta["data"]["held_out"] / len(pictures), meta["training"]["seed"])
    same = pictures.hash == meta["data"]["hash"]
    if not same or len(held) != meta["data"]["held_out"]:
        learned, held = list(range(len(pictures))), []  # not known which: none is taken for unseen

    def see(index: int, times: int) -> Seen:
        entry = pictures.entries[index]
        image = square(pictures.images[index], model.size)
        name = entry.file.relative_to(root) if entry.file.is_relative_to(root) else entry.file
        return Seen(name.as_posix(), image, description_of(model, entry), times)

    squares = {k: pixel_hash(square(pictures.images[k], model.size)) for k in (*learned, *held)}
    counts, first = Counter(squares[k] for k in learned), {}
    for k in learned:
        first.setdefault(squares[k], k)
    train = [see(k, counts[squares[k]]) for k in first.values()]
    if len(train) < 2:
        raise DatasetError(root, "holds fewer than two different training pictures", "Give more")
    null = [see(k, 0) for k in held if squares[k] not in counts]
    repeated = [("repeated", one) for one in sorted(train, key=lambda s: -s.times) if one.times > 1]
    controls: list[tuple[str, Seen]] = []
    if plan:
        planted = {file for file, _, _ in plan.planted}
        repeated = [("planted" if s.name in planted else role, s) for role, s in repeated]
        kept = [
            Seen(file, square(read_image(root / file), model.size), words, 0) for file, words in plan.controls
        ]
        null += kept
        controls = [("control", kept[0])]
    thumbs = np.stack([thumbnail(s.image) for s in train])
    near = find_copies(thumbs, [pixel_hash(s.image) for s in train])
    facts = {
        "data_hash": pictures.hash,
        "same_data": same,
        "duplicated": len(repeated),
        "alike": len(near),
    }
    return train, null, repeated[:SUSPECTS], controls, facts


def description_of(model: Diffusion, entry: Entry) -> str:
    """What a model can be told of a picture: its caption, else its class, else nothing."""
    if entry.caption and (model.config.buckets or model.config.text):
        return entry.caption
    return entry.label if entry.label in model.classes else ""


def _neighbours(
    made: Tensor, trained: Tensor, felt: Tensor, known: Tensor
) -> tuple[list[Neighbour], tuple[np.ndarray, np.ndarray]]:
    """Each sample's two nearest training pictures, closest first, and all ratios."""
    two = torch.cdist(made.flatten(1), trained.flatten(1)).topk(2, dim=1, largest=False).indices
    pixels, features = _ratios(made, trained), _ratios(felt, known)
    found = [
        Neighbour(k, int(two[k, 0]), int(two[k, 1]), float(pixels[k]), float(features[k]))
        for k in range(len(made))
    ]
    return sorted(found, key=lambda one: min(one.pixels, one.features)), (pixels, features)


def _ratios(samples: Tensor, training: Tensor) -> np.ndarray:
    first, second = nearest_two(samples, training)
    return (first / second.clamp_min(1e-12)).numpy()


def _suspect(
    model: Diffusion,
    role: str,
    one: Seen,
    train: Sequence[Seen],
    trained: Tensor,
    null: Sequence[Seen],
    recalled: Sequence[float],
    tries: int,
    steps: int,
    seed: int,
) -> tuple[Suspect, list[np.ndarray]]:
    """Tests one picture; the samples that were drawn for it."""
    samples = extract(model, one, tries, seed, steps)
    apart = [k for k, other in enumerate(train) if other.name != one.name]
    near = nearness(codes_of(model, samples), codes_of(model, [one.image])[0], trained[apart])
    count, value = int((near < RATIO).sum()), recall(model, one, seed)
    p = p_value(value, [r for r, other in zip(recalled, null, strict=True) if other.name != one.name])
    found = Suspect(
        role,
        one.name,
        one.description,
        one.times,
        rate(count, tries),
        float(near.min()),
        value,
        p,
        flagged=count > 0 or p <= ALPHA,
    )
    return found, samples


def _membership(null: Sequence[float], members: Sequence[float], rng: np.random.Generator) -> Interval | None:
    """AUROC that recall is higher for the null than for training, with a bootstrap interval."""
    if len(null) < 2 or len(members) < 2:
        return None
    values = np.array([*members, *null])
    sides = ["in"] * len(members) + ["out"] * len(null)
    is_null = np.array([side == "out" for side in sides])

    def statistic(indices: np.ndarray) -> float:
        return auroc(values[indices][~is_null[indices]], values[indices][is_null[indices]]) or 0.0

    return bootstrap_over_parts(statistic, sides, rng)

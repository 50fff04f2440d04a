"""One cell of the inspection bench in the peers' environment: a model, a set, a seed; or the timing.

    python run_anomalib.py cell SET --model patchcore --seed 0 --out CELL.npz [--seconds 150]
    python run_anomalib.py time SET --models padim,patchcore --out TIME.json [--ours inspector.onnx]

It only dumps scores and maps; `bench/inspection.py` measures them with the code that measures Burnish. A
cell holds `names` and `scores` (n,) and `maps` float16 (n, 256, 256) of the test parts, `good_scores` of
held-out training goods, and `meta` (JSON). One thread; processor seconds, since the machine may be shared.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

os.environ["OMP_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

import models  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import weights  # noqa: E402

from burnish.inspect.calibrate import cross_fit, fold_of  # noqa: E402
from burnish.media.dataset import open_parts  # noqa: E402
from burnish.media.image import fit  # noqa: E402
from burnish.media.part import Part  # noqa: E402

FOLDS = 4
HELD_OUT = 5
"""One part in so many is held out where cross-fitting is too slow."""
T = TypeVar("T")


def has_masks(defects: Sequence[Part]) -> bool:
    """Whether a supervised segmenter has anything to learn from."""
    return any(part.annotation == "mask" for part in defects)


def run_cell(root: Path, name: str, seed: int, seconds: float) -> dict[str, np.ndarray]:
    """Trains on the `train` rows, calibrates on held-out goods among them, scores the `test` rows."""
    everything = open_parts(root)
    train, test = everything.only(split="train"), everything.only(split="test")
    peer = models.build(name, seed, has_masks(train.defects), seconds)
    defects = [part for part in train.defects if part.annotation == "mask"] if peer.uses_defects else []
    good_scores, learned = learn(peer, list(train.goods), defects, np.random.default_rng(seed))
    names, scores, maps, spent = [], [], [], []
    for part in test.parts:
        image, _ = part.read()
        began = time.process_time()
        score, heat = peer.score(image)
        spent.append(time.process_time() - began)
        names.append(test.name(part))
        scores.append(score)
        maps.append(np.minimum(heat, np.finfo(np.float16).max).astype(np.float16))
    meta = {"model": name, "seed": seed, "milliseconds": 1000 * float(np.median(spent))}
    return {
        "names": np.array(names),
        "scores": np.array(scores, dtype=np.float64),
        "maps": np.stack(maps),
        "good_scores": good_scores,
        "meta": np.array(json.dumps(meta | learned | {"notes": peer.notes})),
    }


def learn(
    peer: models.Peer, goods: Sequence[Part], defects: Sequence[Part], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, float]]:
    """Fits a peer and scores good parts it did not learn from.

    Returns:
        The held-out scores: of all goods where cross-fitting is cheap, the peer then being fitted to all of
        them; else of a fifth, the peer being fitted to the others. And counts and processor seconds.
    """
    embedded, embedding = timed(lambda: {part.image: embed(peer, part) for part in [*goods, *defects]})

    def fit_to(some: Sequence[Part]) -> None:
        peer.fit([embedded[part.image] for part in some])

    def scores_of(some: Sequence[Part]) -> list[float]:
        return [peer.score(part.read()[0])[0] for part in some]

    def fit_and_score(some: Sequence[Part], held: Sequence[Part]) -> list[float]:
        fit_to(some)
        return scores_of(held)

    if len(goods) <= peer.most_goods:
        kept, held, folds = list(goods), list(goods), FOLDS
        good_scores, calibrating = timed(lambda: cross_fit(goods, fit_and_score, FOLDS, rng))
        _, fitting = timed(lambda: fit_to(kept))
    else:
        fold = fold_of([part.group for part in goods], HELD_OUT, rng)
        kept = [part for part, f in zip(goods, fold, strict=True) if f]
        held, folds = [part for part, f in zip(goods, fold, strict=True) if not f], 1
        _, fitting = timed(lambda: fit_to([*kept, *defects]))
        good_scores, calibrating = timed(lambda: scores_of(held))
    probing = float(peer.notes.get("probe_seconds", 0.0))
    learned = {"goods": len(kept), "held_out": len(held), "defects": len(defects), "folds": folds}
    learned |= {"train_seconds": embedding + fitting - probing, "calibrate_seconds": calibrating}
    return np.asarray(good_scores, dtype=np.float64), learned


def embed(peer: models.Peer, part: Part) -> object:
    """A training part as the peer wants it, with the mask if it is a defect."""
    image, mask = part.read()
    return peer.embed(image, None if part.is_good else mask)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and its processor seconds."""
    began = time.process_time()
    return work(), time.process_time() - began


def run_time(
    root: Path, names: Sequence[str], ours: Path | None, side: int, rounds: int = 6
) -> dict[str, float]:
    """Median milliseconds from a decoded picture to score and map; ten pictures of each model in turn."""
    train = open_parts(root).only(split="train")
    goods = list(train.goods)
    images = [part.read()[0] for part in goods[:10]]
    masks = has_masks(train.defects)
    scorers: dict[str, Callable[[np.ndarray], object]] = {}
    for name in names:
        peer = models.build(name, 0, masks, 5.0)
        used = goods + ([p for p in train.defects if p.annotation == "mask"] if peer.uses_defects else [])
        peer.fit([embed(peer, part) for part in used])
        scorers[name] = peer.score
    if ours is not None:
        scorers["burnish"] = onnx_scorer(ours, side)
    spent: dict[str, list[float]] = {name: [] for name in scorers}
    for turn in range(rounds + 1):  # the first warms up
        for name, scorer in scorers.items():
            for image in images:
                began = time.perf_counter()
                scorer(image)
                if turn:
                    spent[name].append(time.perf_counter() - began)
    return {name: 1000 * float(np.median(times)) for name, times in spent.items()}


def onnx_scorer(path: Path, side: int) -> Callable[[np.ndarray], object]:
    """Burnish's exported inspector over onnxruntime, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def score(image: np.ndarray) -> object:
        x = fit(image, side).transpose(2, 0, 1)[None].astype(np.float32) / 255
        return session.run(["score", "heat"], {"image": x})

    return score


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["cell", "time"])
    parser.add_argument("root", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--models", type=lambda text: text.split(","), default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seconds", type=float, default=150.0, help="cap of a trained model, processor seconds"
    )
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--side", type=int, default=models.SIDE)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    weights.offline()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    part = given.out.with_name(f".{given.out.name}.part")
    if given.what == "cell":
        with part.open("wb") as file:
            np.savez_compressed(file, **run_cell(given.root, given.model, given.seed, given.seconds))
    else:
        found = run_time(given.root, given.models, given.ours, given.side)
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    part.replace(given.out)


if __name__ == "__main__":
    main()

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


def has_masks(defects: Sequence[Part]) -> bool:
    """Whether a supervised segmenter has anything to learn from."""
    return any(part.annotation == "mask" for part in defects)


def run_cell(root: Path, name: str, seed: int, seconds: float) -> dict[str, np.ndarray]:
    """Trains on the `train` rows, calibrates on held-out goods among them, scores the `test` rows."""
    everything = open_parts(root)
    train, test = everything.only(split="train"), everything.only(split="test")
    goods = list(train.goods)
    peer = models.build(name, seed, has_masks(train.defects), seconds)
    defects = [p for p in train.defects if p.annotation == "mask"] if peer.uses_defects else []
    began = time.process_time()
    embedded = {
        part.image: peer.embed(part.read()[0], part.read()[1] if part in defects else None)
        for part in goods + defects
    }
    embedding = time.process_time() - began
    rng = np.random.default_rng(seed)
    began = time.process_time()
    if len(goods) <= peer.most_goods:

        def fit_and_score(some: Sequence[Part], held: Sequence[Part]) -> list[float]:
            peer.fit([embedded[p.image] for p in some])
            return [peer.score(p.read()[0])[0] for p in held]

        good_scores = cross_fit(goods, fit_and_score, FOLDS, rng)
        calibrating = time.process_time() - began
        kept, folds = goods, FOLDS
    else:
        fold = fold_of([p.group for p in goods], HELD_OUT, rng)
        kept, folds, calibrating = [p for p, f in zip(goods, fold, strict=True) if f], 1, 0.0
    began = time.process_time()
    peer.fit([embedded[p.image] for p in kept + defects])
    fitting = time.process_time() - began - float(peer.notes.get("probe_seconds", 0.0))
    if folds == 1:
        began = time.process_time()
        good_scores = np.array([peer.score(p.read()[0])[0] for p in goods if p not in kept])
        calibrating = time.process_time() - began
    names, scores, maps, spent = [], [], [], []
    for part in test.parts:
        image, _ = part.read()
        began = time.process_time()
        score, heat = peer.score(image)
        spent.append(time.process_time() - began)
        names.append(test.name(part))
        scores.append(score)
        maps.append(heat.astype(np.float16))
    meta = {
        "model": name,
        "seed": seed,
        "train_seconds": embedding + fitting,
        "calibrate_seconds": calibrating,
        "milliseconds": 1000 * float(np.median(spent)),
        "folds": folds,
        "goods": len(kept),
        "held_out": len(good_scores),
        "defects": len(defects),
        "notes": peer.notes,
    }
    return {
        "names": np.array(names),
        "scores": np.array(scores, dtype=np.float64),
        "maps": np.stack(maps),
        "good_scores": np.asarray(good_scores, dtype=np.float64),
        "meta": np.array(json.dumps(meta)),
    }


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
        peer.fit([peer.embed(p.read()[0], None if p.is_good else p.read()[1]) for p in used])
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

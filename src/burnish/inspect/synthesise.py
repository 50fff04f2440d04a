"""New defective parts with true labels, and a data set of them.

`CutPaste` and `Perlin` make pairs online; `DiffusionSynthesiser` (in `burnish.inspect.diffusion`) paints
them with a denoiser; `Mixed` draws from several, class by class. `write_pairs` writes a folder that others
can train on.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from burnish.errors import BundleError, BurnishError
from burnish.inspect.cutpaste import CutPaste
from burnish.inspect.diffusion import DiffusionSynthesiser
from burnish.inspect.pairs import Pair, Shot, Synthesiser
from burnish.inspect.perlin import Perlin
from burnish.inspect.shots import FOLDER, load_shots, save_shots
from burnish.inspect.writer import PairWriter
from burnish.store.bundle import read_bundle

__all__ = [
    "CutPaste",
    "DiffusionSynthesiser",
    "Mixed",
    "Pair",
    "Perlin",
    "Shot",
    "Synthesiser",
    "load_synthesiser",
    "save_synthesiser",
    "synthesise",
    "write_pairs",
]

Weights = Mapping[str, Mapping[str, float]]


class Mixed:
    """Draws each class from the synthesisers that serve it best.

    Args:
        synthesisers: By method.
        weights_by_class: For each class, how often each method is asked; they need not add up to 1.
        shares: How often each class is drawn; None for evenly.

    Raises:
        BurnishError: A method that is not there, or weights that are all zero.
    """

    method = "mixed"

    def __init__(
        self,
        synthesisers: Mapping[str, Synthesiser],
        weights_by_class: Weights,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        self.synthesisers = dict(synthesisers)
        self.weights = {k: {m: float(x) for m, x in v.items() if x > 0} for k, v in weights_by_class.items()}
        self.shares = {k: float((shares or {}).get(k, 1.0 if shares is None else 0.0)) for k in self.weights}
        for label, row in self.weights.items():
            if missing := set(row) - set(self.synthesisers):
                reason = f"class {label!r} asks for {sorted(missing)}"
                raise BurnishError("synthesis", reason, f"There are {sorted(self.synthesisers)}")
            if not row:
                raise BurnishError("synthesis", f"class {label!r} has no method", "Give it a weight above 0")
        if not sum(self.shares.values()) > 0:
            raise BurnishError("synthesis", "no class has a share above 0", "Give at least one")

    @property
    def rejected(self) -> Counter[str]:
        """What all synthesisers threw away, by `method: reason`."""
        found = self.synthesisers.items()
        return Counter({f"{m}: {reason}": n for m, s in found for reason, n in s.rejected.items()})

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        """A pair: first the class, then its method, then that method's pair."""
        label = label or _choose(self.shares, rng)
        method = _choose(self.weights[label], rng)
        return self.synthesisers[method].draw(rng, label)


def _choose(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = sorted(weights)
    p = np.array([weights[n] for n in names], np.float64)
    return names[int(rng.choice(len(names), p=p / p.sum()))]


def write_pairs(
    synthesiser: Synthesiser,
    goods: Sequence[Shot],
    defects: Sequence[Shot],
    n: int,
    out: str | Path,
    seed: int = 0,
    progress: Callable[[int, int], bool | None] | None = None,
) -> Counter[str]:
    """Writes n new pairs as a data set: see `PairWriter`.

    Args:
        synthesiser: Makes the pairs.
        goods: The good parts it paints on; those that were used are written too, labelled good.
        defects: The real defects, for the sheet.
        n: Pairs, at least 1.
        out: A new or empty folder.
        seed: The same seed makes the same pairs.
        progress: Called with pairs written and n; answering True stops, and what is written stays usable.

    Returns:
        Pairs by class.

    Raises:
        BurnishError: n < 1, the folder holds something, or it cannot be written.
    """
    if n < 1:
        raise BurnishError("--n", f"{n} pairs are asked for", "Ask for at least 1")
    rng = np.random.default_rng(seed)
    among = synthesiser.synthesisers.values() if isinstance(synthesiser, Mixed) else [synthesiser]
    for one in among:
        if isinstance(one, DiffusionSynthesiser):
            one.pool.clear()
            one.reuse = False  # no pair twice
    with PairWriter(Path(out), goods, defects) as writer:
        for k in range(n):
            writer.add(synthesiser.draw(rng))
            if progress and progress(k + 1, n):
                break
        writer.rejected.update(synthesiser.rejected)
    return writer.counts


def synthesise(
    bundle: str | Path,
    n: int,
    out: str | Path,
    seed: int = 0,
    progress: Callable[[int, int], bool | None] | None = None,
) -> Counter[str]:
    """Writes n new pairs from the synthesisers in an inspector's bundle; see `write_pairs`.

    Raises:
        BundleError: Not an inspector's bundle, damaged, or without synthesisers.
    """
    path = read_bundle(bundle, "inspector").path
    synthesiser, goods, defects = load_synthesiser(path / FOLDER)
    return write_pairs(synthesiser, goods, defects, n, out, seed, progress)


def save_synthesiser(folder: str | Path, synthesiser: Synthesiser, shots: Sequence[Shot]) -> None:
    """Writes a synthesiser with the parts it paints on and from, so that it works without the data set.

    Args:
        folder: Made if missing, such as `FOLDER` inside a bundle that is being written.
        synthesiser: `CutPaste`, `Perlin`, `DiffusionSynthesiser`, or a `Mixed` of them.
        shots: Good and defective parts; those without a mask are kept for later, but not painted from.
    """
    folder = Path(folder)
    save_shots(folder / "parts", shots)
    parts = synthesiser.synthesisers if isinstance(synthesiser, Mixed) else {synthesiser.method: synthesiser}
    facts: dict[str, Any] = {"method": synthesiser.method, "methods": sorted(parts)}
    if isinstance(synthesiser, Mixed):
        facts |= {"weights": synthesiser.weights, "shares": synthesiser.shares}
    for one in parts.values():
        if isinstance(one, DiffusionSynthesiser):
            one.save(folder)
    (folder / "synthesis.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_synthesiser(folder: str | Path) -> tuple[Synthesiser, list[Shot], list[Shot]]:
    """Reads what `save_synthesiser` wrote: the synthesiser, the good parts and the defects.

    Raises:
        BundleError: Nothing is there, or it is damaged.
    """
    folder = Path(folder)
    try:
        facts = json.loads((folder / "synthesis.json").read_text(encoding="utf-8"))
        methods: list[str] = facts["methods"]
    except FileNotFoundError as error:
        cure = "Train it with --synthesis auto, cutpaste, perlin or diffusion"
        raise BundleError(folder.parent, "holds no synthesiser", cure) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(folder / "synthesis.json", f"is damaged ({error})", "Train again") from error
    shots = load_shots(folder / "parts")
    goods = [s for s in shots if s.label == "good"]
    defects = [s for s in shots if s.label != "good" and s.mask is not None]
    found: dict[str, Synthesiser] = {}
    for method in methods:
        if method == "perlin":
            found[method] = Perlin(goods)
        elif method == "cutpaste":
            found[method] = CutPaste(goods, defects)
        elif method == "diffusion":
            found[method] = diffusion = DiffusionSynthesiser(goods, defects)
            diffusion.load(folder)
        else:
            raise BundleError(folder, f"asks for the unknown method {method!r}", "Update Burnish")
    if facts["method"] == Mixed.method:
        return Mixed(found, facts["weights"], facts["shares"]), goods, defects
    return found[facts["method"]], goods, defects

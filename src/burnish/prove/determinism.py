"""Does one seed always mean one picture? In any batch, in any order, and to the byte in another process."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from burnish.core.process import Rng, seeded
from burnish.core.sample import sample
from burnish.core.solve import SOLVERS
from burnish.errors import BurnishError
from burnish.nets.condition import told_pace
from burnish.store.bundle import sha256_of
from burnish.store.tables import Figure
from burnish.verbs.load import load, media_of
from burnish.verbs.make import TOLERANCE, condition_of, make, walk_of

BATCHES = (1, 2, 8)


class Watched:
    """A process that remembers the hash of each sample's starting noise.

    Attributes:
        hashes: sha256 of each sample's noise, in the order in which they were drawn.
    """

    def __init__(self, process: Any) -> None:
        self.process, self.hashes = process, []

    def prior(self, shape: Sequence[int], rng: Rng = None) -> Tensor:
        """The process's own noise."""
        noise = self.process.prior(shape, rng)
        self.hashes += [hashlib.sha256(one.numpy().tobytes()).hexdigest() for one in noise]
        return noise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.process, name)


@dataclass(frozen=True)
class Determinism:
    """What was found.

    Attributes:
        n: Pictures compared, of one seed.
        noise: Was the starting noise of each the same, by hash, in every batch and order?
        batches: Largest difference to batch 1 in gray levels, by batch size.
        permuted: The same for all of them at once in another order.
        tolerance: What is allowed, in gray levels.
        strict: Were the files of two processes, on one and on two threads, the same to the byte?
    """

    n: int
    noise: bool
    batches: dict[int, int]
    permuted: int
    tolerance: int
    strict: bool

    @property
    def holds(self) -> bool:
        """All of it."""
        return self.noise and self.strict and max(*self.batches.values(), self.permuted) <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "holds": self.holds}

    def figures(self, model_hash: str, command: str) -> list[Figure]:
        """As figures of the workspace: the worst difference, and whether strict files are the same."""
        facts = {
            "subject": model_hash,
            "model_hash": model_hash,
            "command": command,
            "detail": self.to_json(),
        }
        worst = max(*self.batches.values(), self.permuted)
        return [
            Figure(
                what="one seed in other batches and orders",
                value=float(worst),
                unit="gray levels off",
                threshold=float(self.tolerance),
                better="lower",
                **facts,
            ),
            Figure(
                what="strict files that differ between processes",
                value=0.0 if self.strict else 1.0,
                threshold=0.0,
                better="lower",
                **facts,
            ),
        ]

    def __str__(self) -> str:
        batches = ", ".join(f"{off} at batch {size}" for size, off in self.batches.items())
        return "\n".join(
            [
                f"{self.n} pictures of one seed",
                f"starting noise the same by hash: {'yes' if self.noise else 'NO'}",
                f"gray levels off (at most {self.tolerance}): {batches}, {self.permuted} in another order",
                f"strict, two processes: {'the same bytes' if self.strict else 'DIFFERENT bytes'}",
                "holds" if self.holds else "DOES NOT HOLD",
            ]
        )


def determinism(
    path: str | Path, description: str = "", n: int = 8, steps: int = 8, seed: int = 0
) -> Determinism:
    """Measures it on a bundle that makes pictures.

    Args:
        path: The bundle.
        description, steps, seed: See `verbs.make.make`.
        n: Pictures, >= 2.

    Raises:
        BurnishError: Another kind of bundle, or too few pictures.
    """
    model = load(path)
    if (medium := media_of(model.bundle)) != "image":
        raise BurnishError(path, f"makes {medium}s, not pictures", "Name a bundle that makes pictures")
    if n < 2:
        raise BurnishError(f"n = {n}", "must be at least 2")
    noises, pictures = {}, {}
    for size in BATCHES:
        watched = Watched(model.process)
        made = make(replace(model, process=watched), description, n, steps, seed=seed, batch=size)
        pictures[size] = np.stack(list(made)).astype(int)
        noises[size] = watched.hashes
    order = np.random.default_rng(seed).permutation(n)
    watched = Watched(model.process)
    process: Any = watched
    condition = condition_of(model, description, n)
    noise = process.prior((n, *model.shape), [seeded(seed, int(index)) for index in order])
    times, solver, pace = walk_of(model, steps)
    start, condition = float(times[0]), told_pace(condition, pace)
    x = model.begin(noise.to(model.device), start, condition)
    codes = sample(
        model.denoiser, process, x, times, SOLVERS[solver],
        condition=condition, start_t=start, corrupted=True,
    )  # fmt: skip
    permuted = model.codec.decode(codes.cpu().numpy()).astype(int)
    same = [noise == noises[1] for noise in noises.values()]
    same.append(watched.hashes == [noises[1][index] for index in order])
    return Determinism(
        n,
        all(same) and len(set(noises[1])) == n,
        {size: int(np.abs(made - pictures[1]).max()) for size, made in pictures.items()},
        int(np.abs(permuted - pictures[1][order]).max()),
        TOLERANCE,
        _twice(path, description, steps, seed),
    )


def _twice(path: str | Path, description: str, steps: int, seed: int) -> bool:
    """Does `make --strict` write the same bytes in two processes that have another number of threads?"""
    found = []
    for threads in ("1", "2"):
        with tempfile.TemporaryDirectory() as folder:
            words = ["make", str(path), description, "--n", "2", "--steps", str(steps), "--seed", str(seed)]
            command = [sys.executable, "-m", "burnish", *words, "--strict", "--out", folder]
            apart = {"OMP_NUM_THREADS": threads, "BURNISH_WORKSPACE": f"{folder}/workspace"}
            done = subprocess.run(
                command, env={**os.environ, **apart}, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise BurnishError(path, f"could not be made in another process ({done.stderr.strip()})")
            found.append([sha256_of(file) for file in sorted(Path(folder).glob("0*.png"))])
    return len(found[0]) == 2 and found[0] == found[1]

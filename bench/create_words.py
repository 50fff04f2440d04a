"""Does a picture show what was asked? Judged by its nearest real pictures in frozen features."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from burnish.media.image import read_image, write_png
from burnish.media.sheet import contact_sheet
from burnish.verbs.load import load
from burnish.verbs.make import make
from create_sets import data, features

PROMPTS, SHOWN = 200, 64
NEAREST, FIVE = 10, 5


@cache
def emoji() -> tuple[list[dict[str, str]], Tensor]:
    """The rows of the emoji set and the features of their pictures."""
    folder = data("captions", "emoji_64")
    rows = list(csv.DictReader((folder / "captions.csv").read_text(encoding="utf-8").splitlines()))
    return rows, features()([read_image(folder / row["file"]) for row in rows])


def nearest(images: np.ndarray, count: int) -> Tensor:
    """Places of the nearest real pictures, (n, count), the nearest first."""
    return torch.cdist(features()(images), emoji()[1]).topk(count, largest=False).indices


def said(bundle: Path, prompts: list[str], steps: int, guidance: float, seed: int) -> np.ndarray:
    """A picture for each prompt, uint8 (n, size, size, 3)."""
    model = load(bundle)
    made = [next(make(model, p, 1, steps, guidance, seed=seed + k)) for k, p in enumerate(prompts)]
    return np.stack(made)


def names_cell(bundle: Path, folder: Path, steps: int, guidance: float, seed: int = 0) -> dict[str, Any]:
    """Share of names of the set whose picture has a real picture of that name among its ten nearest."""
    rows, _ = emoji()
    names = sorted({row["name"] for row in rows})
    chosen = [names[k] for k in np.random.default_rng(1).permutation(len(names))[:PROMPTS]]
    images = said(bundle, chosen, steps, guidance, seed)
    found = [[rows[int(k)]["name"] for k in near] for near in nearest(images, NEAREST)]
    hits = [[name == want for name in near] for near, want in zip(found, chosen, strict=True)]
    first = list(images[:SHOWN])
    sheet = contact_sheet(
        first, 8, 96, captions=chosen[:SHOWN], title=f"{steps} steps, guidance {guidance:g}"
    )
    write_png(folder / f"starter.names.{steps}.{guidance:g}.png", sheet)
    return {
        "of": len(names),
        "top10": float(np.mean([any(h) for h in hits])),
        "top1": float(np.mean([h[0] for h in hits])),
        "chance": NEAREST / len(rows),
    }


def combinations(seed: int = 2) -> list[tuple[str, str]]:
    """(prompt, subcategory): two names of one subcategory, a pair that no caption has."""
    rows, _ = emoji()
    rng = np.random.default_rng(seed)
    by_kind: dict[str, list[str]] = {}
    for row in rows:
        by_kind.setdefault(row["subcategory"], []).append(row["name"])
    kinds = [kind for kind, names in by_kind.items() if len(set(names)) >= 2]
    pairs = []
    for kind in rng.choice(kinds, PROMPTS):
        first, second = rng.choice(sorted(set(by_kind[str(kind)])), 2, replace=False)
        pairs.append((f"{first} {second}", str(kind)))
    return pairs


def guidance_cell(bundle: Path, folder: Path, steps: int, guidance: float, seed: int = 0) -> dict[str, Any]:
    """Share of the five nearest real pictures that are of the right subcategory, and the same for the
    prompts in another order, which is chance."""
    pairs = combinations()
    images = said(bundle, [prompt for prompt, _ in pairs], steps, guidance, seed)
    sheet = contact_sheet(list(images[:SHOWN]), 8, 96, captions=[p for p, _ in pairs[:SHOWN]])
    write_png(folder / f"starter.pairs.{steps}.{guidance:g}.png", sheet)
    return chance_and_share(images, pairs)


def chance_and_share(images: np.ndarray, pairs: list[tuple[str, str]]) -> dict[str, float]:
    """Share of the five nearest real pictures of each that are of its subcategory, and of another's."""
    rows, _ = emoji()
    kinds = [[rows[int(k)]["subcategory"] for k in near] for near in nearest(images, FIVE)]
    wanted = [kind for _, kind in pairs]
    others = [wanted[k] for k in np.random.default_rng(3).permutation(len(wanted))]
    return {"share": share(kinds, wanted), "chance": share(kinds, others)}


def share(kinds: list[list[str]], wanted: list[str]) -> float:
    """How many of the neighbours are of the wanted kind, in [0, 1]."""
    return float(np.mean([[k == want for k in near] for near, want in zip(kinds, wanted, strict=True)]))

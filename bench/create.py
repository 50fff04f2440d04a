"""Pictures out of noise: how near to real ones, by steps and seconds; whether words are followed; how soon
one sees something.

Every cell is kept in `bench/results/cells/create`, so an interrupted bench goes on where it stopped. `--only`
runs cells whose name begins so; `--show` makes the table of what there is.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import form
from create_sets import PAPER, TILES
from inspection_table import show

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "results" / "cells" / "create"
STARTER = ROOT / "src" / "burnish" / "samples" / "starter"
SETS = (TILES, PAPER)
GUIDANCE, STEPS = 2.0, 8
SPEED, FEW = 20, 3
"""Wanted: times the peer's pictures a second; times the 8 steps' target at 2 steps."""

EARLY = 10
"""The part of the peer's time in which its KID is to be reached."""

PREVIEW = 150
UNIT = "KID (Lite0 at 128 px)"


def cells(
    minutes: float, seeds: list[int], autoencoder: str | None
) -> dict[str, Callable[[], dict[str, Any]]]:
    """By name, what computes each cell."""
    from create_cells import burnish_cell, floor_cell, real_cell, session_cell
    from create_peer import diffusers_cell
    from create_peer_words import peer_cell
    from create_words import guidance_cell, names_cell

    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for name in SETS:
        found[f"{name}.real"] = lambda name=name: real_cell(name)
        for seed in seeds:
            found[f"{name}.pixels.{seed}"] = lambda n=name, s=seed: burnish_cell(n, s, minutes, FOLDER)
            if autoencoder:
                found[f"{name}.floor"] = lambda n=name: floor_cell(n, autoencoder)
                found[f"{name}.codes.{seed}"] = lambda n=name, s=seed: burnish_cell(
                    n, s, minutes, FOLDER, autoencoder
                )
                found[f"{name}.early.{seed}"] = lambda n=name, s=seed: burnish_cell(
                    n, s, minutes / EARLY, FOLDER, autoencoder, "early"
                )
            found[f"{name}.diffusers.{seed}"] = lambda n=name, s=seed: diffusers_cell(n, s, minutes, FOLDER)
    if STARTER.exists():
        found["starter.names"] = lambda: names_cell(STARTER, FOLDER, STEPS, 1.0)
        found["starter.pairs"] = lambda: guidance_cell(STARTER, FOLDER, STEPS, GUIDANCE)
        found["starter.plain"] = lambda: guidance_cell(STARTER, FOLDER, STEPS, 1.0)
        found["starter.peer"] = lambda: peer_cell(starter_minutes(), GUIDANCE, FOLDER)
        found["starter.session"] = lambda: session_cell(STARTER)
    pixels = FOLDER / f"{TILES}.pixels.{seeds[0]}.bundle"
    found[f"{TILES}.session"] = lambda: session_cell(pixels)
    return found


def starter_minutes() -> float:
    """Processor minutes that the starter was trained for."""
    return json.loads((STARTER / "bundle.json").read_text(encoding="utf-8"))["cost"]["seconds"] / 60


def rows(known: dict[str, dict[str, Any]], seeds: list[int]) -> list[dict[str, Any]]:
    """The rows of what is known."""
    made: list[dict[str, Any]] = []
    for name in SETS:
        if f"{name}.real" in known:
            made += _set_rows(name, known, seeds)
    if names := known.get("starter.names"):
        row = f"starter: names of the set recognised, top 10 of {names['of']}"
        made.append(form.row(row, names["top10"], "share of 200", target=0.5))
    if (pairs := known.get("starter.pairs")) and (plain := known.get("starter.plain")):
        row = f"starter: right subcategory among five nearest, guidance {GUIDANCE:g}"
        peer = known.get("starter.peer", {}).get("share")
        made.append(form.row(row, pairs["share"], "share", peer, max(5 * pairs["chance"], peer or 0)))
        made.append(form.row("the same without guidance", plain["share"], "share"))
    for key, words in ((f"{TILES}.session", "pixels"), ("starter.session", "codes")):
        if found := known.get(key):
            row = f"session at 64 px, {words}: first preview"
            made.append(form.row(row, found["first"], "ms", target=PREVIEW, better="lower"))
            made.append(form.row(f"session at 64 px, {words}: each further one", found["later"], "ms"))
    return made


def _set_rows(name: str, known: dict[str, dict[str, Any]], seeds: list[int]) -> list[dict[str, Any]]:
    distances = known[f"{name}.real"] | known.get(f"{name}.floor", {})
    blurred = distances["real.blurred"]
    made = [
        form.row(f"{name}: real crops, {way.removeprefix('real.')}", value, UNIT)
        for way, value in distances.items()
    ]
    peers = {seed: known[key] for seed in seeds if (key := f"{name}.diffusers.{seed}") in known}
    peer_kid = min((p["kid"] for p in peers.values()), default=None)
    peer_rate = max((p["rate"] for p in peers.values()), default=None)
    if peer_kid is not None:
        made.append(form.row(f"{name}: diffusers, 50 steps", peer_kid, UNIT, seeds=list(peers)))
    if early := {seed: known[key] for seed in seeds if (key := f"{name}.early.{seed}") in known}:
        row = f"{name}: codes, trained for a tenth of the time, 8 steps"
        value = max(found["kid.8"] for found in early.values())
        told = {"target": peer_kid, "better": "lower", "seeds": list(early)}
        made.append(form.row(row, value, UNIT, peer_kid, **told))
    for kind in ("pixels", "codes"):
        ran = {s: known[k] for s in seeds if (k := f"{name}.{kind}.{s}") in known}
        for steps in (24, 8, 2) if ran else ():
            value = sum(found[f"kid.{steps}"] for found in ran.values()) / len(ran)
            target = {8: blurred, 2: FEW * blurred}.get(steps)
            told = {"target": target, "better": "lower", "seeds": list(ran)}
            made.append(form.row(f"{name}: {kind}, {steps} steps", value, UNIT, peer_kid, **told))
            rate = sum(found[f"rate.{steps}"] for found in ran.values()) / len(ran)
            wanted = SPEED * peer_rate if peer_rate else None
            row = f"{name}: {kind}, {steps} steps, pictures"
            made.append(form.row(row, rate, "a second", peer_rate, wanted, seeds=list(ran)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.5, help="Processor minutes of each training.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--autoencoder", help="A folder with taef2, for the rows of codes.")
    parser.add_argument("--only", default="", help="Cells whose name begins so.")
    parser.add_argument("--show", action="store_true", help="Only the table of what there is.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, compute in {} if given.show else cells(given.minutes, given.seeds, given.autoencoder).items():
        file = FOLDER / f"{name}.json"
        if name.startswith(given.only) and not file.exists():
            print(name, flush=True)
            file.write_text(json.dumps(compute(), indent=1), encoding="utf-8")
    known = (
        {
            file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(FOLDER.glob("*.json"))
        }
        if FOLDER.exists()
        else {}
    )
    table = rows(known, given.seeds)
    wish = f"--minutes {given.minutes:g} --seeds {' '.join(map(str, given.seeds))}"
    wish += " --autoencoder FOLDER" if any(".codes." in name for name in known) else ""
    command = f"make bench-create BENCH={shlex.quote(wish)}"
    form.write("create", command, table)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("create", f"{head}\n\n{form.table(table)}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()

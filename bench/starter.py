"""Trains the starter bundle that ships with Burnish: small pictures from words, at once.

The names are fitted in closed form (`train.wordmean`), which takes seconds; a small network learns the rest.
It learns the Noto emoji (Apache-2.0) by heart, as codes of a tiny autoencoder (MIT) whose decoder ships
along. Run it again with --resume after an interruption. The bundle in the package is replaced at the end.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

from safetensors.torch import load_file, save_file

from burnish.nets.latents import HALVES
from burnish.nets.latents import WEIGHTS as AUTOENCODER
from burnish.store.bundle import OUTLINE, WEIGHTS, read_bundle, write_bundle
from burnish.train.budget import Budget
from burnish.train.diffusion import train
from burnish.train.loop import Options

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "src" / "burnish" / "samples" / "starter"
SHAPE = {"widths": (128,), "depths": (2,), "told": 64, "buckets": 3072}
RANK = 384
LESSON = {"batch_size": 16, "known": 0}
CARD = """# The starter: small pictures from words

`burnish make starter "red heart"` answers at once, without training or a download.

- {pictures} pictures of the Noto emoji set at 64 px with their names, by Google, Apache-2.0 (npm package
  `emoji-datasource-google` 16.0.0).
- {parameters:.1f} M weights on codes of the tiny autoencoder `taef2` (github.com/madebyollin/taesd, MIT),
  whose decoder is in this folder. Weights in half precision.
- Trained for {minutes:.1f} processor minutes, {step} updates of {batch}, seed {seed}; by `{command}`.
- **It repeats what it was shown, on purpose**: nothing was held out. Ask for names of the set. What it makes
  of other words is a mixture.
- How often its answer is recognised is measured by `make bench-create`; see `docs/benchmarks.md`.
"""


def slim(source: Path, place: Path, command: str) -> None:
    """Writes a bundle in half precision, without the encoder and the sheet."""
    bundle = read_bundle(source, kind="diffusion")
    meta = {key: value for key, value in bundle.meta.items() if key not in ("files", "format")}
    meta["codec"] = {**meta["codec"], "reads": False}
    meta["data"] = {**meta["data"], "licence": "Apache-2.0", "name": "Noto emoji"}
    meta["training"] = {key: value for key, value in meta["training"].items() if key != "curve"}
    state = load_file(bundle.path / WEIGHTS)
    halves = {name: value.half().contiguous() for name, value in state.items()}
    decoder = load_file(bundle.path / AUTOENCODER)
    decoder = {name: value for name, value in decoder.items() if name.split(".")[0] == HALVES[1]}

    def write(folder: Path) -> None:
        save_file(halves, folder / WEIGHTS)
        save_file(decoder, folder / AUTOENCODER)
        if meta["outline"]:
            shutil.copyfile(source / OUTLINE, folder / OUTLINE)

    card = CARD.format(
        pictures=meta["data"]["pictures"],
        parameters=sum(value.numel() for value in halves.values()) / 1e6,
        minutes=meta["cost"]["seconds"] / 60,
        step=meta["training"]["step"],
        batch=meta["training"]["batch"],
        seed=meta["training"]["seed"],
        command=command,
    )
    write_bundle(place, meta, write, card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="Processor minutes.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--autoencoder", default="madebyollin/taef2", help="a folder or a name on the hub")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "starter")
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    data = Path(os.environ["BURNISH_DATA"]) / "captions" / "emoji_64"

    def report(now) -> None:
        if now.step % 100 == 0:
            print(
                json.dumps({"step": now.step, "seconds": round(now.seconds), "loss": round(now.loss, 4)}),
                flush=True,
            )

    done = train(
        data,
        given.out,
        Budget(given.minutes),
        given.seed,
        resume=given.resume,
        on_plan=print,
        on_progress=report,
        augmented=False,
        autoencoder=given.autoencoder,
        hold=0,
        lesson=LESSON,
        options=Options(now=time.process_time),
        word_mean=RANK,
        **SHAPE,
    )
    print(done)
    if done.bundle is None:
        sys.exit(130)
    command = f"python bench/starter.py --minutes {given.minutes:g} --seed {given.seed}"
    slim(given.out, PLACE, shlex.join(shlex.split(command)))
    size = sum(file.stat().st_size for file in PLACE.iterdir())
    print(f"{PLACE}: {size / 1e6:.1f} MB")
    shutil.rmtree(given.out, ignore_errors=True)


if __name__ == "__main__":
    main()

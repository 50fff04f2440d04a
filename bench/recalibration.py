"""Eight verified-good pictures after a harmless shift of the sample line: `make bench-recalibration`.

The judge is an inspector's surprise: learned from good parts as they were on the day the station was set up,
its threshold calibrated on other good parts of that day. Then the station moves, and eight verified-good
pictures move the threshold (`burnish.prove.recalibrate`). Rates are on further parts of the moved station,
over 60 draws of the eight.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import form
from burnish.core.conformal import threshold
from burnish.errors import BurnishError
from burnish.inspect.detector import peak
from burnish.inspect.heldout import AXES
from burnish.inspect.learn import as_tensor
from burnish.inspect.reference import load_reference, shared_maps
from burnish.inspect.surprise import learn_surprise
from burnish.nets.backbone import load_lite0
from burnish.prove.recalibrate import move_threshold
from burnish.samples import Drift
from burnish.samples.render import DEFECTS, render_part
from inspection_table import show

WANTED, DRAWS = 0.02, 60
DIALS = {
    "no shift": Drift(),
    "a stop darker": Drift(exposure=-1.0),
    "out of focus": Drift(focus=1.0),
    "soiled": Drift(soiling=0.3),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="ring")
    parser.add_argument("--parts", type=int, default=60, help="good parts of each use; half as many bad ones")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--scores", type=Path, help="folder for all scores, as npz")
    given = parser.parse_args()
    torch.set_num_threads(1)
    reference, trunk, number = load_reference("lite0"), load_lite0(), iter(range(10**9))

    @torch.no_grad()
    def feature(defect: str | None, drift: Drift) -> torch.Tensor:
        x = as_tensor(render_part(given.kind, 9000 + next(number), defect, drift, given.size).image)
        return reference(x, shared_maps(trunk, x))[0]

    learned = [feature(None, Drift()) for _ in range(given.parts)]
    surprise = learn_surprise(learned, AXES, 1000, torch.Generator().manual_seed(0), 8000)

    @torch.no_grad()
    def scores(count: int, bad: bool, drift: Drift) -> np.ndarray:
        kinds = DEFECTS[given.kind]
        labels = [kinds[k % len(kinds)] if bad else None for k in range(count)]
        return np.array([float(peak(surprise(feature(label, drift)[None]))[0]) for label in labels])

    calibration = scores(given.parts, False, Drift())
    cut = threshold(calibration, WANTED).value
    rng, rows = np.random.default_rng(0), []
    for name, drift in DIALS.items():
        good, bad = scores(given.parts + 20, False, drift), scores(given.parts // 2, True, drift)
        before = (float((good > cut).mean()), float((bad <= cut).mean()))
        after, refused = [], 0
        for _ in range(DRAWS):
            order = rng.permutation(len(good))
            try:
                moved = move_threshold(calibration, cut, good[order[:8]]).new
            except BurnishError:
                refused += 1
                continue
            after.append(((good[order[8:]] > moved).mean(), (bad <= moved).mean()))
        found = np.array(after).mean(0).tolist() if after else [None, None]
        for what, old, new in zip(("false rejects", "misses"), before, found, strict=True):
            rows.append(form.row(f"{name}: {what}, threshold as it was", old, "share", seeds=[0]))
            rows.append(form.row(f"{name}: {what}, moved with 8 pictures", new, "share", seeds=[0]))
        rows.append(form.row(f"{name}: refused of {DRAWS} draws", refused, "draws", seeds=[0]))
        if given.scores:
            np.savez(given.scores / name.replace(" ", "_"), good=good, bad=bad, calibration=calibration)
    command = shlex.join(["python", "bench/recalibration.py", *sys.argv[1:]])
    form.write("recalibration", command, rows)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores; {WANTED:.0%} false rejects wanted."
    show("recalibration", f"{head}\n\n{form.table(rows)}")


if __name__ == "__main__":
    main()

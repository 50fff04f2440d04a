"""What training runs of all media share: a place to work in, the agreement of a resumed run, the outcome."""

import json
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import burnish
from burnish.errors import BundleError, BurnishError
from burnish.store.bundle import DESCRIPTION, WEIGHTS, Bundle, write_bundle
from burnish.train.budget import Budget
from burnish.train.loop import Fitted

SHEET = "samples.png"
CHECKPOINT = "checkpoint.safetensors"
PLAN = "plan.json"


@dataclass(frozen=True)
class Trained:
    """The outcome: `bundle` is None when the run was interrupted, and goes on with resume."""

    bundle: Bundle | None
    fitted: Fitted
    work: Path
    samples: str = SHEET

    def __str__(self) -> str:
        f = self.fitted
        if self.bundle is None:
            return (
                f"Stopped after {f.step} updates, kept in {self.work}."
                " Run the same command with --resume to go on."
            )
        why = {
            "budget": "the budget was spent",
            "upturn": "the held-out loss had turned up",
            "copies": "it began to repeat training pictures",
        }[f.stopped]
        known = 0 < f.best_loss < float("inf")
        judged = f", held-out loss {f.best_loss:.4f} at update {f.best_step}" if known else ""
        return (
            f"{f.step} updates in {f.seconds:.0f} s; stopped because {why}{judged}.\n"
            f"Bundle {self.bundle.path} ({self.bundle.hash}); look at {self.bundle.path / self.samples}"
        )


def work_folder(out: str | Path) -> Path:
    """Where a run keeps its checkpoint and growing sheet until its bundle is written."""
    out = Path(out)
    return out.with_name(f"{out.name}.training")


def open_place(out: str | Path, resume: bool) -> Path:
    """The work folder of a run that will write the bundle `out`; nothing is made yet.

    Raises:
        BundleError: Something that is not a bundle lies at `out`.
        BurnishError: An unfinished run lies there and `resume` was not asked for.
    """
    out, work = Path(out), work_folder(out)
    if out.exists() and not (out / DESCRIPTION).exists() and (not out.is_dir() or any(out.iterdir())):
        raise BundleError(out, "it exists and is not a bundle", "Name a new folder")
    if (work / CHECKPOINT).exists() and not resume:
        raise BurnishError(
            work, "holds an unfinished run", "Add --resume to go on with it, or delete the folder"
        )
    return work


def agree(work: Path, now: Mapping[str, Any]) -> None:
    """Writes what a resumed run must agree with, and refuses one that does not.

    Args:
        work: The work folder; made if missing.
        now: Named things that must not change, fit for JSON.

    Raises:
        BurnishError: An unfinished run was begun otherwise, or the folder cannot be written.
    """
    file, now = work / PLAN, json.loads(json.dumps(now))
    if file.exists() and (work / CHECKPOINT).exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        changed = [key for key in now if now[key] != before.get(key)]
        if changed:
            raise BurnishError(
                work,
                f"was begun with other {' and '.join(changed)}",
                "Resume with the same, or delete the folder",
            )
    try:
        work.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(now, indent=1), encoding="utf-8")
    except OSError as error:
        raise BurnishError(work, f"cannot be written ({error.strerror})", "Choose another --out") from error


def versions() -> dict[str, str]:
    """Of what a bundle was made with."""
    return {
        "burnish": burnish.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def account(fitted: Fitted, seed: int, batch: int, budget: Budget, seconds: float) -> dict[str, Any]:
    """What a bundle says of its training: how it went, what it took, with which versions.

    Args:
        fitted: The outcome.
        seed: Of everything random.
        batch: Samples an update.
        budget: What was allowed.
        seconds: What it took, tuning included.
    """
    return {
        "training": asdict(fitted) | {"seed": seed, "batch": batch, "budget": asdict(budget)},
        "cost": {"seconds": round(seconds, 1), "machine": platform.processor() or platform.machine()},
        "versions": versions(),
    }


def save(
    out: str | Path,
    meta: dict[str, Any],
    model: torch.nn.Module,
    card: str,
    more: Callable[[Path], None],
) -> Bundle:
    """Writes a trained model's bundle, and then removes the work folder.

    Args:
        out: The bundle.
        meta: Its description.
        model: Whose weights are saved.
        card: Its card, Markdown.
        more: Writes what else belongs into the folder: samples, a codec.
    """

    def write(folder: Path) -> None:
        state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        more(folder)

    bundle = write_bundle(out, meta, write, card)
    shutil.rmtree(work_folder(out), ignore_errors=True)
    return bundle

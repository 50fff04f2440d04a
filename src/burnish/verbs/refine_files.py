"""`refine` over files and folders: a bad one is named and left out, the rest is done."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from burnish.errors import BurnishError
from burnish.media.dataset import Problem, file_sha256, find_images
from burnish.media.image import SUFFIXES, read_mask, write_png
from burnish.media.original import Original, read_original
from burnish.media.sheet import contact_sheet
from burnish.store.recording import Recorder, Unrecorded, recorded
from burnish.verbs.album import parameters
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import condition_of
from burnish.verbs.refine import Refined, refine
from burnish.verbs.wish import Wish

SHEET = "sheet.png"
SHOWN = 32
Refiner = Callable[[Original, np.ndarray | None, Wish], Iterator[Refined]]
"""What refines one picture: a model of ours, or a pretrained pipeline."""


@dataclass
class Outcome:
    """What came of a batch.

    Attributes:
        files: Written, in order.
        problems: What was left out, each by name.
        notes: What a person should know of single files.
        sheet: Before beside after, of the first ones.
    """

    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheet: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 when everything was done, 1 when something was left out, 2 when nothing could be done."""
        return 0 if not self.problems else 1 if self.files else 2

    def __str__(self) -> str:
        lines = [*self.notes, *(f"left out: {problem}" for problem in self.problems)]
        done = f"{len(self.files)} refined, {len(self.problems)} left out"
        return "\n".join([*lines, f"{done}; look at {self.sheet}" if self.sheet else done])


def refine_files(
    model: Diffusion,
    images: Sequence[str | Path],
    out: str | Path,
    wish: Wish | None = None,
    mask: str | Path | None = None,
    on_picture: Callable[..., object] | None = None,
    recorder: Recorder | None = None,
) -> Outcome:
    """Refines files and folders with a model of ours; see `refine_all`."""
    wish = wish or Wish()
    condition_of(model, wish.describe)
    facts = {"Sampler": "ab2", "Model hash": model.bundle.hash}
    return refine_all(partial(refine, model), facts, images, out, wish, mask, on_picture, recorder)


def refine_all(
    refiner: Refiner,
    facts: dict[str, Any],
    images: Sequence[str | Path],
    out: str | Path,
    wish: Wish,
    mask: str | Path | None = None,
    on_picture: Callable[..., object] | None = None,
    recorder: Recorder | None = None,
) -> Outcome:
    """Refines files and folders, each picture for itself.

    Args:
        refiner: Refines one.
        facts: Of the model, for the files' `parameters` text; `Model hash` among them.
        images: Files, and folders whose pictures are taken.
        out: Where the PNG files go, under the names of the pictures, and `sheet.png`, before beside after.
        wish: What to do to each.
        mask: A mask for all, or a folder with a mask of the same name for each; white may change.
        on_picture: Called after each result or problem.
        recorder: Gets a row for each result, before it is computed.

    Raises:
        BurnishError: Wishes that clash; a name in `out` is a picture to be refined; the disk refuses a file,
            those before it are kept.
    """
    if mask is not None and wish.to > 1:
        raise BurnishError(f"mask {mask}", "cannot go with upscaling", "Do one after the other")
    out, outcome, shown = Path(out), Outcome(), []
    recorder, tell = recorder or Unrecorded(), on_picture or (lambda *_: None)
    for file, name in _targets(images, out, outcome.problems):
        try:
            original = read_original(file)
            hole = _mask_of(file, mask, original)
            work = refiner(original, hole, wish)
        except BurnishError as error:
            reason = error.reason if error.thing == str(file) else f"{error.thing} {error.reason}"
            outcome.problems.append(Problem(str(file), "broken", reason, error.cure))
            tell(file)
            continue
        if original.note:
            outcome.notes.append(f"{file}: {original.note}")
        for index in range(wish.variations):
            target = out / (f"{name}.png" if wish.variations == 1 else f"{name}-{index:02d}.png")
            row_facts = {
                "medium": "image",
                "description": wish.describe,
                "seed": wish.seed,
                "index": index,
                "model_hash": facts.get("Model hash", ""),
                "inputs": {file.name: file_sha256(file)},
                "settings": _settings(wish),
            }
            with recorded(recorder, "refine", **row_facts) as row:
                result = next(work)
                write_png(
                    target, result.picture.array(), {"parameters": _parameters(facts, wish, result, index)}
                )
                row.output = target
            outcome.files.append(target)
            if result.scores:
                outcome.notes.append(f"{target.name}: {describe_rounds(result)}")
            if len(shown) < 2 * SHOWN:
                shown += [_seen(result.before), _seen(result.picture)]
            tell(target)
    if shown:
        outcome.sheet = out / SHEET
        write_png(outcome.sheet, contact_sheet(shown, columns=8, tile=160, title="before | after"))
    return outcome


def count_of(images: Sequence[str | Path]) -> int:
    """How many pictures files and folders name."""
    return sum(len(find_images(path)) if Path(path).is_dir() else 1 for path in images)


def describe_rounds(result: Refined) -> str:
    """One line about rounds: the criterion of each and what was kept."""
    before, *after = result.scores
    steps = ", ".join(f"round {k} {score:.3f}" for k, score in enumerate(after, start=1))
    kept = f"kept round {result.kept}" if result.kept else "kept the picture as it was"
    return f"oddness {'' if np.isinf(before) else f'{before:.3f} before, '}{steps}; {kept}"


def _targets(images: Iterable[str | Path], out: Path, problems: list[Problem]) -> list[tuple[Path, str]]:
    """(file, name without suffix) of each picture; two of one name keep their own suffixes in it."""
    found: list[tuple[Path, Path]] = []
    for path in map(Path, images):
        if not path.is_dir():
            found.append((path, Path(path.name)))
            continue
        inside = find_images(path)
        found += [(file, file.relative_to(path)) for file in inside]
        if not inside:
            problems.append(Problem(str(path), "missing", "holds no picture", "Give PNG or JPEG files"))
    taken: dict[str, int] = {}
    for _, name in found:
        key = name.with_suffix("").as_posix().casefold()
        taken[key] = taken.get(key, 0) + 1
    targets, used = [], set()
    for file, name in found:
        plain = name.with_suffix("").as_posix()
        chosen = plain if taken[plain.casefold()] == 1 else name.as_posix()
        while chosen.casefold() in used:
            chosen += "-again"
        used.add(chosen.casefold())
        if (out / f"{chosen}.png").resolve() == file.resolve():
            raise BurnishError(file, "would be overwritten by its refined picture", "Choose another --out")
        targets.append((file, chosen))
    return targets


def _mask_of(file: Path, mask: str | Path | None, original: Original) -> np.ndarray | None:
    if mask is None:
        return None
    mask = Path(mask)
    if mask.is_dir():
        named = sorted(f for f in mask.glob(f"{file.stem}.*") if f.suffix.lower() in SUFFIXES)
        if not named:
            raise BurnishError(mask, f"holds no mask named {file.stem}", "Name masks as their pictures")
        mask = named[0]
    return read_mask(mask, original.size)


def _settings(wish: Wish) -> dict[str, Any]:
    """The wishes that differ from nothing, for records and texts."""
    plain = Wish()
    return {key: value for key, value in vars(wish).items() if value != getattr(plain, key)}


def _parameters(facts: dict[str, Any], wish: Wish, result: Refined, index: int) -> str:
    """The text a refined picture carries, in the form that picture tools read."""
    height, width = result.picture.size
    told = {
        "Steps": wish.steps,
        "CFG scale": f"{wish.guidance:g}",
        "Seed": wish.seed,
        "Index": index,
        "Size": f"{width}x{height}",
        **({"Denoising strength": f"{wish.strength:g}"} if wish.strength is not None else {}),
        **({"Upscale": f"{wish.to}x"} if wish.to > 1 else {}),
        **({"Round": result.kept} if result.scores else {}),
        **facts,
    }
    return parameters(wish.describe, told)


def _seen(picture: Original) -> np.ndarray:
    return np.clip(np.rint(picture.levels()), 0, 255).astype(np.uint8)

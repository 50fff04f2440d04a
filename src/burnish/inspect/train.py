"""`burnish inspect train`: from a folder of parts to an inspector's bundle."""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from burnish.errors import BurnishError, DatasetError
from burnish.inspect.calibrate import Calibration
from burnish.inspect.choose import Choice, choose, takes_none
from burnish.inspect.detector import Inspector
from burnish.inspect.heldout import FOLDS, KEPT, Memory, conclude, deal, judge_held_out, remember, taught
from burnish.inspect.learn import Lesson, Report, Settings, assemble, one_core_each, read_shots, teach
from burnish.inspect.pairs import Shot, Synthesiser
from burnish.inspect.recipe import Recipe, choose_recipe, train_painter
from burnish.inspect.reference import load_reference
from burnish.inspect.shots import FOLDER, PARTS, save_shots
from burnish.inspect.synthesise import save_synthesiser
from burnish.inspect.weak import with_masks
from burnish.media.dataset import PartSet, open_parts
from burnish.store.bundle import WEIGHTS, Bundle, check_place, write_bundle
from burnish.train.budget import Budget
from burnish.train.run import versions

PAINTING = 0.15
"""Share of the budget for learning to paint defects, where the recipe does."""
RESERVE = 0.1
"""Share of the budget kept for judging held-out parts and saving."""
OTHER = "other.safetensors"
"""The second segmenter in the bundle: `add` goes on from it."""


class Stopped(BurnishError):
    """The user asked to stop; what was learned is kept for the same command to go on."""

    exit_code = 130


def train_inspector(
    root: str | Path, out: str | Path, settings: Settings, report: Report = lambda *_: None
) -> Bundle:
    """Trains an inspector on a folder's `train` parts and writes its bundle.

    An interrupted run goes on when the same command is given again: what was learned lies beside `out`.

    Args:
        root: A data set, see `open_parts`.
        out: The bundle's folder.
        settings: What was asked for.
        report: Told what is going on.

    Raises:
        DatasetError: Fewer than two good parts can be read.
        BurnishError: A setting that cannot be met.
        Stopped: The user stopped it.
    """
    began = time.monotonic()
    parts = training_parts(root)
    problems: list[Any] = list(parts.problems)
    shots, side = read_shots(parts, problems, report)
    run = Run(Path(out), settings, report, began)
    facts = {
        "data_hash": parts.hash(),
        "name": parts.root.resolve().name,
        "problems": [str(p) for p in problems],
        "licence": "not stated",
    }
    with one_core_each():
        return run.go(shots, side, facts)


def training_parts(root: str | Path) -> PartSet:
    """The parts to learn from: the `train` rows where there are splits, else all.

    Raises:
        DatasetError: The folder has splits and none is `train`.
    """
    parts = open_parts(root)
    if "train" in parts.splits:
        return parts.only("train")
    raise DatasetError(
        root,
        f"has no `train` parts, only {', '.join(parts.splits) or 'none at all'}",
        "Mark the parts to learn from as `train`",
    )


class Run:
    """One training, from parts in memory to a bundle."""

    def __init__(self, out: Path, settings: Settings, report: Report, began: float) -> None:
        self.out, self.settings, self.report, self.began = out, settings, report, began
        self.work = out.parent / f".{out.name}.work"

    def left(self) -> float:
        """Minutes of the budget that are left."""
        return self.settings.minutes - (time.monotonic() - self.began) / 60

    def go(
        self,
        shots: list[Shot],
        side: int,
        facts: dict[str, Any],
        warm: dict[int, dict[str, torch.Tensor]] | None = None,
        recipe: Recipe | None = None,
    ) -> Bundle:
        s = self.settings
        self._claim(facts["data_hash"], shots)
        shots = deal(shots, np.random.default_rng((s.seed, 2)))
        reference = load_reference(s.backbone)
        memory = remember(shots, reference, s.seed, self.report)
        shots = _with_weak_masks(shots, memory)
        recipe = recipe or choose_recipe(s.synthesis, split(shots)[1])
        lessons = self._lessons(shots, recipe)
        if teach(lessons, s.workers, self.report, warm):
            raise Stopped(
                self.out, "stopped; what was learned so far is kept", "Give the same command to go on"
            )
        models = [lesson.model for lesson in lessons if lesson.model is not None]
        held = judge_held_out(shots, models, memory, self.report)
        fusion, calibration, ranks = conclude(shots, held, bool(lessons), s.false_rejects)
        inspector = assemble(models[KEPT] if models else None, s.backbone, memory.surprise, fusion)
        learned = facts | {
            "side": side,
            "held_out_auroc": ranks,
            "strangest": _strangest([x.name for x in shots if x.label == "good"], calibration.scores),
            "updates": [x.fitted.step for x in lessons if x.fitted],
        }
        return self._save(inspector, calibration, shots, lessons, recipe, learned)

    def _lessons(self, shots: list[Shot], recipe: Recipe) -> list[Lesson]:
        """Two segmenters, see `heldout`; none where there is nothing to tell apart.

        Each has a painter that learned from the same parts as it. The other one's parts leave defects over,
        on which painting and pasting are tried class by class; the kept one waits for what comes of it.
        """
        if not recipe.shares and all(x.label == "good" or x.mask is None for x in shots):
            return []
        s, deadline = self.settings, time.monotonic() + 60 * (self.left() - RESERVE * self.settings.minutes)
        rounds = 1 if s.workers > 1 else FOLDS
        other, choice = replace(recipe, facts={}), Future[Choice | None]()

        def lesson(number: int) -> Lesson:
            goods, defects = split(taught(shots, number))
            mine = recipe if number == KEPT else other
            rest = 1 if number == KEPT else rounds

            def made() -> Synthesiser | None:
                minutes = PAINTING * self.left() / rest
                train_painter(mine, goods, defects, minutes, s.steps, s.seed * FOLDS + number)
                if number == KEPT:
                    if (found := choice.result()) is not None:
                        mine.settle(found)
                else:
                    choice.set_result(self._choose(mine, goods, defects, shots))
                return mine.synthesiser(goods, defects)

            def made_or_failed() -> Synthesiser | None:
                try:
                    return made()
                except BaseException as error:
                    if number != KEPT:
                        choice.set_exception(error)
                    raise

            def budget() -> Budget:
                return s.budget(max(0.0, deadline - time.monotonic()) / 60 / rest)

            checkpoint = self.work / f"segmenter_{number}.safetensors"
            return Lesson(goods, defects, made_or_failed, checkpoint, budget, s.seed * 100 + number)

        return [lesson(number) for number in range(FOLDS)]

    def _choose(
        self, recipe: Recipe, goods: list[Shot], defects: list[Shot], shots: list[Shot]
    ) -> Choice | None:
        """What serves each class, judged on parts that `recipe` has not seen; None where nothing is open."""
        ways = recipe.ways(goods, defects) if self.settings.synthesis == "auto" else {}
        if not ways:
            return None
        unseen = [x for x in shots if x.fold != KEPT]
        return choose(ways, [*goods, *defects], unseen, np.random.default_rng((self.settings.seed, 4)))

    def _claim(self, data_hash: str, shots: list[Shot]) -> None:
        """Takes the work folder; one of another training is begun anew."""
        check_place(self.out)
        plan = f"{data_hash} {len(shots)} {replace(self.settings, workers=1)}"
        note = self.work / "plan.txt"
        if not note.exists() or note.read_text(encoding="utf-8") != plan:
            shutil.rmtree(self.work, ignore_errors=True)
            try:
                self.work.mkdir(parents=True)
                note.write_text(plan, encoding="utf-8")
            except OSError as error:
                raise BurnishError(
                    self.out, f"cannot write there ({error.strerror})", "Choose another --out"
                ) from error

    def _save(
        self,
        inspector: Inspector,
        calibration: Calibration,
        shots: list[Shot],
        lessons: Sequence[Lesson],
        recipe: Recipe,
        facts: dict[str, Any],
    ) -> Bundle:
        goods, defects = split(shots)
        seconds = time.monotonic() - self.began
        counts = Counter(x.label for x in shots)
        meta = {
            "kind": "inspector",
            "architecture": {"name": "lite0 segmenter and surprise", "reference": self.settings.backbone},
            "multiple": 32,
            "threshold": calibration.threshold.value,
            "wanted": calibration.threshold.wanted,
            "good_scores": calibration.to_json()["good_scores"],
            "calibration": calibration.to_json(),
            "folds": calibration.folds,
            "fusion": inspector.fusion.to_json(),
            "classes": sorted(set(counts) - {"good"}),
            "train_seconds": round(seconds, 1),
            "settings": asdict(self.settings),
            "synthesis": _synthesis_facts(recipe),
            "training": {
                "good parts": counts["good"],
                "defective parts": len(shots) - counts["good"],
                "working resolution": f"{facts['side']} px",
                "updates of each segmenter": facts["updates"],
                "held-out AUROC": {k: round(v, 3) for k, v in facts["held_out_auroc"].items()},
                "strangest good parts, held out": ", ".join(facts["strangest"]),
                "parts left out or by label only": len(facts["problems"]),
            },
            "versions": versions(),
            "licences": {"weights of EfficientNet-Lite0": "Apache-2.0", "data": facts["licence"]},
            **facts,
        }

        def write(folder: Path) -> None:
            save_file({k: v.contiguous() for k, v in inspector.state_dict().items()}, folder / WEIGHTS)
            if lessons and (other := lessons[1 - KEPT].model) is not None:
                save_file({k: v.contiguous() for k, v in other.state_dict().items()}, folder / OTHER)
            made = recipe.lasting(goods, defects)
            if made is not None:
                save_synthesiser(folder / FOLDER, made, shots)
            else:
                save_shots(folder / PARTS, shots)

        bundle = write_bundle(self.out, meta, write, _card(meta))
        shutil.rmtree(self.work, ignore_errors=True)
        return bundle


def split(shots: Sequence[Shot]) -> tuple[list[Shot], list[Shot]]:
    return [s for s in shots if s.label == "good"], [
        s for s in shots if s.label != "good" and s.mask is not None
    ]


def _strangest(names: Sequence[str], scores: np.ndarray, count: int = 3) -> list[str]:
    """The good parts with the highest held-out scores, which the threshold rests on: `name (score)`."""
    return [f"{names[i]} ({scores[i]:.2f})" for i in np.argsort(-scores)[:count].tolist()]


def _with_weak_masks(shots: list[Shot], memory: Memory) -> list[Shot]:
    """Guesses where the defect is on parts that have a label only, from their surprise."""
    goods = [s for s in shots if s.label == "good"]
    out = []
    for shot, surprise in zip(shots, memory.maps, strict=True):
        if shot.mask is None:
            size = (shot.image.shape[0], shot.image.shape[1])
            fine = torch.nn.functional.interpolate(surprise[None, None], size=size, mode="bilinear")[
                0, 0
            ].numpy()
            guessed = with_masks(goods, [shot], lambda _, fine=fine: fine)
            shot = guessed[0] if guessed else shot
        out.append(shot)
    return out


def _synthesis_facts(recipe: Recipe) -> dict[str, Any]:
    taken = {} if takes_none(recipe.way) else recipe.shares
    shares = ", ".join(f"{method} {share:.0%}" for method, share in taken.items()) or "none"
    facts: dict[str, Any] = {
        "text": f"New defects: {shares}. {recipe.why}",
        "shares": dict(taken),
        "way": dict(recipe.way),
        **recipe.facts,
    }
    if "rejected" in recipe.facts:
        facts |= {"reasons": recipe.facts["rejected"], "rejected": sum(recipe.facts["rejected"].values())}
    return facts


def _card(meta: dict[str, Any]) -> str:
    training, rule = meta["training"], meta["calibration"]
    problems = "".join(f"- {problem}\n" for problem in meta["problems"])
    left_out = f"Left out, or used by their label only:\n\n{problems}\n" if problems else ""
    return f"""# An inspector for {meta["name"]}

- Learned from {training["good parts"]} good and {training["defective parts"]} defective parts
  in {meta["train_seconds"]:.0f} s, seed {meta["settings"]["seed"]}, at {training["working resolution"]}.
- {meta["synthesis"]["text"]}
- Rejects above {meta["threshold"]:.4g}. {rule["guarantee"]}
- The strangest good parts set the threshold: {", ".join(meta["strangest"])}. Look at them: one that
  is defective after all makes the inspector miss more.
- Data hash {meta["data_hash"]}; licence of the data: {meta["licence"]}.
- Weights of EfficientNet-Lite0: Apache-2.0.

{left_out}Measure it on parts that it has not seen before you trust it: `burnish inspect eval`.
"""

"""`burnish train` on text: lines in, a diffusion bundle of lines out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from burnish.core.corrected import Corrected, Seen
from burnish.core.masked import Masked, paced
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.errors import BundleError
from burnish.media.text import FEW, Texts, key, load_texts
from burnish.media.vocabulary import BEGIN, END, MASK, PAD, Vocabulary
from burnish.nets.text import TextConfig, TextNet
from burnish.store.bundle import WEIGHTS, Bundle, read_bundle
from burnish.train.budget import Budget
from burnish.train.loop import Fitted, Options, Progress, fit, seeded_weights
from burnish.train.plan import Tariff
from burnish.train.run import CHECKPOINT, Trained, account, agree, open_place, save
from burnish.train.text_lesson import TextLesson, pack

SAMPLES = "samples.txt"
SIZE = 1536
SHOWN = 12


@dataclass(frozen=True)
class TextPlan:
    """What was found and what will be done; `str` says it to a person."""

    texts: Texts
    lesson: TextLesson
    budget: Budget
    parameters: int
    base: str | None = None
    tariff: Tariff = field(default_factory=Tariff)

    def __str__(self) -> str:
        t, lesson, minutes = self.texts, self.lesson, self.budget.minutes
        characters = sum(map(len, t.lines))
        told = [f"{t.empty} empty lines left out"] * bool(t.empty)
        told += [f"{t.cut} long lines cut at spaces"] * bool(t.cut)
        time = f"Takes {minutes:g} minutes at most, {self.tariff.say(minutes)}." if minutes else ""
        lines = [
            f"Found {len(t)} lines ({t.different} different, {characters} characters) in {t.root}"
            f" ({t.layout}{''.join(f'; {note}' for note in told)}).",
            *(f"  left out: {problem}" for problem in t.problems[:10]),
            *([f"  and {len(t.problems) - 10} more problems"] if len(t.problems) > 10 else []),
            f"Trains {self.parameters / 1e6:.1f} M weights on {len(lesson.train)} of them;"
            f" {len(lesson.held)} are held out to judge by. {len(lesson.vocabulary)} byte-pair tokens,"
            f" {sum(map(len, lesson.train)) / max(1, sum(map(len, lesson.tokens))):.1f} characters each.",
            *([f"Goes on from the bundle {self.base}."] if self.base else []),
            time or f"Takes {self.budget.steps} updates.",
            "The loss on held-out lines is in bits per character: the exact bound, the length included.",
        ]
        if t.different < FEW:
            lines.append(
                f"Warning: {t.different} different lines are few; below {FEW} expect what was seen, shuffled."
            )
        if not lesson.held:
            lines.append("Warning: too few lines to hold any out; nothing can say when to stop.")
        return "\n".join(lines)


def train(
    root: str | Path,
    out: str | Path,
    budget: Budget,
    seed: int = 0,
    column: str | None = None,
    resume: bool = False,
    on_plan: Callable[[TextPlan], None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    on_samples: Callable[[list[str]], None] | None = None,
    base: str | Path | None = None,
    tariff: Tariff = Tariff(),
    **changes: Any,
) -> Trained:
    """Trains a diffusion model of lines and writes its bundle.

    Args:
        root, column: See `media.text.load_texts`.
        out: The bundle to write; `<out>.training` holds the checkpoint and samples meanwhile.
        budget: When to stop.
        seed: Of weights, hold-out, order and noise.
        resume: Go on from the checkpoint of an interrupted run.
        on_plan: Told what was found, before training.
        on_progress: See `train.loop.fit`; answering True or Ctrl-C stops the run and keeps the checkpoint.
        on_samples: Told lines of the model as it grows, the same seeds each time.
        base: A bundle of text to begin from: its vocabulary and weights, with the counts of the new lines.
        tariff: For the plan's cost.
        changes: Fields of `nets.text.TextConfig` to set.

    Raises:
        DatasetError, BundleError: Nothing to train on; no place to write; a base of another kind.
        BurnishError: An unfinished run in the way.
    """
    out, work = Path(out), open_place(out, resume)
    texts = load_texts(root, column)
    plan, model = prepare(texts, budget, seed, base, tariff=tariff, **changes)
    if on_plan:
        on_plan(plan)
    told = {"data": texts.hash, "architecture": plan.lesson.config.to_json(), "seed": seed}
    agree(work, {**told, "base": plan.base})

    def watch(progress: Progress) -> bool | None:
        if progress.validated:
            lines = draw_lines(progress.model, plan.lesson, seed)
            (work / SAMPLES).write_text("\n".join(lines) + "\n", encoding="utf-8")
            if on_samples:
                on_samples(lines)
        return on_progress(progress) if on_progress else None

    fitted = fit(
        model,
        plan.lesson.batch,
        plan.lesson.loss,
        budget,
        Options(seed=seed, ema=0.998),
        validate=plan.lesson.validate if plan.lesson.held else None,
        on_progress=watch,
        checkpoint=work / CHECKPOINT,
        resume=resume,
    )
    if fitted.stopped == "asked":
        return Trained(None, fitted, work, SAMPLES)
    return Trained(save_bundle(out, model, plan, fitted, seed), fitted, work, SAMPLES)


def prepare(
    texts: Texts,
    budget: Budget,
    seed: int,
    base: str | Path | None = None,
    chained: bool = True,
    tariff: Tariff = Tariff(),
    size: int = SIZE,
    **changes: Any,
) -> tuple[TextPlan, Corrected]:
    """The lesson and a new network for some lines; see `train`."""
    begun = read_bundle(base, kind="diffusion") if base else None
    if begun is not None and begun.meta.get("media") != "text":
        raise BundleError(begun.path, "is no bundle of text", "Name one that was trained on text")
    if begun is not None:
        vocabulary = Vocabulary.from_json(begun.meta["codec"]["vocabulary"])
        config = TextConfig(**_shape(begun.meta["architecture"]))
    else:
        vocabulary = Vocabulary.learn(texts.holdout(seed=seed)[0], size)
        config = TextConfig(len(vocabulary), MASK, BEGIN, END, PAD, **changes)
    lesson = TextLesson(texts, vocabulary, config, seed, chained)
    with seeded_weights(seed):
        model = Corrected(TextNet(config), lesson.chain)
    if begun is not None:
        weights = load_file(begun.path / WEIGHTS)
        model.load_state_dict({k: v for k, v in weights.items() if not k.startswith("chain.")}, strict=False)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lesson.device = device
    lesson.chains = [chain.to(device) if chain is not None else None for chain in lesson.chains]
    count = sum(p.numel() for p in model.parameters())
    plan = TextPlan(texts, lesson, budget, count, begun.hash if begun else None, tariff)
    return plan, model.to(device)


def draw_lines(
    model: nn.Module, lesson: TextLesson, seed: int, count: int = SHOWN, steps: int = 24
) -> list[str]:
    """Fresh lines, the same seeds each time, so that they grow."""
    lengths = torch.tensor(lesson.lengths, dtype=torch.float64)
    rngs = [seeded(seed, 11, index) for index in range(count)]
    drawn = [int(torch.multinomial(lengths, 1, generator=rng)) for rng in rngs]
    start = pack([[MASK] * n for n in drawn]).to(lesson.device)
    known = start != MASK
    assert isinstance(model, Corrected)
    made = sample(
        Seen(model),
        Masked(MASK),
        tuple(start.shape),
        min(steps, max(drawn)),
        paced(rngs),
        known=start,
        known_mask=known,
        rng=rngs,
    )
    return [lesson.vocabulary.decode(line.tolist()) for line in made]


def save_bundle(out: str | Path, model: Corrected, plan: TextPlan, fitted: Fitted, seed: int) -> Bundle:
    """Writes the bundle, kind `diffusion`, media `text`, and then removes the work folder."""
    texts, lesson = plan.texts, plan.lesson
    lines = draw_lines(model, lesson, seed, count=100)
    seen = {key(line) for line in lesson.train}
    meta = {
        "kind": "diffusion",
        "media": "text",
        "architecture": {"name": "text", **lesson.config.to_json()},
        "chain": lesson.chain.shape if lesson.chain is not None else None,
        "codec": {"name": "byte pairs", "vocabulary": lesson.vocabulary.to_json()},
        "process": {"name": "masked"},
        "lengths": lesson.lengths,
        "base": plan.base,
        "data": {
            "hash": texts.hash,
            "lines": len(texts),
            "different": texts.different,
            "held_out": len(lesson.held),
            "layout": texts.layout,
            "repeated": round(texts.repeated, 4),
            "licence": "not stated",
        },
        "copies": round(sum(key(line) in seen for line in lines) / len(lines), 4),
        **account(fitted, seed, lesson.batch_size, plan.budget, fitted.seconds),
    }

    def more(folder: Path) -> None:
        (folder / SAMPLES).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return save(out, meta, model, card(meta), more)


def card(meta: dict[str, Any]) -> str:
    """The model card, Markdown."""
    data, training = meta["data"], meta["training"]
    judged = (
        f"{training['best_loss']:.3f} bits per character at update {training['best_step']}"
        if data["held_out"]
        else "not measured, nothing held out"
    )
    copies = f"{meta['copies']:.0%} stand in the training lines, case aside"
    return f"""# A diffusion model of {data["lines"]} lines of text

- {data["different"]} different lines; {meta["architecture"]["size"]} byte pairs; layout {data["layout"]}.
- Data hash {data["hash"]}; licence of the data: {data["licence"]}.
- Trained for {meta["cost"]["seconds"]:.0f} s, {training["step"]} updates of {training["batch"]} lines;
  seed {training["seed"]}; stopped by: {training["stopped"]}.
- Bound on {data["held_out"]} held-out lines: {judged}.
- Of 100 fresh lines {copies};
  of the data's own lines {data["repeated"]:.0%} stand there more than once.

It holds counts of which token followed which: treat it as confidential as the lines. Made lines are no
records of anything that happened. Look at `{SAMPLES}`.
"""


def _shape(architecture: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in architecture.items() if name != "name"}

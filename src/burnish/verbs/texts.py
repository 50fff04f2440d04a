"""Lines made, filled, repaired and rewritten, all by one walk with known tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from burnish.core.corrected import Seen
from burnish.core.masked import ancestral, paced
from burnish.core.posterior import Categorical
from burnish.core.process import seeded
from burnish.core.sample import Step, sample
from burnish.errors import BurnishError
from burnish.media.casing import LOWER, MARKS, UPPER
from burnish.media.text import key
from burnish.media.vocabulary import MASK
from burnish.verbs.template import GAP, Lengths, Template, gap_lengths, parse
from burnish.verbs.text_model import TextModel

STEPS = 32
TRIES = 8
"""Draws of a filling that is not there yet."""


@dataclass(frozen=True)
class Settings:
    """Of a walk.

    Args:
        steps: At most so many; more reveal fewer tokens at once, so that they fit each other better, and as
            many as there are tokens to reveal are as good as any more.
        temperature: 1 samples the model; below it the likelier is preferred.
        seed: Line k depends on (seed, k) alone; of fillings, on (seed, 0 to k).
    """

    steps: int = STEPS
    temperature: float = 1.0
    seed: int = 0

    def check(self, n: int) -> None:
        """Raises a BurnishError where a value is out of its range."""
        if n < 1 or self.steps < 1:
            raise BurnishError(f"n = {n}, steps = {self.steps}", "both must be at least 1")
        if not 0 < self.temperature <= 10:
            raise BurnishError(f"temperature {self.temperature:g}", "must be above 0 and at most 10")


def make(
    model: TextModel,
    prompt: str = "",
    n: int = 16,
    settings: Settings = Settings(),
    callback: Callable[[Step], bool | None] | None = None,
) -> Iterator[str]:
    """Fresh lines.

    Args:
        model: From `load`.
        prompt: What a line begins with; "" for nothing. With gaps (`____`) it is `infill`.
        n: How many, >= 1.
        settings: Of the walk.
        callback: See `core.sample.sample`.

    Raises:
        BurnishError: A value out of its range, or a prompt that is no line.
    """
    settings.check(n)
    if prompt.strip():
        start = prompt if "__" in prompt else f"{prompt.strip()} ____"
        return infill(model, start, n, settings, callback)
    return _fresh(model, n, settings, callback)


def _fresh(model: TextModel, n: int, settings: Settings, callback: Any) -> Iterator[str]:
    lengths = torch.tensor(model.lengths, dtype=torch.float64)
    for index in range(n):
        rng = seeded(settings.seed, index)
        start = model.frame([MASK] * int(torch.multinomial(lengths, 1, generator=rng)))
        yield model.vocabulary.decode(_walk(model, start, settings, rng, callback)[0].tolist())


def infill(
    model: TextModel,
    text: str,
    n: int = 16,
    settings: Settings = Settings(),
    callback: Callable[[Step], bool | None] | None = None,
) -> Iterator[str]:
    """A line with its gaps filled, n times; how long a gap is, is drawn as well.

    A filling that was there before is drawn again, up to `TRIES` times; then it is likely that there are no
    others, and it is given once more.

    Args:
        model, n, settings, callback: See `make`.
        text: A line with gaps, `L/H ____ LEAKING`; what is known comes back to the letter.

    Raises:
        BurnishError: No gaps, too many, or a value out of its range.
    """
    settings.check(n)
    template = parse(model, text)

    def lines() -> Iterator[str]:
        lengths, seen = gap_lengths(model, template), {key(GAP.sub("", text))}  # a space fills no gap
        for index in range(n):
            draws = (
                fill(model, template, lengths, settings, seeded(settings.seed, index, attempt), callback)
                for attempt in range(TRIES)
            )
            line = next(draws)
            line = line if key(line) not in seen else next((x for x in draws if key(x) not in seen), line)
            seen.add(key(line))
            yield line

    return lines()


def fill(
    model: TextModel,
    template: Template,
    lengths: Lengths,
    settings: Settings,
    rng: torch.Generator,
    callback: Any = None,
) -> str:
    """One filled line; how long its gaps are is drawn from `lengths`, see `gap_lengths`."""
    choices, weights = lengths
    start, places = template.lay_out(choices[int(torch.multinomial(weights, 1, generator=rng))])
    firsts = [place.start for place, spaced in zip(places, template.spaced, strict=True) if spaced]
    line = _walk(model, start.to(model.device), settings, rng, callback, firsts)[0].tolist()
    return template.fill(model, line, places)


def rewrite(
    model: TextModel,
    text: str,
    strength: float = 0.4,
    n: int = 8,
    settings: Settings = Settings(),
    callback: Callable[[Step], bool | None] | None = None,
) -> Iterator[str]:
    """A line said otherwise: each token is masked with probability `strength`, then walked back.

    Args:
        model, n, settings, callback: See `make`.
        text: The line.
        strength: The time the walk starts at, in (0, 1].

    Raises:
        BurnishError: A value out of its range, or no line.
    """
    settings.check(n)
    if not 0 < strength <= 1:
        raise BurnishError(f"strength {strength:g}", "must be above 0 and at most 1")
    start = model.frame(model.encode(text))

    def lines() -> Iterator[str]:
        for index in range(n):
            rng = seeded(settings.seed, index)
            made = sample(
                Drawable(model, []),
                model.process,
                start,
                settings.steps,
                ancestral(rng, settings.temperature),
                known_mask=_ends(start),
                start_t=strength,
                callback=callback,
                rng=rng,
            )
            yield model.vocabulary.decode(made[0].tolist())

    return lines()


def _walk(
    model: TextModel,
    start: Tensor,
    settings: Settings,
    rng: torch.Generator,
    callback: Any,
    firsts: list[int] | None = None,
) -> Tensor:
    """Reveals the masks of a line, or of its gaps, when it is told which places begin a word."""
    return sample(
        Drawable(model, firsts or [], steady=firsts is not None),
        model.process,
        tuple(start.shape),
        max(1, min(settings.steps, int((start == MASK).sum()))),
        paced(rng, settings.temperature),
        known=start,
        known_mask=start != MASK,
        callback=callback,
        rng=rng,
    )


class Drawable:
    """A denoiser that wraps a denoiser: only tokens that the texts held; some places must begin a word, and
    what fills a gap stays in the case around it.

    Args:
        model: Whose denoiser is asked.
        firsts: Places that must begin a word.
        steady: Whether the line must not turn to capitals or back: what is known after a gap was coded so.
    """

    def __init__(self, model: TextModel, firsts: list[int], steady: bool = False) -> None:
        self.denoiser, self.firsts = Seen(model.denoiser), firsts
        pieces = model.vocabulary.pieces(range(len(model.vocabulary)))
        self.other = torch.tensor([not p.startswith((" ", *MARKS)) for p in pieces], device=model.device)
        self.never = torch.tensor([steady and p in (UPPER, LOWER) for p in pieces], device=model.device)

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Categorical:
        """See `core.posterior.Denoiser`."""
        logits = self.denoiser(x_t, t, condition).logits.masked_fill(self.never, -torch.inf)
        logits[:, self.firsts] = logits[:, self.firsts].masked_fill(self.other, -torch.inf)
        return Categorical(logits)


def _ends(line: Tensor) -> Tensor:
    """True at begin and end."""
    mask = torch.zeros_like(line, dtype=torch.bool)
    mask[:, [0, -1]] = True
    return mask

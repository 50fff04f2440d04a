"""What a diffusion model of a folder of pictures is taught: batches, loss, validation."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.gaussian import StraightPath
from burnish.core.process import normal, seeded
from burnish.core.schedule import training_times
from burnish.media.codec import Pixels
from burnish.nets.condition import Condition, hash_text
from burnish.nets.hourglass import HourglassConfig
from burnish.nets.latents import Latents
from burnish.train import augment
from burnish.train.known import draw_known
from burnish.train.pictures import Pictures

TIMES = (0.4, 1.5)
"""Centre and width of the logit of training times: a picture's brightness and large shapes are decided at
high noise,
for many pixels together tell them, so it is trained more than on data without correlations."""

BINS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
"""Times at which the hold-out is judged."""

MOST_CODES = 2000
"""Whole pictures' codes kept in memory, unless there are more pictures."""

OTHERWISE = 0.3
"""Share of updates at which a picture is described in another of its ways."""

Describe = Callable[[Sequence[str]], Condition]
"""Turns descriptions into conditions of as many samples."""


class Lesson:
    """Batches, loss and validation for `train.loop.fit`.

    Args:
        pictures: The data.
        codec: Pixels to numbers.
        config: The network's; says what it can be told.
        seed: Of the hold-out and the order.
        batch_size: Pictures an update.
        augmented: Whether to train on turned and mirrored views too, each named (see `augment`).
        drop: Share of samples whose class and description are left unsaid, for guidance.
        known: Share of samples of which a part is known, so that filling in is learned (see `train.known`).
        validated: Most pictures validated for each time.
        hold: Share of pictures held out to judge by; 0 trains on all.
        times: Centre and width of the logit of training times, see `core.schedule.training_times`.
        describe: Turns descriptions into what the network is told; None takes n-grams, where it has them.

    Attributes:
        folds: Each picture's fold of a cross-fitted mean, (n,), 0 for held-out ones; None without one.
        told_share: Share of held-out pictures' variance that such a mean tells.
    """

    def __init__(
        self,
        pictures: Pictures,
        codec: Pixels | Latents,
        config: HourglassConfig,
        seed: int = 0,
        batch_size: int = 16,
        augmented: bool = True,
        drop: float = 0.1,
        validated: int = 24,
        known: float = 0.25,
        hold: float = 0.1,
        times: tuple[float, float] = TIMES,
        describe: Describe | None = None,
    ) -> None:
        self.pictures, self.codec, self.config, self.seed = pictures, codec, config, seed
        self.batch_size, self.augmented, self.drop = batch_size, augmented and config.views > 0, drop
        self.process, self.known, self.times = StraightPath(), known, times
        self.train, self.held = pictures.holdout(hold, seed)
        numbers = {name: number + 1 for number, name in enumerate(pictures.classes)}
        self.labels = torch.tensor([numbers.get(entry.label, 0) for entry in pictures.entries])
        phrases, self.sayings = _phrases(pictures)
        if describe is None and config.buckets:
            describe = partial(_ngrams, buckets=config.buckets)
        self.told = describe(phrases) if describe else None
        self.folds: Tensor | None = None
        self.told_share = 0.0
        self.device = torch.device("cpu")
        self._codes: dict[tuple[int, int], np.ndarray] = {}
        self._exam = self._write_exam(validated)

    @property
    def gray(self) -> bool:
        """Whether all pictures are gray."""
        return self.codec.gray

    def batch(self, step: int, rng: np.random.Generator) -> tuple[Tensor, Condition]:
        """The batch of an update, (B, C, size, size) and its conditions: every picture once an epoch, in
        random
        order, at a random view and place."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(places, len(self.train))
        order = {
            int(epoch): np.random.default_rng((self.seed, 12, int(epoch))).permutation(self.train)
            for epoch in np.unique(epochs)
        }
        chosen = [int(order[int(e)][w]) for e, w in zip(epochs, within, strict=True)]
        views = [augment.draw_view(rng) if self.augmented else 0 for _ in chosen]
        return self._cut(chosen, views, rng, speak=rng)

    def loss(self, model: nn.Module, batch: tuple[Tensor, Condition], rng: torch.Generator) -> Tensor:
        """The mean loss at random times, a scalar; pictures of which a part is known lean to high noise, for
        there the known part has most to tell."""
        x_0, condition = batch
        t = training_times(len(x_0), rng, *self.times)
        if self.known > 0:
            partly = torch.rand(len(x_0), generator=rng) < self.known
            unknown = ~draw_known(len(x_0), x_0.shape[2], x_0.shape[3], rng) | ~partly[:, None, None, None]
            t = torch.where(partly, 1 - (1 - t) ** 2, t)[:, None, None, None] * unknown
        t = t.to(x_0.device)
        x_t = self.process.corrupt(x_0, t, rng)
        with precision(x_0.device):
            posterior = model(x_t, t, condition.dropped(self.drop, rng))
        return self.process.loss(posterior, x_0, x_t, t).mean()

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """The loss on the hold-out at fixed noise: `loss`, and `t=0.10` and so on for each of `BINS`; {}
        without
        a hold-out."""
        if self._exam is None:
            return {}
        x_0, condition, noise = self._exam
        figures = {}
        for t_bin, eps in zip(BINS, noise, strict=True):
            total = torch.zeros(())
            for i in range(0, len(x_0), self.batch_size):
                part = slice(i, i + self.batch_size)
                x = x_0[part].to(self.device)
                t = torch.full((len(x),), t_bin, device=self.device)
                x_t = (1 - t_bin) * x + t_bin * eps[part].to(self.device)
                posterior = model(x_t, t, condition[part].to(self.device))
                total += self.process.loss(posterior, x, x_t, t).sum().cpu()
            figures[f"t={t_bin:.2f}"] = float(total) / len(x_0)
        return {"loss": sum(figures.values()) / len(figures), **figures}

    def training_codes(self, most: int = 4000) -> Tensor:
        """Codes of training pictures cut in the middle, (n, C, size, size), to look for copies among."""
        return self._cut(self.train[:most], [0] * len(self.train[:most]), None)[0]

    def cut(self, indices: list[int], rng: np.random.Generator) -> tuple[Tensor, Condition]:
        """Codes of random crops of some pictures as they are, (n, C, size, size), and their conditions as in
        training."""
        return self._cut(indices, [0] * len(indices), rng, speak=rng)

    def condition_of(
        self,
        indices: list[int],
        views: list[int] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Condition:
        """What is said of some pictures; with `rng`, in training, in one of the ways in which it can be said,
        and with its fold."""
        said = Condition() if self.told is None else self.told[self._choose(indices, rng)]
        return replace(
            said,
            label=self.labels[indices] if self.config.classes else None,
            view=torch.tensor(views or [0] * len(indices)) if self.config.views else None,
            fold=None if rng is None or self.folds is None else self.folds[indices],
        )

    def _choose(self, indices: list[int], rng: np.random.Generator | None) -> Tensor:
        """A phrase for each picture: its description, or with `rng` for a share of `OTHERWISE` another."""
        chosen = []
        for index in indices:
            first, *others = self.sayings[index]
            other = rng is not None and others and rng.random() < OTHERWISE
            chosen.append(others[rng.integers(len(others))] if rng is not None and other else first)
        return torch.tensor(chosen)

    def _cut(
        self,
        indices: list[int],
        views: list[int],
        rng: np.random.Generator | None,
        speak: np.random.Generator | None = None,
    ) -> tuple[Tensor, Condition]:
        codes = torch.stack(
            [self._code(index, view, rng) for index, view in zip(indices, views, strict=True)]
        )
        return codes.to(self.device), self.condition_of(indices, views, speak).to(self.device)

    def _code(self, index: int, view: int, rng: np.random.Generator | None) -> Tensor:
        """The code of a square of a picture, (C, side, side). Pixels are cut, turned and encoded; codes of an
        autoencoder cost more, so the whole picture's are kept, begun at a few places, and the square is cut
        from one of them."""
        image, size = self.pictures.images[index], self.pictures.size
        if isinstance(self.codec, Pixels):
            square = augment.turn(augment.square(image, size, rng), view)
            return torch.from_numpy(self.codec.encode(square[None]))[0]
        shift = 0 if rng is None else int(rng.integers(self._shifts()))
        if (index, shift) not in self._codes:
            start = shift * self.codec.factor // self._shifts()
            top, left = (min(start, side - size) for side in image.shape[:2])
            code = self.codec.encode(image[None, top:, left:])[0]
            self._codes[index, shift] = code.transpose(1, 2, 0)
        code = augment.square(self._codes[index, shift], size // self.codec.factor, rng)
        return torch.from_numpy(code.transpose(2, 0, 1).copy())

    def _shifts(self) -> int:
        """At how many places the codes of a picture begin: few pictures are shown under more of them."""
        return max(1, min(self.codec.factor, MOST_CODES // len(self.pictures)))

    def _write_exam(self, most: int) -> tuple[Tensor, Condition, list[Tensor]] | None:
        """Held-out crops with their conditions, and noise for each of `BINS`; few pictures are cut several
        times.
        """
        if not self.held:
            return None
        indices = (self.held * most)[: max(min(most, 3 * len(self.held)), min(len(self.held), most))]
        codes, condition = self._cut(indices, [0] * len(indices), np.random.default_rng(10))
        return codes, condition, [normal(codes.shape, seeded(10, index)) for index in range(len(BINS))]


def precision(device: torch.device) -> AbstractContextManager:
    """bf16 where the machine multiplies it natively (CUDA, or a CPU with AMX), fp32 otherwise: emulated bf16
    trains
    1.5 to 1.8 times slower. Weights stay fp32."""
    amx = device.type == "cpu" and getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
    return torch.autocast(device.type, torch.bfloat16) if amx or device.type == "cuda" else nullcontext()


def _phrases(pictures: Pictures) -> tuple[list[str], list[list[int]]]:
    """All different descriptions, and for each picture which of them are its own, the main one first."""
    numbers: dict[str, int] = {}
    sayings = [
        [numbers.setdefault(phrase, len(numbers)) for phrase in (entry.caption, *entry.others)]
        for entry in pictures.entries
    ]
    return list(numbers), sayings


def _ngrams(phrases: Sequence[str], buckets: int) -> Condition:
    return Condition(ngrams=hash_text(phrases, buckets))

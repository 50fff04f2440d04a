"""What a diffusion model of clips is taught: windows of which some frames are known, loss, validation."""

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core import grain
from burnish.core.frames import FramePath, FramePreconditioned, between, covariance, doubt, over_frames
from burnish.core.process import seeded
from burnish.core.schedule import shifted, training_times
from burnish.media.clip import Clips, Take, window
from burnish.media.codec import Pixels
from burnish.nets.clip import ClipConfig
from burnish.nets.condition import Condition, hash_text
from burnish.train import augment
from burnish.train.lesson import TIMES, precision

UNKNOWN = 0.4
"""Share of windows of which no frame is known."""

BLIND = 0.25
"""Share of windows with known frames whose other frames are pure noise: where a walk starts, and all that a
frame's surprise asks."""

TURNS, PICTURES = 4, 8
"""One of so many updates is of windows; at the others so many single pictures stand in place of each: the
frames of a window are nearly one picture, and what frames look like is learned sooner from many."""

BINS = (0.2, 0.5, 0.8)
"""Times at which whole windows are judged; known frames are judged at t = 1."""

GIVEN = {"first": [0], "between": [0, -1], "second": slice(None, None, 2)}
"""Known frames of the other cases that are judged."""

Batch = tuple[Tensor, Tensor, Condition]
"""Codes (B, C, T, H, W), which frames are there (B, T) bool, and what is said."""


class ClipLesson:
    """Batches, loss and validation for `train.loop.fit`.

    Updates take turns: windows, then pictures (clips of one frame). What a short take lacks is its
    last frame again, which is never known, and its loss does not count.

    Args:
        clips: The data.
        codec: Pixels to numbers.
        config: The network's; says what it can be told.
        seed: Of the hold-out.
        batch_size: Windows an update.
        drop: Share of samples whose class and description are left unsaid, for guidance.
        validated: Most held-out windows validated for each time.
    """

    def __init__(
        self,
        clips: Clips,
        codec: Pixels,
        config: ClipConfig,
        seed: int = 0,
        batch_size: int = 2,
        drop: float = 0.1,
        validated: int = 12,
    ) -> None:
        self.clips, self.codec, self.config, self.seed = clips, codec, config, seed
        self.batch_size, self.drop = batch_size, drop
        self.train, self.held = clips.holdout(seed=seed)
        middles = [self._middle(take) for take in self.train.takes]
        self.process = FramePath(covariance(middles, config.frames))
        self.grain = grain.fit(middles, self.process.matrix)
        starts = np.array([take.starts(config.frames) for take in self.train.takes], float)
        self.shares = starts / starts.sum()
        self.device = torch.device("cpu")
        self._exam = self._write_exam(validated)

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """Random windows of the training takes, at most steps single frames of them, at a random place along
        the longer side and a random view."""
        if step % TURNS == 0:
            return self.draw(self.batch_size, rng, True)
        lengths = np.array([len(take) for take in self.train.takes])
        chosen = rng.choice(len(self.train), self.batch_size * PICTURES, p=lengths / lengths.sum())
        return self._cut([self.train.takes[int(k)] for k in chosen], rng, 1, True)

    def draw(self, count: int, rng: np.random.Generator, augmented: bool = False) -> Batch:
        """Random windows of the training takes."""
        chosen = rng.choice(len(self.train), count, p=self.shares)
        return self._cut([self.train.takes[int(k)] for k in chosen], rng, self.config.frames, augmented)

    def loss(self, model: nn.Module, batch: Batch, rng: torch.Generator) -> Tensor:
        """The mean loss at random times of the frames that are not known, a scalar."""
        x_0, there, condition = batch
        known = draw_known(len(x_0), x_0.shape[2], rng).to(x_0.device) & there
        open_ = doubt(known, self.process.matrix.to(x_0.device))[:, None].to(x_0.dtype)
        t = shifted(training_times(len(x_0), rng, *TIMES).to(x_0.device)[:, None], open_)
        blind = (torch.rand(len(x_0), 1, generator=rng) < BLIND).to(x_0.device)
        t = torch.where(known.any(1, keepdim=True) & blind, 1.0, t) * ~known
        x_t = self.process.corrupt(x_0, t, rng)
        with precision(x_0.device):
            posterior = model(x_t, t, condition.dropped(self.drop, rng))
        return self.process.loss(posterior, x_0, x_t, t, there.to(x_0.dtype)).mean()

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """The loss on held-out windows at fixed noise: `loss`; `t=0.20` and so on with no frame known;
        `first`, `between`, `second` with the first, both end frames or every second known and the rest at
        t = 1, where 1 is the filter, so the blend between; {} without a hold-out. In `loss` each counts 1 at
        most, for `trust` sees to it that no more comes of it."""
        if self._exam is None:
            return {}
        x_0, there, condition, noise = self._exam
        cases = [(f"t={t:.2f}", torch.full((self.config.frames,), t)) for t in BINS]
        for name, places in GIVEN.items():
            times = torch.ones(self.config.frames)
            times[places] = 0
            cases.append((name, times))
        figures = {}
        for name, times in cases:
            total = 0.0
            for i in range(0, len(x_0), self.batch_size):
                part = slice(i, i + self.batch_size)
                x, here = x_0[part].to(self.device), there[part].to(self.device)
                t = torch.where(here, times.to(self.device), float(times.amax())).expand_as(here)
                x_t = (1 - over_frames(t)) * x + over_frames(t) * noise[part].to(self.device)
                posterior = model(x_t, t, condition[part].to(self.device))
                total += float(self.process.loss(posterior, x, x_t, t, here.to(x.dtype)).sum())
            figures[name] = total / len(x_0)
        return {"loss": sum(min(1.0, value) for value in figures.values()) / len(figures), **figures}

    @torch.no_grad()
    def trust(self, model: FramePreconditioned) -> Tensor:
        """How much of the network helps where it sees known frames alone, (2,), see `FramePreconditioned`:
        the share, within 0 and 1, that leaves the least error on held-out windows; 1 without a hold-out."""
        if self._exam is None:
            return torch.ones(2)
        gained, spent = torch.zeros(2), torch.full((2,), 1e-9)
        x_0, there, condition, _ = self._exam
        for places in GIVEN.values():
            t = torch.ones(self.config.frames)
            t[places] = 0
            for k in range(len(x_0)):
                x, here = x_0[k : k + 1].to(self.device), there[k : k + 1].to(self.device)
                times = torch.where(here, t.to(self.device), 1.0)
                x_t = x * over_frames(times == 0)
                begun = model.filter(x_t, times)[0]
                added = model(x_t, times, condition[k : k + 1].to(self.device)).mean - begun
                unseen = over_frames((times > 0) & here)
                scale = ((x - begun).square() * unseen).sum().clamp_min(1e-9)
                inside = over_frames(between(times == 0))
                for kind, frames in enumerate((inside, ~inside)):
                    gained[kind] += float(((x - begun) * added * unseen * frames).sum() / scale)
                    spent[kind] += float((added.square() * unseen * frames).sum() / scale)
        return (gained / spent).clamp(0, 1)

    def condition_of(self, takes: list[Take], views: list[int] | None = None) -> Condition:
        """What is said of some takes."""
        numbers = {name: number + 1 for number, name in enumerate(self.clips.classes)}
        buckets = self.config.buckets
        return Condition(
            label=torch.tensor([numbers.get(take.label, 0) for take in takes]) if numbers else None,
            ngrams=hash_text([take.caption for take in takes], buckets) if buckets else None,
            view=torch.tensor(views or [0] * len(takes)) if self.config.views else None,
        )

    def windows(self, clips: Clips, most: int, seed: int = 10) -> Batch:
        """Up to `most` windows of some takes as they are, evenly over their time, at seeded places."""
        if not len(clips):
            raise ValueError("no takes to cut windows from")
        each = -(-most // len(clips))
        takes, starts = [], []
        for take in clips.takes:
            last = take.starts(self.config.frames) - 1
            places = sorted({int(p) for p in np.linspace(0, last, min(each, last + 1)).round()})
            takes += [take] * len(places)
            starts += places
        keep = np.linspace(0, len(takes) - 1, min(most, len(takes))).round().astype(int)
        return self.windows_at([(takes[k], starts[k]) for k in keep], seed)

    def windows_at(self, places: list[tuple[Take, int]], seed: int = 10) -> Batch:
        """The windows that start at given frames of some takes, as they are, cut at seeded places."""
        rng = np.random.default_rng((self.seed, seed))
        takes, starts = [take for take, _ in places], [start for _, start in places]
        return self._cut(takes, rng, self.config.frames, starts=starts)

    def _cut(
        self,
        takes: list[Take],
        rng: np.random.Generator,
        length: int,
        augmented: bool = False,
        starts: list[int] | None = None,
    ) -> Batch:
        codes, there, views = [], [], []
        size = self.clips.size
        for index, take in enumerate(takes):
            start = int(rng.integers(take.starts(length))) if starts is None else starts[index]
            frames, present = window(take.frames, start, length)
            frames = frames[np.arange(length).clip(max=present.sum() - 1)]
            view = augment.draw_view(rng) if augmented and self.config.views else 0
            room = np.array(frames.shape[1:3]) - size
            top, left = (int(v) for v in rng.integers(0, room + 1))
            frames = frames[:, top : top + size, left : left + size]
            code = self.codec.encode(np.stack([augment.turn(frame, view) for frame in frames]))
            codes.append(code.transpose(1, 0, 2, 3))
            there.append(present)
            views.append(view)
        x_0 = torch.from_numpy(np.stack(codes).astype(np.float32)).to(self.device)
        mask = torch.from_numpy(np.stack(there)).to(self.device)
        return x_0, mask, self.condition_of(takes, views).to(self.device)

    def _middle(self, take: Take) -> Tensor:
        size = self.clips.size
        frames = np.stack([augment.square(frame, size) for frame in take.frames])
        return torch.from_numpy(self.codec.encode(frames))

    def _write_exam(self, most: int) -> tuple[Tensor, Tensor, Condition, Tensor] | None:
        if not len(self.held):
            return None
        x_0, there, condition = self.windows(self.held, most)
        return x_0, there, condition, self.process.prior(x_0.shape, seeded(10))


def draw_known(batch: int, frames: int, rng: torch.Generator, unknown: float = UNKNOWN) -> Tensor:
    """Which frames are known, bool (batch, frames), some frame always unknown: none, with a share of
    `unknown`; else in equal shares the first frame, some first frames, both ends, both ends and some between,
    all but some. A single frame is never known.

    Args:
        batch, frames: Of the mask.
        rng: Source of randomness.
        unknown: Share without any known frame, in [0, 1].
    """
    known = torch.zeros(batch, frames, dtype=torch.bool)
    if frames == 1:
        return known
    u = torch.rand(batch, 3, generator=rng)
    scattered = torch.rand(batch, frames, generator=rng) < u[:, 2:]
    for row in range(batch):
        if u[row, 0] < unknown:
            continue
        kind = min(4, int(5 * u[row, 1]))
        if kind == 0:
            known[row, 0] = True
        elif kind == 1:
            known[row, : 1 + int(u[row, 2] * (frames - 1))] = True
        elif kind < 4:
            known[row, [0, -1]] = True
            known[row] |= scattered[row] & (kind == 3)
        else:
            known[row] = scattered[row]
        if known[row].all():
            known[row, frames // 2] = False
    return known

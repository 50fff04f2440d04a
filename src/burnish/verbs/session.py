"""Sculpting: one picture, step by step, with a hand on it.

```python
session = Session(load("flowers"), "red rose", steps=24, seed=7)
for preview in session:              # preview.picture: uint8 (size, size, 3), the clean estimate
    if preview.index == 6:
        session.change(description="white rose", guidance=3)
session.back(10)                         # as it was ten steps ago
other = session.branch(seed=8)           # another way on from here; this session stays as it is
```

A session takes the steps of `core.sample` one at a time. What was said, how strongly, and what is known may
change between any two; the walk so far stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from burnish.core.process import normal, seeded
from burnish.core.sample import Kept, advance
from burnish.core.schedule import SHIFT, grid
from burnish.core.solve import SOLVERS
from burnish.errors import BurnishError
from burnish.nets.condition import told_pace
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import condition_of, guided, walk_of


@dataclass(frozen=True)
class Preview:
    """What a step brought.

    Attributes:
        index, of: Steps done, and in all.
        t: The time reached; 0 is done.
        picture: The current clean estimate, uint8 (size, size, 3); at the last step the picture itself.
    """

    index: int
    of: int
    t: float
    picture: np.ndarray


@dataclass(frozen=True)
class _Say:
    description: str = ""
    guidance: float = 1.0
    negative: str = ""


@dataclass(frozen=True)
class _State:
    """Where a walk stands: the sample, the places on its grid, the solver's memory, the last clean
    estimate."""

    x: Tensor
    times: tuple[float, ...]
    index: int = 0
    past: Any = None
    clean: Tensor | None = None


@dataclass
class Session:
    """A picture in the making; iterating takes the steps that are left.

    Args:
        model: A model of pictures, from `load`.
        description, guidance, negative: See `verbs.make.make`.
        steps: Steps in all, >= 1.
        seed, index: The noise is that of picture `index` of this seed, as `make` has it.
        picture: uint8 (size, size, 3) to start from instead of noise alone; see `strength`.
        mask: bool (size, size); True may change, the rest of `picture` is kept. In code of an autoencoder a
            place counts as known when all its pixels are.
        strength: With `picture`: the time in (0, 1] that it is corrupted to; 1 keeps nothing of it but what
            the mask protects.
        solver: A key of `core.solve.SOLVERS`; None takes what suits, see `verbs.make.walk_of`.

    Raises:
        BurnishError: A value out of its range, a picture or mask of another size, a description that the
        model
            cannot follow.
    """

    model: Diffusion
    description: str = ""
    steps: int = 24
    guidance: float = 1.0
    seed: int = 0
    index: int = 0
    negative: str = ""
    picture: np.ndarray | None = None
    mask: np.ndarray | None = None
    strength: float = 1.0
    solver: str | None = None
    cancelled: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BurnishError(f"{self.steps} steps", "must be at least 1")
        _, suits, self._pace = walk_of(self.model, self.steps)
        self._solver = self.solver or suits
        if self._solver not in SOLVERS:
            raise BurnishError(f"solver {self.solver!r}", "is unknown", f"Known: {', '.join(SOLVERS)}")
        self._say(_Say(self.description, self.guidance, self.negative))
        self._code = None if self.picture is None else self._encode(self.picture)
        self._kept = None if self.mask is None else self._keep(self.mask)
        self._states = [self._begin(self.strength)]

    @property
    def done(self) -> bool:
        """Whether no step is left, or the session was cancelled."""
        state = self._states[-1]
        return self.cancelled or state.index + 1 >= len(state.times)

    @property
    def t(self) -> float:
        """The time reached; 1 is noise, 0 is done."""
        state = self._states[-1]
        return state.times[state.index]

    def __iter__(self) -> Iterator[Preview]:
        """Takes the steps that are left."""
        while not self.done:
            yield self.step()

    def step(self) -> Preview:
        """Takes one step.

        Raises:
            BurnishError: No step is left.
        """
        if self.done:
            raise BurnishError(
                "the session", "was cancelled" if self.cancelled else "is at its end", "Go back or branch"
            )
        state = self._states[-1]
        t, s = (torch.tensor([state.times[state.index + more]], dtype=torch.float32) for more in (0, 1))
        x, clean, past = advance(
            self._denoiser,
            self.model.process,
            state.x,
            t.to(state.x.device),
            s.to(state.x.device),
            SOLVERS[self._solver],
            state.past,
            self._condition,
            self._kept,
        )
        state = replace(state, x=x, clean=clean, past=past, index=state.index + 1)
        self._states.append(state)
        return self.preview()

    def preview(self) -> Preview:
        """The picture as it looks now: the clean estimate of the last step, or the start before the first."""
        state = self._states[-1]
        last = state.index + 1 >= len(state.times)
        shown = state.x if last or state.clean is None else state.clean
        image = self.model.codec.decode(shown.cpu().numpy())[0]
        return Preview(state.index, len(state.times) - 1, state.times[state.index], image)

    def change(
        self,
        description: str | None = None,
        guidance: float | None = None,
        negative: str | None = None,
        strength: float | None = None,
        mask: np.ndarray | None = None,
    ) -> "Session":
        """Changes what is wanted from the next step on; None leaves a thing as it is.

        A new strength corrupts the current clean estimate to that time and walks on from there in as many
        steps as are left of the whole: back up to change more, down to change less. The noise comes from the
        seed and the number of steps taken so far.

        Raises:
            BurnishError: See `Session`. Nothing is changed then.
        """
        said = self._said
        wanted = _Say(
            said.description if description is None else description,
            said.guidance if guidance is None else guidance,
            said.negative if negative is None else negative,
        )
        kept = self._kept if mask is None else self._keep(mask)
        state = self._states[-1] if strength is None else self._again(strength)
        self._say(wanted)
        self._kept = kept
        # The solver's memory is of another wish.
        self._states[-1] = replace(state, past=None)
        return self

    def back(self, steps: int = 1) -> "Session":
        """Goes back; what was wanted since stays wanted.

        Raises:
            BurnishError: Fewer steps were taken.
        """
        if not 0 <= steps < len(self._states):
            raise BurnishError(f"{steps} steps back", f"only {len(self._states) - 1} were taken")
        self._states = self._states[: len(self._states) - steps]
        self.cancelled = False
        return self

    def branch(self, seed: int | None = None) -> "Session":
        """A session of its own that stands where this one does.

        Args:
            seed: With another seed part of the noise is drawn anew, so that the branch goes another way: the
                clean estimate corrupted to the same time by new noise.
        """
        other = object.__new__(Session)
        other.__dict__.update(self.__dict__)
        other._states, other.cancelled = list(self._states), False
        if seed is not None and seed != self.seed:
            other.seed = seed
            state = other._states[-1]
            if state.times[state.index] > 0:
                other._states[-1] = other._again(state.times[state.index])
        return other

    def cancel(self) -> None:
        """Ends the session; `preview` still shows what there is. May be called from another thread, between
        two steps of this one."""
        self.cancelled = True

    def _say(self, wanted: _Say) -> None:
        condition = told_pace(condition_of(self.model, wanted.description), self._pace)
        denoiser = guided(self.model, wanted.guidance, wanted.negative)
        self._said, self._condition, self._denoiser = wanted, condition, denoiser

    def _encode(self, picture: np.ndarray) -> Tensor:
        size = self.model.size
        if picture.dtype != np.uint8 or picture.shape != (size, size, 3):
            raise BurnishError(
                f"a picture of {picture.dtype} {picture.shape}", f"must be uint8 ({size}, {size}, 3)"
            )
        return torch.from_numpy(self.model.codec.encode(picture[None])).to(self.model.device)

    def _keep(self, mask: np.ndarray) -> Kept:
        size, factor = self.model.size, self.model.codec.factor
        if self._code is None:
            raise BurnishError("a mask", "needs the picture that it protects", "Give picture, too")
        if mask.dtype != np.bool_ or mask.shape != (size, size):
            raise BurnishError(f"a mask of {mask.dtype} {mask.shape}", f"must be bool ({size}, {size})")
        free = mask.reshape(size // factor, factor, size // factor, factor).any((1, 3))
        return Kept(self._code, torch.from_numpy(~free)[None, None].to(self.model.device))

    def _begin(self, strength: float) -> _State:
        if not 0 < strength <= 1:
            raise BurnishError(f"strength {strength}", "must be above 0 and at most 1", "0.35 is usual")
        if self._code is None and strength < 1:
            raise BurnishError(f"strength {strength}", "needs a picture to start from", "Give picture, too")
        noise = normal((1, *self.model.shape), seeded(self.seed, self.index), self.model.device)
        if self._code is None:
            strength = self.model.start(self.steps)
            x = self.model.begin(noise, strength, self._condition)
        else:
            x = (1 - strength) * self._code + strength * noise
        times = grid(self.steps, strength, SHIFT).tolist()
        return _State(x if self._kept is None else self._kept(x), tuple(times))

    def _again(self, strength: float) -> _State:
        """The clean estimate so far, corrupted to `strength` by noise of this seed and place."""
        state = self._states[-1]
        if not 0 < strength <= 1:
            raise BurnishError(f"strength {strength}", "must be above 0 and at most 1", "0.35 is usual")
        ended = state.index + 1 >= len(state.times)
        clean = state.x if ended or state.clean is None else state.clean
        noise = normal(clean.shape, seeded(self.seed, self.index, 1 + len(self._states)), clean.device)
        x = (1 - strength) * clean + strength * noise
        done = state.times[: state.index]
        left = grid(max(1, round(self.steps * strength)), strength, SHIFT).tolist()
        return _State(
            x if self._kept is None else self._kept(x), (*done, *left), state.index, None, state.clean
        )

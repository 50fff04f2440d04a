"""The denoiser of what a defect adds to a good part.

The thing denoised is a change, not a picture: x_0 = (defective part - the same part without its defect),
seen through a 64-pixel window at the scale the defect needs, over its class's usual height. The part without
the defect, the mask, the class and the scale are told. Outside the mask's narrow rim the change is known to
be zero (t = 0), and `core.sample` restores it at every step. So the good part keeps its own texture, no seam
can arise, and few steps, few defects and three minutes on one core suffice.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from burnish.core.gaussian import Preconditioned, StraightPath
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.schedule import training_times
from burnish.core.solve import euler
from burnish.errors import BundleError
from burnish.inspect.windows import Example
from burnish.nets.condition import Condition
from burnish.nets.hourglass import Hourglass, HourglassConfig
from burnish.train.budget import Budget
from burnish.train.loop import Fitted, Options, Progress, fit, seeded_weights

SCALES = (1, 2, 4, 8, 16)
DrawExamples = Callable[[np.random.Generator], list[Example]]


def small_net(classes: int) -> HourglassConfig:
    """0.6 M parameters; 0.1 s a training step of 16 windows, 27 ms to denoise them once, on one core.

    Its inputs beside the picture: ground 3, mask 1, where it may change 1.
    """
    widths, depths = (32, 64, 96), (1, 1, 1)
    return HourglassConfig(
        extra=5, patch=2, widths=widths, depths=depths, classes=classes, views=len(SCALES), told=96
    )


class Polished(nn.Module):
    """An hourglass, and two convolutions at full resolution that take its patches' grid away.

    Args:
        config: Of the hourglass.
        width: Channels between the two convolutions.
    """

    def __init__(self, config: HourglassConfig, width: int = 16) -> None:
        super().__init__()
        self.hourglass = Hourglass(config)
        self.first = nn.Conv2d(2 * config.channels + config.extra, width, 3, padding=1)
        self.second = nn.Conv2d(width, config.channels, 3, padding=1)
        for weights in self.second.parameters():
            nn.init.zeros_(weights)

    def forward(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """As `Hourglass.forward`; the condition's extra channels are needed."""
        rough = self.hourglass(x, t, condition)
        if condition.extra is None:
            raise ValueError("a polished hourglass needs the condition's extra channels")
        fine = self.first(torch.cat([rough, x, condition.extra], dim=1))
        return rough + self.second(nn.functional.silu(fine))


class ChangeModel:
    """A denoiser of changes, with its classes and their usual heights.

    Args:
        heights: For each class, the root mean square of its changes inside their masks, gray levels.
        config: Of the network; None for `small_net`.
    """

    def __init__(self, heights: Mapping[str, float], config: HourglassConfig | None = None) -> None:
        self.heights = dict(heights)
        self.classes = sorted(heights)
        self.config = config or small_net(len(self.classes))
        with seeded_weights(0):
            self.denoiser = Preconditioned(Polished(self.config))
        self.process = StraightPath()
        self.hash = "untrained"

    def fit(
        self,
        draw: DrawExamples,
        minutes: float | None = 3.0,
        steps: int | None = None,
        seed: int = 0,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> Fitted:
        """Trains for a budget of minutes or steps; the same steps and seed give the same weights.

        Args:
            draw: Examples of one update.
            minutes, steps: The budget, whichever is spent first.
            seed: Of weights, examples and noise.
            on_progress: As `train.loop.fit`.
        """
        with seeded_weights(seed):
            self.denoiser = Preconditioned(Polished(self.config))
        fitted = fit(
            self.denoiser,
            lambda step, rng: self.tensors(draw(rng)),
            self.loss,
            Budget(minutes, steps),
            Options(seed=seed, ema=0.995, warmup=20),
            on_progress=on_progress,
        )
        self.hash = weights_hash(self.denoiser)
        return fitted

    def tensors(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """A batch: `x` (B, 3, SIDE, SIDE), `support` bool (B, 1, ..), `extra` (B, 5, ..), `label`, `view`."""
        x = np.stack([e.change / self.heights[e.label] for e in examples]).transpose(0, 3, 1, 2)
        ground = np.stack([(e.ground - 110) / 60 for e in examples]).transpose(0, 3, 1, 2)
        mask = np.stack([e.mask for e in examples])[:, None]
        support = np.stack([e.support for e in examples])[:, None]
        extra = np.concatenate([ground, 2 * mask - 1, support.astype(np.float32)], axis=1)
        return {
            "x": torch.from_numpy(np.ascontiguousarray(x, np.float32)),
            "support": torch.from_numpy(support),
            "extra": torch.from_numpy(np.ascontiguousarray(extra, np.float32)),
            "label": torch.tensor([1 + self.classes.index(e.label) for e in examples]),
            "view": torch.tensor([SCALES.index(min(e.factor, SCALES[-1])) for e in examples]),
        }

    def loss(self, model: nn.Module, batch: dict[str, Tensor], rng: torch.Generator) -> Tensor:
        """The process's loss over the pixels that may change, a scalar."""
        x, support = batch["x"], batch["support"]
        t = training_times(len(x), rng)[:, None, None, None] * support
        x_t = self.process.corrupt(x, t, rng)
        return self.process.loss(model(x_t, t, _condition(batch)), x, x_t, t).mean()

    def paint(
        self, examples: Sequence[Example], start: float, steps: int, seeds: Sequence[int]
    ) -> np.ndarray:
        """New changes, float32 (B, SIDE, SIDE, 3), gray levels, zero outside each support.

        Args:
            examples: What is told, and the change to start from.
            start: First time, in (0, 1]; at 1 the change to start from has no part in it.
            steps: Steps from there to 0.
            seeds: One a window; a window depends on its own seed alone.
        """
        batch = self.tensors(examples)
        painted = sample(
            self.denoiser,
            self.process,
            batch["x"],
            steps,
            euler,
            known_mask=~batch["support"].expand_as(batch["x"]),
            condition=_condition(batch),
            start_t=start,
            rng=[seeded(seed) for seed in seeds],
        )
        heights = np.array([self.heights[e.label] for e in examples], np.float32)
        return painted.permute(0, 2, 3, 1).numpy() * heights[:, None, None, None]

    def save(self, folder: Path) -> None:
        """Writes `diffusion.safetensors` and `diffusion.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.denoiser.state_dict(), folder / "diffusion.safetensors")
        facts = {"heights": self.heights, "config": self.config.to_json(), "hash": self.hash}
        (folder / "diffusion.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ChangeModel":
        """Reads what `save` wrote.

        Raises:
            BundleError: Files are missing or damaged.
        """
        try:
            facts: dict[str, Any] = json.loads((folder / "diffusion.json").read_text(encoding="utf-8"))
            model = cls(facts["heights"], HourglassConfig.from_json(facts["config"]))
            model.denoiser.load_state_dict(load_file(folder / "diffusion.safetensors"))
        except Exception as error:  # safetensors raises its own kinds
            raise BundleError(folder, f"the generator cannot be read ({error})", "Train it again") from error
        model.denoiser.eval()
        model.hash = weights_hash(model.denoiser)
        if model.hash != facts["hash"]:
            raise BundleError(
                folder, "the generator's weights have changed since they were saved", "Train again"
            )
        return model


def weights_hash(model: nn.Module) -> str:
    """The first 16 hex digits of a sha256 over names and weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _condition(batch: dict[str, Tensor]) -> Condition:
    return Condition(label=batch["label"], extra=batch["extra"], view=batch["view"])

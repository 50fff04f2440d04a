"""What a model remembers of a picture: extraction and membership, each against pictures it never saw.

Extraction (Carlini et al., arXiv:2301.13188): samples under the picture's own description; one that lies at
less than `RATIO` of the distance to any other picture came from memory. Membership: the denoising loss of a
picture against that of itself moved by a few pixels, which the model did not see either; comparing a picture
with its own neighbours (Mattern et al., arXiv:2305.18462) takes out how easy it is. The null is what held-out
pictures give.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from burnish.core.process import normal, seeded
from burnish.train import augment
from burnish.train.copies import RATIO
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import make

TIMES = (0.25, 0.45, 0.65)
"""Where the denoising loss is taken: later little of the picture is left, earlier little is asked."""
SHIFTS = ((3, 0), (0, 3), (-3, 0), (0, -3))
"""Pixels by which the neighbours of a picture are moved, at 64 px; in proportion at other sizes."""
NOISES = 2


@dataclass(frozen=True)
class Seen:
    """A picture and what is said of it.

    Attributes:
        name: As a person knows it.
        image: uint8 (size, size, 3).
        description: Its class or caption, "" for none.
        times: How often it is in the training data.
    """

    name: str
    image: np.ndarray
    description: str
    times: int


def square(image: np.ndarray, size: int) -> np.ndarray:
    """The middle of a picture as a model of that size sees it."""
    return np.ascontiguousarray(augment.square(image, size))


def codes_of(model: Diffusion, images: Sequence[np.ndarray]) -> Tensor:
    """Codes of pictures of the model's size, (n, C, side, side)."""
    return torch.from_numpy(
        np.concatenate([model.codec.encode(image[None]) for image in images])
        if len(images)
        else np.zeros((0, *model.shape), np.float32)
    )


def extract(model: Diffusion, seen: Seen, count: int, seed: int, steps: int) -> list[np.ndarray]:
    """Samples under a picture's description, walked from noise: a model whose walks begin later (`outline`)
    repeats less, but who wants its pictures out of it need not begin there.

    Args:
        model: The model.
        seen: The picture.
        count, seed, steps: Of the samples.
    """
    return list(make(replace(model, outline=None), seen.description, count, steps, seed=seed))


def nearness(samples: Tensor, picture: Tensor, others: Tensor) -> Tensor:
    """Distance of each sample to a picture over that to the nearest of the others, (n,); 1 without others.

    Args:
        samples: (n, *).
        picture: (*).
        others: (m, *).
    """
    if not len(others):
        return torch.ones(len(samples))
    flat = samples.flatten(1).double()
    own = (flat - picture.flatten().double()).norm(dim=1)
    other = torch.cdist(flat, others.flatten(1).double()).min(1).values
    return own / other.clamp_min(1e-9)


def repeats(samples: Tensor, picture: Tensor, others: Tensor) -> int:
    """How many samples repeat a picture: `nearness` below `RATIO`."""
    return int((nearness(samples, picture, others) < RATIO).sum())


@torch.no_grad()
def recall(model: Diffusion, seen: Seen, seed: int = 0) -> float:
    """log(loss of a picture / mean loss of its neighbours): about 0 for a new picture, below for a remembered
    one.

    Args:
        model: The model.
        seen: The picture.
        seed: Of the noise, which is the same for the picture and its neighbours.
    """
    step = max(1, round(3 * model.size / 64))
    moves = [(y * step // 3, x * step // 3) for y, x in SHIFTS]
    images = [seen.image, *(_moved(seen.image, y, x) for y, x in moves)]
    x_0 = codes_of(model, images).to(model.device)
    condition = model.condition(seen.description, len(images))
    ratios = []
    for place, t in enumerate(TIMES):
        times = torch.full((len(images),), t, device=model.device)
        losses = torch.zeros(len(images))
        for k in range(NOISES):
            eps = normal((1, *model.shape), seeded(seed, 13, place, k)).to(model.device)
            x_t = (1 - t) * x_0 + t * eps
            losses += model.process.loss(model.denoiser(x_t, times, condition), x_0, x_t, times).cpu()
        ratios.append(float(torch.log(losses[0] / losses[1:].mean().clamp_min(1e-12))))
    return float(np.mean(ratios))


def p_value(value: float, null: Sequence[float]) -> float:
    """Share of the null that is as low as a value, the value counted in: (1 + #{null <= value}) / (n + 1).

    Exact when value and null are exchangeable; with n of them never below 1 / (n + 1).
    """
    return (1 + sum(one <= value for one in null)) / (len(null) + 1)


def _moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """A picture moved by a few pixels; what enters at the edge repeats it."""
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return np.ascontiguousarray(image[rows][:, columns])

"""Does a model repeat its training pictures? Nearest neighbours tell."""

import torch
from torch import Tensor

RATIO = 1 / 3
"""A sample is a copy when its nearest training picture is nearer than this share of the next one's."""


def distinct(things: Tensor) -> Tensor:
    """Indices of the first of each group of equal things, rising.

    Args:
        things: (m, *).
    """
    seen: dict[bytes, int] = {}
    for index, thing in enumerate(things.detach().cpu().flatten(1).numpy()):
        seen.setdefault(thing.tobytes(), index)
    return torch.tensor(sorted(seen.values()), dtype=torch.long)


def nearest_two(samples: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """Distances from each sample to its nearest and second nearest training picture, (n,) each.

    Args:
        samples: (n, *).
        training: (m, *) with m >= 2.
    """
    distances = torch.cdist(samples.flatten(1).double(), training.flatten(1).double())
    two = distances.topk(2, dim=1, largest=False).values
    return two[:, 0], two[:, 1]


def copy_rate(samples: Tensor, training: Tensor, ratio: float = RATIO) -> float:
    """Share of samples whose nearest training picture is far nearer than the next, d1 / d2 < ratio, in [0,
    1].

    The criterion of Yoon et al. (ICML 2023 workshop, "Diffusion probabilistic models generalize when they
    fail to memorize") and Gu et al., arXiv:2310.02664. Training pictures that are equal to each other hide
    each other, so remove duplicates first. With fewer than two training pictures the answer is 0.

    Args:
        samples: (n, *).
        training: (m, *), the same shape but for the number.
        ratio: Below this d1 / d2 a sample counts as a copy.
    """
    training = training[distinct(training)] if len(training) else training
    if len(training) < 2 or not len(samples):
        return 0.0
    first, second = nearest_two(samples, training)
    return float((first < ratio * second).double().mean())

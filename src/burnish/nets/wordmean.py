"""The mean of codes as words tell it: linear in the n-grams of a description, of low rank."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from burnish.nets.condition import Condition


def bag(ngrams: Tensor, buckets: int) -> Tensor:
    """Which of `buckets` n-grams occur, as a vector of length 1, (B, buckets); 0 where nothing is said.

    Args:
        ngrams: Ids from `hash_text`, (B, N), in [0, buckets]; 0 pads.
        buckets: Number of ids.
    """
    counts = torch.zeros(ngrams.shape[0], buckets + 1, device=ngrams.device)
    counts.scatter_(1, ngrams, 1.0)
    seen = counts[:, 1:]
    return seen / seen.norm(dim=1, keepdim=True).clamp_min(1.0)


class WordMean(nn.Module):
    """centre + (bag W) V, fitted once (`train.wordmean`) and frozen.

    Args:
        buckets: Number of n-grams' ids.
        rank: Columns of W and rows of V.
        shape: Of a code, (C, h, w).

    Attributes:
        folds: W of each fold of a cross-fit, (folds, buckets, rank), for `Condition.fold`; not kept.
    """

    def __init__(self, buckets: int, rank: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.buckets, self.shape = buckets, tuple(shape)
        size = shape[0] * shape[1] * shape[2]
        self.words: Tensor
        self.axes: Tensor
        self.centre: Tensor
        self.register_buffer("words", torch.zeros(buckets, rank))
        self.register_buffer("axes", torch.zeros(rank, size))
        self.register_buffer("centre", torch.zeros(size))
        self.folds: Tensor
        self.register_buffer("folds", torch.zeros(0, buckets, rank), persistent=False)

    def show(self, condition: Condition | None, mean: Tensor) -> Condition:
        """The condition with the mean as extra channels: a network that sees it need only mend it."""
        return replace(condition or Condition(), extra=mean)

    def forward(self, condition: Condition | None, batch: int) -> Tensor:
        """The means, (batch, C, h, w); the centre where nothing is said."""
        if condition is None or condition.ngrams is None:
            return self.centre.expand(batch, -1).reshape(batch, *self.shape)
        said = bag(condition.ngrams, self.buckets)
        places = said @ self.words
        if condition.fold is not None:
            for number, words in enumerate(self.folds, 1):
                places = torch.where((condition.fold == number)[:, None], said @ words, places)
        told = self.centre + places @ self.axes
        return (told if len(told) == batch else told.expand(batch, -1)).reshape(-1, *self.shape)

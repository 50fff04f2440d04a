r"""Interpolated Kneser-Ney n-grams over integer tokens: sequences in, tables of probabilities out.

With c(hv) the count of token v after context h, and modified discounts D(1), D(2), D(3+) (Chen and Goodman
1998, section 3; Kneser and Ney 1995),

    p(v | h) = max(c(hv) - D(c(hv)), 0) / c(h.) + g(h) p(v | h'),      g(h) = sum_v D(c(hv)) / c(h.),

where h' is h without its oldest token. Below the highest order c counts in how many different contexts hv was
seen, unless hv begins with the sequence's begin, before which nothing else can stand. The empty context
rests on the uniform distribution. From counts of counts, with Y = n_1 / (n_1 + 2 n_2):

    D(1) = 1 - 2 Y n_2 / n_1,   D(2) = 2 - 3 Y n_3 / n_2,   D(3+) = 3 - 4 Y n_4 / n_3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Level:
    """The contexts of one length that were seen, a level of a tree whose branches lead to older tokens.

    Args:
        keys: Sorted, parent * V + oldest token; a context's number is its place here.
        parents: The number, one level up, of the context without its oldest token.
        rows: p(v | context), float32 (contexts, V).
        contexts, tokens, extra: Of each gram that was seen, what it has beyond the shorter context's share.
        rest: g, the share of the shorter context, (contexts,).
    """

    keys: np.ndarray
    parents: np.ndarray
    rows: np.ndarray
    contexts: np.ndarray
    tokens: np.ndarray
    extra: np.ndarray
    rest: np.ndarray


class KneserNey:
    """An n-gram model. Contexts before a sequence's start are filled with `begin`.

    Args:
        sequences: Tokens of each sequence, ending with whatever marks an end, without begin.
        order: n >= 1.
        size: V: tokens are in [0, V).
        begin: The token that stands before every sequence.

    Raises:
        ValueError: Tokens or order out of range, or no tokens at all.
    """

    def __init__(self, sequences: Iterable[Sequence[int]], order: int, size: int, begin: int) -> None:
        if order < 1 or not 0 <= begin < size:
            raise ValueError(f"need order >= 1 and 0 <= begin < size; got {order}, {begin}, {size}")
        self.order, self.size, self.begin = order, size, begin
        flat, places = self._lay_out(sequences)
        if not len(places) or flat.min() < 0 or flat.max() >= size:
            raise ValueError(f"need tokens in [0, {size})")
        contexts, trees = self._contexts(flat, places)
        self.levels = self._fit(flat[places], contexts, trees)

    def row(self, context: Sequence[int]) -> np.ndarray:
        """p(. | context), (V,), from the longest end of the context that was seen."""
        level, number = self.find(np.asarray([[*context]], dtype=np.int64))
        return self.levels[level[0, 0]].rows[number[0, 0]]

    def find(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The longest seen end of each context.

        Args:
            contexts: (B, L, m) tokens, oldest first; -1 for what is not known ends the context there.

        Returns:
            Length and number of the context found, (B, L) each: its row is `levels[length].rows[number]`.
        """
        contexts = contexts[None] if contexts.ndim == 2 else contexts
        length = np.zeros(contexts.shape[:-1], dtype=np.int64)
        number = np.zeros_like(length)
        open_ = np.ones_like(length, dtype=bool)
        for m in range(1, min(self.order - 1, contexts.shape[-1]) + 1):
            level, token = self.levels[m], contexts[..., -m]
            keys = number * self.size + token
            place = np.searchsorted(level.keys, keys).clip(max=len(level.keys) - 1)
            open_ &= (token >= 0) & (level.keys[place] == keys)
            number = np.where(open_, place, number)
            length += open_
        return length, number

    def log_probability(self, sequence: Sequence[int]) -> np.ndarray:
        """log p of each token of a sequence given those before it, in nats, (len,)."""
        lead = self.order - 1
        padded = np.asarray([self.begin] * lead + [*sequence], dtype=np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(padded, lead + 1)
        length, number = self.find(windows[None, :, :-1])
        chosen = [self.levels[m].rows[k, v] for m, k, v in zip(length[0], number[0], sequence, strict=True)]
        return np.log(np.asarray(chosen, dtype=np.float64))

    def _lay_out(self, sequences: Iterable[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
        """All sequences in a row, `order - 1` begins before each, and the places of their own tokens."""
        lead, flat, places = [self.begin] * (self.order - 1), [], []
        for sequence in sequences:
            flat += lead
            places += range(len(flat), len(flat) + len(sequence))
            flat += sequence
        return np.asarray(flat, dtype=np.int64), np.asarray(places, dtype=np.int64)

    def _contexts(
        self, flat: np.ndarray, places: np.ndarray
    ) -> tuple[list[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]:
        """For m = 0 to n - 1 the context's number before each place, and each level's keys and parents."""
        number = np.zeros(len(places), dtype=np.int64)
        numbers, trees = [number], [(np.zeros(1, np.int64), np.zeros(1, np.int64))]
        for m in range(1, self.order):
            keys, number = np.unique(number * self.size + flat[places - m], return_inverse=True)
            number = number.reshape(-1)
            numbers.append(number)
            trees.append((keys, keys // self.size))
        return numbers, trees

    def _fit(
        self,
        tokens: np.ndarray,
        contexts: list[np.ndarray],
        trees: list[tuple[np.ndarray, np.ndarray]],
    ) -> list[Level]:
        levels, below = [], np.full((1, self.size), 1 / self.size)
        for m, (keys, parents) in enumerate(trees):
            grams, counts = np.unique(contexts[m] * self.size + tokens, return_counts=True)
            if m + 1 < self.order:
                wider = np.unique(contexts[m + 1] * self.size + tokens)
                inner = trees[m + 1][1][wider // self.size] * self.size + wider % self.size
                continuations = np.bincount(np.searchsorted(grams, inner), minlength=len(grams))
                opening = (keys[grams // self.size] % self.size == self.begin) & (m > 0)
                counts = np.where(opening, counts, continuations)
            of, token = grams // self.size, grams % self.size
            taken = discounts(counts)[np.minimum(counts, 3)]
            total = np.bincount(of, counts, len(keys))
            rest = np.bincount(of, taken, len(keys)) / total
            extra = (counts - taken) / total[of]
            below = below[parents] * rest[:, None]
            below[of, token] += extra
            levels.append(Level(keys, parents, below.astype(np.float32), of, token, extra, rest))
        return levels


def discounts(counts: np.ndarray) -> np.ndarray:
    """D(0) = 0, D(1), D(2), D(3+) of the module's equations, (4,), kept within [0, count]; 0.5 each where the
    counts of counts do not tell."""
    n1, n2, n3, n4 = (float((counts == k).sum()) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n1 / (n1 + 2 * n2)
    wanted = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.clip(wanted, 0.05, [0.05, 0.95, 1.95, 2.95]) * [0, 1, 1, 1]

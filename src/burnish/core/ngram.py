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
        grams: Sorted, context * V + token, of each gram that was seen.
        extra: What each gram has beyond the shorter context's share.
        rest: g, the share of the shorter context, (contexts,).
        seen: How often each context was seen, (contexts,).
    """

    keys: np.ndarray
    parents: np.ndarray
    grams: np.ndarray
    extra: np.ndarray
    rest: np.ndarray
    seen: np.ndarray


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
        """p(. | context), float64 (V,), from the longest end of the context that was seen."""
        contexts = np.tile(np.asarray([*context], dtype=np.int64), (self.size, 1))
        return self.probability(contexts, np.arange(self.size))

    def log_probability(self, sequence: Sequence[int]) -> np.ndarray:
        """log p of each token of a sequence given those before it, in nats, (len,)."""
        lead = self.order - 1
        padded = np.asarray([self.begin] * lead + [*sequence], dtype=np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(padded, lead + 1)
        return np.log(self.probability(windows[:, :-1], windows[:, -1]))

    def probability(self, contexts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """p(token | context) of each pair, float64 (N,).

        Args:
            contexts: (N, m) tokens, oldest first; -1 for what is not known ends the context there.
            tokens: (N,).
        """
        p, number = np.full(len(tokens), 1 / self.size), np.zeros(len(tokens), dtype=np.int64)
        known = np.ones(len(tokens), dtype=bool)
        for m, level in enumerate(self.levels[: contexts.shape[1] + 1]):
            if m:
                older = contexts[:, -m]
                number, found = look_up(level.keys, number * self.size + older)
                known &= found & (older >= 0)
            gram, found = look_up(level.grams, number * self.size + tokens)
            extra = np.where(found, level.extra[gram], 0.0)
            p = np.where(known, extra + level.rest[number] * p, p)
        return p

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
        levels: list[Level] = []
        for m, (keys, parents) in enumerate(trees):
            grams, counts = np.unique(contexts[m] * self.size + tokens, return_counts=True)
            seen = np.bincount(contexts[m], minlength=len(keys))
            if m + 1 < self.order:
                wider = np.unique(contexts[m + 1] * self.size + tokens)
                inner = trees[m + 1][1][wider // self.size] * self.size + wider % self.size
                continuations = np.bincount(np.searchsorted(grams, inner), minlength=len(grams))
                opening = (keys[grams // self.size] % self.size == self.begin) & (m > 0)
                counts = np.where(opening, counts, continuations)
            of = grams // self.size
            taken = discounts(counts)[np.minimum(counts, 3)]
            total = np.bincount(of, counts, len(keys))
            rest = np.bincount(of, taken, len(keys)) / total
            levels.append(Level(keys, parents, grams, (counts - taken) / total[of], rest, seen))
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


def look_up(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of each wanted key among sorted ones, and whether it is there; any place where it is not."""
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return place, keys[place] == wanted

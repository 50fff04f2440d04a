r"""The exact denoiser of an n-gram: what is masked, given what is visible, by forward and backward sums.

An interpolated n-gram draws a token in steps: with the history h it emits v with what v has beyond the
shorter history's share, or, with probability g(h), forgets the oldest token of h and tries again; with
nothing left it draws from the unigram (`core.ngram`). Read so, it is a hidden Markov chain whose state is
what it remembers; each token emitted makes the memory one longer, up to n - 1. (The n-gram itself would
remember again what it forgot a moment ago. With n = 2 there is no difference; beyond it the chain is as good
a model, see docs/experiments.md.) The posterior of a masked place follows from sums over the states s from
both ends (Rabiner 1989),

    p(x_i = v | visible) ~ sum_{s ending with v} f_i(s) b_i(s),
    f_i = (f_{i-1} o e_{i-1}) P,        b_i = P (e_{i+1} o b_{i+1}),

with e_i the evidence at place i: one token where it is visible, the allowed ones where it is masked. Scaled
at each place, float32 does. These conditionals are those of one joint distribution, so the chain's NELBO is
its likelihood, see `core.masked`.

P is never written down: a sparse product forgets, another emits what was seen, and an outer product adds the
unigram, so a sum takes as many steps as there are different n-grams in the texts.
"""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.ngram import KneserNey, look_up
from burnish.core.posterior import Categorical

TINY = 1e-30
MEMORIES = 24_000
"""Most histories of two and more tokens that a chain of texts remembers, those seen most often."""
NUMBERS = 1_000_000
"""Of a sum at one place, states times sequences: more sequences than fit are summed over in parts."""


class Chain(nn.Module):
    """A hidden Markov chain of histories as a denoiser. States below V are histories of one token, that one.

    Args:
        entries: Emissions that are more than the unigram; they are read from a state, see `of` and `dense`.
        states: Histories in all, >= V.
        size: V.
        mask: The masking token.
        allowed: Bool (V,): what a masked place can be.
    """

    places: Tensor
    values: Tensor
    shorter: Tensor
    last: Tensor
    rest: Tensor
    floor: Tensor
    start: Tensor
    allowed: Tensor

    def __init__(self, entries: int, states: int, size: int, mask: int, allowed: Tensor) -> None:
        super().__init__()
        self.mask, self.size = mask, size
        tokens = torch.arange(size, dtype=torch.int32)
        self.register_buffer("places", torch.zeros(2, entries, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(entries))
        self.register_buffer("shorter", torch.full((states,), -1, dtype=torch.int32))
        self.register_buffer("last", torch.cat([tokens, torch.zeros(states - size, dtype=torch.int32)]))
        self.register_buffer("rest", torch.zeros(states))
        self.register_buffer("floor", torch.zeros(size))
        self.register_buffer("start", tokens.clone())
        self.register_buffer("allowed", allowed.float(), persistent=False)
        self._matrices: tuple[Tensor, ...] | None = None

    @classmethod
    def of(
        cls,
        model: KneserNey,
        end: int,
        pad: int,
        mask: int,
        allowed: Tensor,
        memories: int = MEMORIES,
    ) -> "Chain":
        """The chain of an n-gram model; after `end` comes `pad`, and nothing else.

        Args:
            model: Of order 2 or more.
            end, pad, mask, allowed: See above.
            memories: Most histories of two tokens or more; which are kept, their counts decide.

        Raises:
            ValueError: The model is a unigram.
        """
        if model.order < 2:
            raise ValueError(f"a chain needs an n-gram of order 2 or more, not {model.order}")
        size, (numbers, total) = model.size, _number(model, memories)
        shorter, last, rest = np.full(total, -1), np.arange(total), np.ones(total)
        sources, targets, values = [np.array([end, pad])], [np.array([pad, pad])], [np.ones(2)]
        histories = np.zeros((1, 0), dtype=np.int64)
        for level, state, above in zip(model.levels[1:], numbers[1:], numbers, strict=False):
            histories = np.concatenate([(level.keys % size)[:, None], histories[level.parents]], 1)
            kept = state >= 0
            last[state[kept]], rest[state[kept]] = histories[kept, -1], level.rest[kept]
            if histories.shape[1] > 1:
                shorter[state[kept]] = above[level.parents[kept]]
            of, token = level.grams // size, level.grams % size
            held = kept[of]
            sources.append(state[of[held]])
            targets.append(_state(model, numbers, np.column_stack([histories[of], token])[held]))
            values.append(level.extra[held])
        rest[[end, pad]] = 0
        chain = cls(sum(map(len, values)), total, size, mask, allowed)
        chain.places.copy_(torch.from_numpy(np.stack([np.concatenate(sources), np.concatenate(targets)])))
        chain.values.copy_(torch.from_numpy(np.concatenate(values)))
        for buffer, found in (
            (chain.shorter, shorter),
            (chain.last, last),
            (chain.rest, rest),
            (chain.floor, model.row([])),
        ):
            buffer.copy_(torch.from_numpy(found))
        begins = np.full((1, model.order - 1), model.begin)
        chain.start[model.begin] = int(_state(model, numbers, begins)[0])
        return chain

    @classmethod
    def dense(cls, transitions: Tensor, mask: int, allowed: Tensor) -> "Chain":
        """A chain of given transitions, (V, V), rows summing to 1."""
        places = transitions.nonzero().T
        chain = cls(places.shape[1], len(transitions), len(transitions), mask, allowed)
        chain.places.copy_(places)
        chain.values.copy_(transitions[places[0], places[1]])
        return chain

    @property
    def shape(self) -> list[int]:
        """Entries and states, for a bundle."""
        return [len(self.values), len(self.rest)]

    @torch.no_grad()
    def forward(self, x_t: Tensor, t: Tensor | None = None, condition: object = None) -> Categorical:
        """log p of each token at each place given the visible ones elsewhere, (B, L, V).

        A visible place is answered as well, as if it alone were masked: what the others say of it.

        Args:
            x_t: int64 (B, L); the first place must be visible.
            t, condition: Not used.
        """
        return Categorical(torch.cat([self._both(x) for x in self._parts(x_t)]))

    @torch.no_grad()
    def ahead(self, x: Tensor) -> Tensor:
        """log p of each token at each place given those before it, (B, L, V); 0 at the first place."""
        found = []
        for part in self._parts(x):
            rows = [self._tokens(f).clamp_min(TINY).log() for f in self._forward(part)[0][1:]]
            found.append(torch.stack([torch.zeros_like(rows[0]), *rows]).permute(2, 0, 1))
        return torch.cat(found)

    @torch.no_grad()
    def log_likelihood(self, x_t: Tensor) -> Tensor:
        """log p of what is visible given the first token, masked places summed out, (B,), in nats."""
        return torch.cat([self._forward(x)[1] for x in self._parts(x_t)])

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(max(1, NUMBERS // len(self.rest)))

    def _both(self, x_t: Tensor) -> Tensor:
        f, b = self._forward(x_t)[0], torch.ones(len(self.rest), len(x_t), device=x_t.device)
        found = []
        for i in range(x_t.shape[1] - 1, -1, -1):
            found.append(self._tokens(f[i] * b))
            if i:
                b = self._before(self._evidence(x_t[:, i]) * b)
                b = b / b.amax(0).clamp_min(TINY)
        both = torch.stack(found[::-1]) * self.allowed[:, None]
        return both.permute(2, 0, 1).clamp_min(TINY).log()

    def _forward(self, x_t: Tensor) -> tuple[list[Tensor], Tensor]:
        """f, scaled to sum 1, (S, B) at each place; log p of all the evidence given the first."""
        state = torch.zeros(len(self.rest), len(x_t), device=x_t.device)
        state[self.start[x_t[:, 0]].long(), torch.arange(len(x_t), device=x_t.device)] = 1
        found, level = [state], torch.zeros(len(x_t), device=x_t.device)
        for i in range(1, x_t.shape[1]):
            f = self._after(state)
            mass = f.sum(0).clamp_min(TINY)
            f = f / mass
            found.append(f)
            state = f * self._evidence(x_t[:, i])
            level = level + mass.log()
        return found, level + state.sum(0).clamp_min(TINY).log()

    def _evidence(self, tokens: Tensor) -> Tensor:
        """e of each state at one place, (S, B), from its tokens, (B,)."""
        one = torch.nn.functional.one_hot(tokens, self.size).float()
        one[self.mask == tokens] = self.allowed
        return one.T.contiguous()[self.last.long()]

    def _after(self, f: Tensor) -> Tensor:
        """P^T f, (S, B)."""
        forget, _, emit, _, _ = self._sparse()
        f = forget @ f
        out = emit @ f
        out[: self.size] += self.floor[:, None] * (self.rest[: self.size] @ f[: self.size])
        return out

    def _before(self, b: Tensor) -> Tensor:
        """P b, (S, B)."""
        _, back, _, emitted, _ = self._sparse()
        out = emitted @ b
        out[: self.size] += self.rest[: self.size, None] * (self.floor @ b[: self.size])
        return back @ out

    def _tokens(self, f: Tensor) -> Tensor:
        """Sums over the histories that end with a token, (V, B) of (S, B)."""
        return self._sparse()[4] @ f

    def _sparse(self) -> tuple[Tensor, ...]:
        """Forget and its transpose, emit and its transpose, and the states of each token; made once."""
        if self._matrices is None or self._matrices[0].device != self.values.device:
            states, one = len(self.rest), torch.ones_like(self.rest)
            own = torch.arange(states, device=one.device)
            steps = [(own, own, one)]
            while len(steps[-1][0]):  # how each history came to what is left of it, and how likely that is
                start, at, weight = steps[-1]
                weight, at = weight * self.rest[at], self.shorter[at].long()
                steps.append((start[at >= 0], at[at >= 0], weight[at >= 0]))
            starts, ends, weights = (torch.cat(part) for part in zip(*steps, strict=True))
            back, forget = _csr(starts, ends, weights, states, states)
            emitted, emit = _csr(self.places[0].long(), self.places[1].long(), self.values, states, states)
            last = _csr(own, self.last.long(), one, states, self.size)[1]
            self._matrices = forget, back, emit, emitted, last
        return self._matrices

    def __getstate__(self) -> dict[str, Any]:
        """Copies make their own matrices: torch cannot copy sparse ones."""
        return self.__dict__ | {"_matrices": None}


def _number(model: KneserNey, memories: int) -> tuple[list[np.ndarray], int]:
    """The state of each context of each length, -1 where it is not kept, and how many states there are.

    A shorter end of a context was seen at least as often, so what is kept can forget.
    """
    longer = np.sort(np.concatenate([level.seen for level in model.levels[2:]] or [np.zeros(0, int)]))
    least = longer[-memories - 1] + 1 if len(longer) > memories else 0
    numbers, total = [np.zeros(1, dtype=np.int64), model.levels[1].keys], model.size
    for level in model.levels[2:]:
        kept = level.seen >= least
        numbers.append(np.where(kept, total + kept.cumsum() - 1, -1))
        total += int(kept.sum())
    return numbers, total


def _state(model: KneserNey, numbers: list[np.ndarray], histories: np.ndarray) -> np.ndarray:
    """The state that remembers most of each history, (N,) of (N, m) tokens, oldest first."""
    state, number, kept = histories[:, -1], np.zeros(len(histories), dtype=np.int64), True
    for m in range(1, min(model.order - 1, histories.shape[1]) + 1):
        number, found = look_up(model.levels[m].keys, number * model.size + histories[:, -m])
        kept = kept & found & (numbers[m][number] >= 0)
        state = np.where(kept, numbers[m][number], state)
    return state


def _csr(rows: Tensor, columns: Tensor, values: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """A sparse matrix (height, width) and its transpose, compressed by rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls the layout new at each first use
        sparse = torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (height, width)).coalesce()
        return sparse.to_sparse_csr(), sparse.T.to_sparse_csr()

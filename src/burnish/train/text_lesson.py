"""What a model of lines is taught: batches, loss, validation in bits per character."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.chain import Chain
from burnish.core.corrected import Corrected
from burnish.core.masked import nelbo, uniform
from burnish.core.ngram import KneserNey
from burnish.core.process import seeded
from burnish.media.text import Texts, key
from burnish.media.vocabulary import BEGIN, END, MASK, PAD, Vocabulary
from burnish.nets.text import TextConfig

FOLDS = 8
ORDER = 3
"""Of the chain; a fourth gains nothing, see docs/experiments.md."""
SPARE = 16
"""Lines may have this many tokens more than the longest that was seen."""


class TextLesson:
    """Batches, loss and validation for `train.loop.fit`.

    The chain that a line is trained with has not seen it: there are `FOLDS` of them, each fitted to the
    others' lines (stacking, Wolpert 1992). Otherwise the network would learn to trust counts that hold the
    answer.

    Args:
        texts: The data.
        vocabulary: Text to tokens.
        config: The network's.
        seed: Of the hold-out, the folds and the order.
        chained: Whether there is a chain at all.
        batch_size: Lines an update.
        validated: Most held-out lines judged.
    """

    def __init__(
        self,
        texts: Texts,
        vocabulary: Vocabulary,
        config: TextConfig,
        seed: int = 0,
        chained: bool = True,
        batch_size: int = 64,
        validated: int = 100,
    ) -> None:
        self.texts, self.vocabulary, self.config, self.seed = texts, vocabulary, config, seed
        self.batch_size, self.device = batch_size, torch.device("cpu")
        self.train, self.held = texts.holdout(seed=seed)
        self.tokens = [vocabulary.encode(line) for line in self.train]
        self.lengths = length_prior([len(tokens) for tokens in self.tokens])
        self._folds = self._deal()
        rest = [[s for other in self._folds if other is not fold for s in other] for fold in self._folds]
        self.chains: list[Chain | None] = [self.fit_chain(part) if chained else None for part in rest]
        self.chain = self.fit_chain(self.tokens) if chained else None
        chosen = np.random.default_rng((seed, 13)).permutation(len(self.held))[:validated]
        self.exam = [self.held[int(k)] for k in sorted(chosen)]

    def fit_chain(self, tokens: list[list[int]]) -> Chain:
        """The Kneser-Ney n-gram of some lines, as a chain."""
        model = KneserNey([[*line, END] for line in tokens], ORDER, self.config.size, BEGIN)
        return Chain.of(model, END, PAD, MASK, self.config.allowed())

    def _deal(self) -> list[list[list[int]]]:
        """The training lines in `FOLDS` parts; the same line is in one of them."""
        keys = [key(line) for line in self.train]
        names = sorted(set(keys))
        order = np.random.default_rng((self.seed, 14)).permutation(len(names)) % FOLDS
        fold = dict(zip(names, order.tolist(), strict=True))
        return [[t for t, k in zip(self.tokens, keys, strict=True) if fold[k] == f] for f in range(FOLDS)]

    def batch(self, step: int, rng: np.random.Generator) -> tuple[Tensor, int]:
        """Lines of one fold, of like length so that little is padding, (B, L), and the fold's number."""
        fold = step % FOLDS
        pool = self._folds[fold]
        drawn = sorted((pool[k] for k in rng.integers(0, len(pool), 4 * self.batch_size)), key=len)
        start = int(rng.integers(4)) * self.batch_size
        return pack(drawn[start : start + self.batch_size]).to(self.device), fold

    def loss(self, model: nn.Module, batch: tuple[Tensor, int], rng: torch.Generator) -> Tensor:
        """One sample of the bound, in nats a token: k of n tokens masked, k uniform and stratified over the
        batch.

        Each line's sum over masked tokens is weighed by n / k, which is 1 / t of `Masked.loss` with t
        integrated out. For a causal model, the mean surprise of tokens and end.
        """
        x_0, fold = batch
        places = x_0 > MASK
        counts = places.sum(-1)
        chain = self.chains[fold]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))  # of dropout
            if self.config.causal:
                asked = places | (x_0 == END)
                return -model(x_0, chain=chain, where=asked).log_likelihood(x_0[asked]).mean()
            strata = (torch.randperm(len(x_0), generator=rng) + uniform((len(x_0),), rng)) / len(x_0)
            several = (strata.to(x_0.device) * counts).floor() + 1
            chance = uniform(x_0.shape, rng).to(x_0.device).masked_fill(~places, 2.0)
            hidden = (chance.argsort(-1).argsort(-1) < several[:, None]) & places
            x_t = torch.where(hidden, MASK, x_0)
            surprise = -model(x_t, chain=chain, where=hidden).log_likelihood(x_0[hidden])
        weight = (counts / several).float()[:, None].expand_as(x_0)[hidden]
        return (surprise * weight).sum() / counts.sum()

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """`loss`: the bound on held-out lines in bits per character, at fixed orders."""
        if not self.exam:
            return {}
        bits = self.bits(model, self.exam)
        return {"loss": float(bits.sum()) / sum(map(len, self.exam))}

    def bits(self, model: nn.Module, lines: list[str], orders: int = 1) -> Tensor:
        """The bound on each line, its length paid for, (N,), in bits; of a causal model its likelihood."""
        assert isinstance(model, Corrected)
        tokens = [self.vocabulary.encode(line) for line in lines]
        if self.config.causal:
            return causal_nats(model, tokens, self.device) / math.log(2)
        return line_bits(model, tokens, self.lengths, seeded(self.seed, 15), orders, self.device)


def pack(tokens: list[list[int]]) -> Tensor:
    """Lines between begin and end, padded to the longest, int64 (B, L)."""
    width = max(map(len, tokens)) + 2
    return torch.tensor([[BEGIN, *line, END] + [PAD] * (width - len(line) - 2) for line in tokens])


def length_prior(lengths: list[int]) -> list[float]:
    """p(number of tokens) for 0 to the longest + `SPARE`: counts, a tenth added to each; none is empty."""
    counts = np.bincount(lengths, minlength=max(lengths) + SPARE + 1) + 0.1
    counts[0] = 0
    return (counts / counts.sum()).tolist()


def length_nats(prior: list[float], length: int) -> float:
    """-log p of a number of tokens; beyond the prior's reach each more costs log 2."""
    reach = len(prior) - 1
    return -math.log(prior[min(length, reach)] or 1e-12) + max(0, length - reach) * math.log(2)


def line_bits(
    model: nn.Module,
    tokens: list[list[int]],
    lengths: list[float],
    rng: torch.Generator,
    orders: int = 1,
    device: torch.device | str = "cpu",
) -> Tensor:
    """The bound on -log2 p of each line, its length included, float64 (N,), in bits."""
    x = pack(tokens).to(device)
    nats = nelbo(model, MASK, x, x > MASK, rng, orders)  # type: ignore[arg-type]
    told = torch.tensor([length_nats(lengths, len(line)) for line in tokens], dtype=torch.float64)
    return (nats + told) / math.log(2)


@torch.no_grad()
def causal_nats(model: Corrected, tokens: list[list[int]], device: torch.device | str = "cpu") -> Tensor:
    """-log p of each line and its end under a causal model, float64 (N,)."""
    found = []
    for start in range(0, len(tokens), 128):
        x = pack(tokens[start : start + 128]).to(device)
        log_p = model(x).log_likelihood(x).double()
        found.append(-log_p.masked_fill((x <= MASK) & (x != END), 0).sum(-1).cpu())
    return torch.cat(found)

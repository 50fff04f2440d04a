"""The chain's posterior against sums over all sequences."""

import itertools

import numpy as np
import pytest
import torch

from burnish.core.chain import Chain
from burnish.core.masked import left_to_right, nelbo
from burnish.core.process import seeded

MASK, BEGIN, END = 0, 1, 2
WORDS = (3, 4, 5)
SIZE = 6


@pytest.fixture
def chain():
    """Three words; only they stand behind masks."""
    torch.manual_seed(0)
    p = torch.rand(SIZE, SIZE) ** 3
    p[:, [MASK, BEGIN]] = 0
    return Chain(p / p.sum(-1, keepdim=True), MASK, torch.tensor([v in WORDS for v in range(SIZE)]))


def log_joint(chain, sequence):
    p = chain.transitions.double()
    return sum(p[u, v].log() for u, v in itertools.pairwise(sequence))


@pytest.mark.parametrize(
    "seen",
    [
        [BEGIN, MASK, MASK, MASK, END],
        [BEGIN, 3, MASK, MASK, 4, MASK, END],
        [BEGIN, MASK, 5, END],
        [BEGIN, 3, 4, END],
        [BEGIN, MASK, MASK],
    ],
)
def test_posterior_and_likelihood_are_the_sums_over_all_sequences(chain, seen):
    x = torch.tensor([seen, seen[:1] + [3] * (len(seen) - 2) + seen[-1:]])
    answer, known = chain(x).log_probabilities[0].exp(), chain.messages(x)[1][0]
    for i in range(1, len(seen)):
        open_ = [k for k, v in enumerate(seen) if v == MASK or k == i]
        weights = dict.fromkeys(WORDS, 0.0)
        for words in itertools.product(WORDS, repeat=len(open_)):
            full = list(seen)
            for k, word in zip(open_, words, strict=True):
                full[k] = word
            weights[full[i]] += float(log_joint(chain, full).exp())
        total = sum(weights.values())
        assert [answer[i, v].item() for v in WORDS] == pytest.approx(
            [weights[v] / total for v in WORDS], rel=1e-5
        )
    mass = 0.0
    hidden = [k for k, v in enumerate(seen) if v == MASK]
    for words in itertools.product(WORDS, repeat=len(hidden)):
        full = list(seen)
        for k, word in zip(hidden, words, strict=True):
            full[k] = word
        mass += float(log_joint(chain, full).exp())
    assert known[-1].exp().item() == pytest.approx(mass, rel=1e-5)


def test_the_bound_of_an_exact_denoiser_is_the_likelihood(chain):
    """All conditionals come from one joint, so NELBO = -log p(words | how many)."""
    lines = [[BEGIN, 3, 4, 5, 5, END], [BEGIN, 5, 3, 4, 4, END]]
    x = torch.tensor(lines)
    places = torch.tensor([[v in WORDS for v in line] for line in lines])
    sequences = [[BEGIN, *w, END] for w in itertools.product(WORDS, repeat=4)]
    all_ = np.logaddexp.reduce([float(log_joint(chain, s)) for s in sequences])
    exact = [float(all_ - log_joint(chain, line)) for line in lines]
    for row, wanted in enumerate(exact):
        many = nelbo(chain, MASK, x[[row] * 500], places[[row] * 500], seeded(row))
        error = float(many.std()) / len(many) ** 0.5
        assert abs(float(many.mean()) - wanted) < 4.5 * error  # false alarm under 1e-5
    assert left_to_right(chain, MASK, x, places).tolist() == pytest.approx(exact, abs=1e-4)

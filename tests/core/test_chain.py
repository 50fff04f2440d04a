"""The chain's posterior against sums over all sequences."""

import itertools

import numpy as np
import pytest
import torch

from burnish.core.chain import Chain
from burnish.core.masked import left_to_right, surprise_orders, tighter
from burnish.core.ngram import KneserNey
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
    return Chain.dense(p / p.sum(-1, keepdim=True), MASK, torch.tensor([v in WORDS for v in range(SIZE)]))


def test_a_bigram_model_gives_its_chain():
    """Rows are the model's own, after the end comes padding for ever, unseen tokens have the unigram."""
    model = KneserNey([[3, 4, END], [4, 4, 3, END]], 2, 8, BEGIN)
    chain = Chain.of(model, END, 7, MASK, torch.ones(8, dtype=torch.bool))
    rows = chain.next(torch.arange(8))
    for token in (BEGIN, 3, 4, 5):
        assert rows[token].tolist() == pytest.approx(model.row([token]).tolist(), abs=1e-6)
    assert rows[[END, 7], 7].tolist() == [1, 1]
    assert rows.sum(-1).tolist() == pytest.approx([1] * 8, abs=1e-5)
    line = torch.tensor([[BEGIN, 3, 4, END, 7, 7], [BEGIN, 4, 4, 3, END, 7]])
    wanted = [model.log_probability(s).sum() for s in ([3, 4, END], [4, 4, 3, END])]
    assert chain.log_likelihood(line).tolist() == pytest.approx(wanted, abs=1e-4)
    again = Chain(len(chain.values), 8, MASK, torch.ones(8, dtype=torch.bool))
    again.load_state_dict(chain.state_dict())
    assert torch.equal(again(line).logits, chain(line).logits)
    with pytest.raises(ValueError, match="order 2"):
        Chain.of(KneserNey([[3, END]], 3, 8, BEGIN), END, 7, MASK, torch.ones(8))


def log_joint(chain, sequence):
    p = chain.next(torch.arange(SIZE)).double()
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
    answer, known = chain(x).log_probabilities[0].exp(), chain.log_likelihood(x)[0]
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
    assert known.exp().item() == pytest.approx(mass, rel=1e-5)


def test_the_bound_of_an_exact_denoiser_is_the_likelihood(chain):
    """All conditionals come from one joint, so NELBO = -log p(words | how many)."""
    lines = [[BEGIN, 3, 4, 5, 5, END], [BEGIN, 5, 3, 4, 4, END]]
    x = torch.tensor(lines)
    places = torch.tensor([[v in WORDS for v in line] for line in lines])
    sequences = [[BEGIN, *w, END] for w in itertools.product(WORDS, repeat=4)]
    all_ = np.logaddexp.reduce([float(log_joint(chain, s)) for s in sequences])
    exact = [float(all_ - log_joint(chain, line)) for line in lines]
    each = surprise_orders(chain, MASK, x, places, seeded(0), orders=12)
    for order in each:
        assert order.tolist() == pytest.approx(exact, abs=1e-4)
    assert tighter(each).tolist() == pytest.approx(exact, abs=1e-4)
    assert left_to_right(chain, MASK, x, places).tolist() == pytest.approx(exact, abs=1e-4)

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


ALLOWED = torch.tensor([v in WORDS for v in range(SIZE)])


def transitions():
    """Any token may follow, but for mask and begin."""
    torch.manual_seed(0)
    p = torch.rand(SIZE, SIZE) ** 3
    p[:, [MASK, BEGIN]] = 0
    return p / p.sum(-1, keepdim=True)


def grams(order):
    """A few lines of three words, so that some histories were seen and some were not."""
    lines = [[3, 4, 5], [3, 4, 4], [4, 5, 3, 4, 5], [5, 5, 3], [3, 4, 5, 5], [4]]
    return KneserNey([[*line, END] for line in lines], order, SIZE + 1, BEGIN)


@pytest.fixture(params=["given transitions", "trigram", "pruned trigram", "4-gram"])
def chain(request):
    """Three words; only they stand behind masks."""
    if request.param == "given transitions":
        return Chain.dense(transitions(), MASK, ALLOWED)
    allowed, order = torch.cat([ALLOWED, torch.tensor([False])]), 4 if request.param == "4-gram" else 3
    memories = 3 if request.param.startswith("pruned") else 100
    return Chain.of(grams(order), END, SIZE, MASK, allowed, memories)


def test_a_bigram_model_gives_its_chain():
    """Rows are the model's own, after the end comes padding for ever, unseen tokens have the unigram."""
    model = KneserNey([[3, 4, END], [4, 4, 3, END]], 2, 8, BEGIN)
    chain = Chain.of(model, END, 7, MASK, torch.ones(8, dtype=torch.bool))
    rows = chain.ahead(torch.tensor([[token, MASK] for token in range(8)]))[:, 1].exp()
    for token in (BEGIN, 3, 4, 5):
        assert rows[token].tolist() == pytest.approx(model.row([token]).tolist(), abs=1e-6)
    assert rows[[END, 7], 7].tolist() == pytest.approx([1, 1])
    assert rows.sum(-1).tolist() == pytest.approx([1] * 8, abs=1e-5)
    line = torch.tensor([[BEGIN, 3, 4, END, 7, 7], [BEGIN, 4, 4, 3, END, 7]])
    wanted = [model.log_probability(s).sum() for s in ([3, 4, END], [4, 4, 3, END])]
    assert chain.log_likelihood(line).tolist() == pytest.approx(wanted, abs=1e-4)
    again = Chain(*chain.shape, 8, MASK, torch.ones(8, dtype=torch.bool))
    again.load_state_dict(chain.state_dict())
    assert torch.equal(again(line).logits, chain(line).logits)
    with pytest.raises(ValueError, match="order 2 or more"):
        Chain.of(KneserNey([[3, END]], 1, 8, BEGIN), END, 7, MASK, torch.ones(8))


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_chain_forgets_and_remembers_as_the_module_says(order):
    """Against a walk over the lengths of memory, with numbers from the counts' definition alone."""
    model = grams(order)
    chain = Chain.of(model, END, SIZE, MASK, torch.cat([ALLOWED, torch.tensor([False])]))
    for words in itertools.product(WORDS, repeat=3):
        line = [*words, END]
        wanted, memory, padded = 0.0, {order - 1: 1.0}, [BEGIN] * (order - 1) + line
        for i in range(order - 1, len(padded)):
            v, mass, after = padded[i], 0.0, {}
            for m in range(order - 1, -1, -1):
                mass += memory.get(m, 0.0)
                longer, shorter = model.row(padded[i - m : i]), model.row(padded[i - m + 1 : i] if m else [])
                if m == 0:
                    after[1] = after.get(1, 0.0) + mass * longer[v]
                elif seen(model, padded[i - m : i]):
                    rest = (longer / shorter).min()  # a token never seen here has the share g alone
                    now = min(m + 1, order - 1)
                    while now > 1 and not seen(model, padded[i - now + 1 : i + 1]):
                        now -= 1
                    after[now] = after.get(now, 0.0) + mass * (longer[v] - rest * shorter[v])
                    mass *= rest
            wanted += np.log(sum(after.values()))
            memory = {m: p / sum(after.values()) for m, p in after.items()}
        assert chain.log_likelihood(torch.tensor([[BEGIN, *line]])).item() == pytest.approx(wanted, abs=1e-4)


def seen(model, context):
    """Whether a context was seen: it ends in one of the contexts of its length."""
    number = 0
    for m in range(1, len(context) + 1):
        keys = model.levels[m].keys.tolist()
        if number * model.size + context[-m] not in keys:
            return False
        number = keys.index(number * model.size + context[-m])
    return True


def test_what_is_not_remembered_costs_likelihood_and_stays_a_distribution():
    """All lines of up to eight words together have probability 1, but for the few longer ones."""
    model = grams(3)
    for memories in (0, 3, 100):
        chain = Chain.of(model, END, SIZE, MASK, torch.cat([ALLOWED, torch.tensor([False])]), memories)
        assert chain.shape[1] <= SIZE + 1 + memories
        line = torch.tensor([[BEGIN, 3, 4, 5, END, SIZE]])
        assert chain.ahead(line)[0, 1:].exp().sum(-1).tolist() == pytest.approx([1] * 5, abs=1e-5)


def log_joint(chain, sequences):
    """log p of each by the chain rule, from left to right, float64 (N,)."""
    x = torch.as_tensor(sequences)
    return chain.ahead(x).double().gather(2, x[..., None])[:, 1:, 0].sum(1)


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
    hidden = [k for k, v in enumerate(seen) if v == MASK]
    for i in range(1, len(seen)):
        full = every_way(seen, sorted({*hidden, i}))
        p = log_joint(chain, full).exp()
        weights = torch.stack([p[full[:, i] == v].sum() for v in WORDS])
        assert answer[i, list(WORDS)].tolist() == pytest.approx((weights / weights.sum()).tolist(), rel=1e-4)
    assert known.exp().item() == pytest.approx(
        log_joint(chain, every_way(seen, hidden)).exp().sum().item(), rel=1e-4
    )


def every_way(line, places):
    """The line with every choice of words at some places, (N, L)."""
    ways = list(itertools.product(WORDS, repeat=len(places)))
    full = torch.tensor(line).repeat(len(ways), 1)
    full[:, places] = torch.tensor(ways, dtype=torch.int64).reshape(len(ways), len(places))
    return full


def test_the_bound_of_an_exact_denoiser_is_the_likelihood(chain):
    """All conditionals come from one joint, so NELBO = -log p(words | how many)."""
    lines = [[BEGIN, 3, 4, 5, 5, END], [BEGIN, 5, 3, 4, 4, END]]
    x = torch.tensor(lines)
    places = torch.tensor([[v in WORDS for v in line] for line in lines])
    sequences = [[BEGIN, *w, END] for w in itertools.product(WORDS, repeat=4)]
    exact = (log_joint(chain, sequences).logsumexp(0) - log_joint(chain, lines)).tolist()
    each = surprise_orders(chain, MASK, x, places, seeded(0), orders=12)
    for order in each:
        assert order.tolist() == pytest.approx(exact, abs=1e-4)
    assert tighter(each).tolist() == pytest.approx(exact, abs=1e-4)
    assert left_to_right(chain, MASK, x, places).tolist() == pytest.approx(exact, abs=1e-4)

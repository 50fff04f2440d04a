"""Masked diffusion against closed forms: rates, the bound's weight, exact sampling, no truncated tails."""

import itertools
import math

import pytest
import torch
from scipy.stats import chisquare

from burnish.core.chain import Chain
from burnish.core.masked import (
    Masked,
    ancestral,
    left_to_right,
    nelbo,
    paced,
    surprise_orders,
    tighter,
    uniform,
)
from burnish.core.posterior import Categorical, Posterior, draw
from burnish.core.process import seeded
from burnish.core.sample import sample

MASK = 0


def test_corrupt_masks_with_probability_t_and_never_at_zero():
    """20,000 tokens at t = 0.3: within 4.5 standard errors (false alarm under 1e-5)."""
    x = torch.ones(2, 20000, dtype=torch.long)
    hidden = Masked(MASK).corrupt(x, torch.tensor([0.3, 0.0]), seeded(0)) == MASK
    assert abs(hidden[0].double().mean() - 0.3) < 4.5 * (0.21 / 20000) ** 0.5
    assert not hidden[1].any()


def test_one_time_a_token():
    x = torch.ones(1, 4, dtype=torch.long)
    out = Masked(MASK).corrupt(x, torch.tensor([[0.0, 1.0, 0.0, 1.0]]), seeded(0))
    assert out.tolist() == [[1, MASK, 1, MASK]]


def test_loss_weighs_the_surprise_of_masked_places_by_one_over_t():
    logits = torch.tensor([[[0.0, 1.0, 2.0]] * 3])
    x_0, x_t = torch.tensor([[1, 2, 1]]), torch.tensor([[MASK, 2, MASK]])
    surprise = -logits[0, 0].log_softmax(-1)[1]
    loss = Masked(MASK).loss(Categorical(logits), x_0, x_t, torch.tensor([0.5]))
    assert loss.item() == pytest.approx(2 * surprise.item() / 0.5)


def test_the_loss_at_random_times_estimates_the_same_bound():
    """Independent tokens: NELBO = sum of -log p, and the loss at t ~ U(0, 1) has that mean (1/t cancels)."""
    logits = torch.tensor([-9.0, 0.0, 1.0, 2.0])

    def denoiser(x_t, t, condition=None):
        return Categorical(logits.expand(*x_t.shape, 4))

    x_0 = torch.tensor([[1, 3, 2]])
    exact = -float(logits.log_softmax(0)[x_0[0]].sum())
    places = torch.ones_like(x_0, dtype=torch.bool)
    assert left_to_right(denoiser, MASK, x_0, places).item() == pytest.approx(exact, rel=1e-5)
    many = x_0.expand(20000, 3)
    t = uniform((20000,), seeded(1))
    process = Masked(MASK)
    x_t = process.corrupt(many, t, seeded(2))
    loss = process.loss(denoiser(x_t, t), many, x_t, t.float())
    assert abs(float(loss.mean()) - exact) < 4.5 * float(loss.std()) / 20000**0.5
    assert nelbo(denoiser, MASK, x_0, places, seeded(3)).item() == pytest.approx(exact, rel=1e-5)


def test_orders_are_averaged_to_the_bound_and_bounded_more_tightly():
    """A denoiser that is sure only once the other token is shown: by hand, two orders of two tokens.

    First token first costs log 4 + log 2, second first costs log 2 + log 2; NELBO is the mean, p the mean
    of both.
    """

    def denoiser(x_t, t, condition=None):
        both = (x_t == MASK).all(-1)
        answer = torch.full((*x_t.shape, 5), -torch.inf)
        answer[..., 1:3] = -math.log(2.0)
        answer[both, 0, 1:] = -math.log(4.0)
        return Categorical(answer)

    x_0 = torch.tensor([[1, 2]])
    places = torch.ones_like(x_0, dtype=torch.bool)
    each = surprise_orders(denoiser, MASK, x_0, places, seeded(0), orders=64)[:, 0]
    firsts = each > math.log(6)
    assert 16 < int(firsts.sum()) < 48
    assert each[firsts].tolist() == pytest.approx([math.log(8)] * int(firsts.sum()), abs=1e-5)
    assert each[~firsts].tolist() == pytest.approx([math.log(4)] * int((~firsts).sum()), abs=1e-5)
    share = float(firsts.double().mean())
    assert each.mean().item() == pytest.approx(share * math.log(8) + (1 - share) * math.log(4), abs=1e-5)
    assert tighter(each[:, None]).item() == pytest.approx(-math.log(share / 8 + (1 - share) / 4), abs=1e-5)
    assert tighter(each[:, None]) < each.mean()


def test_step_reveals_at_the_rate_of_the_time_and_keeps_what_is_shown():
    x = torch.full((1, 20000), MASK)
    x[0, :5000] = 2
    posterior = Categorical(torch.tensor([-torch.inf, 0.0, -torch.inf]).expand(1, 20000, 3))
    out = Masked(MASK).step(x, posterior, torch.tensor([0.8]), torch.tensor([0.6]), seeded(0))
    assert (out[0, :5000] == 2).all()
    shown = (out[0, 5000:] == 1).double().mean()
    assert abs(shown - 0.25) < 4.5 * (0.1875 / 15000) ** 0.5


def test_draw_matches_float64_probabilities_into_the_tails():
    """Chi-square at 1e-4; a token of probability 1e-9 is reached, which a float32 Gumbel cannot promise."""
    p = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    drawn = draw(p.expand(40000, 4), uniform((40000,), seeded(0)))
    assert chisquare(torch.bincount(drawn, minlength=4).numpy(), (40000 * p).numpy()).pvalue > 1e-4
    tail = torch.tensor([1 - 1e-9, 1e-9], dtype=torch.float64)
    assert draw(tail, torch.tensor(1 - 0.9e-9, dtype=torch.float64)) == 1
    assert draw(tail, torch.tensor(1 - 1.1e-9, dtype=torch.float64)) == 0
    assert draw(torch.tensor([0.0, 1.0, 0.0]), torch.tensor(0.0)) == 1


@pytest.mark.parametrize(("solver", "steps"), [(ancestral, 64), (paced, 2)])
def test_the_loop_samples_the_chain_exactly(solver, steps):
    """One token at a time from an exact denoiser: the 9 outcomes follow the joint."""
    torch.manual_seed(1)
    p = torch.rand(5, 5)
    p[:, :2] = 0
    p = p / p.sum(-1, keepdim=True)
    chain = Chain.dense(p, MASK, torch.tensor([False, False, True, True, True]))
    start = torch.tensor([[1, MASK, MASK]]).expand(4000, 3)
    known = torch.tensor([[True, False, False]])
    made = sample(
        chain,
        Masked(MASK),
        start.shape,
        steps,
        solver(seeded(5)),
        known=start,
        known_mask=known,
        rng=seeded(6),
    )
    joint = {(a, b): float(p[1, a] * p[a, b]) for a, b in itertools.product((2, 3, 4), repeat=2)}
    counts = [int(((made[:, 1] == a) & (made[:, 2] == b)).sum()) for a, b in joint]
    assert sum(counts) == 4000
    # both in one of 64 ancestral steps: 1 line in 64 is drawn from the marginals, a bias below the noise
    assert chisquare(counts, [4000 * v / sum(joint.values()) for v in joint.values()]).pvalue > 1e-4


def test_a_paced_walk_reveals_its_share_of_each_line_at_every_step():
    start = torch.tensor([[1, *[MASK] * 6], [1, *[MASK] * 3, 2, 2, 2]])
    logits = torch.zeros(2, 7, 4)
    logits[..., MASK] = -torch.inf
    left, random = [], [seeded(0), seeded(1)]
    made = sample(
        lambda x, t, c=None: left.append((x == MASK).sum(-1).tolist()) or Categorical(logits),
        Masked(MASK),
        (2, 7),
        3,
        paced(random),
        known=start,
        known_mask=start != MASK,
        rng=random,
    )
    assert left == [[6, 3], [4, 2], [2, 1]] and (made != MASK).all()


def test_infill_keeps_the_known_and_previews_are_whole():
    seen = []
    logits = torch.zeros(2, 5, 4)
    logits[..., MASK] = -torch.inf
    start = torch.tensor([[1, MASK, 3, MASK, 2]] * 2)
    rngs = [seeded(0, 0), seeded(0, 1)]
    made = sample(
        lambda x, t, c=None: Categorical(logits),
        Masked(MASK),
        (2, 5),
        6,
        ancestral(rngs),
        known=start,
        known_mask=start != MASK,
        callback=lambda step: seen.append(step) and None,
        rng=rngs,
    )
    assert torch.equal(made[:, [0, 2, 4]], start[:, [0, 2, 4]])
    assert (made != MASK).all()
    assert all((step.clean != MASK).all() and step.clean.dtype == torch.long for step in seen)
    assert [step.t for step in seen][-1] == 0


def test_a_line_does_not_depend_on_its_neighbours():
    logits = torch.randn(1, 6, 9, generator=seeded(0))
    logits[..., MASK] = -torch.inf

    def make(rngs):
        def denoiser(x, t, c=None):
            return Categorical(logits.expand(len(x), -1, -1))

        return sample(denoiser, Masked(MASK), (len(rngs), 6), 5, ancestral(rngs), rng=rngs)

    together = make([seeded(3, k) for k in range(4)])
    assert torch.equal(together[2:3], make([seeded(3, 2)]))


def test_misuse_is_told():
    process, x = Masked(MASK), torch.tensor([[MASK]])
    with pytest.raises(TypeError, match="no slope"):
        process.slope(x, Categorical(torch.zeros(1, 1, 2)), torch.tensor([1.0]))
    with pytest.raises(TypeError, match="Categorical"):
        process.step(x, Posterior(torch.zeros(1, 1)), torch.tensor([1.0]), torch.tensor([0.5]))
    with pytest.raises(ValueError, match="generators"):
        uniform((3, 2), [seeded(0)])

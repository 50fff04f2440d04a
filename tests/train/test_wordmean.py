"""A mean that words tell, fitted in closed form, and the denoiser around it."""

import numpy as np
import pytest
import torch

from burnish.core.centred import Centred
from burnish.core.gaussian import Preconditioned
from burnish.core.process import seeded
from burnish.nets.condition import Condition, hash_text
from burnish.nets.wordmean import WordMean, bag
from burnish.train.wordmean import cross_fit_word_mean, fit_word_mean

NAMES = ["red heart", "green heart", "red apple", "green apple", "blue book", "yellow moon face"]
BUCKETS = 512


def codes():
    return torch.randn(len(NAMES), 2, 4, 4, generator=seeded(0))


def told(*texts):
    return Condition(ngrams=hash_text(texts, BUCKETS))


def test_a_bag_has_length_one_and_counts_each_gram_once():
    bags = bag(hash_text(["red red heart", "", "heart"], BUCKETS), BUCKETS)
    assert torch.allclose(bags.norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert len(set(bags[0][bags[0] > 0].tolist())) == 1


def test_it_is_ridge_regression():
    """At full rank the same as solving (Phi^T Phi + lambda I) B = Phi^T X."""
    x = codes()
    mean, left = fit_word_mean(x, NAMES, BUCKETS, len(NAMES), ridge=0.3)
    phi = bag(hash_text(NAMES, BUCKETS), BUCKETS).double().numpy()
    flat = x.flatten(1).double().numpy()
    centre = flat.mean(0)
    plain = np.linalg.solve(phi.T @ phi + 0.3 * np.eye(BUCKETS), phi.T @ (flat - centre))
    answer = mean(told(*NAMES), len(NAMES)).flatten(1).numpy()
    assert np.allclose(answer, centre + phi @ plain, atol=1e-5)
    assert left == pytest.approx(np.sqrt(((flat - answer) ** 2).mean()), rel=1e-4)


def test_names_are_known_by_heart_and_words_are_shared():
    x = codes()
    mean, left = fit_word_mean(x, NAMES, BUCKETS, 6, ridge=1e-4)
    assert left < 0.01
    assert torch.allclose(mean(told(*NAMES), 6), x, atol=0.05)
    assert torch.allclose(mean(told(""), 1), x.mean(0, keepdim=True), atol=1e-5)
    assert torch.equal(mean(None, 3), mean(told("", "", ""), 3))
    new = mean(told("red book"), 1)
    assert (new - x[4]).norm() < (mean(told(""), 1) - x[4]).norm()


def test_fewer_axes_keep_the_leading_ones():
    x = codes()
    lefts = [fit_word_mean(x, NAMES, BUCKETS, rank, ridge=1e-6)[1] for rank in (1, 3, 5)]
    values = torch.linalg.svdvals((x - x.mean(0)).flatten(1).double())
    exact = [float((values[rank:].square().sum() / x.numel()).sqrt()) for rank in (1, 3, 5)]
    assert lefts == pytest.approx(exact, abs=1e-3)


class Silent(torch.nn.Module):
    """F = 0, which is exact when the rest is Gaussian noise of the inner deviation."""

    def forward(self, x, t, condition):
        self.seen = condition
        return torch.zeros_like(x)


def test_the_whole_posterior_is_exact_for_noise_around_the_mean():
    """x_0 ~ N(mu, d^2): E[x_0 | x_t] = mu + (1 - t) d^2 / v (x_t - (1 - t) mu), v = (1 - t)^2 d^2 + t^2."""
    mean, _ = fit_word_mean(codes(), NAMES, BUCKETS, 6)
    net, d = Silent(), 0.4
    denoiser = Centred(Preconditioned(net, d), mean)
    x_t, t = torch.randn(2, 2, 4, 4, generator=seeded(1)), torch.tensor([0.3, 1.0])
    said = told("red heart", "blue book")
    mu, u = mean(said, 2), t[:, None, None, None]
    exact = mu + (1 - u) * d**2 / ((1 - u) ** 2 * d**2 + u**2) * (x_t - (1 - u) * mu)
    assert torch.allclose(denoiser(x_t, t, said).mean, exact, atol=1e-5)
    assert torch.equal(net.seen.extra, mu)
    assert torch.allclose(denoiser(x_t, torch.zeros(2), said).mean, x_t, atol=1e-6)


def test_it_is_saved_with_the_model_and_not_trained():
    mean = WordMean(8, 2, (1, 2, 2))
    assert set(mean.state_dict()) == {"words", "axes", "centre"}
    assert not list(mean.parameters())


COLOURS, THINGS = ("red", "green", "blue", "black"), [f"thing{k}" for k in range(30)]


def told_by_colour(noise: float):
    """120 codes whose level is that of their colour."""
    names = [f"{colour} {thing}" for thing in THINGS for colour in COLOURS]
    levels = torch.tensor([-1.5, -0.5, 0.5, 1.5]).repeat(len(THINGS))
    return levels[:, None, None, None] + noise * torch.randn(len(names), 2, 4, 4, generator=seeded(1)), names


def test_a_cross_fitted_mean_tells_unseen_pictures():
    x, names = told_by_colour(0.3)
    found = cross_fit_word_mean(x, names, BUCKETS, 0)
    assert found is not None
    mean, left, share, fold = found
    assert share > 0.8 and left == pytest.approx(
        float(((1 - share) * x.var(0, correction=0).mean()).sqrt()), rel=1e-3
    )
    new = mean(told("red nothing", "black nothing"), 2).mean((1, 2, 3))
    assert new[0] < -0.8 and new[1] > 0.8
    assert sorted(set(fold)) == [1, 2, 3, 4, 5]


def test_while_training_each_picture_has_the_mean_that_was_fitted_without_it():
    x, names = told_by_colour(1.0)
    found = cross_fit_word_mean(x, names, BUCKETS, 0)
    assert found is not None
    mean, left, _, fold = found
    said = Condition(ngrams=hash_text(names, BUCKETS), fold=torch.from_numpy(fold))
    blind, seen = (mean(c, len(x)) - x for c in (said, told(*names)))
    assert float(blind.square().mean().sqrt()) == pytest.approx(left, rel=0.02)
    assert float(seen.square().mean()) < float(blind.square().mean())
    assert "folds" not in mean.state_dict()


@pytest.mark.parametrize(
    ("x", "names"),
    [
        (torch.randn(120, 2, 4, 4, generator=seeded(2)), [f"word{k}" for k in range(120)]),
        (torch.randn(120, 2, 4, 4, generator=seeded(2)), ["one and the same"] * 120),
        (torch.randn(20, 2, 4, 4, generator=seeded(2)), [f"word{k}" for k in range(20)]),
    ],
)
def test_words_that_foretell_nothing_have_no_mean(x, names):
    assert cross_fit_word_mean(x, names, BUCKETS, 0) is None

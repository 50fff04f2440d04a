"""The straight path and its preconditioning against the Gaussian whose posterior is known."""

import pytest
import torch
from torch import nn

from burnish.core.gaussian import Preconditioned, StraightPath, coefficients, spread
from burnish.core.posterior import Posterior
from burnish.core.process import seeded

DEVIATION = 0.7


class Silent(nn.Module):
    """F = 0."""

    def forward(self, x, t, condition=None):
        return torch.zeros_like(x)


def test_preconditioning_alone_is_the_posterior_mean_of_a_gaussian():
    """For x_0 ~ N(0, d^2) the regression of x_0 on x_t, fitted to samples, is c_skip x_t + 0."""
    process, rng = StraightPath(DEVIATION), seeded(0)
    x_0 = DEVIATION * torch.randn(200_000, 1, generator=rng)
    for time in (0.1, 0.5, 0.9):
        t = torch.full((len(x_0),), time)
        x_t = process.corrupt(x_0, t, rng)
        fitted = (x_0 * x_t).mean() / x_t.square().mean()
        posterior = Preconditioned(Silent(), DEVIATION)(x_t, t)
        assert torch.allclose(posterior.mean, fitted * x_t, atol=0.02)


@pytest.mark.parametrize("time", [0.05, 0.3, 0.6, 0.95, 1.0])
def test_coefficients_give_unit_variance_at_input_and_target(time):
    """Var(c_in x_t) = 1 and Var((x_0 - c_skip x_t) / c_out) = 1, by the exact covariances."""
    c_skip, c_out, c_in = (float(c) for c in coefficients(torch.tensor(time, dtype=torch.float64), DEVIATION))
    variance = (1 - time) ** 2 * DEVIATION**2 + time**2
    assert c_in**2 * variance == pytest.approx(1, rel=1e-9)
    left = DEVIATION**2 - 2 * c_skip * (1 - time) * DEVIATION**2 + c_skip**2 * variance
    assert left / c_out**2 == pytest.approx(1, rel=1e-9)


def test_coefficients_are_those_of_edm_in_its_own_variable():
    """With sigma = t / (1 - t) and y = x_t / (1 - t): c_skip, c_out, c_in of arXiv:2206.00364, table 1."""
    t = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    sigma, d2 = t / (1 - t), DEVIATION**2
    c_skip, c_out, c_in = coefficients(t, DEVIATION)
    assert torch.allclose(c_skip * (1 - t), d2 / (sigma**2 + d2))
    assert torch.allclose(c_out, sigma * DEVIATION / (sigma**2 + d2).sqrt())
    assert torch.allclose(c_in * (1 - t), 1 / (sigma**2 + d2).sqrt())


def test_known_places_come_back_to_the_bit():
    torch.manual_seed(0)
    denoiser = Preconditioned(nn.Conv2d(1, 1, 3, padding=1))
    denoiser.net.forward = lambda x, t, condition=None: nn.Conv2d.forward(denoiser.net, x)
    x = torch.randn(2, 1, 8, 8)
    t = torch.zeros(2, 1, 8, 8)
    t[:, :, :, 4:] = 0.6
    mean = denoiser(x, t).mean
    assert torch.equal(mean[..., :4], x[..., :4])
    assert not torch.allclose(mean[..., 4:], x[..., 4:])


def test_loss_of_a_silent_network_is_one_and_counts_only_what_is_unknown():
    process, rng = StraightPath(DEVIATION), seeded(1)
    x_0 = DEVIATION * torch.randn(4, 1, 100, 100, generator=rng)
    t = torch.zeros(4, 1, 100, 100)
    t[:, :, 50:] = 0.4
    x_t = process.corrupt(x_0, t, rng)
    posterior = Preconditioned(Silent(), DEVIATION)(x_t, t)
    assert torch.allclose(process.loss(posterior, x_0, x_t, t), torch.ones(4), atol=0.08)
    wrong_where_known = Posterior(torch.where(t > 0, posterior.mean, posterior.mean + 9))
    assert torch.equal(process.loss(wrong_where_known, x_0, x_t, t), process.loss(posterior, x_0, x_t, t))


def test_step_is_an_euler_step_along_the_slope_and_lands_on_the_mean():
    process, x_t, posterior = StraightPath(), torch.randn(3, 5), Posterior(torch.randn(3, 5))
    t, s = torch.tensor([0.8]), torch.tensor([0.5])
    assert torch.allclose(
        process.step(x_t, posterior, t, s), x_t - 0.3 * process.slope(x_t, posterior, t), atol=1e-6
    )
    assert torch.allclose(process.step(x_t, posterior, t, torch.tensor([0.0])), posterior.mean)


def test_spread_tiles_tokens_over_pixels_row_by_row():
    t = torch.arange(8.0).reshape(1, 8)
    picture = spread(t, torch.zeros(1, 3, 8, 4))
    assert picture.shape == (1, 1, 8, 4)
    assert picture[0, 0, ::2, ::2].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert spread(t, torch.zeros(1, 8, 16)).shape == (1, 8, 1)
    assert spread(torch.zeros(2), torch.zeros(2, 3, 4, 4)).shape == (2, 1, 1, 1)
    with pytest.raises(ValueError, match="do not tile"):
        spread(torch.zeros(1, 7), torch.zeros(1, 3, 8, 4))

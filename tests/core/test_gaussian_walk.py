"""A walk of Gaussian data ends where the closed form says, and begins there, class by class."""

import pytest
import torch

from burnish.core.gaussian import StraightPath
from burnish.core.outline import Outline, begin
from burnish.core.posterior import Posterior
from burnish.core.sample import sample
from burnish.core.schedule import grid


def gaussian(n: int = 800) -> torch.Tensor:
    """Samples of 3 x 2 numbers, most of whose variance lies along two axes."""
    rng = torch.Generator().manual_seed(0)
    mix = torch.randn(6, 2, generator=rng)
    x = (
        torch.randn(n, 2, generator=rng) @ mix.T * 2
        + 0.1 * torch.randn(n, 6, generator=rng)
        + torch.arange(6.0)
    )
    return x.view(n, 1, 3, 2)


def test_it_knows_mean_axes_and_what_is_left() -> None:
    x = gaussian()
    outline = Outline.of(x)
    assert torch.allclose(outline.means[0], x.flatten(1).mean(0), atol=1e-3)
    covariance = outline.axes.T @ torch.diag(outline.variances - outline.rest) @ outline.axes
    covariance = covariance + outline.rest * torch.eye(6)
    assert torch.allclose(covariance, torch.cov(x.flatten(1).T, correction=0), atol=0.02)


def test_the_walk_of_the_exact_denoiser_passes_through_it() -> None:
    x = gaussian()
    mu, covariance = x.flatten(1).mean(0), torch.cov(x.flatten(1).T, correction=0)

    def exact(x_t: torch.Tensor, t: torch.Tensor, condition: object = None) -> Posterior:
        a, b = 1 - float(t[0]), float(t[0])
        gain = a * covariance @ torch.linalg.inv(a * a * covariance + b * b * torch.eye(6))
        return Posterior((mu + (x_t.flatten(1) - a * mu) @ gain.T).view_as(x_t))

    noise = torch.randn(5, 1, 3, 2, generator=torch.Generator().manual_seed(1))
    seen: dict[float, torch.Tensor] = {}
    times = torch.cat([grid(200, 1.0)[:101], torch.zeros(1, dtype=torch.float64)])  # down to 0.5, then on
    sample(exact, StraightPath(), noise, times, corrupted=True, callback=lambda s: seen.update({s.t: s.x}))
    assert torch.allclose(Outline.of(x)(noise, 0.5), seen[0.5], atol=0.02)


def test_classes_have_means_of_their_own_and_noise_draws_one_as_often_as_it_occurs() -> None:
    x, labels = gaussian(1000), torch.tensor([1, 1, 1, 2]).repeat(250)
    x[labels == 2] += 50
    outline = Outline.of(x, labels, 2)
    noise = torch.randn(400, 1, 3, 2, generator=torch.Generator().manual_seed(1))
    said = outline(noise, 0.5, torch.full((400,), 2))
    assert said.mean() > 20
    drawn = outline(noise, 0.5, torch.zeros(400, dtype=torch.long)).flatten(1).mean(1) > 15
    assert float(drawn.float().mean()) == pytest.approx(0.25, abs=0.07)
    assert torch.allclose(outline(noise[3:5], 0.5), outline(noise, 0.5)[3:5], atol=1e-5)


def test_without_one_a_walk_begins_at_the_noise() -> None:
    noise, outline = torch.randn(2, 1, 3, 2), Outline.of(gaussian())
    assert begin(None, torch.nn.Identity(), noise, 0.5) is noise
    assert begin(outline, torch.nn.Identity(), noise, 1.0) is noise
    assert begin(outline, torch.nn.Identity(), noise, 0.5) is not noise


def test_what_the_axes_leave_has_a_variance_of_its_own_in_each_channel() -> None:
    rng = torch.Generator().manual_seed(2)
    x = torch.randn(1500, 2, 8, 8, generator=rng) * torch.tensor([0.1, 2.0])[:, None, None]
    made = Outline.of(x)(torch.randn(300, 2, 8, 8, generator=rng), 1e-6)
    assert made.std((0, 2, 3)).tolist() == pytest.approx([0.1, 2.0], rel=0.05)

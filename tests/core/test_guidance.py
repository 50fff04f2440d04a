"""Guidance is linear in the two answers."""

import torch

from burnish.core.guidance import Guided
from burnish.core.posterior import Posterior


def says(x_t, t, condition=None):
    """Answers the condition itself."""
    return Posterior(torch.full_like(x_t, condition))


def test_guided_mean_extrapolates_from_without_to_with():
    guided = Guided(says, 3.0, lambda c: 1.0)
    assert torch.allclose(guided(torch.zeros(2, 3), torch.ones(2), 2.0).mean, torch.full((2, 3), 4.0))


def test_scale_one_asks_once():
    asked = []

    def counting(x_t, t, condition=None):
        asked.append(condition)
        return says(x_t, t, condition)

    Guided(counting, 1.0, lambda c: 1.0)(torch.zeros(1, 1), torch.ones(1), 2.0)
    assert asked == [2.0]


def test_outside_its_interval_it_is_silent():
    guided = Guided(says, 3.0, lambda c: 1.0, low=0.2, high=0.8)
    means = [float(guided(torch.zeros(1, 1), torch.tensor([t]), 2.0).mean) for t in (0.1, 0.5, 0.9)]
    assert means == [2.0, 4.0, 2.0]


def test_a_weak_denoiser_gives_autoguidance():
    guided = Guided(says, 2.0, lambda c: c, weak=lambda x_t, t, condition=None: Posterior(x_t))
    assert torch.allclose(guided(torch.ones(1, 1), torch.ones(1), 3.0).mean, torch.tensor(5.0))

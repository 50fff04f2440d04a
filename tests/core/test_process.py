"""Seeded noise."""

import pytest
import torch

from burnish.core.process import normal, seeded


def test_a_sample_depends_on_its_own_generator_alone():
    three = normal((3, 2, 4), [seeded(5, k) for k in range(3)])
    one = normal((1, 2, 4), [seeded(5, 2)])
    assert torch.equal(three[2:], one)


def test_the_number_of_generators_must_fit():
    with pytest.raises(ValueError, match="2 generators for a batch of 3"):
        normal((3, 2), [seeded(0), seeded(1)])


def test_seeds_with_counters_do_not_meet():
    draws = {float(torch.rand((), generator=seeded(seed, k))) for seed in range(20) for k in range(20)}
    assert len(draws) == 400
    assert float(torch.rand((), generator=seeded(1, 2))) == float(torch.rand((), generator=seeded(1, 2)))
    assert float(torch.rand((), generator=seeded(1, 2))) != float(torch.rand((), generator=seeded(2, 1)))


def test_noise_is_standard_normal():
    """200,000 draws: mean within 4.5 standard errors (false alarm under 1e-5)."""
    noise = normal((200_000,), seeded(3))
    assert abs(float(noise.mean())) < 4.5 / 200_000**0.5
    assert abs(float(noise.var()) - 1) < 4.5 * (2 / 200_000) ** 0.5

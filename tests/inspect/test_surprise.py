"""Surprise against brute force, and its memory against what greedy k-centre guarantees."""

import pytest
import torch

from burnish.inspect.surprise import LEAST, Surprise, learn_surprise


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def features(parts: int = 4, channels: int = 6, side: int = 5, seed: int = 0) -> list[torch.Tensor]:
    return list(torch.randn(parts, channels, side, side, generator=rng(seed)))


def test_is_the_distance_to_the_nearest_remembered_feature() -> None:
    surprise = learn_surprise(features(), 6, 20, rng())
    new = torch.randn(2, 6, 3, 4, generator=rng(1)) * 3
    tokens = (new.movedim(1, -1) @ surprise.basis.T).flatten(0, 2)
    expected = torch.cdist(tokens, surprise.memory).amin(1).clamp_min(LEAST).view(2, 1, 3, 4)
    assert torch.allclose(surprise(new), expected, atol=1e-4)


def test_all_axes_keep_distances_and_a_whole_memory_knows_every_part() -> None:
    parts = features()
    surprise = learn_surprise(parts, 6, 100, rng())
    assert torch.allclose(surprise.basis @ surprise.basis.T, torch.eye(6), atol=1e-5)
    assert all(float(surprise(part[None]).max()) == pytest.approx(LEAST) for part in parts)


def test_greedy_radius_is_at_most_twice_that_of_any_other_choice() -> None:
    parts = features(parts=6)
    flat = torch.cat([p.flatten(1).T for p in parts])
    surprise = learn_surprise(parts, 6, 15, rng())
    tokens = flat @ surprise.basis.T
    radius = float(torch.cdist(tokens, surprise.memory).amin(1).max())
    for seed in range(20):
        other = tokens[torch.randperm(len(tokens), generator=rng(seed))[:15]]
        assert radius <= 2 * float(torch.cdist(tokens, other).amin(1).max()) + 1e-5


def test_denoising_goes_to_the_nearest_as_t_falls_and_to_the_mean_as_it_rises() -> None:
    surprise = learn_surprise(features(), 6, 30, rng())
    new = torch.randn(1, 6, 2, 2, generator=rng(3))
    tokens = surprise.project(new).movedim(1, -1).flatten(0, 2)
    nearest = surprise.memory[torch.cdist(tokens, surprise.memory).argmin(1)]
    low = surprise.denoise(new, 1e-3).movedim(1, -1).flatten(0, 2)
    high = surprise.denoise(new, 0.9999).movedim(1, -1).flatten(0, 2)
    assert torch.allclose(low, nearest, atol=1e-4)
    assert torch.allclose(high, surprise.memory.mean(0).expand_as(high), atol=1e-2)


def test_one_remembered_feature_is_where_everything_goes() -> None:
    surprise = Surprise(2, 2, 1)
    surprise.basis.copy_(torch.eye(2))
    surprise.memory.copy_(torch.tensor([[1.0, 2.0]]))
    assert torch.allclose(
        surprise.denoise(torch.zeros(1, 2, 1, 1), 0.3)[0, :, 0, 0], torch.tensor([1.0, 2.0])
    )


def test_same_seed_same_memory() -> None:
    a, b = (learn_surprise(features(), 4, 10, rng(5)) for _ in range(2))
    assert torch.equal(a.memory, b.memory) and torch.equal(a.basis, b.basis)

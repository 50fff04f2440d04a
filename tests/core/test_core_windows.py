"""Windows over a large thing: as without them where a denoiser is local; asked only for what is unknown."""

from itertools import pairwise

import pytest
import torch

from burnish.core.gaussian import StraightPath, coefficients, spread
from burnish.core.posterior import Posterior
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.windows import Windowed, hann, starts


class Watching:
    """The exact denoiser of N(0, 1), pixel by pixel; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, x_t, t, condition=None):
        self.asked.append((x_t.shape, t.shape, condition))
        return Posterior(spread(coefficients(t, 1.0)[0], x_t) * x_t)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 21), (30, 17)])
def test_a_local_denoiser_answers_alike_with_and_without_windows(height, width):
    x = torch.randn(2, 3, height, width, generator=seeded(0))
    for t in (torch.tensor([0.3, 0.8]), torch.rand(2, 1, height, width, generator=seeded(1))):
        plain = Watching()(x, t).mean
        assert torch.allclose(Windowed(Watching(), 8, 3)(x, t).mean, plain, atol=1e-6)
    walk = [
        sample(d, StraightPath(), x, 3, start_t=0.5, rng=seeded(2))
        for d in (Watching(), Windowed(Watching(), 8))
    ]
    assert torch.allclose(*walk, atol=1e-5)


def test_windows_that_are_known_are_not_asked():
    x, t = torch.randn(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    t[..., 3:6, 3:6] = 1
    inner = Watching()
    mean = Windowed(inner, 16, 8)(x, t).mean
    assert [shape[0] for shape, _, _ in inner.asked] == [1]
    assert torch.allclose(mean[t == 0], x[t == 0], atol=1e-6)
    assert not torch.allclose(mean[t > 0], x[t > 0], atol=1e-6)


def test_large_batches_are_cut_and_conditions_follow_their_sample():
    inner = Watching()
    Windowed(inner, 8, 4, batch=5)(torch.randn(2, 1, 8, 16), torch.ones(2), torch.tensor([10, 20]))
    assert [shape[0] for shape, _, _ in inner.asked] == [5, 1]
    assert torch.cat([c for _, _, c in inner.asked]).tolist() == [10] * 3 + [20] * 3


def test_places_cover_everything_and_overlap_enough():
    for length in range(8, 60):
        for overlap in range(8):
            places = starts(length, 8, overlap)
            assert places[0] == 0
            assert places[-1] == length - 8
            assert all(b - a <= 8 - overlap for a, b in pairwise(places))
    assert float(hann(64).min()) > 0


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="overlap 8"):
        Windowed(Watching(), 8, 8)
    with pytest.raises(ValueError, match="smaller than a window"):
        Windowed(Watching(), 8)(torch.randn(1, 1, 7, 9), torch.ones(1))

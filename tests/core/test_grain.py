"""Bands that sum to the clip, their shares of white noise, and grain that is found and averaged away."""

import pytest
import torch

from burnish.core.frames import FramePreconditioned, over_time, wiener
from burnish.core.grain import WHITE, band_matrix, bands, fit, plain
from burnish.core.process import normal, seeded


class Silent(torch.nn.Module):
    def forward(self, inputs, t, condition=None):
        return inputs[:, : (inputs.shape[1] - 1) // 2] * 0


@pytest.fixture(scope="module")
def world():
    """(K, clips of a slow process in smooth shapes, the same with grain of deviation 0.2)."""
    k = torch.arange(8)
    matrix = 0.999 ** (k[:, None] - k).abs().double()
    root = torch.linalg.cholesky(matrix).float()
    rough = torch.einsum("ij,bcjhw->bcihw", root, normal((6, 1, 8, 40, 40), seeded(0)))
    clips = bands(bands(rough)[2])[2][..., 4:36, 4:36]
    clips = clips / clips.std()
    return matrix, clips, clips + 0.2 * normal(clips.shape, seeded(1))


def test_bands_sum_to_the_clip_and_share_white_noise_as_stated():
    noise = normal((1, 1, 4, 128, 128), seeded(0))
    parted = bands(noise)
    torch.testing.assert_close(sum(parted), noise, atol=1e-5, rtol=0)
    assert [float(band.var()) for band in parted] == pytest.approx(WHITE, rel=0.1)


def test_grain_is_found_where_it_is_and_only_there(world):
    matrix, clean, grainy = world
    assert fit(list(clean.transpose(1, 2)), matrix)[0, 0] <= 0.01
    found = fit(list(grainy.transpose(1, 2)), matrix)
    assert found[0, 0] >= 0.3
    assert float(found[0, 1]) == pytest.approx(0.04 * WHITE[0], rel=0.2)
    assert found[2, 0] <= 0.01
    assert torch.equal(fit([grainy[0].transpose(0, 1)[:3]], matrix), plain())


def test_the_filter_with_grain_foretells_better_than_the_blend(world):
    matrix, _, x_0 = world
    t = (torch.arange(8) % 2).float().expand(len(x_0), 8)
    seen = x_0 * (t == 0)[:, None, :, None, None]
    model = FramePreconditioned(Silent(), matrix, fit(list(x_0.transpose(1, 2)), matrix))
    blend = over_time(wiener(t, matrix)[0], seen)
    errors = [float((guess - x_0)[:, :, 1:-1].square().mean()) for guess in (model.filter(seen, t)[0], blend)]
    assert errors[0] < 0.9 * errors[1]


def test_without_grain_it_is_the_plain_filter(world):
    matrix, _, x_0 = world
    t = torch.tensor([[0.0, 1, 0.5, 0.5, 1, 1, 0.2, 0]] * len(x_0))
    bare = FramePreconditioned(Silent(), matrix).filter(x_0, t)[0]
    torch.testing.assert_close(bare, over_time(wiener(t, matrix)[0], x_0), atol=1e-4, rtol=0)
    assert torch.equal(band_matrix(matrix, 1.0), torch.eye(8, dtype=torch.float64))

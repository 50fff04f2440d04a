"""The frozen features in which surprise is measured."""

import numpy as np
import pytest
import torch

from burnish.inspect.reference import LiteReference, load_reference, shared_maps, smooth
from burnish.nets.backbone import load_lite0, upright


def picture(side: int = 64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((1, 3, side, 96), np.float32))


def test_goes_on_from_the_shared_blocks_to_the_same_maps_as_the_whole_trunk() -> None:
    trunk, x = load_lite0(), picture()
    with torch.no_grad():
        found = load_reference("lite0")(x, shared_maps(trunk, x))
        fine = upright(smooth(trunk(x)[3]))
    assert found.shape == (1, LiteReference.channels, 4, 6)
    assert torch.allclose(found[:, : fine.shape[1]], fine, atol=1e-5)


def test_the_reference_is_frozen() -> None:
    assert not any(p.requires_grad for p in load_reference("lite0").parameters())


def test_smoothing_counts_zeros_beyond_the_border() -> None:
    ones = smooth(torch.ones(1, 1, 4, 4))[0, 0]
    assert float(ones[1, 1]) == pytest.approx(1) and float(ones[0, 0]) == pytest.approx(4 / 9)

"""Frozen features tell kinds of pictures apart and depend on nothing but the picture."""

import numpy as np
import pytest
import torch

from burnish.core.mmd import kid
from burnish.train.features import WIDTH, Features


@pytest.fixture(scope="module")
def features():
    return Features(side=64, batch=4)


def noisy(count, level, seed):
    rng = np.random.default_rng(seed)
    smooth = rng.integers(60, 180, (count, 1, 1, 1)) + np.zeros((count, 64, 64, 3))
    return np.clip(smooth + rng.normal(0, level, smooth.shape), 0, 255).astype(np.uint8)


def test_a_picture_has_the_same_features_in_any_batch(features):
    images = noisy(6, 30, 0)
    together = features(images)
    assert together.shape == (6, WIDTH)
    alone = torch.cat([features(images[k : k + 1]) for k in range(6)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.equal(together, features(list(images)))


def test_kid_grows_with_the_noise_that_tells_two_sets_apart(features):
    real = features(noisy(24, 5, 1))
    again, more, most = (kid(features(noisy(24, level, 2)), real) for level in (5, 20, 60))
    assert again < more < most


def test_what_is_no_picture_is_refused(features):
    with pytest.raises(ValueError, match="no pictures"):
        features([])
    with pytest.raises(ValueError, match="uint8"):
        features([np.zeros((8, 8, 3))])

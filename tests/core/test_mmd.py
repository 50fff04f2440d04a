"""The maximum mean discrepancy against closed forms."""

import pytest
import torch

from burnish.core.mmd import cubic, kid, mmd2


def linear(x, y):
    return x @ y.mT


def test_a_linear_kernel_gives_the_squared_distance_of_means_without_bias():
    """E over samples of the estimate is |mu - nu|^2 exactly; by hand for two points each."""
    x, y = torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    by_hand = (0 * 2 + 1 * 3) + (1 * 1 + 0 * 2) - 2 * (x @ y.T).mean()
    assert mmd2(x, y, linear) == pytest.approx(float(by_hand))


def test_the_cubic_kernel_by_hand():
    x, y = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0], [0.0, -1.0]])
    assert cubic(x, y).tolist() == [[(3 / 2 + 1) ** 3, (-2 / 2 + 1) ** 3]]


def test_kid_of_gaussians_in_one_dimension():
    """For X ~ N(m, 1): E (xx' + 1)^3 = s^3 moments; here P = N(0, 1), Q = N(1, 1), D = 1.

    E (xy + 1)^3 = a3 b3 + 3 a2 b2 + 3 a1 b1 + 1 with raw moments a of P, b of Q: P has (0, 1, 0), Q
    (1, 2, 4).
    MMD^2 = (1 + 3 + 0 + 0) + (1 + 3 + 12 + 16) - 2 (1 + 0 + 6 + 0) = 4 + 32 - 14 = 22.
    """
    rng = torch.Generator().manual_seed(0)
    values = [
        kid(torch.randn(500, 1, generator=rng), 1 + torch.randn(500, 1, generator=rng)) for _ in range(40)
    ]
    mean = sum(values) / 40
    deviation = (sum((v - mean) ** 2 for v in values) / 39) ** 0.5
    # Four standard errors: a false alarm once in 16,000 seeds.
    assert abs(mean - 22) < 4 * deviation / 40**0.5


def test_one_distribution_gives_zero_on_average_and_sometimes_less():
    rng = torch.Generator().manual_seed(1)
    values = [kid(torch.randn(20, 3, generator=rng), torch.randn(20, 3, generator=rng)) for _ in range(300)]
    mean, low = sum(values) / 300, min(values)
    deviation = (sum((v - mean) ** 2 for v in values) / 299) ** 0.5
    assert low < 0
    assert abs(mean) < 4 * deviation / 300**0.5


@pytest.mark.parametrize("shapes", [((1, 3), (5, 3)), ((5, 3), (5, 2)), ((5,), (5, 2))])
def test_what_cannot_be_compared_is_refused(shapes):
    with pytest.raises(ValueError, match="needs"):
        mmd2(*(torch.zeros(shape) for shape in shapes))

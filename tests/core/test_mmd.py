"""The maximum mean discrepancy against closed forms."""

import pytest
import torch

from burnish.core.mmd import cubic, gaussian_of, kid, mmd2, mmd_test, permuted_mmd2


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


def test_permuted_mmd_is_mmd_of_the_relabelled_samples():
    rng = torch.Generator().manual_seed(0)
    both = torch.randn(14, 3, generator=rng, dtype=torch.float64)
    gram = cubic(both, both)
    found = permuted_mmd2(gram, 5, 40, torch.Generator().manual_seed(1))
    assert found.shape == (41,)
    assert float(found[0]) == pytest.approx(mmd2(both[:9], both[9:]))
    chosen = torch.rand(40, 14, generator=torch.Generator().manual_seed(1)).topk(5, dim=1).indices
    for k in range(40):
        second = torch.zeros(14, dtype=torch.bool)
        second[chosen[k]] = True
        assert float(found[1 + k]) == pytest.approx(mmd2(both[~second], both[second]))
    with pytest.raises(ValueError):
        permuted_mmd2(gram, 13, 10, rng)


def test_the_gaussian_kernel_is_as_wide_as_the_median_distance():
    x = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)  # distances 1, 2, 3
    expected = torch.exp(-(x - x.T).square() / 8)
    assert torch.allclose(gaussian_of(x), expected)
    assert torch.equal(gaussian_of(torch.zeros(4, 2)), torch.ones(4, 4))


def test_the_permutation_test_keeps_its_level_and_sees_a_shift():
    """300 pairs of one distribution: 10 % nominal, standard error 1.7 %, band of three."""
    rng = torch.Generator().manual_seed(2)
    p = []
    for _ in range(300):
        x, y = torch.randn(12, 2, generator=rng), torch.randn(8, 2, generator=rng)
        p.append(mmd_test(x, y, rng, permutations=39)[1])
    assert (torch.tensor(p) <= 0.1).double().mean() == pytest.approx(0.1, abs=0.052)
    x, y = torch.randn(40, 2, generator=rng), torch.randn(40, 2, generator=rng) * 3  # same mean
    assert mmd_test(x, y, rng)[1] <= 0.01

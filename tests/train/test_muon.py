"""Muon's orthogonalisation against the singular value decomposition, and who gets which optimiser."""

import pytest
import torch
from torch import nn

from burnish.nets.hourglass import Hourglass, HourglassConfig
from burnish.train.muon import COEFFICIENTS, Muon, build_optimiser, orthogonalise


def plain_newton_schulz(x: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The iteration as published, on the whole matrix."""
    a, b, c = COEFFICIENTS
    x = x / x.norm()
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


@pytest.mark.parametrize("shape", [(32, 96), (96, 32), (48, 48)])
def test_equals_the_published_iteration(shape):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64)
    expected = plain_newton_schulz(x) if shape[0] <= shape[1] else plain_newton_schulz(x.T).T
    assert torch.allclose(orthogonalise(x), expected, atol=1e-10)


def test_singular_values_go_near_one_and_vectors_stay():
    torch.manual_seed(0)
    x = torch.randn(40, 100)
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    out = orthogonalise(x)
    values = torch.linalg.svdvals(out)
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.25
    assert torch.allclose(u.T @ out @ v.T, torch.diag((u.T @ out @ v.T).diagonal()), atol=1e-4)


def test_batches_of_matrices():
    torch.manual_seed(0)
    x = torch.randn(3, 16, 20)
    assert torch.allclose(orthogonalise(x)[1], orthogonalise(x[1]), atol=1e-5)


def test_one_step_of_muon_moves_by_the_learning_rate():
    """The first update of a (64, 16) weight has singular values of about lr * sqrt(64 / 16)."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(64, 16))
    before = weight.detach().clone()
    weight.grad = torch.randn(64, 16)
    Muon([weight], lr=0.1).step()
    values = torch.linalg.svdvals(before - weight.detach()) / (0.1 * 2)
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.25


def test_muon_gets_the_inner_matrices_alone():
    config = HourglassConfig(widths=(32, 32), depths=(1, 1), told=32, classes=2, buckets=64, views=2)
    model = Hourglass(config)
    both = build_optimiser(model)
    names = {id(p): name for name, p in model.named_parameters()}
    muon = {names[id(p)] for p in both.optimisers[0].param_groups[0]["params"]}
    adam = {names[id(p)] for p in both.optimisers[1].param_groups[0]["params"]}
    assert muon | adam == set(names.values())
    assert not muon & adam
    assert "waist.0.qkv.weight" in muon
    assert "down.0.0.first.weight" in muon
    assert not [n for n in muon if n.split(".")[0] in ("stem", "head", "encoder") or "modulation" in n]
    assert all(n.endswith("weight") for n in muon)
    assert len(build_optimiser(model, muon=False).optimisers) == 1

"""The running average against its closed form."""

import torch
from torch import nn

from burnish.train.ema import Ema


def test_average_after_many_steps_is_the_geometric_sum():
    """With decays d_k = min(d, (1 + k) / (10 + k)): a <- d_k a + (1 - d_k) w_k."""
    model = nn.Linear(1, 1, bias=False)
    ema = Ema(model, decay=0.7)
    expected = model.weight.item()
    for k in range(1, 30):
        with torch.no_grad():
            model.weight.fill_(float(k))
        ema.update(model, k)
        decay = min(0.7, (1 + k) / (10 + k))
        expected = decay * expected + (1 - decay) * k
    assert abs(ema.model.weight.item() - expected) < 1e-4


def test_buffers_are_copied_and_the_model_is_left_alone():
    model = nn.BatchNorm1d(2)
    ema = Ema(model)
    model(torch.randn(8, 2) + 3)
    ema.update(model, 1)
    assert torch.equal(ema.model.running_mean, model.running_mean)
    assert not ema.model.weight.requires_grad
    assert model.weight.requires_grad

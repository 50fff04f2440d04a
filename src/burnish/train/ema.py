"""A running average of the weights, which is what is validated, sampled and kept."""

import copy

import torch
from torch import nn


class Ema:
    """Exponential moving average whose memory grows with training.

    The decay at step k is min(decay, (1 + k) / (10 + k)), so early, bad weights are forgotten (as in
    TensorFlow's ExponentialMovingAverage). Buffers are copied.

    Args:
        model: The model that is trained.
        decay: Decay in the long run, per step.
    """

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Takes in the weights after step `step` (from 1)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for a, b in zip(self.model.parameters(), model.parameters(), strict=True):
            a.lerp_(b, weight)
        for a, b in zip(self.model.buffers(), model.buffers(), strict=True):
            a.copy_(b)

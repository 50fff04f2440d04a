"""Muon on the matrices, AdamW on the rest.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon; arXiv:2502.16982) takes the momentum of each
weight matrix to the nearest orthogonal one by a Newton-Schulz iteration. Stock implementations iterate in
bf16, which CPUs without AMX emulate; here it is fp32, and runs on the small Gram matrix instead of the whole
one.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """U V^T (roughly: singular values within about [0.7, 1.2]) of each matrix U S V^T.

    With A = X X^T, each Newton-Schulz step multiplies X by P = aI + bA + cA^2, a polynomial in A. All of them
    commute, so the product Q of the P's and the next A = P A P are tracked in the smaller side's square, and
    X is touched twice in all.

    Args:
        matrices: (*, m, n), float32.
        steps: Newton-Schulz steps.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    gram, q = x @ x.mT, None
    for step in range(steps):
        p = b * gram + c * (gram @ gram)
        p.diagonal(dim1=-2, dim2=-1).add_(a)
        q = p if q is None else p @ q
        if step + 1 < steps:
            gram = p @ gram @ p
    x = x if q is None else q @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, Nesterov's look-ahead, orthogonalised; convolutions as (out, in * kh * kw) matrices.

    The update is scaled by sqrt(max(1, rows / columns)), so that one learning rate serves all shapes.

    Args:
        params: Parameters of two or more axes.
        lr: Learning rate.
        momentum: Of the gradient's running sum.
        weight_decay: Decoupled, times lr.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of all parameters that have a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                moving = state["momentum"].mul_(group["momentum"]).add_(p.grad)
                ahead = p.grad.add(moving, alpha=group["momentum"]).flatten(1)
                update = orthogonalise(ahead).view_as(p)
                scale = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


class Both:
    """Two optimisers as one.

    Args:
        optimisers: Each keeps its own base learning rate; `step(scale)` multiplies all of them.
    """

    def __init__(self, *optimisers: torch.optim.Optimizer) -> None:
        self.optimisers = optimisers
        self.base = [[group["lr"] for group in o.param_groups] for o in optimisers]

    def step(self, scale: float) -> None:
        """One update at `scale` times the base learning rates, then gradients are dropped."""
        for optimiser, rates in zip(self.optimisers, self.base, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * scale
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """Of each optimiser."""
        return [optimiser.state_dict() for optimiser in self.optimisers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """From `state_dict`."""
        for optimiser, state in zip(self.optimisers, states, strict=True):
            optimiser.load_state_dict(state)


def build_optimiser(
    model: nn.Module,
    muon_lr: float = 0.02,
    adam_lr: float = 1e-3,
    weight_decay: float = 0.01,
    muon: bool = True,
) -> Both:
    """Muon for the weights inside the network, fused AdamW for embeddings, modulations, stem, head, norms,
    biases.

    A weight is a matrix for Muon when it has two or more axes, both sides at least 32, is no embedding, and
    no module on its path is named stem, head, encoder or modulation (those start at zero or see raw inputs).

    Args:
        model: Its parameters that require gradients.
        muon_lr, adam_lr: Base learning rates.
        weight_decay: For both, decoupled.
        muon: False puts everything on AdamW.
    """
    matrices, others = [], []
    outside = {"stem", "head", "encoder", "modulation"}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        wide = p.ndim >= 2 and min(p.shape[0], p[0].numel()) >= 32
        (matrices if muon and wide and not outside & set(name.split(".")) else others).append(p)
    adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True)
    return Both(Muon(matrices, muon_lr, weight_decay=weight_decay), adam) if matrices else Both(adam)

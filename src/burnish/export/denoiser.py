"""A generator's denoiser, and its decoder if it has one, as ONNX, only if they answer as the originals."""

import copy
from collections.abc import Callable, Mapping

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from burnish.core.centred import Centred
from burnish.core.gaussian import Preconditioned
from burnish.core.outline import Outline, begin
from burnish.export.onnx import traced
from burnish.export.parity import distance
from burnish.nets.condition import NGRAMS, Condition
from burnish.nets.hourglass import HourglassConfig
from burnish.nets.latents import Latents

TOLERANCE = 1e-3
"""Largest difference allowed in a clean estimate, whose numbers have variance 1."""
TOLD = ("label", "ngrams", "text")


class Clean(nn.Module):
    """The denoiser with tensors for arguments: (x, t, then what it is told) to the posterior mean."""

    def __init__(self, denoiser: Preconditioned, told: tuple[str, ...]) -> None:
        super().__init__()
        self.denoiser, self.told = copy.deepcopy(denoiser), told
        for module in list(self.denoiser.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.EmbeddingBag):
                    setattr(module, name, Bag(child))

    def forward(self, x: Tensor, t: Tensor, *said: Tensor) -> Tensor:
        """(B, C, h, w)."""
        return self.denoiser(x, t, Condition(**dict(zip(self.told, said, strict=True)))).mean


class Begin(nn.Module):
    """An outline with tensors for arguments: (noise, then what is told) to x_t, where the walk begins."""

    def __init__(
        self, outline: Outline, denoiser: Preconditioned | Centred, t: float, told: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.outline, self.denoiser, self.t, self.told = outline, denoiser, t, told

    def forward(self, noise: Tensor, *said: Tensor) -> Tensor:
        """(B, C, h, w)."""
        told = Condition(**dict(zip(self.told, said, strict=True)))
        return begin(self.outline, self.denoiser, noise, self.t, told)


class Bag(nn.Module):
    """The mean of the embeddings of ids above 0, as `nn.EmbeddingBag` with padding, which ONNX lacks."""

    def __init__(self, bag: nn.EmbeddingBag) -> None:
        super().__init__()
        self.weight = bag.weight

    def forward(self, ids: Tensor) -> Tensor:
        """(B, N) to (B, width)."""
        there = (ids > 0).to(self.weight.dtype)[..., None]
        return (nn.functional.embedding(ids, self.weight) * there).sum(1) / there.sum(1).clamp_min(1)


class Decoder(nn.Module):
    """An autoencoder's decoder: codes (B, C, h, w), as they were before they were normalised, to pictures."""

    def __init__(self, latents: Latents) -> None:
        super().__init__()
        self.net = latents.net

    def forward(self, code: Tensor) -> Tensor:
        """(B, 3, 8 h, 8 w), mostly in [0, 1]."""
        return self.net.decode(code)


def told_of(config: HourglassConfig) -> tuple[str, ...]:
    """Which of label, ngrams and text a network is told."""
    has = {"label": config.classes, "ngrams": config.buckets, "text": config.text}
    return tuple(name for name in TOLD if has[name])


def examples(
    config: HourglassConfig, shape: tuple[int, int, int], batch: int, seed: int
) -> dict[str, Tensor]:
    """Random inputs of a denoiser; the first sample says nothing, the last stands at t = 1.

    Args:
        config: The network's shape.
        shape: Of a code.
        batch: Samples.
        seed: Of the numbers.
    """
    rng = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, generator=rng).clamp_min(1e-3)
    t[-1] = 1.0
    values = {
        "label": torch.randint(0, config.classes + 1, (batch,), generator=rng),
        "ngrams": torch.randint(0, config.buckets + 1, (batch, NGRAMS), generator=rng),
        "text": torch.randn(batch, max(config.text, 1), generator=rng),
    }
    values["ngrams"][:, NGRAMS // 3 :] = 0
    said = {name: values[name] for name in told_of(config)}
    for value in said.values():
        value[0] = 0
    return {"x": torch.randn(batch, *shape, generator=rng), "t": t, **said}


def denoiser_onnx(
    denoiser: Preconditioned, config: HourglassConfig, shape: tuple[int, int, int]
) -> tuple[bytes, float]:
    """The ONNX file of a denoiser, and the largest difference seen.

    Inputs `x` (B, C, h, w), `t` (B,), and of `label` (B,), `ngrams` (B, 48), `text` (B, D) what it is told;
    output `clean`, shaped as x.

    Raises:
        ParityError: It cannot be exported, or answers otherwise.
    """
    told = told_of(config)
    module = Clean(denoiser, told).eval()
    inputs = examples(config, shape, 2, 0)
    model = traced(module, inputs, ["clean"], {name: {0: "batch"} for name in (*inputs, "clean")})
    probes = [examples(config, shape, batch, seed) for seed, batch in enumerate((1, 2, 3), start=1)]

    def original(x: Tensor, t: Tensor, *said: Tensor) -> Tensor:
        return denoiser(x, t, Condition(**dict(zip(told, said, strict=True)))).mean

    return model, _parity(original, model, probes, "clean")


def outline_onnx(
    outline: Outline,
    denoiser: Preconditioned | Centred,
    t: float,
    config: HourglassConfig,
    shape: tuple[int, int, int],
) -> tuple[bytes, float]:
    """The ONNX file of where walks from time t < 1 begin, and the largest difference seen. Inputs `noise`
    (B, C, h, w) and what of the denoiser's `label` and `ngrams` matters; output `x`.

    Raises:
        ParityError: It cannot be exported, or answers otherwise.
    """
    told = told_of(config)
    module = Begin(outline, denoiser, t, told).eval()
    probes = []
    for seed, batch in enumerate((2, 1, 3)):
        given = examples(config, shape, batch, seed)
        probes.append({"noise": given["x"], **{name: given[name] for name in told}})
    model = traced(module, probes[0], ["x"], {name: {0: "batch"} for name in (*probes[0], "x")})
    return model, _parity(module, model, probes, "x")


def decoder_onnx(latents: Latents, shape: tuple[int, int, int]) -> tuple[bytes, float]:
    """The ONNX file of a decoder, and the largest difference seen. Input `code`, output `picture`.

    Raises:
        ParityError: It cannot be exported, or answers otherwise.
    """
    module, rng = Decoder(latents).eval(), torch.Generator().manual_seed(0)
    codes = [{"code": torch.randn(batch, *shape, generator=rng)} for batch in (2, 1, 3)]
    model = traced(module, codes[0], ["picture"], {"code": {0: "batch"}, "picture": {0: "batch"}})
    return model, _parity(module, model, codes, "picture")


def _parity(module: Callable[..., Tensor], model: bytes, probes: list[dict[str, Tensor]], name: str) -> float:
    session, worst = ort.InferenceSession(model, providers=["CPUExecutionProvider"]), 0.0
    for probe in probes:
        asked = {given.name for given in session.get_inputs()}  # what does not matter was left out
        fed: Mapping[str, np.ndarray] = {key: v.numpy() for key, v in probe.items() if key in asked}
        with torch.inference_mode():
            wanted = module(*probe.values()).numpy()
        found = np.asarray(session.run([name], dict(fed))[0])
        worst = max(worst, distance(name, f"batch {len(wanted)}", wanted, found, TOLERANCE))
    return worst

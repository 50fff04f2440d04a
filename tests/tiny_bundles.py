"""Small bundles in no time."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from burnish.core.gaussian import Preconditioned
from burnish.export.onnx import export_line
from burnish.media.codec import Pixels
from burnish.nets.hourglass import Hourglass, preset
from burnish.store.bundle import WEIGHTS, Bundle, write_bundle


def generator(path: Path, **changes) -> Bundle:
    """A bundle that makes pictures of 32 px: an untrained network whose silent layers are not silent."""
    config = preset(32, **{"widths": (32, 32), "depths": (1, 1), "told": 16, **changes})
    torch.manual_seed(0)
    denoiser = Preconditioned(Hourglass(config))
    for p in denoiser.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.1)
    meta = {
        "kind": "diffusion",
        "architecture": {"name": "hourglass", **config.to_json()},
        "codec": Pixels((120.0,) * config.channels, (40.0,) * config.channels).to_json(),
        "process": {"name": "straight", "deviation": 1.0},
        "size": 32,
        "classes": ["cat", "Dog"][: config.classes],
    }
    return write_bundle(path, meta, lambda folder: save_file(denoiser.state_dict(), folder / WEIGHTS))


class Blocks(torch.nn.Module):
    """heat = mean over 4 x 4 blocks and colours; score = its maximum."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        heat = torch.nn.functional.avg_pool2d(x, 4).mean(1)
        return heat.flatten(1).amax(1), heat


def line(path: Path) -> Bundle:
    """A bundle for the line: it rejects what has a bright spot."""
    meta = {
        "side": 64,
        "multiple": 32,
        "good_scores": [0.1, 0.2, 0.3],
        "model_hash": "feedc0de",
        "name": "blocks",
    }
    example = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return export_line(Blocks(), meta, path, [example], threshold=0.5)

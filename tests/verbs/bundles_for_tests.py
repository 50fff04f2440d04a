"""A bundle of pictures in no time."""

import torch
from safetensors.torch import save_file

from burnish.core.gaussian import Preconditioned
from burnish.media.codec import Pixels
from burnish.nets.hourglass import Hourglass, preset
from burnish.store.bundle import WEIGHTS, write_bundle


def write(path, **changes):
    """A bundle of an untrained network whose silent layers are not silent."""
    config = preset(32, widths=(32, 32), depths=(1, 1), told=16, **changes)
    torch.manual_seed(0)
    denoiser = Preconditioned(Hourglass(config))
    for p in denoiser.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.1)
    meta = {
        "kind": "diffusion",
        "architecture": {"name": "hourglass", **config.to_json()},
        "codec": Pixels((120.0,) * 3, (40.0,) * 3).to_json(),
        "process": {"name": "straight", "deviation": 1.0},
        "size": 32,
        "classes": ["cat", "Dog"][: config.classes],
    }
    return write_bundle(path, meta, lambda folder: save_file(denoiser.state_dict(), folder / WEIGHTS))

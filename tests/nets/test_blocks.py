"""Blocks start as the identity; attention and norms against their definitions."""

import pytest
import torch
import torch.nn.functional as F

from burnish.nets.blocks import Conv, GlobalBlock, LocalBlock, Modulation, RMSNorm


@pytest.mark.parametrize("block", [LocalBlock, GlobalBlock])
def test_a_new_block_is_the_identity_whatever_it_is_told(block):
    x = torch.randn(2, 4, 6, 32)
    assert torch.equal(block(32, 8)(x, torch.randn(2, 8)), x)


def test_norm_has_unit_rms():
    y = RMSNorm()(5 * torch.randn(3, 64))
    assert torch.allclose(y.square().mean(-1), torch.ones(3), atol=1e-4)


def test_convolution_on_channels_last_equals_the_usual_one():
    conv, x = Conv(3, 5, 3, padding=1, stride=2), torch.randn(2, 8, 6, 3)
    usual = F.conv2d(x.permute(0, 3, 1, 2), conv.weight, conv.bias, stride=2, padding=1)
    assert torch.allclose(conv(x), usual.permute(0, 2, 3, 1), atol=1e-5)


def test_attention_against_its_formula():
    torch.manual_seed(0)
    block, x = GlobalBlock(32, 8, head=16), torch.randn(1, 2, 3, 32)
    q, k, v = block.qkv(x.reshape(6, 32)).split(32, 1)
    heads = []
    for h in range(2):
        part = slice(16 * h, 16 * h + 16)
        unit_q, unit_k = (z[:, part] / z[:, part].square().mean(1, keepdim=True).sqrt() for z in (q, k))
        heads.append((unit_q @ unit_k.T / 4).softmax(1) @ v[:, part])
    expected = block.out(torch.cat(heads, 1)).reshape(1, 2, 3, 32)
    assert torch.allclose(block.attend(x), expected, atol=1e-4)


def test_modulation_gives_zero_parts_at_first():
    parts = Modulation(6, 4, 3)(torch.randn(2, 4))
    assert [tuple(p.shape) for p in parts] == [(2, 1, 1, 6)] * 3
    assert not any(bool(p.any()) for p in parts)

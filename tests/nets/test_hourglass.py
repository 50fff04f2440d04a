"""The hourglass: shapes, what it starts as, what it can see, and what it is told."""

import json

import pytest
import torch

from burnish.nets.condition import Condition, hash_text
from burnish.nets.hourglass import Hourglass, HourglassConfig, places, preset, unfold

TINY = {"widths": (32, 32, 32), "depths": (1, 1, 1), "told": 16}


def grown(config: HourglassConfig) -> Hourglass:
    """A network whose zero layers are not zero, as after some training."""
    torch.manual_seed(0)
    net = Hourglass(config)
    for p in net.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.1)
    return net.eval()


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_sixty_four_tokens_at_the_waist(size, channels):
    net = Hourglass(preset(size, channels=channels, **TINY))
    seen = []
    net.waist.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    assert net(torch.randn(2, channels, size, size), torch.rand(2)).shape == (2, channels, size, size)
    assert seen[0][1:3] == (8, 8)


def test_it_starts_silent_and_every_weight_learns_once_it_is_not():
    net = Hourglass(preset(32, classes=2, buckets=20, views=8, **TINY))
    x, t = torch.randn(2, 3, 32, 32), torch.rand(2)
    assert bool((net(x, t) == 0).all())
    net = grown(net.config)
    said = Condition(label=torch.tensor([1, 2]), ngrams=hash_text(["a", ""], 20), view=torch.tensor([0, 3]))
    net(x, t, said).square().mean().backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_tall_and_wide_pictures():
    net = grown(preset(64, **TINY))
    assert net(torch.randn(1, 3, 96, 32), torch.rand(1)).shape == (1, 3, 96, 32)
    with pytest.raises(ValueError, match="multiples of 8; got 60 x 64"):
        net(torch.randn(1, 3, 60, 64), torch.rand(1))


def test_every_pixel_can_reach_every_other():
    net = grown(preset(64, channels=1, **TINY))
    x = torch.randn(1, 1, 64, 64, requires_grad=True)
    net(x, torch.rand(1))[0, 0, 0, 0].backward()
    assert x.grad is not None
    assert bool((x.grad.abs() > 0).all())


def test_time_may_differ_from_pixel_to_pixel():
    """A map that is the same everywhere is the time itself; one with known pixels is not."""
    net = grown(preset(32, **TINY))
    x, t = torch.randn(2, 3, 32, 32), torch.tensor([0.3, 0.8])
    everywhere = t.reshape(2, 1, 1, 1).expand(2, 1, 32, 32).clone()
    assert torch.allclose(net(x, t), net(x, everywhere), atol=1e-5)
    everywhere[:, :, :10] = 0
    assert not torch.allclose(net(x, t), net(x, everywhere), atol=1e-3)


def test_extra_channels_are_seen_and_required():
    net = grown(preset(32, extra=2, **TINY))
    x, t, extra = torch.randn(1, 3, 32, 32), torch.rand(1), torch.zeros(1, 2, 32, 32)
    blank = net(x, t, Condition(extra=extra))
    assert not torch.allclose(blank, net(x, t, Condition(extra=extra + 1)), atol=1e-3)
    with pytest.raises(ValueError, match="needs 2 extra channels"):
        net(x, t)


def test_config_survives_json():
    config = preset(128, classes=3, **TINY)
    assert HourglassConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.multiple == 16


def test_preset_is_within_its_size():
    for size in (64, 128):
        weights = sum(p.numel() for p in Hourglass(preset(size)).parameters())
        assert 2e6 < weights < 6e6


def test_unfold_is_the_inverse_of_cutting_into_patches():
    image = torch.arange(16.0).reshape(1, 4, 4, 1)
    patches = image.reshape(1, 2, 2, 2, 2, 1).transpose(2, 3).reshape(1, 2, 2, 4)
    assert torch.equal(unfold(patches, 2), image)


def test_places_tell_all_places_apart():
    flat = places(8, 8, torch.device("cpu")).reshape(64, 16)
    assert float(torch.cdist(flat, flat).fill_diagonal_(9).min()) > 0.05

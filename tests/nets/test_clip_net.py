"""The clip network: shapes, its start at zero, which frames see which."""

import pytest
import torch

from burnish.core.process import seeded
from burnish.nets.clip import (
    ClipConfig,
    ClipNet,
    TimeBlock,
    beside,
    clip_preset,
    of_frames,
    taken,
)
from burnish.nets.condition import Condition

TINY = {"frames": 4, "patch": 1, "widths": (32, 32), "depths": (1, 2), "told": 32}


def stirred(net):
    """Weights that are zero at first become random."""
    rng = seeded(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=rng))
    return net


def test_a_new_network_answers_zero_and_a_trained_one_sees_all_frames():
    config = ClipConfig(channels=2, classes=2, views=8, buckets=16, **TINY)
    net = ClipNet(config)
    inputs = torch.randn(2, 5, 4, 8, 8, generator=seeded(1))
    t = torch.tensor([[0.5] * 4, [0.0, 1.0, 1.0, 1.0]])
    condition = Condition(label=torch.tensor([1, 2]), view=torch.tensor([0, 3]))
    assert torch.equal(net(inputs, t, condition), torch.zeros(2, 2, 4, 8, 8))
    stirred(net)
    before = net(inputs, t, condition)
    changed = inputs.clone()
    changed[0, :, 3] += 1
    after = net(changed, t, condition)
    assert torch.equal(before[1], after[1])
    assert ((before[0] - after[0]).abs().amax((0, 2, 3)) > 1e-6).all()
    other = net(inputs, t, Condition(label=torch.tensor([1, 1]), view=torch.tensor([0, 3])))
    torch.testing.assert_close(other[0], before[0])
    assert not torch.allclose(other[1], before[1])


def test_a_time_block_sees_one_place_and_leaves_single_frames_alone():
    x = torch.randn(4, 2, 2, 32, generator=seeded(0))
    changed = x.clone()
    changed[3, 1, 1] += 1
    along, vector = stirred(TimeBlock(32, 32, 4)), torch.zeros(4, 32)
    moved = (along.attend(x) - along.attend(changed)).abs().amax(-1) > 1e-6
    assert moved[:, 1, 1].all()
    assert int(moved.sum()) == 4
    assert not torch.equal(along(x, vector), x)
    along.frames = 1
    assert torch.equal(along(x, vector), x)


def test_a_network_that_saw_single_pictures_alone_treats_each_frame_of_a_clip_as_one():
    net = ClipNet(ClipConfig(channels=2, **TINY))
    torch.nn.init.normal_(net.frame.head.weight, std=0.1, generator=seeded(2))
    inputs, t = torch.randn(2, 5, 4, 8, 8, generator=seeded(1)), torch.full((2, 4), 0.4)
    singles = inputs.transpose(1, 2).reshape(8, 5, 1, 8, 8)
    alone = net(singles, t.reshape(8, 1)).reshape(2, 4, 2, 8, 8).transpose(1, 2)
    torch.testing.assert_close(net(inputs, t), alone)
    assert float(alone.detach().abs().max()) > 0


def test_the_frames_beside_are_the_nearest_clearer_ones_or_the_neighbours():
    t = torch.tensor([[0.0, 1, 1, 1, 0], [0.5] * 5, [1.0, 0, 1, 0.5, 0.7]])
    before, after = beside(t)
    assert before.tolist() == [[0, 0, 0, 0, 3], [0, 0, 1, 2, 3], [0, 0, 1, 1, 3]]
    assert after.tolist() == [[1, 4, 4, 4, 4], [1, 2, 3, 4, 4], [1, 2, 3, 4, 4]]
    clip = torch.arange(15.0).reshape(3, 1, 5, 1, 1)
    assert taken(clip, after).flatten().tolist() == [1, 4, 4, 4, 4, 6, 7, 8, 9, 9, 11, 12, 13, 14, 14]


def test_a_condition_of_clips_is_repeated_for_their_frames():
    told = of_frames(Condition(label=torch.tensor([1, 2])), 3)
    assert told.label is not None
    assert told.label.tolist() == [1, 1, 1, 2, 2, 2]
    assert told.ngrams is None


def test_configs_travel_and_bad_ones_are_refused():
    config = clip_preset(128, classes=3)
    assert (config.patch, config.frames) == (4, 16)
    assert ClipConfig.from_json(config.to_json()) == config
    with pytest.raises(ValueError, match="at least 1"):
        ClipConfig(frames=0)

"""What is taught of clips: which frames are known, batches that depend on the step alone, absent frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from burnish.core.frames import FramePreconditioned
from burnish.core.process import seeded
from burnish.media.clip import Clips, Take
from burnish.media.codec import Pixels
from burnish.nets.clip import ClipConfig, ClipNet
from burnish.train.clip_lesson import ClipLesson, draw_known

CONFIG = ClipConfig(channels=1, frames=4, patch=1, widths=(32,), depths=(1,), told=32, views=8)


@pytest.fixture
def lesson():
    rng = np.random.default_rng(0)
    takes = []
    for k, length in enumerate((6, 6, 6, 6, 9, 2)):
        frames = rng.integers(0, 60, (1, 32, 40, 1)) + 20 * np.arange(length)[:, None, None, None]
        takes.append(Take(str(k), np.repeat(frames, 3, 3).astype(np.uint8)))
    clips = Clips(Path("clips"), "frames", 32, tuple(takes))
    return ClipLesson(clips, Pixels.of([f for t in takes for f in t.frames]), CONFIG)


def test_known_frames_are_drawn_in_all_the_ways_that_verbs_ask():
    known = draw_known(4000, 16, seeded(0), unknown=0.4)
    assert not known.all(1).any()
    count = known.sum(1)
    shares = {
        "none": (count == 0),
        "first alone": known[:, 0] & (count == 1),
        "both ends alone": known[:, 0] & known[:, -1] & (count == 2),
        "a run at the start": (known.int().diff(dim=1) <= 0).all(1) & (count > 1),
        "all but a few": count > 12,
    }
    for name, rows in shares.items():
        assert rows.float().mean() > 0.03, name
    assert 0.35 < float(shares["none"].float().mean()) < 0.5
    assert torch.equal(known, draw_known(4000, 16, seeded(0), unknown=0.4))


def test_a_batch_depends_on_its_generator_alone(lesson):
    (a, there, said), (b, *_), (c, *_) = (lesson.batch(4, np.random.default_rng(k)) for k in (1, 1, 2))
    assert a.shape == (2, 1, 4, 32, 32)
    assert there.dtype == torch.bool
    assert said.view is not None
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_windows_and_single_pictures_take_turns(lesson):
    x_0, there, said = lesson.batch(3, np.random.default_rng(1))
    assert x_0.shape == (16, 1, 1, 32, 32)
    assert there.all()
    model = FramePreconditioned(ClipNet(CONFIG), lesson.process.matrix)
    assert 0 < float(lesson.loss(model, (x_0, there, said), seeded(2)).detach()) < 5
    assert not draw_known(50, 1, seeded(0)).any()


def test_absent_frames_do_not_change_the_loss(lesson):
    x_0, there, said = lesson.windows_at([(lesson.clips.takes[5], 0)] * 2)
    assert there.tolist() == [[True, True, False, False]] * 2
    assert torch.equal(x_0[:, :, 3], x_0[:, :, 1])
    model = FramePreconditioned(ClipNet(CONFIG), lesson.process.matrix)
    torch.nn.init.normal_(model.net.frame.head.weight, std=0.1, generator=seeded(1))
    posterior, x_t, t = model(x_0, torch.full((2,), 0.5)), x_0, torch.full((2, 4), 0.5)
    other = torch.where(there[:, None, :, None, None], x_0, 5.0)
    weight = there.to(x_0.dtype)
    losses = [lesson.process.loss(posterior, x, x_t, t, weight) for x in (x_0, other)]
    assert float(losses[0].detach().sum()) > 0
    assert torch.equal(*losses)
    assert float(lesson.loss(model, (x_0, there, said), seeded(2)).detach()) > 0


def test_a_silent_network_is_judged_near_one_and_validation_repeats(lesson):
    model = FramePreconditioned(ClipNet(CONFIG), lesson.process.matrix)
    figures = lesson.validate(model)
    assert list(figures) == ["loss", "t=0.20", "t=0.50", "t=0.80", "first", "between", "second"]
    assert figures == lesson.validate(model)
    assert 0.05 < figures["loss"] < 5
    held_none = ClipLesson(replace(lesson.clips, takes=lesson.clips.takes[:1]), lesson.codec, CONFIG)
    assert held_none.validate(model) == {}


def test_windows_are_spread_over_time_and_takes(lesson):
    x_0, there, _ = lesson.windows(lesson.clips, 12)
    assert len(x_0) <= 12
    assert there.shape == (len(x_0), 4)
    with pytest.raises(ValueError, match="no takes"):
        lesson.windows(replace(lesson.clips, takes=()), 3)


def test_the_network_is_trusted_as_far_as_it_helps_on_the_held_out(lesson):
    model = FramePreconditioned(ClipNet(CONFIG), lesson.process.matrix, lesson.grain)
    assert lesson.trust(model).tolist() == [0, 0]
    x_0 = lesson._exam[0]

    def knows(inputs, t, condition):
        """Half of what the filter leaves: its steady brightening is told from the known frames' own code."""
        began = inputs[:, 1:2]
        true = min(x_0, key=lambda x: float((x[:, t[0] == 0] - inputs[0, :1, t[0] == 0]).abs().sum()))
        return (true[None] - began) / inputs[:, 2:3].clamp_min(1e-6) / 2

    model.net.forward = knows
    assert (lesson.trust(model) == 1).all()
    model.net.forward = lambda *told: -2 * knows(*told)
    assert (lesson.trust(model) == 0).all()

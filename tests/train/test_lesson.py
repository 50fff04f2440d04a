"""Batches, loss and validation of a small lesson."""

import numpy as np
import pytest
import torch

from burnish.core.posterior import Posterior
from burnish.core.process import seeded
from burnish.media.codec import Pixels
from burnish.nets.hourglass import preset
from burnish.train.augment import turn
from burnish.train.lesson import BINS, Lesson
from burnish.train.pictures import Entry, Pictures


def make_lesson(count=20, **options) -> Lesson:
    rng = np.random.default_rng(0)
    images = tuple(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(count))
    entries = tuple(Entry(f"{k}.png", "ab"[k % 2], f"word{k}") for k in range(count))  # type: ignore[arg-type]
    pictures = Pictures("here", "plain", 32, images, entries, ("a", "b"))  # type: ignore[arg-type]
    config = preset(32, classes=2, buckets=64, views=8)
    return Lesson(pictures, Pixels.of(images), config, batch_size=6, **options)


def nothing(x_t, t, condition=None):
    return Posterior(torch.zeros_like(x_t))


def test_every_picture_comes_once_an_epoch():
    lesson = make_lesson(augmented=False)
    assert (len(lesson.train), len(lesson.held)) == (18, 2)
    epoch = torch.cat([lesson.batch(step, np.random.default_rng(step))[0] for step in range(3)])
    codes = lesson.training_codes()
    matches = (epoch[:, None] == codes[None]).flatten(2).all(2)
    assert matches.sum(0).tolist() == [1] * 18


def test_a_batch_is_a_function_of_its_step_and_generator():
    lesson = make_lesson()
    first, again, other = (lesson.batch(step, np.random.default_rng(5))[0] for step in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_picture_is_told_its_own_class_words_and_view():
    lesson = make_lesson()
    x, said = lesson.batch(0, np.random.default_rng(0))
    assert said.label is not None
    assert said.ngrams is not None
    assert said.view is not None
    assert len(set(said.view.tolist())) > 1
    images = lesson.pictures.images
    for code, label, ngrams, view in zip(x, said.label, said.ngrams, said.view, strict=True):
        shown = lesson.codec.decode(code[None].numpy())[0]
        index = next(k for k in range(20) if (turn(images[k], int(view)) == shown).all())
        assert int(label) == 1 + index % 2
        assert torch.equal(ngrams, lesson.told.ngrams[lesson.sayings[index][0]])  # type: ignore[union-attr]


def test_validation_is_fixed_and_has_a_figure_for_each_time():
    """Answering the data's mean, 0, costs |x_0|^2 / c_out^2 = v / t^2 for unit variance."""
    lesson = make_lesson()
    figures = lesson.validate(nothing)  # type: ignore[arg-type]
    assert figures == lesson.validate(nothing)  # type: ignore[arg-type]
    assert list(figures) == ["loss", *(f"t={t:.2f}" for t in BINS)]
    for t in BINS:
        assert figures[f"t={t:.2f}"] == pytest.approx(((1 - t) ** 2 + t**2) / t**2, rel=0.05)
    assert figures["loss"] == pytest.approx(np.mean([figures[f"t={t:.2f}"] for t in BINS]))


def test_without_a_hold_out_nothing_is_judged():
    assert make_lesson(count=3).validate(nothing) == {}  # type: ignore[arg-type]


def test_loss_is_a_function_of_its_generator():
    lesson = make_lesson()
    batch = lesson.batch(0, np.random.default_rng(0))
    a, b, c = (float(lesson.loss(nothing, batch, seeded(s))) for s in (0, 0, 1))  # type: ignore[arg-type]
    assert a == b != c


def test_known_parts_are_shown_untouched_at_time_zero_and_cost_nothing():
    lesson, asked = make_lesson(known=1.0), []

    def watching(x_t, t, condition=None):
        asked.append((x_t, t))
        return Posterior(x_t)

    batch = lesson.batch(0, np.random.default_rng(0))
    lesson.loss(watching, batch, seeded(0))  # type: ignore[arg-type]
    (x_t, t), x_0 = asked[0], batch[0]
    assert t.shape == (6, 1, 32, 32)
    known = (t == 0).expand_as(x_0)
    assert 0.05 < float(known.float().mean()) < 0.99
    assert torch.equal(x_t[known], x_0[known])
    assert float((t > 0.5).sum() / (t > 0).sum()) > 0.5
    plain = make_lesson(known=0.0)
    plain.loss(watching, batch, seeded(0))  # type: ignore[arg-type]
    assert asked[1][1].shape == (6,)


class Means:
    """Codes that are means of 4 x 4 pixels."""

    factor, channels, gray = 4, 3, False

    def encode(self, images: np.ndarray) -> np.ndarray:
        h, w = (side // 4 for side in images.shape[1:3])
        cut = images[:, : 4 * h, : 4 * w].reshape(len(images), h, 4, w, 4, 3).astype(np.float32)
        return cut.mean((2, 4)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(("width", "starts"), [(50, {0, 1, 2, 3}), (34, {0, 1, 2}), (32, {0})])
def test_codes_of_few_long_pictures_begin_at_several_places(width, starts):
    image = np.random.default_rng(0).integers(0, 255, (32, width, 3), dtype=np.uint8)
    entries = tuple(Entry(f"{k}.png", "", "") for k in range(8))  # type: ignore[arg-type]
    pictures = Pictures("here", "plain", 32, (image,) * 8, entries, ())  # type: ignore[arg-type]
    lesson = Lesson(pictures, Means(), preset(32), batch_size=8, hold=0)  # type: ignore[arg-type]
    squares = {left: Means().encode(image[None, :, left : left + 32])[0] for left in range(width - 32 + 1)}
    seen = []
    for step in range(8):
        for code in lesson.batch(step, np.random.default_rng(step))[0].numpy():
            seen += [left for left, square in squares.items() if np.allclose(code, square)]
    assert len(seen) == 64
    assert {left % 4 for left in seen} == starts

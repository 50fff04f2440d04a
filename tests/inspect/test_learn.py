"""Parts in memory, and segmenters that learn side by side."""

from pathlib import Path

import numpy as np
import pytest
import torch

from burnish.errors import BurnishError, DatasetError
from burnish.inspect.learn import Lesson, Settings, as_tensor, one_core_each, read_shots, teach, working_side
from burnish.inspect.pairs import Shot
from burnish.media.dataset import open_parts
from burnish.media.image import write_png
from burnish.train.budget import Budget


def part(label: str, seed: int) -> Shot:
    image = np.random.default_rng(seed).integers(90, 120, (64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), bool)
    if label != "good":
        image[20:40, 20:40], mask[20:40, 20:40] = 220, True
    return Shot(image, mask, label, f"{label} {seed}")


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(300, 300)], 288),
        ([(64, 64)], 256),
        ([(3000, 4000)], 480),
        ([(200, 450), (200, 450), (64, 64)], 288),
    ],
)
def test_the_working_side_is_the_parts_own_within_limits(sizes: list[tuple[int, int]], side: int) -> None:
    assert working_side(sizes) == side and side % 32 == 0


def test_a_picture_becomes_a_tensor_from_0_to_1() -> None:
    x = as_tensor(np.dstack([np.zeros((4, 6)), np.full((4, 6), 51), np.full((4, 6), 255)]).astype(np.uint8))
    assert x.shape == (1, 3, 4, 6)
    assert torch.allclose(x.amax((2, 3)), torch.tensor([[0.0, 0.2, 1.0]]))


def test_fewer_than_two_good_parts_are_refused_and_broken_files_are_named(tmp_path: Path) -> None:
    write_png(tmp_path / "good" / "a.png", np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "good" / "b.png").write_text("no picture")
    problems: list = []
    with pytest.raises(DatasetError, match="1 readable good part"):
        read_shots(open_parts(tmp_path), problems, lambda *_: None)
    assert ["b.png" in str(p) for p in problems] == [True]


def lessons(folder: Path, steps: int) -> list[Lesson]:
    goods, bads = [part("good", k) for k in range(4)], [part("bad", 9)]
    return [
        Lesson(goods, bads, lambda: None, folder / f"{k}.safetensors", lambda: Budget(None, steps), k)
        for k in range(2)
    ]


def test_side_by_side_or_one_after_the_other_is_the_same(tmp_path: Path) -> None:
    learned = []
    for workers in (1, 2):
        (folder := tmp_path / str(workers)).mkdir()
        mine = lessons(folder, 2)
        with one_core_each():
            assert not teach(mine, workers, lambda *_: None)
        assert [x.fitted.step for x in mine if x.fitted] == [2, 2]
        learned.append([x.model.state_dict() for x in mine if x.model])
    for one, other in zip(*learned, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_stopping_keeps_what_was_learned(tmp_path: Path) -> None:
    mine = lessons(tmp_path, 50)
    assert teach(mine, 2, lambda *_: True)
    assert all(x.fitted is not None and 1 <= x.fitted.step < 50 for x in mine)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["0.safetensors", "1.safetensors"]


def test_what_one_segmenter_lacks_is_said_by_all(tmp_path: Path) -> None:
    mine = lessons(tmp_path, 2)

    def broken() -> None:
        raise DatasetError("parts", "are gone")

    mine[1].synthesiser = broken
    with pytest.raises(DatasetError, match="are gone"):
        teach(mine, 2, lambda *_: None)


def test_steps_make_a_run_a_function_of_its_seed() -> None:
    assert Settings(steps=7).budget(3.0) == Budget(None, 7)
    assert Settings().budget(3.0) == Budget(3.0, None)
    assert Settings().budget(-1.0).minutes == 0.02


def test_parts_are_fitted_as_they_are_read_and_broken_ones_do_not_count(tmp_path: Path) -> None:
    for k in range(3):
        write_png(tmp_path / "good" / f"{k}.png", np.zeros((600, 400, 3), np.uint8))
    (tmp_path / "good" / "x.png").write_text("no picture")
    shots, side = read_shots(open_parts(tmp_path), [], lambda *_: None)
    assert side == 480 and [s.image.shape for s in shots] == [(576, 384, 3)] * 3


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_that_no_threshold_can_promise_is_refused_before_training(rate: float) -> None:
    with pytest.raises(BurnishError, match="false-rejects"):
        Settings(false_rejects=rate)

"""The denoiser of changes, against what is known without training."""

import threading

import numpy as np
import pytest
import torch
from parts_for_tests import defects

from burnish.core.process import seeded
from burnish.errors import BundleError
from burnish.inspect.changes import ChangeModel
from burnish.inspect.windows import SIDE, Example, cases, real_example
from burnish.train.loop import seeded_weights

torch.set_num_threads(1)
REAL = [case for shot in defects() for case in cases(shot)]


def draw(rng: np.random.Generator) -> list[Example]:
    return [real_example(REAL[rng.integers(len(REAL))], rng) for _ in range(4)]


def model() -> ChangeModel:
    return ChangeModel({"scratch": 50.0, "spot": 70.0})


def test_the_untrained_loss_on_unit_noise_is_one() -> None:
    """F = 0 is exact for Gaussian data of unit variance, whose loss is E F*^2 = 1 (core.gaussian)."""
    examples = draw(np.random.default_rng(0)) * 8
    batch = model().tensors(examples)
    batch["support"][:] = True
    batch["x"] = torch.randn(batch["x"].shape, generator=seeded(0))
    value = float(model().loss(model().denoiser, batch, seeded(1)).detach())
    assert value == pytest.approx(1, abs=0.03)


def test_outside_the_support_nothing_changes_to_the_bit() -> None:
    examples = draw(np.random.default_rng(1))
    for start in (0.4, 1.0):
        painted = model().paint(examples, start, 3, [1, 2, 3, 4])
        for e, change in zip(examples, painted, strict=True):
            assert not change[~e.support].any() and change[e.support].any()
            assert change.shape == (SIDE, SIDE, 3)


def test_a_window_depends_on_its_own_seed_alone() -> None:
    examples, m = draw(np.random.default_rng(2)), model()
    together = m.paint(examples, 0.7, 3, [5, 6, 7, 8])
    alone = m.paint(examples[2:3], 0.7, 3, [7])
    assert np.allclose(together[2], alone[0], atol=1e-3)
    assert not np.allclose(together[2], m.paint(examples[2:3], 0.7, 3, [9])[0], atol=1)


def test_training_learns_repeats_and_survives_saving(tmp_path) -> None:
    torch.set_num_threads(1)
    first, again = model(), model()
    fitted = [m.fit(draw, None, 6, seed=3) for m in (first, again)]
    assert fitted[0].step == 6 and first.hash == again.hash != model().hash
    first.save(tmp_path)
    loaded = ChangeModel.load(tmp_path)
    examples = draw(np.random.default_rng(4))
    assert loaded.hash == first.hash and loaded.classes == ["scratch", "spot"]
    assert np.array_equal(
        loaded.paint(examples, 0.5, 2, [1, 2, 3, 4]), first.paint(examples, 0.5, 2, [1, 2, 3, 4])
    )


def test_a_flipped_byte_or_a_missing_file_is_said(tmp_path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        ChangeModel.load(tmp_path)
    m = model()
    m.fit(draw, None, 1)
    m.save(tmp_path)
    file = tmp_path / "diffusion.safetensors"
    data = bytearray(file.read_bytes())
    data[-3] ^= 0x10
    file.write_bytes(data)
    with pytest.raises(BundleError, match="have changed"):
        ChangeModel.load(tmp_path)


def test_a_model_is_built_without_drawing_from_another_training() -> None:
    with seeded_weights(3):
        before = torch.get_rng_state()
        beside = threading.Thread(target=model)
        beside.start()
        beside.join(0.3)
        assert beside.is_alive()  # it waits for its turn
        assert torch.equal(torch.get_rng_state(), before)
    beside.join(20)
    assert not beside.is_alive()

"""Grids of times and times of training."""

import pytest
import torch

from burnish.core.process import seeded
from burnish.core.schedule import grid, training_times


def test_grid_falls_evenly_from_start_to_zero():
    assert grid(4).tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert grid(2, start=0.5).tolist() == [0.5, 0.25, 0]


def test_shift_spends_more_steps_at_high_noise():
    """Equation 23 of arXiv:2403.03206 at t = 1/2, shift 3: 3/2 / (1 + 1) = 0.75."""
    assert grid(2, shift=3.0).tolist() == [1, 0.75, 0]


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"steps": 2, "start": 0}, {"steps": 2, "start": 1.1}, {"steps": 2, "shift": 0}]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="need steps >= 1"):
        grid(**wrong)


def test_training_times_follow_the_logit_normal():
    """Without the uniform share, logit t has the asked mean and deviation; stratification makes 4000 exact
    to 1 %.
    """
    t = training_times(4000, seeded(0), centre=-0.3, width=1.1, uniform=0.0)
    assert float(t.logit().mean()) == pytest.approx(-0.3, abs=0.02)
    assert float(t.logit().std()) == pytest.approx(1.1, rel=0.02)


def test_training_times_are_stratified():
    """Among uniform times one falls into each of the equal strata."""
    t = training_times(16, seeded(1), uniform=1.0)
    assert sorted((t * 16).floor().int().tolist()) == list(range(16))
    assert torch.equal(t, training_times(16, seeded(1), uniform=1.0))

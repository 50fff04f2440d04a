"""The one loop: what is kept, what is reported, what is refused."""

from itertools import pairwise

import pytest
import torch

from burnish.core.gaussian import StraightPath, coefficients, spread
from burnish.core.posterior import Posterior
from burnish.core.process import seeded
from burnish.core.sample import Kept, advance, sample
from burnish.core.schedule import grid
from burnish.core.solve import SOLVERS

SHAPE = (3, 1, 4, 4)


class Watching:
    """The exact denoiser of N(0, 1), which notes what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, x_t, t, condition=None):
        self.asked.append((x_t.clone(), t.clone(), condition))
        return Posterior(spread(coefficients(t, 1.0)[0], x_t) * x_t)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS.keys())
def test_known_places_are_kept_to_the_bit_and_shown_at_time_zero(solver):
    denoiser, known = Watching(), torch.randn(*SHAPE)
    mask = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    mask[:, :, :2] = True
    seen = []
    out = sample(
        denoiser,
        StraightPath(),
        SHAPE,
        5,
        solver,
        known=known,
        known_mask=mask,
        callback=lambda step: seen.append(step) and None,
        rng=seeded(0),
    )
    assert torch.equal(out[mask], known[mask])
    assert not torch.allclose(out[~mask], known[~mask])
    for x_t, t, _ in denoiser.asked[:1]:
        assert torch.equal(x_t[mask], known[mask])
        assert t.shape == (3, 1, 4, 4)
        assert bool((t[mask] == 0).all())
        assert bool((t[~mask] == 1).all())
    assert all(torch.equal(step.x[mask], known[mask]) for step in seen)
    assert all(torch.equal(step.clean[mask], known[mask]) for step in seen)


def test_callback_sees_every_step_and_can_stop():
    seen = []

    def stop_at_third(step):
        seen.append((step.index, step.of, round(step.t, 6)))
        return step.index == 3

    denoiser = Watching()
    out = sample(denoiser, StraightPath(), SHAPE, 5, callback=stop_at_third, rng=seeded(0))
    assert seen == [(1, 5, 0.8), (2, 5, 0.6), (3, 5, 0.4)]
    x_t, t, _ = denoiser.asked[-1]
    assert torch.allclose(out, spread(coefficients(t, 1.0)[0], x_t) * x_t)


def test_refine_starts_from_the_thing_itself():
    """From t = 0.3 the exact path of N(0, 1) stays near; from a tiny t it returns the thing."""
    thing = torch.randn(*SHAPE)
    near = sample(Watching(), StraightPath(), thing, 4, start_t=1e-4, rng=seeded(0))
    assert torch.allclose(near, thing, atol=1e-2)
    denoiser = Watching()
    sample(denoiser, StraightPath(), thing, 4, start_t=0.3, rng=seeded(0))
    assert torch.allclose(
        denoiser.asked[0][0], StraightPath().corrupt(thing, torch.full((3,), 0.3), seeded(0))
    )


def test_refine_keeps_the_things_own_values_when_none_are_given():
    thing = torch.randn(*SHAPE)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 1] = True
    out = sample(Watching(), StraightPath(), thing, 3, known_mask=mask, start_t=0.5, rng=seeded(0))
    assert torch.equal(out[..., 1], thing[..., 1])


def test_a_sample_does_not_depend_on_how_many_are_made():
    few, many = (
        sample(Watching(), StraightPath(), (n, *SHAPE[1:]), 3, rng=[seeded(7, k) for k in range(n)])
        for n in (2, 5)
    )
    assert torch.equal(few, many[:2])
    assert not torch.equal(many[0], many[1])


def test_one_step_at_a_time_is_the_same_walk():
    """`advance`, the loop's step, with the solver's memory handed on."""
    thing, mask = torch.randn(*SHAPE), torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 1] = True
    path, times = StraightPath(), grid(4).to(torch.float32)
    whole = sample(Watching(), path, SHAPE, times, known=thing, known_mask=mask, rng=seeded(0))
    kept, past = Kept(thing, mask), None
    x = kept(path.prior(SHAPE, seeded(0)))
    for t, s in pairwise(times):
        x, clean, past = advance(Watching(), path, x, t[None], s[None], past=past, kept=kept)
        assert torch.equal(clean[..., 1], thing[..., 1])
    assert torch.equal(x, whole)


def test_condition_is_passed_on():
    denoiser = Watching()
    sample(denoiser, StraightPath(), SHAPE, 2, condition="words", rng=seeded(0))
    assert [condition for _, _, condition in denoiser.asked] == ["words", "words"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"times": torch.tensor([1.0, 0.5])}, "must fall from start_t"),
        ({"times": torch.tensor([0.5, 0.0])}, "must fall from start_t"),
        ({"times": torch.tensor([1.0, 1.0, 0.0])}, "must fall from start_t"),
        ({"times": 0}, "steps >= 1"),
        ({"times": 2, "start_t": 0.5}, "needs a thing to start from"),
        ({"times": 2, "known_mask": torch.ones(1, dtype=torch.bool)}, "needs the known values"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample(Watching(), StraightPath(), SHAPE, **arguments)


def test_a_thing_that_is_noisy_already_gets_no_more_noise():
    """x_t = y / (1 + sigma) of y = x_0 + sigma eps lies on the path at t = sigma / (1 + sigma); the walk of
    N(0, 1) then ends where the closed form's ODE does, the same for every seed."""
    noisy, t = torch.randn(*SHAPE, generator=seeded(4)), 0.4
    ends = [
        sample(Watching(), StraightPath(), (1 - t) * noisy, 200, start_t=t, rng=seeded(s), corrupted=True)
        for s in (0, 1)
    ]
    assert torch.equal(*ends)
    expected = (1 - t) * noisy / ((1 - t) ** 2 + t**2) ** 0.5
    assert torch.allclose(ends[0], expected, atol=1e-3)

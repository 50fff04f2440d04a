"""A part is its seed's, to the bit; its mask is what the defect changed; drift does what its dial says."""

import time

import numpy as np
import pytest

from burnish.samples import DEFECTS, KINDS, Drift, SampleError, render_part

EVERY = [(kind, defect) for kind in KINDS for defect in DEFECTS[kind]]


def _grown(mask: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        p = np.pad(mask, 1)
        mask = p[1:-1, 1:-1] | p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:]
    return mask


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_one_picture(kind: str) -> None:
    first, again, other = (render_part(kind, seed, size=96) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != other.image).mean() > 0.5
    assert first.image.shape == (96, 96, 3) and first.image.dtype == np.uint8
    assert first.label == "good" and not first.mask.any()


def test_the_caller_s_random_state_plays_no_part() -> None:
    np.random.seed(0)
    first = render_part("ring", 3, "stain", size=64)
    np.random.seed(1)
    np.testing.assert_array_equal(first.image, render_part("ring", 3, "stain", size=64).image)


@pytest.mark.parametrize(("kind", "defect"), EVERY)
def test_the_mask_is_what_changed(kind: str, defect: str) -> None:
    """The good twin has the same pose, finish and noise, so the pictures differ where the defect is."""
    good, bad = render_part(kind, 11, size=160), render_part(kind, 11, defect, size=160)
    assert bad.label == defect
    assert 8 <= bad.mask.sum() < 0.2 * bad.mask.size
    change = np.abs(bad.image.astype(int) - good.image.astype(int)).max(-1)
    assert np.quantile(change[bad.mask], 0.75) > 12
    far = ~_grown(bad.mask, 4)
    # what is left outside is the defect's shadow and the lens's glare: thin in area
    assert (change[far] > 12).mean() < 0.004
    assert change[far].mean() < 0.35


@pytest.mark.parametrize("defect", ["scratch", "crack", "stain"])
def test_flat_defects_change_nothing_outside_their_mask(defect: str) -> None:
    for seed in range(4):
        good, bad = render_part("bracket", seed, size=128), render_part("bracket", seed, defect, size=128)
        change = np.abs(bad.image.astype(int) - good.image.astype(int)).max(-1)
        assert change[~_grown(bad.mask, 3)].max() <= 12


@pytest.mark.parametrize(("kind", "defect"), EVERY)
def test_defects_vary_in_place_and_size(kind: str, defect: str) -> None:
    masks = [render_part(kind, seed, defect, size=96).mask for seed in range(5)]
    areas = [int(mask.sum()) for mask in masks]
    centres = {tuple(np.argwhere(mask).mean(0).round().astype(int)) for mask in masks}
    assert min(areas) > 0 and len(set(areas)) >= 4 and len(centres) >= 4


def test_neutral_drift_is_no_drift() -> None:
    a, b = render_part("ring", 2, size=96), render_part("ring", 2, drift=Drift(), size=96)
    np.testing.assert_array_equal(a.image, b.image)


def test_exposure_is_in_stops() -> None:
    """Half the light: in the linear range the sRGB curve takes L to 1.055 L^(1/2.4) - 0.055."""
    day = render_part("connector", 4, size=96).image / 255
    dim = render_part("connector", 4, drift=Drift(exposure=-1), size=96).image / 255
    linear = ((day + 0.055) / 1.055) ** 2.4
    calm = (linear > 0.05) & (linear < 0.55)
    ratio = ((dim + 0.055) / 1.055) ** 2.4 / np.maximum(linear, 1e-6)
    assert np.median(ratio[calm]) == pytest.approx(0.5, abs=0.02)


def test_focus_softens() -> None:
    def detail(drift: Drift) -> float:
        return float(
            np.abs(
                np.diff(render_part("bracket", 1, drift=drift, size=128).image.astype(float), axis=1)
            ).mean()
        )

    sharp, soft, softer = (detail(Drift(focus=f)) for f in (0.0, 1.5, 3.0))
    assert sharp > soft > softer


def test_position_moves_the_part_by_that_share_of_the_frame() -> None:
    """The connector's dark body on its pale mat: its centre of mass moves by 0.1 of 160 px."""

    def centre(drift: Drift) -> float:
        dark = render_part("connector", 9, drift=drift, size=160).image.mean(-1) < 90
        return float(np.nonzero(dark)[1].mean())

    assert centre(Drift(position=0.1)) - centre(Drift()) == pytest.approx(16, abs=1.5)


def test_soiling_darkens_metal_more_with_more_grime() -> None:
    clean, some, much = (
        render_part("bracket", 1, drift=Drift(soiling=s), size=96).image[36:60, 25:71].mean()
        for s in (0.0, 0.5, 1.0)
    )
    assert clean > some > much


def test_defects_stay_visible_under_drift() -> None:
    drift = Drift(exposure=-0.7, focus=1.0, position=0.05, soiling=0.5)
    assert render_part("ring", 3, "scratch", drift).mask.sum() > 20


def test_noise_is_that_of_the_sensor() -> None:
    """Where nothing but noise differs, its size is a few grey levels, not zero and not a veil."""
    image = render_part("connector", 0).image.astype(float)[2:22, 2:60]
    high = image[:, 1:-1] - (image[:, :-2] + image[:, 2:]) / 2
    assert 0.8 < high.std() < 12


@pytest.mark.parametrize(
    ("kind", "defect", "size"),
    [("gear", None, 64), ("connector", "dent", 64), ("ring", "typo", 64), ("ring", None, 8)],
)
def test_what_the_line_does_not_make(kind: str, defect: str | None, size: int) -> None:
    with pytest.raises(SampleError, match=r"Choose one of|Give a size"):
        render_part(kind, 0, defect, size=size)


@pytest.mark.parametrize("wrong", [{"focus": -1}, {"soiling": 1.5}, {"position": 0.6}, {"exposure": 20}])
def test_drift_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected exposure"):
        Drift(**wrong)


def test_a_part_is_quick() -> None:
    """60 ms on one core is the aim; counted in CPU time, and a slow machine gets three times that."""
    render_part("ring", 0)
    start = time.process_time()
    for seed in range(4):
        render_part(KINDS[seed % 3], seed)
    assert (time.process_time() - start) / 4 < 0.18

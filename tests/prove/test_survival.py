"""Survival of marks: the wear, the counting, and the full measurement that `make prove-checks` makes."""

import os

import numpy as np
import pytest

from burnish.core.stats import clopper_pearson
from burnish.errors import DatasetError
from burnish.media.image import write_png
from burnish.prove.marking import Marker
from burnish.prove.survival import WEARS, Survival, as_figures, crop, gather, half, jpeg, measure
from burnish.prove.watermark import SpreadSpectrum
from burnish.store.workspace import open_workspace


@pytest.fixture
def marker(tmp_path):
    return Marker(open_workspace(tmp_path / "workspace"), SpreadSpectrum(b"a key for tests"))


def test_wear_does_what_it_says():
    image = np.random.default_rng(0).integers(0, 256, (100, 60, 3), np.uint8)
    assert half(image).shape == (50, 30, 3)
    cut = crop(image, np.random.default_rng(1))
    assert cut.shape == (95, 57, 3)
    places = [(y, x) for y in range(6) for x in range(4)]
    assert any(np.array_equal(image[y : y + 95, x : x + 57], cut) for y, x in places)
    errors = [np.abs(jpeg(image, q).astype(int) - image).mean() for q in (90, 75, 50)]
    assert errors == sorted(errors)
    assert set(WEARS) == {"as it is", "JPEG 90", "JPEG 75", "JPEG 50", "half size", "5 % crop"}


def test_rates_carry_exact_bounds():
    found = Survival(marked=200, unmarked=1000, loudness=[44.0, 46.0])
    found.watermark["JPEG 50"] = 198
    rates = found.rates()
    assert (rates["watermark: JPEG 50"].low, rates["watermark: JPEG 50"].high) == clopper_pearson(198, 200)
    assert rates["false finds: watermark"].high == pytest.approx(1 - 0.025 ** (1 / 1000))
    figures = {f.what: f for f in as_figures(found, "abcd", "burnish prove survival")}
    assert figures["mark survival: watermark: JPEG 50"].count == 198
    assert figures["mark PSNR, median"].value == 45.0
    assert all(f.command for f in figures.values())


def test_a_folder_gives_as_many_as_are_wanted(tmp_path):
    for k in range(6):
        write_png(tmp_path / "pictures" / f"{k}.png", np.full((40, 40, 3), 40 * k, np.uint8))
    mark, leave = gather(tmp_path / "pictures", 2, 3)
    levels = [int(image[0, 0, 0]) for image in (*mark, *leave)]
    assert len(set(levels)) == 5
    with pytest.raises(DatasetError, match="7 are wanted"):
        gather(tmp_path / "pictures", 4, 3)


@pytest.mark.skipif(not os.environ.get("BURNISH_CHECKS"), reason="takes minutes; make prove-checks runs it")
@pytest.mark.timeout(1800)
def test_two_hundred_marked_and_a_thousand_unmarked(marker, record_property):
    """The declared rate of false finds is 1e-6: of 1,000, none in all but 0.1 % of such tests."""
    found = measure(marker, *gather(None, 200, 1000))
    rates = found.rates()
    assert (found.marked, found.unmarked) == (200, 1000)
    for wear in WEARS:
        r = rates[f"watermark: {wear}"]
        record_property(
            "measured", f"{wear}: {r.count} of {r.of} ({100 * r.low:.1f} to {100 * r.high:.1f} %)"
        )
        assert rates[f"either: {wear}"].count >= r.count  # detection leads to the record
    false = rates["false finds: watermark"]
    record_property(
        "measured", f"false finds: {false.count} of {false.of} (at most {100 * false.high:.2f} %)"
    )
    record_property("measured", f"PSNR {np.median(found.loudness):.1f} dB (median)")
    assert false.count == 0
    assert min(found.loudness) >= marker.watermark.quiet - 0.2

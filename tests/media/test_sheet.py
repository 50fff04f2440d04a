"""Sheets hold every picture where it belongs; an overlay leaves cold pixels alone."""

import numpy as np
import pytest

from burnish.media.sheet import PAPER, as_rgb, contact_sheet, heat_colours, outline, overlay


def _flat(colour: tuple[int, int, int], height: int = 20, width: int = 20) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_every_picture_is_in_its_place() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 0), (0, 90, 90)]
    sheet = contact_sheet([_flat(c) for c in colours], columns=2, tile=32)
    gap = 2
    assert sheet.shape == (gap + 3 * 34, gap + 2 * 34, 3) and sheet.dtype == np.uint8
    for k, colour in enumerate(colours):
        x, y = gap + k % 2 * 34 + 16, gap + k // 2 * 34 + 16
        assert tuple(sheet[y, x]) == colour
    assert tuple(sheet[-10, -10]) == PAPER, "the sixth place is empty"


def test_a_wide_picture_keeps_its_aspect() -> None:
    sheet = contact_sheet([_flat((10, 20, 30), 10, 40)], columns=1, tile=64)
    inside = (sheet == (10, 20, 30)).all(-1)
    rows, columns = np.nonzero(inside)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (16, 64)


def test_captions_and_title_make_room_and_leave_ink() -> None:
    pictures = [_flat((250, 250, 250))] * 2
    bare = contact_sheet(pictures, 2, 64)
    full = contact_sheet(pictures, 2, 64, ["scratch", "a caption far too long for its tile"], "A title")
    assert full.shape[0] > bare.shape[0] and full.shape[1] == bare.shape[1]
    assert (full < 160).any() and not (bare < 160).any()


def test_gray_and_bool_pictures() -> None:
    assert as_rgb(np.eye(3, dtype=bool)).max() == 255
    assert as_rgb(np.zeros((4, 5), np.uint8)).shape == (4, 5, 3)
    with pytest.raises(ValueError, match="expected uint8"):
        as_rgb(np.zeros((4, 5, 3), np.float32))


@pytest.mark.parametrize("wrong", [{"images": []}, {"columns": 0}, {"captions": ["one", "two"]}])
def test_sheets_that_cannot_be(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        contact_sheet(**{"images": [_flat((0, 0, 0))], "columns": 1, **wrong})


def test_cold_is_untouched_and_hot_is_hot() -> None:
    image = _flat((40, 90, 140), 32, 32)
    np.testing.assert_array_equal(overlay(image, np.zeros((8, 8))), image)
    hot = overlay(image, np.ones((8, 8), np.float32))
    np.testing.assert_allclose(
        hot[16, 16], 0.25 * np.array((40, 90, 140)) + 0.75 * np.array((252, 255, 164)), atol=1
    )
    np.testing.assert_array_equal(overlay(image, np.full((8, 8), np.nan)), image)


def test_heat_gets_lighter() -> None:
    ramp = heat_colours(np.linspace(0, 1, 50)[None]).astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(ramp[0]) > 0).all()
    np.testing.assert_array_equal(heat_colours(np.array([[-1.0, 2.0]])), heat_colours(np.array([[0.0, 1.0]])))


def test_the_outline_lies_just_outside() -> None:
    mask = np.zeros((7, 7), bool)
    mask[3, 3] = True
    assert sorted(map(tuple, np.argwhere(outline(mask)))) == [(2, 3), (3, 2), (3, 4), (4, 3)]
    image = overlay(_flat((0, 0, 0), 7, 7), np.zeros((7, 7)), mask)
    assert tuple(image[3, 3]) == (0, 0, 0) and tuple(image[2, 3]) == (255, 255, 255)


def test_overlay_s_errors() -> None:
    with pytest.raises(ValueError, match="mask of shape"):
        overlay(_flat((0, 0, 0)), np.zeros((5, 5)), np.zeros((5, 5), bool))
    with pytest.raises(ValueError, match="heat map of shape"):
        overlay(_flat((0, 0, 0)), np.zeros((5, 5, 1)))

"""Light against its closed forms: a plane's normal, Lambert's cosine, a shadow's length."""

import numpy as np
import pytest

from burnish.samples.light import Lamp, Rig, Surface, normals, occlusion, shade, shadow

DARK = Lamp((0, 0, 1), (1, 1, 1), 0.0, 0.2)


def _plane(slope: float, size: int = 64, metal: float = 0.0, tx: float = 1.0) -> Surface:
    """A plane that rises by `slope` to the right."""
    pixel = 2 / size
    one = np.ones((size, size), np.float32)
    height = one * (np.arange(size, dtype=np.float32) * np.float32(slope * pixel))
    rough = np.float32(0.2) * one
    ty = float(np.sqrt(1 - tx * tx))
    albedo = np.full((size, size, 3), 0.5, np.float32)
    return Surface(height, albedo, metal * one, rough, 2 * rough, tx * one, ty * one, one, one, pixel)


def test_the_normal_of_a_plane() -> None:
    nx, ny, nz = normals(_plane(0.75).height, 2 / 64)
    np.testing.assert_allclose([n[30, 30] for n in (nx, ny, nz)], [-0.6, 0, 0.8], atol=1e-5)


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.4])
def test_lambert(slope: float) -> None:
    """A matt plane under one lamp straight above, no dome: albedo times the normal's z."""
    rig = Rig(DARK, (Lamp((0, 0, 1), (1, 1, 1), 1.0, 0.05),), dome=0.0, relief=0.1)
    surface = _plane(slope)
    ambient = occlusion(surface.height)[32, 32]
    smooth = surface.but(along=surface.along * 0.1, across=surface.across * 0.05)
    light = shade(smooth, rig)[32, 32, 0]
    matt = 0.5 * ambient / np.hypot(1, slope)
    if slope:
        assert light == pytest.approx(matt, rel=0.02)
    else:
        assert light > 1.05 * matt, "the lamp's mirror image, which only a level plane shows"


@pytest.mark.parametrize("elevation", [30.0, 45.0, 60.0])
def test_a_wall_s_shadow_is_its_height_over_the_tangent(elevation: float) -> None:
    size, tall = 200, 0.2
    height = np.zeros((size, size), np.float32)
    height[:, :60] = tall
    angle = np.deg2rad(elevation)
    lamp = np.array([-np.cos(angle), 0, np.sin(angle)], np.float32)
    lit = shadow(height, 2 / size, lamp, tall, steps=60)[100]
    length = tall / np.tan(angle) / (2 / size)
    edge = 60 + float((1 - lit[60:]).sum())
    assert edge == pytest.approx(60 + length, rel=0.12)
    assert lit[:50].min() > 0.99 and lit[-20:].min() > 0.99


def test_a_flat_field_hides_nothing() -> None:
    np.testing.assert_allclose(occlusion(np.full((64, 64), 0.2, np.float32)), 1, atol=1e-3)


def test_a_pit_is_darker_than_its_rim() -> None:
    height = np.full((128, 128), 0.2, np.float32)
    height[56:72, 56:72] = 0
    ambient = occlusion(height)
    assert ambient[64, 57] < 0.75 < ambient[64, 64] < 0.95 < ambient[20, 20]


def test_metal_shines_where_the_marks_lie_across_the_light() -> None:
    """Ward's lobe is narrow along the marks: a lamp at the side shines on marks that run up and down."""
    rig = Rig(DARK, (Lamp((0.6, 0, 0.8), (1, 1, 1), 1.0, 0.05),), dome=0.0, relief=0.1)
    sideways, upright = (shade(_plane(0, metal=1.0, tx=tx), rig)[32, 32, 0] for tx in (1.0, 0.0))
    assert upright > 2 * sideways

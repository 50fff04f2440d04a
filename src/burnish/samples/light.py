"""Lighting a height field: what a camera above the part sees.

Diffuse light from two softboxes and a dome, Ward's anisotropic highlight (G. Ward, "Measuring and modeling
anisotropic reflection", SIGGRAPH 1992) along the machining marks, a marched shadow and ambient occlusion.
"""

from dataclasses import dataclass, replace

import numpy as np

from burnish.samples.field import Field, blur


@dataclass(frozen=True)
class Surface:
    """One part on its fixture, before light.

    Args:
        height: (H, W), local units (the frame is 2 wide) above the fixture.
        albedo: (H, W, 3), linear, 0 to 1.
        metal: (H, W), 0 dielectric to 1 metal.
        along: (H, W) roughness along the machining marks; across: (H, W) across them; 0.05 to 1.
        tx, ty: (H, W) direction of the marks in the image.
        part: (H, W) coverage by the part, 0 to 1.
        edge: (H, W) signed distance to the part's nearest edge, local units, positive inside.
        pixel: Width of one pixel in local units.
    """

    height: Field
    albedo: Field
    metal: Field
    along: Field
    across: Field
    tx: Field
    ty: Field
    part: Field
    edge: Field
    pixel: float

    def but(self, **changes: Field) -> "Surface":
        return replace(self, **changes)


@dataclass(frozen=True)
class Lamp:
    """A softbox.

    Args:
        direction: Towards it from the frame's centre: x right, y down, z to the camera.
        colour: Linear RGB.
        strength: Brightness, about 1 for a key.
        spread: Half-angle of the box, radians, which widens the highlights.
        near: How much the direction turns across half the frame; 0 is infinitely far.
    """

    direction: tuple[float, float, float]
    colour: tuple[float, float, float]
    strength: float
    spread: float
    near: float = 0.0


@dataclass(frozen=True)
class Rig:
    """The station's lights: a key that casts the shadow, fills and a dome; and its tallest part."""

    key: Lamp
    fills: tuple[Lamp, ...]
    dome: float
    relief: float


def _unit(v: tuple[float, float, float]) -> np.ndarray:
    a = np.asarray(v, np.float32)
    return a / np.float32(np.linalg.norm(a))


def normals(height: Field, pixel: float) -> tuple[Field, Field, Field]:
    """Unit normals (x, y, z) of a height field; slopes are held below 2.2."""
    padded = np.pad(height, 1, mode="edge")
    k = np.float32(0.5 / pixel)
    sx = np.clip((padded[1:-1, 2:] - padded[1:-1, :-2]) * k, -2.2, 2.2)
    sy = np.clip((padded[2:, 1:-1] - padded[:-2, 1:-1]) * k, -2.2, 2.2)
    inverse = 1 / np.sqrt(1 + sx * sx + sy * sy)
    return -sx * inverse, -sy * inverse, inverse


def shadow(height: Field, pixel: float, direction: np.ndarray, relief: float, steps: int = 14) -> Field:
    """Light that reaches each pixel from `direction`, 0 to 1, by marching a field at most `relief` high."""
    size = height.shape[0]
    level = float(np.hypot(direction[0], direction[1]))
    if level < 1e-3:  # straight above: no shadows
        return np.ones_like(height)
    rise, ux, uy = float(direction[2]) / level, float(direction[0]) / level, float(direction[1]) / level
    reach = relief / rise / pixel
    pad = int(reach) + 3
    padded = np.pad(height, pad, mode="edge")
    blocked = np.zeros_like(height)
    for k in range(1, steps + 1):
        far = max(1.0, reach * (k / steps) ** 1.5)
        dx, dy = round(ux * far), round(uy * far)
        seen = padded[pad + dy : pad + dy + size, pad + dx : pad + dx + size]
        # a softbox has a penumbra that widens with distance
        over = (seen - height - np.float32(far * pixel * rise)) / np.float32(0.012 + 0.25 * far * pixel)
        np.maximum(blocked, over, out=blocked)
    return 1 - np.clip(blur(np.minimum(blocked, 1), 0.9 * size / 256), 0, 1)


def occlusion(height: Field) -> Field:
    """Ambient light left at each pixel, 0 to 1, from how far it lies below its surroundings."""
    unit = height.shape[0] / 256
    near = np.maximum(blur(height, 2.0 * unit) - height, 0)
    wide = np.maximum(blur(height, 9.0 * unit) - height, 0)
    return 1 / (1 + 7 * near + 5 * wide)


def _towards(lamp: Lamp, size: int) -> tuple[Field | np.float32, Field | np.float32, Field | np.float32]:
    """Unit direction to the lamp from each pixel, or one for all where the lamp is far."""
    d = _unit(lamp.direction)
    if not lamp.near:
        return d[0], d[1], d[2]
    line = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(2 * lamp.near / size) - np.float32(
        lamp.near
    )
    x, y = d[0] - line[None, :], d[1] - line[:, None]
    inverse = 1 / np.sqrt(x * x + y * y + d[2] * d[2])
    return x * inverse, y * inverse, d[2] * inverse


def _highlight(
    surface: Surface, n: tuple[Field, Field, Field], t: tuple[Field, Field, Field], lamp: Lamp
) -> tuple[Field, Field]:
    """Ward's lobe and the cosine for one lamp; the softbox's size widens the lobe."""
    lx, ly, lz = _towards(lamp, surface.height.shape[0])
    cosine = np.maximum(n[0] * lx + n[1] * ly + n[2] * lz, 0)
    hz = lz + 1
    length = 1 / np.sqrt(2 * hz)  # |l + v| for unit l and v = (0, 0, 1)
    nh = (n[0] * lx + n[1] * ly + n[2] * hz) * length
    th = (t[0] * lx + t[1] * ly + t[2] * hz) * length
    spread = np.float32(lamp.spread**2)
    ax, ay = surface.along**2 + spread, surface.across**2 + spread
    bh = np.maximum(1 - nh * nh - th * th, 0)
    lobe = np.exp(-(th * th / ax + bh / ay) / np.maximum(nh * nh, 0.05))
    return lobe * np.sqrt(cosine) / (np.float32(2.2) * np.sqrt(ax * ay) + np.float32(0.12)), cosine


def shade(surface: Surface, rig: Rig) -> Field:
    """Linear radiance (H, W, 3) towards a camera straight above; 1.0 is about white."""
    n = normals(surface.height, surface.pixel)
    slope = surface.tx * n[0] + surface.ty * n[1]
    tz = -slope / np.maximum(n[2], 0.3)
    length = 1 / np.sqrt(1 + tz * tz)
    t = (surface.tx * length, surface.ty * length, tz * length)
    ambient = occlusion(surface.height)
    lit = shadow(surface.height, surface.pixel, _unit(rig.key.direction), rig.relief)
    # what a metal mirrors of the hall: bright above the line, dark towards the operator's side
    mirror = 0.42 - 0.34 * (2 * n[2] * n[1]) - 0.12 * (2 * n[2] * n[0]) + 0.12 * n[2]
    mirror = ambient * np.maximum(mirror, 0.03) * np.float32(rig.dome * 2.1)
    matt = ambient * (0.55 + 0.45 * n[2]) * np.float32(rig.dome)
    lobes = []
    for lamp in (rig.key, *rig.fills):
        lobe, cosine = _highlight(surface, n, t, lamp)
        arrives = (lit if lamp is rig.key else ambient) * np.float32(lamp.strength)
        lobes.append((cosine * arrives, lobe * arrives, lamp.colour))
    mirror *= surface.metal
    on_matt, on_gloss = 1 - 0.78 * surface.metal, 0.62 * surface.metal
    sheen = 0.06 * (1 - surface.metal)
    radiance = np.empty_like(surface.albedo)
    for c in range(3):
        diffuse, gloss = matt, mirror
        for cosine, lobe, colour in lobes:
            diffuse = diffuse + cosine * np.float32(colour[c])
            gloss = gloss + lobe * np.float32(colour[c])
        radiance[..., c] = surface.albedo[..., c] * (on_matt * diffuse + on_gloss * gloss) + sheen * gloss
    return radiance

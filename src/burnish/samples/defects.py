"""Defects drawn into a surface before it is lit, so that light treats them as it treats the part.

Each takes (surface, rng, strength) and returns the surface with one defect; strength above 1 is plainer.
"""

from collections.abc import Callable

import numpy as np

from burnish.samples.field import Field, blur, cloud, ramp, white
from burnish.samples.light import Surface

Draw = Callable[[Surface, np.random.Generator, float], Surface]


def _grid(surface: Surface) -> tuple[Field, Field, float]:
    """Pixel coordinates (x, y), and how wide a 256 px frame's pixel is here, at least 0.4 to lose no hair."""
    size = surface.height.shape[0]
    line = np.arange(size, dtype=np.float32)
    return line[None, :], line[:, None], max(size / 256, 0.4)


def _body(surface: Surface) -> Field:
    """bool (H, W): the part, less what is of another material than most of it (a connector's pins)."""
    solid = surface.part > 0.9
    mostly_metal = float(surface.metal[solid].mean()) > 0.5
    return solid & ((surface.metal > 0.5) == mostly_metal)


def _spot(surface: Surface, rng: np.random.Generator, margin: float) -> tuple[float, float]:
    """A pixel (x, y) of the part at least `margin` local units from any edge, or the innermost there is."""
    inner = np.flatnonzero((surface.edge > margin) & (surface.part > 0.99))
    if not len(inner):
        inner = np.array([int(np.argmax(surface.edge))])
    row, column = divmod(int(rng.choice(inner)), surface.height.shape[1])
    return float(column), float(row)


def _rim(surface: Surface, rng: np.random.Generator, low: float, high: float) -> tuple[int, int]:
    """A pixel (column, row) of the part's body, `low` to `high` local units inside an edge."""
    reach = max(high, low + 2 * surface.pixel)
    rim = np.flatnonzero((surface.edge > low) & (surface.edge < reach) & _body(surface))
    row, column = divmod(int(rng.choice(rim)), surface.height.shape[1])
    return column, row


def _inward(surface: Surface, column: int, row: int) -> tuple[float, float]:
    """Unit direction (x, y) from the edge near a pixel into the part."""
    last = surface.height.shape[0] - 1
    near = blur(np.clip(surface.edge, -0.1, 0.2), 3.0)
    gy = float(near[min(row + 3, last), column] - near[max(row - 3, 0), column])
    gx = float(near[row, min(column + 3, last)] - near[row, max(column - 3, 0)])
    length = max(float(np.hypot(gx, gy)), 1e-6)
    return gx / length, gy / length


def _path(x: float, y: float, heading: float, steps: int, stride: float, turn: Field) -> Field:
    """A walk from (x, y): (steps + 1, 2) points; `turn` is added to the heading at each stride."""
    headings = heading + np.cumsum(turn)
    walk = np.stack([np.cos(headings), np.sin(headings)], -1)[:steps] * stride
    return np.concatenate([[[x, y]], np.array([x, y]) + np.cumsum(walk, 0)]).astype(np.float32)


def _trace(surface: Surface, points: Field) -> tuple[Field, Field, tuple[slice, slice]]:
    """Distance in pixels to a polyline and progress along it (0 to 1), in the window that holds it."""
    size = surface.height.shape[0]
    low, high = points.min(0) - 9, points.max(0) + 10
    c0, r0 = (int(np.clip(v, 0, size - 2)) for v in low)
    c1, r1 = (int(np.clip(v, a + 2, size)) for v, a in zip(high, (c0, r0), strict=True))
    x = np.arange(c0, c1, dtype=np.float32)[None, :]
    y = np.arange(r0, r1, dtype=np.float32)[:, None]
    best = np.full((r1 - r0, c1 - c0), 1e9, np.float32)
    along = np.zeros_like(best)
    count = len(points) - 1
    for k in range(count):
        (ax, ay), (bx, by) = points[k], points[k + 1]
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / max(float(dx * dx + dy * dy), 1e-6), 0, 1)
        d = (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2
        near = d < best
        best = np.where(near, d, best)
        along = np.where(near, (k + t) / count, along)
    return np.sqrt(best), along, (slice(r0, r1), slice(c0, c1))


def _mix(field: Field, where: tuple[slice, slice], amount: Field, value: Field | float) -> Field:
    """`field` with `value` blended in by `amount` within a window."""
    out = field.copy()
    weight = amount if out.ndim == 2 else amount[..., None]
    out[where] += weight * (value - out[where])
    return out


def scratch(surface: Surface, rng: np.random.Generator, strength: float) -> Surface:
    """A groove with raised lips, bright where the tool laid metal bare or whitened plastic."""
    *_, unit = _grid(surface)
    x, y = _spot(surface, rng, 0.03)
    steps, length = 14, float(rng.uniform(14, 75)) * unit
    heading = float(rng.uniform(0, 2 * np.pi))
    turn = rng.normal(0, 0.03, steps) + rng.normal(0, 0.035)
    points = _path(
        x - np.cos(heading) * length / 2,
        y - np.sin(heading) * length / 2,
        heading,
        steps,
        length / steps,
        turn,
    )
    far, along, at = _trace(surface, points)
    width = float(rng.uniform(0.55, 1.25)) * unit
    press = np.interp(along, np.linspace(0, 1, 13), rng.uniform(0.35, 1.0, 13)).astype(np.float32)
    press *= ramp(along, 0, 0.15) * ramp(1 - along, 0, 0.3) * surface.part[at]
    core, lip = np.exp(-((far / width) ** 2)) * press, np.exp(-(((far - 1.9 * width) / width) ** 2)) * press
    depth = float(rng.uniform(0.003, 0.008)) * strength
    height = surface.height.copy()
    height[at] += np.float32(depth) * (0.45 * lip - core)
    bare = np.minimum(core * np.float32(strength * rng.uniform(0.25, 0.8)), 0.9)
    metal = surface.metal[at] > 0.5
    tone = np.where(metal[..., None], np.float32(rng.choice([0.30, 0.86])), np.float32(0.20))
    way = points[-1] - points[0]
    way = way / np.linalg.norm(way)
    return surface.but(
        height=height,
        albedo=_mix(surface.albedo, at, bare, tone),
        along=_mix(surface.along, at, core, 0.25),
        across=_mix(surface.across, at, core, 0.4),
        tx=_mix(surface.tx, at, core, way[0]),
        ty=_mix(surface.ty, at, core, way[1]),
    )


def dent(surface: Surface, rng: np.random.Generator, strength: float) -> Surface:
    """A blow: an oval hollow with a raised rim; the machining marks run on through it, flattened."""
    gx, gy, unit = _grid(surface)
    x, y = _spot(surface, rng, 0.06)
    radius = float(rng.uniform(3.2, 10)) * unit
    stretch, angle = float(rng.uniform(1, 1.7)), float(rng.uniform(0, np.pi))
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    a, b = (c * (gx - x) + s * (gy - y)) / stretch, -s * (gx - x) + c * (gy - y)
    far = np.sqrt(a * a + b * b) / np.float32(radius)
    far = far * (1 + 0.10 * cloud(rng, surface.height.shape, 14, 2))
    depth = strength * float(rng.uniform(0.16, 0.42)) * radius * surface.pixel
    bowl = -np.exp(-((far / 0.72) ** 2) * 1.1) + 0.30 * np.exp(-(((far - 1.15) / 0.34) ** 2))
    struck = np.exp(-((far / 0.6) ** 4)) * surface.part
    bare = struck * np.float32(rng.uniform(0.1, 0.5))
    return surface.but(
        height=surface.height + np.float32(depth) * bowl * surface.part,
        albedo=surface.albedo * (1 - 0.28 * bare[..., None]),
        along=surface.along + bare * (0.3 - surface.along),
        across=surface.across + bare * (0.33 - surface.across),
    )


def crack(surface: Surface, rng: np.random.Generator, strength: float) -> Surface:
    """A jagged dark hairline that starts at an edge and runs into the part, sometimes forked."""
    *_, unit = _grid(surface)
    column, row = _rim(surface, rng, 0.004, 0.02)
    nx, ny = _inward(surface, column, row)
    heading = float(np.arctan2(ny, nx) + rng.normal(0, 0.35))
    steps, length = 18, float(rng.uniform(13, 46)) * unit
    turn = rng.normal(0, 0.55, steps)
    turn -= 0.6 * np.concatenate([[0], turn[:-1]])
    points = _path(column, row, heading, steps, length / steps, turn)
    branches = [(points, 1.0)]
    if rng.random() < 0.45:
        k = int(rng.integers(6, 13))
        fork = heading + float(rng.choice([-1, 1]) * rng.uniform(0.5, 0.9))
        fx, fy = float(points[k, 0]), float(points[k, 1])
        branches.append((_path(fx, fy, fork, 8, 0.5 * length / 8, rng.normal(0, 0.4, 8)), 0.7))
    width = float(rng.uniform(0.45, 0.95)) * unit
    for line, share in branches:
        far, along, at = _trace(surface, line)
        taper = share * (1 - 0.75 * along) * surface.part[at] * np.float32(min(strength, 1.6))
        gap = np.exp(-((far / (width * (0.6 + 0.5 * taper))) ** 2)) * np.minimum(taper, 1)
        height = surface.height.copy()
        height[at] -= np.float32(0.030 * strength) * gap
        surface = surface.but(
            height=height,
            albedo=_mix(surface.albedo, at, 0.85 * gap, 0.006),
            metal=_mix(surface.metal, at, 0.6 * gap, 0.0),
            along=_mix(surface.along, at, gap, 0.6),
            across=_mix(surface.across, at, gap, 0.6),
        )
    return surface


STAINS = (
    (0.16, 0.085, 0.035),
    (0.05, 0.042, 0.035),
    (0.30, 0.24, 0.15),
    (0.10, 0.13, 0.20),
    (0.62, 0.62, 0.58),
)


def stain(surface: Surface, rng: np.random.Generator, strength: float) -> Surface:
    """Rust, oil, coolant or residue: a ragged film, darker at its rim where it dried."""
    gx, gy, unit = _grid(surface)
    x, y = _spot(surface, rng, 0.02)
    radius = float(np.exp(rng.uniform(np.log(6), np.log(26)))) * unit
    far = np.sqrt((gx - x) ** 2 + ((gy - y) * np.float32(rng.uniform(0.7, 1.4))) ** 2) / np.float32(radius)
    ragged = 1 - far + 0.38 * cloud(rng, surface.height.shape, 9, 4) * np.minimum(far * 1.5, 1)
    film = ramp(ragged, 0.0, float(rng.uniform(0.2, 0.8))) * surface.part * (far < 2.2)
    film *= 0.72 + 0.28 * np.clip(cloud(rng, surface.height.shape, 30, 3), -1, 1)
    ring = np.exp(-(((ragged - 0.1) / 0.09) ** 2)) * surface.part * (far < 2.2)
    colours = STAINS if surface.metal[int(y), int(x)] > 0.5 else STAINS[2:]
    colour = np.asarray(colours[int(rng.integers(len(colours)))], np.float32)
    amount = np.clip((film + 0.35 * ring) * np.float32(strength * rng.uniform(0.22, 0.75)), 0, 0.95)
    weight = amount[..., None]
    return surface.but(
        albedo=surface.albedo * (1 - weight) + weight * colour,
        metal=surface.metal * (1 - 0.8 * amount),
        along=surface.along + amount * (0.5 - surface.along),
        across=surface.across + amount * (0.5 - surface.across),
    )


def burr(surface: Surface, rng: np.random.Generator, strength: float) -> Surface:
    """Torn material (on metal) or flash (on plastic) that stands out along a stretch of an edge."""
    gx, gy, unit = _grid(surface)
    size = surface.height.shape[0]
    column, row = _rim(surface, rng, 0.0, 0.012)
    reach = float(rng.uniform(6, 20)) * unit
    here = np.exp(-((((gx - column) ** 2 + (gy - row) ** 2) / np.float32(reach**2)) ** 1.5))
    # one edge only: what lies across the sheet or the hole from here is another
    nx, ny = _inward(surface, column, row)
    inward = (gx - column) * np.float32(nx) + (gy - row) * np.float32(ny)
    here = here * ramp(inward, -11 * unit, -7 * unit) * ramp(-inward, -6 * unit, -3 * unit)
    jag = 0.62 + 0.75 * cloud(rng, (size, size), 30, 3) + 0.3 * blur(white(rng, (size, size)), 0.8 * unit)
    out = np.float32(strength * rng.uniform(1.6, 4.2) * unit * surface.pixel) * np.clip(jag, 0.05, 1.8) * here
    grown = np.clip((surface.edge + out) / np.float32(1.4 * surface.pixel) + 0.5, 0, 1) * (here > 0.03)
    grown = np.maximum(grown - surface.part, 0)
    ridge = here * np.exp(-((surface.edge / np.float32(2.2 * surface.pixel * unit)) ** 2)) * surface.part
    inside = (surface.edge > 0.03) & _body(surface)
    metal = float(np.median(surface.metal[inside]))
    tone = np.median(surface.albedo[inside], 0) * np.float32(rng.uniform(0.9, 1.35))
    level = float(np.median(surface.height[inside]))
    crest = level * (0.75 + 0.35 * np.clip(jag, 0, 1.6))
    height = surface.height * (1 - grown) + grown * crest
    height += np.float32(0.010 * strength) * ridge * jag
    weight = grown[..., None]
    rough = np.maximum(grown, 0.7 * ridge)
    return surface.but(
        height=height,
        albedo=surface.albedo * (1 - weight) + weight * tone,
        metal=surface.metal * (1 - grown) + grown * metal,
        along=surface.along + rough * (0.28 - surface.along),
        across=surface.across + rough * (0.36 - surface.across),
        part=np.maximum(surface.part, surface.part + grown),
    )


DRAW: dict[str, Draw] = {"scratch": scratch, "dent": dent, "crack": crack, "stain": stain, "burr": burr}

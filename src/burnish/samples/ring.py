"""The turned ring: a face-turned steel flange with a bore, a stepped hub and bolt holes."""

from dataclasses import dataclass, replace

import numpy as np

from burnish.samples.field import Frame, blur, cloud, cover, disc, lookup, ramp, white
from burnish.samples.fixture import belt, specks
from burnish.samples.light import Lamp, Rig, Surface

DEFECTS = ("scratch", "dent", "crack", "stain", "burr", "missing", "misaligned")
RIG = Rig(
    key=Lamp((-0.55, -0.62, 0.78), (1.0, 0.97, 0.92), 1.15, 0.12, 0.30),
    fills=(Lamp((0.75, 0.25, 0.7), (0.86, 0.93, 1.0), 0.42, 0.20, 0.2),),
    dome=0.24,
    relief=0.2,
)
OUTER, BORE, HUB, HOLES_AT, HOLE = 0.755, 0.285, 0.445, 0.60, 0.058


@dataclass(frozen=True)
class Plan:
    """Where the features of one ring are: `holes` as (angle, radius of the circle, hole radius)."""

    holes: tuple[tuple[float, float, float], ...]


def pose(rng: np.random.Generator) -> tuple[tuple[float, float], float, float]:
    """Shift, turn and scale of one ring: it may lie at any angle."""
    shift = rng.normal(0, 0.018, 2).clip(-0.04, 0.04)
    return (float(shift[0]), float(shift[1])), float(rng.uniform(0, 2 * np.pi)), float(rng.normal(1, 0.006))


def plan(rng: np.random.Generator) -> Plan:
    holes = tuple((k * np.pi / 3, HOLES_AT, HOLE * float(rng.normal(1, 0.012))) for k in range(6))
    return Plan(holes)


def spoil(plan: Plan, defect: str, rng: np.random.Generator, strength: float) -> Plan:
    """The plan with one hole not drilled ("missing") or off its place ("misaligned")."""
    holes, k = list(plan.holes), int(rng.integers(len(plan.holes)))
    angle, at, radius = holes[k]
    if defect == "missing":
        del holes[k]
    else:
        way = rng.uniform(0, 2 * np.pi)
        off = strength * rng.uniform(0.018, 0.05)
        holes[k] = (angle + off * np.cos(way) / at, at + 0.7 * off * np.sin(way), radius)
    return replace(plan, holes=tuple(holes))


def build(frame: Frame, plan: Plan, rng: np.random.Generator) -> Surface:
    """The ring's surface."""
    u, v, pixel, shape = frame.u, frame.v, frame.pixel, frame.shape
    radius = np.sqrt(u * u + v * v)
    angle = np.arctan2(v, u)
    runout = 0.004 * np.sin(angle + np.float32(rng.uniform(0, 6.28)))

    edge = np.minimum(OUTER - radius, radius - BORE)
    body = edge
    for at, circle, size in plan.holes:
        hole = -disc(u, v, (circle * np.cos(at), circle * np.sin(at)), size)
        edge = np.minimum(edge, hole)
    step = ramp(HUB - radius, -0.012, 0.012)
    height = 0.15 + 0.035 * step
    height -= 0.014 * ramp(-np.abs(radius - 0.703), -0.020, -0.004)  # the seal groove
    height -= np.maximum(0.026 - body, 0) * 1.0  # chamfers of the rim and the bore
    height -= np.maximum(0.013 - edge, 0) * 0.9  # countersinks of the holes

    # feed marks: one profile along the radius, which chatter changes slowly round the turn
    rows, sectors = 512, 9
    profile = white(rng, (rows, 1)) + 0.55 * white(rng, (rows, sectors))
    profile = 0.75 * profile + 0.6 * blur(profile, (1.6, 0.0))
    period = 2 * np.sin(np.arange(rows, dtype=np.float32) * np.float32(2 * np.pi / rng.uniform(4.3, 5.2)))
    marks = lookup(
        profile + 0.35 * period[:, None], (radius + runout) * 300, angle * np.float32(sectors / 6.2832)
    )
    worn = cloud(rng, shape, 3, 4)
    part = cover(edge, pixel)
    face = ramp(edge, 0.012, 0.03)
    ground, floor = belt(shape, rng, (0.034, 0.037, 0.038))
    floor = specks(shape, rng, 26, 0.30, floor, 0.55)
    height = part * (height + 0.00050 * marks * face + 0.0003 * worn) + (1 - part) * ground

    finish = float(rng.normal(1, 0.03))
    tone = (finish + 0.035 * marks * face + 0.022 * worn)[..., None] * np.array(
        [0.60, 0.585, 0.56], np.float32
    )
    tone = specks(shape, rng, 5, 0.12, tone, 0.6)
    tx, ty = frame.to_image(-v / np.maximum(radius, 1e-3), u / np.maximum(radius, 1e-3))
    roughness = 1 + 0.10 * worn
    along = (0.09 + 0.09 * (1 - face)) * roughness * part + 0.6 * (1 - part)
    across = (0.40 - 0.20 * (1 - face)) * roughness * part + 0.6 * (1 - part)
    albedo = part[..., None] * tone + (1 - part[..., None]) * floor
    return Surface(height, albedo, part, along, across, tx, ty, part, edge, pixel)

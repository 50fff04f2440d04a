"""The stamped bracket: brushed, zinc-coated sheet with holes, a slot, a pressed rib and a bent lip."""

from dataclasses import dataclass, replace

import numpy as np

from burnish.samples.field import Frame, blur, box, cloud, cover, disc, lookup, ramp, white
from burnish.samples.fixture import specks, tray
from burnish.samples.lettering import lettering
from burnish.samples.light import Lamp, Rig, Surface

DEFECTS = ("scratch", "dent", "crack", "stain", "burr", "missing", "misaligned")
RIG = Rig(
    key=Lamp((-0.50, -0.75, 0.9), (1.0, 0.98, 0.95), 1.0, 0.15, 0.35),
    fills=(Lamp((0.8, -0.15, 0.62), (0.88, 0.94, 1.0), 0.45, 0.22, 0.25),),
    dome=0.24,
    relief=0.15,
)


@dataclass(frozen=True)
class Plan:
    """Holes as (u, v, radius); the slot as (u, v, half length, half width)."""

    holes: tuple[tuple[float, float, float], ...]
    slot: tuple[float, float, float, float]


def pose(rng: np.random.Generator) -> tuple[tuple[float, float], float, float]:
    shift = rng.normal(0, 0.02, 2).clip(-0.045, 0.045)
    turn = float(np.clip(rng.normal(0, 0.035), -0.09, 0.09))
    return (float(shift[0]), float(shift[1])), turn, float(rng.normal(1, 0.006))


def plan(rng: np.random.Generator) -> Plan:
    wear = rng.normal(0, 0.0012, 5)
    holes = (
        (-0.56, 0.33, 0.085),
        (0.56, 0.33, 0.085),
        (-0.56, -0.28, 0.06),
        (0.56, -0.28, 0.06),
        (0.0, 0.27, 0.15),
    )
    return Plan(
        tuple((u, v, r + float(w)) for (u, v, r), w in zip(holes, wear, strict=True)),
        (0.0, -0.33, 0.17, 0.042),
    )


def spoil(plan: Plan, defect: str, rng: np.random.Generator, strength: float) -> Plan:
    """The plan with one hole not punched ("missing") or off its place ("misaligned")."""
    holes, k = list(plan.holes), int(rng.integers(len(plan.holes)))
    if defect == "missing":
        del holes[k]
    else:
        way, off = rng.uniform(0, 2 * np.pi), strength * rng.uniform(0.022, 0.055)
        u, v, radius = holes[k]
        holes[k] = (u + off * np.cos(way), v + off * np.sin(way), radius)
    return replace(plan, holes=tuple(holes))


def _outline(frame: Frame) -> np.ndarray:
    u, v = frame.u, frame.v
    plate = box(u, v - np.float32(-0.02), (0.76, 0.54), 0.10)
    notch = box(u, v - np.float32(0.62), (0.19, 0.14), 0.05)
    relief = np.minimum(np.abs(u) - 0.70, 1) * 0 - disc(np.abs(u), v, (0.765, -0.44), 0.045)
    return np.minimum(np.minimum(plate, -notch), relief)


def build(frame: Frame, plan: Plan, rng: np.random.Generator) -> Surface:
    """The bracket's surface."""
    u, v, pixel, shape = frame.u, frame.v, frame.pixel, frame.shape
    edge = _outline(frame)
    for cu, cv, size in plan.holes:
        edge = np.minimum(edge, -disc(u, v, (cu, cv), size))
    su, sv, length, width = plan.slot
    edge = np.minimum(edge, -box(u - np.float32(su), v - np.float32(sv), (length, width), width))

    height = 0.085 - 0.35 * np.maximum(0.018 - edge, 0) ** 2 / 0.018  # rolled-over shear edge
    rib = box(np.abs(u) - np.float32(0.335), v - np.float32(0.05), (0.05, 0.30), 0.05)
    height += 0.042 * ramp(rib, -0.035, 0.045)
    height -= 0.6 * np.maximum(-0.452 - v, 0) + 0.06 * ramp(-v, 0.43, 0.47)  # the lip bends away
    height += 0.016 * ramp(disc(u, v, (0.0, 0.27), 0.215), -0.016, 0.016)  # the seat round the large hole
    bow = (
        float(rng.normal(0.012, 0.006)) * u * u + float(rng.normal(0.006, 0.006)) * v * v
    )  # sheet is never flat
    height -= bow
    mark = lettering("BR-27", 0.13, u - np.float32(0.0), v - np.float32(-0.13))
    height -= 0.006 * mark

    # brushing: long streaks across the sheet, at three widths
    fine = white(rng, (640, 96))
    streaks = blur(fine, (0.35, 4.0)) * 2.2 + blur(white(rng, (640, 96)), (1.6, 9.0)) * 5.5
    brushed = lookup(streaks, v * 260, u * 20 + 0.6 * v)
    worn, spangle = cloud(rng, shape, 3, 4), cloud(rng, shape, 16, 2)
    part = cover(edge, pixel)
    ground, floor = tray(shape, rng, (0.060, 0.085, 0.105))
    floor = specks(shape, rng, 18, 0.30, floor, 0.6)
    height = part * (height + 0.00040 * brushed + 0.0005 * worn) + (1 - part) * ground

    finish = float(rng.normal(1, 0.03))
    tone = finish + 0.026 * brushed + 0.03 * worn + 0.016 * spangle - 0.10 * mark
    tone = tone[..., None] * np.array([0.56, 0.575, 0.59], np.float32)
    tone = specks(shape, rng, 6, 0.10, tone, 0.6)
    tx, ty = frame.to_image(1.0, 0.0)
    roughness = (1 + 0.12 * worn + 0.05 * spangle) * part
    along, across = 0.17 * roughness + 0.5 * (1 - part), 0.52 * roughness + 0.5 * (1 - part)
    albedo = part[..., None] * tone + (1 - part[..., None]) * floor
    return Surface(height, albedo, part, along, across, tx, ty, part, edge, pixel)

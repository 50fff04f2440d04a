"""The connector: a moulded black housing with windows, a key and a row of gold pins, lying on a pale mat."""

from dataclasses import dataclass, replace

import numpy as np

from burnish.samples.field import Frame, blur, box, cloud, cover, ramp, white
from burnish.samples.fixture import specks
from burnish.samples.lettering import lettering
from burnish.samples.light import Lamp, Rig, Surface

DEFECTS = ("scratch", "crack", "stain", "burr", "missing", "misaligned")
RIG = Rig(
    key=Lamp((-0.45, -0.70, 0.85), (1.0, 0.98, 0.94), 1.3, 0.13, 0.30),
    fills=(Lamp((0.70, 0.45, 0.75), (0.88, 0.94, 1.0), 0.45, 0.2, 0.2),),
    dome=0.30,
    relief=0.24,
)
PINS, PITCH, TOP, TIP, HALF = 8, 0.165, 0.10, 0.64, 0.031


@dataclass(frozen=True)
class Plan:
    """Pins as (u of the root, bend of the tip in u, v of the tip)."""

    pins: tuple[tuple[float, float, float], ...]


def pose(rng: np.random.Generator) -> tuple[tuple[float, float], float, float]:
    shift = rng.normal(0, 0.02, 2).clip(-0.045, 0.045)
    turn = float(np.clip(rng.normal(0, 0.03), -0.08, 0.08))
    return (float(shift[0]), float(shift[1])), turn, float(rng.normal(1, 0.006))


def plan(rng: np.random.Generator) -> Plan:
    first = -(PINS - 1) / 2 * PITCH
    lean, length = rng.normal(0, 0.0025, PINS), rng.normal(0, 0.003, PINS)
    return Plan(tuple((first + k * PITCH, float(lean[k]), TIP + float(length[k])) for k in range(PINS)))


def spoil(plan: Plan, defect: str, rng: np.random.Generator, strength: float) -> Plan:
    """The plan with one pin gone ("missing") or bent or pushed in ("misaligned")."""
    pins, k = list(plan.pins), int(rng.integers(PINS))
    root, bend, tip = pins[k]
    if defect == "missing":
        del pins[k]
    elif rng.random() < 0.7:
        pins[k] = (root, bend + strength * float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.105)), tip)
    else:
        pins[k] = (root, bend, tip - strength * float(rng.uniform(0.03, 0.11)))
    return replace(plan, pins=tuple(pins))


def _housing(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance and height of the moulding."""
    u, v = frame.u, frame.v
    body = box(u, v + np.float32(0.26), (0.80, 0.36), 0.035)
    key = box(u, v + np.float32(0.64), (0.20, 0.07), 0.025)
    ears = box(np.abs(u) - np.float32(0.80), v + np.float32(0.10), (0.055, 0.10), 0.02)
    edge = np.maximum(np.maximum(body, key), ears)
    height = 0.20 - np.maximum(0.022 - edge, 0)
    height -= 0.05 * ramp(-v, 0.555, 0.575)  # the key is lower
    panel = box(u, v + np.float32(0.435), (0.66, 0.095), 0.02)
    height -= 0.016 * ramp(panel, -0.006, 0.006)
    place = np.clip(np.rint(u / np.float32(PITCH) - 0.5), -PINS // 2, PINS // 2 - 1) + 0.5
    pocket = box(u - place * np.float32(PITCH), v + np.float32(0.14), (0.050, 0.105), 0.012)
    height -= 0.09 * ramp(pocket, -0.008, 0.010)
    height += 0.017 * lettering("BRN 8-165", 0.135, u, v + np.float32(0.435))
    return edge, height


def _contacts(frame: Frame, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Signed distances of the pins and of the blades that show in the pockets above them."""
    u, v = frame.u, frame.v
    pins = np.full(frame.shape, -1, np.float32)
    blades = np.full(frame.shape, -1, np.float32)
    run = np.clip((v - np.float32(TOP)) / np.float32(TIP - TOP), 0, 1.2) ** np.float32(1.4)
    for root, bend, tip in plan.pins:
        below = np.float32(tip) - v
        taper = np.clip(below * np.float32(0.55 / 0.06), 0, 0.55) + np.float32(0.45)
        lean = np.float32(1 / np.hypot(1, bend * 1.4 / (TIP - TOP)))
        across = (np.float32(HALF) * taper - np.abs(u - np.float32(root) - np.float32(bend) * run)) * lean
        pins = np.maximum(pins, np.minimum(np.minimum(across, below), v + np.float32(0.02)))
        blades = np.maximum(blades, np.float32(0.026) - np.abs(u - np.float32(root)))
    return pins, np.minimum(blades, np.float32(0.10) - np.abs(v + np.float32(0.13)))


def build(frame: Frame, plan: Plan, rng: np.random.Generator) -> Surface:
    """The connector's surface."""
    pixel, shape = frame.pixel, frame.shape
    body, height = _housing(frame)
    grain, worn = white(rng, shape), cloud(rng, shape, 3, 4)
    moulded = cover(body, pixel)
    height = height + 0.0010 * blur(grain, 0.7) + 0.0004 * worn

    pins, blade = _contacts(frame, plan)
    blade = cover(blade, pixel) * (1 - ramp(height, 0.10, 0.125)) * moulded
    free = cover(pins, pixel) * (1 - moulded)
    gold = np.clip(free + blade, 0, 1)
    rod = np.sqrt(np.clip(pins * (2 * HALF) - pins * pins, 0, HALF**2)) * 0.85
    part = np.clip(moulded + free, 0, 1)
    edge = np.maximum(body, np.where(moulded > 0.5, -1, pins))

    dust = white(rng, shape)
    mat = 1 + 0.035 * dust + 0.012 * cloud(rng, shape, 3, 4) + 0.035 * cloud(rng, shape, 50, 2)
    floor = np.maximum(mat, 0.2)[..., None] * np.array([0.40, 0.415, 0.40], np.float32)
    floor = specks(shape, rng, 16, 0.06, floor, 0.6)
    ground = 0.0012 * blur(dust, 0.8) + 0.0005 * worn
    height = moulded * height + (1 - moulded) * ground
    height = height * (1 - free) + free * (0.055 + rod) + blade * 0.012

    black = (1 + 0.09 * grain + 0.10 * worn)[..., None] * np.array([0.023, 0.024, 0.026], np.float32)
    black = specks(shape, rng, 14, 0.16, np.maximum(black, 0.004), 0.5)
    metal_tone = (float(rng.normal(1, 0.02)) + 0.05 * worn)[..., None] * np.array(
        [0.92, 0.68, 0.33], np.float32
    )
    albedo = moulded[..., None] * black + (1 - moulded[..., None]) * floor
    albedo = albedo * (1 - gold[..., None]) + metal_tone * gold[..., None]
    tx, ty = frame.to_image(0.0, 1.0)
    rough = 0.42 * moulded + 0.65 * (1 - moulded)
    along, across = rough * (1 - gold) + 0.45 * gold, rough * (1 - gold) + 0.15 * gold
    return Surface(height, albedo, gold, along, across, tx, ty, part, edge, pixel)

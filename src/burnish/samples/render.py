"""One part of the sample line: a picture, and for a defect the exact mask of what it changed.

A seed gives one picture, to the bit. With a defect it is the same part in the same place and noise.
"""

from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from burnish.errors import BurnishError
from burnish.samples import bracket, connector, ring
from burnish.samples.defects import DRAW
from burnish.samples.field import Field, Frame, blur, cloud, make_frame, ramp, widest
from burnish.samples.light import Rig, Surface, shade
from burnish.samples.sensor import Drift, Noise, develop, respond

GOOD = "good"
_PARTS: dict[str, ModuleType] = {"ring": ring, "bracket": bracket, "connector": connector}
KINDS: tuple[str, ...] = tuple(_PARTS)
DEFECTS: dict[str, tuple[str, ...]] = {kind: part.DEFECTS for kind, part in _PARTS.items()}

VISIBLE = 7 / 255
"""A pixel belongs to the mask when the defect changes a channel by more than this, before noise."""

STRENGTHS, TURNS = (1.0, 1.6, 2.5), 9
"""A defect that no eye would find is drawn again, plainer and then elsewhere, at most so often."""


@dataclass(frozen=True)
class Sample:
    """A rendered part.

    Args:
        image: uint8 (size, size, 3), RGB.
        mask: bool (size, size), all False for a good part.
        label: "good" or the defect's name.
    """

    image: np.ndarray
    mask: np.ndarray
    label: str


class SampleError(BurnishError):
    """A part, defect or count that the sample line does not make."""


def check(kind: str, defect: str | None, size: int) -> None:
    """Raises SampleError unless the line makes this."""
    if kind not in _PARTS:
        raise SampleError(kind, "the sample line makes no such part", f"Choose one of {', '.join(KINDS)}")
    if defect is not None and defect not in DEFECTS[kind]:
        raise SampleError(
            str(defect), f"a {kind} has no such defect", f"Choose one of {', '.join(DEFECTS[kind])}"
        )
    if not 32 <= size <= 2048:
        raise SampleError(
            f"size {size}", "parts are rendered at 32 to 2048 pixels", "Give a size in that range"
        )


def _stream(kind: str, seed: int, name: str, turn: int = 0) -> np.random.Generator:
    """An independent generator for one purpose, so that a defect does not disturb the part or the noise."""
    purposes = ("pose", "plan", "texture", "light", "camera", "noise", "defect", "soil")
    return np.random.default_rng([KINDS.index(kind), purposes.index(name), seed, turn])


def _soil(surface: Surface, amount: float, rng: np.random.Generator) -> Surface:
    """Grime and oil on part and fixture alike."""
    grime = ramp(cloud(rng, surface.height.shape, 5, 5), 1.1 - 1.5 * amount, 2.0)
    grime = np.clip(grime * np.float32(0.25 + 0.5 * amount), 0, 0.85)
    weight = grime[..., None]
    return surface.but(
        albedo=surface.albedo * (1 - weight) + weight * np.array([0.055, 0.045, 0.035], np.float32),
        metal=surface.metal * (1 - 0.7 * grime),
    )


def _rig(rig: Rig, rng: np.random.Generator) -> Rig:
    """The station's lamps, which sag and flicker a little."""
    dx, dy = rng.normal(0, 0.015, 2)
    x, y, z = rig.key.direction
    strength = rig.key.strength * float(rng.normal(1, 0.02))
    return replace(rig, key=replace(rig.key, direction=(x + float(dx), y + float(dy), z), strength=strength))


def _grow(mask: np.ndarray, times: int) -> np.ndarray:
    """A bool (H, W) mask grown by `times` pixels, in 4- and 8-neighbourhoods by turns; edges repeat."""
    for k in range(times):
        p = np.pad(mask, 1, mode="edge")
        rows = p[:-2] | p[1:-1] | p[2:]
        columns = p[:, :-2] | p[:, 1:-1] | p[:, 2:]
        square = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
        mask = square if k % 2 else rows[:, 1:-1] | columns[1:-1]
    return mask


def touched(before: Surface, after: Surface) -> np.ndarray:
    """bool (H, W): where two surfaces differ, grown by what a lens spreads; far shadows do not count."""
    differ = np.abs(after.height - before.height) > 4e-4
    differ |= widest(after.albedo, before.albedo) > 0.004
    differ |= np.abs(after.metal - before.metal) + np.abs(after.across - before.across) > 0.02
    return _grow(differ, max(1, round(2 * differ.shape[0] / 256)))


def changed(before: Field, after: Field) -> np.ndarray:
    """bool (H, W): where two pictures in [0, 1] differ visibly; lone pixels dropped, gaps closed."""
    mask = widest(after, before) > VISIBLE
    mask &= blur(mask.astype(np.float32), 0.8) > 0.36
    return ~_grow(~_grow(mask, 2), 2) | mask


def _plain_enough(before: Field, after: Field, mask: np.ndarray, unit: float) -> bool:
    """Whether a careful eye would find the defect above the noise."""
    if mask.sum() < max(4, 24 * unit * unit):
        return False
    difference = np.abs(after[mask] - before[mask]).max(-1)
    return float(np.quantile(difference, 0.75)) > 20 / 255


class Station:
    """Everything that is fixed for one part at one station: what `render_part` composes."""

    def __init__(self, kind: str, seed: int, drift: Drift, size: int) -> None:
        self.kind, self.seed, self.drift, self.size, self.part = kind, seed, drift, size, _PARTS[kind]
        shift, angle, scale = self.part.pose(self.rng("pose"))
        self.frame: Frame = make_frame(size, (shift[0] + 2 * drift.position, shift[1]), angle, scale)
        self.plan = self.part.plan(self.rng("plan"))
        self.rig = _rig(self.part.RIG, self.rng("light"))

    def rng(self, name: str, turn: int = 0) -> np.random.Generator:
        return _stream(self.kind, self.seed, name, turn)

    def surface(self, plan: object) -> Surface:
        return self.part.build(self.frame, plan, self.rng("texture"))

    def light(self, surface: Surface) -> Field:
        """Linear light on the sensor, without noise."""
        if self.drift.soiling > 0:
            surface = _soil(surface, self.drift.soiling, self.rng("soil"))
        return develop(shade(surface, self.rig), self.drift, self.rng("camera"))

    def spoiled(self, surface: Surface, defect: str, turn: int) -> Surface:
        """The surface with the defect. Later turns draw it plainer, then elsewhere."""
        rng, strength = self.rng("defect", turn // len(STRENGTHS)), STRENGTHS[turn % len(STRENGTHS)]
        if defect in DRAW:
            return DRAW[defect](surface, rng, strength)
        return self.surface(self.part.spoil(self.plan, defect, rng, strength))


def render_part(
    kind: str, seed: int, defect: str | None = None, drift: Drift | None = None, size: int = 256
) -> Sample:
    """One part: a picture, its mask and its label.

    Args:
        kind: One of KINDS.
        seed: Names the part; its pose, finish, light, noise and the defect's place all follow from it.
        defect: One of DEFECTS[kind], or None for a good part.
        drift: How far the station has drifted; None is not at all.
        size: Pixels a side, 32 to 2048.

    Raises:
        SampleError: Unknown kind or defect, or a size out of range.
    """
    check(kind, defect, size)
    station = Station(kind, seed, drift or Drift(), size)
    surface = station.surface(station.plan)
    noise = Noise.draw(size, station.rng("noise"))
    if defect is None:
        return Sample(noise.expose(station.light(surface)), np.zeros((size, size), bool), GOOD)
    before = respond(station.light(surface))
    mask = np.zeros((size, size), bool)
    light = before
    for turn in range(TURNS):
        spoiled = station.spoiled(surface, defect, turn)
        light = station.light(spoiled)
        after = respond(light)
        mask = changed(before, after) & touched(surface, spoiled)
        if _plain_enough(before, after, mask, size / 256):
            break
    return Sample(noise.expose(light), mask, defect)

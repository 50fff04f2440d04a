"""What comes with Burnish: a rendered sample line (parts, defects with exact masks, camera noise and drift),
and the starter bundle."""

from pathlib import Path

from burnish.samples.line import Camera, write_line
from burnish.samples.render import DEFECTS, KINDS, Sample, SampleError, render_part
from burnish.samples.sensor import Drift

BUNDLES = {"starter": Path(__file__).parent / "starter"}
"""Bundles by name; `starter` makes small pictures from words (see its card)."""

__all__ = [
    "BUNDLES",
    "DEFECTS",
    "KINDS",
    "Camera",
    "Drift",
    "Sample",
    "SampleError",
    "render_part",
    "write_line",
]

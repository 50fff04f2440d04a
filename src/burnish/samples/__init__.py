"""What comes with Burnish: a rendered sample line (parts, defects with exact masks, camera noise and drift),
and, in its folder, the starter bundle (`store.bundle.SHIPPED`)."""

from burnish.samples.line import Camera, write_line
from burnish.samples.render import DEFECTS, KINDS, Sample, SampleError, render_part
from burnish.samples.sensor import Drift

__all__ = [
    "DEFECTS",
    "KINDS",
    "Camera",
    "Drift",
    "Sample",
    "SampleError",
    "render_part",
    "write_line",
]

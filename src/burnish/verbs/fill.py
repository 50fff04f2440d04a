"""A smooth fill of a hole, where a walk starts: what is around settles brightness and large shapes."""

import cv2
import numpy as np

RADIUS = 2


def smooth(levels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture with its hole continued smoothly (Navier-Stokes, Bertalmio et al., CVPR 2001, by OpenCV).

    Args:
        levels: float32 (H, W, 3) in [0, 255].
        hole: bool (H, W); where nothing is known around it the fill is mid gray.
    """
    if hole.all():
        return np.full_like(levels, 128)
    mask = hole.astype(np.uint8)
    planes = [
        cv2.inpaint(np.ascontiguousarray(levels[..., k]), mask, RADIUS, cv2.INPAINT_NS)
        for k in range(levels.shape[2])
    ]
    return np.where(hole[..., None], np.stack(planes, 2), levels).astype(np.float32)

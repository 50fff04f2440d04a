"""Augmentation that does not leak into what is made.

A model trained on mirrored pictures makes mirrored pictures. So each augmented picture is trained together
with the name of its view, and only view 0, the picture as it was, is asked for later (non-leaky augmentation
as in EDM, arXiv:2206.00364, appendix F.2). Nothing need be known about a set's symmetries: where they exist,
the views share what they learn; where not, the name keeps them apart. Crops are taken only along the longer
side of pictures that are not square, where a square must be cut anyway.
"""

import numpy as np

VIEWS = 8
"""The symmetries of a square: view = 4 * mirrored + quarter turns; 0 changes nothing."""


def turn(image: np.ndarray, view: int) -> np.ndarray:
    """A view of a picture.

    Args:
        image: (H, W, C).
        view: In [0, VIEWS).
    """
    return np.rot90(image[:, ::-1] if view >= 4 else image, view % 4)


def draw_view(rng: np.random.Generator, plain: float = 0.4) -> int:
    """A random view: 0 with a share of `plain`, else any other."""
    return 0 if rng.random() < plain else int(rng.integers(1, VIEWS))


def square(image: np.ndarray, size: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """A square of `size` px: at a random place along the longer side, or in the middle without `rng`.

    Args:
        image: (h, w, C) with min(h, w) >= size.
        size: Side in pixels.
        rng: Chooses the place.
    """
    room = np.array(image.shape[:2]) - size
    top, left = (room // 2) if rng is None else rng.integers(0, room + 1)
    return image[top : top + size, left : left + size]

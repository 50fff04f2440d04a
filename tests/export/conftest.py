import numpy as np
import pytest


@pytest.fixture
def examples() -> list[np.ndarray]:
    """Three fitted pictures, one of another size."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in [(64, 64), (64, 64), (96, 32)]]

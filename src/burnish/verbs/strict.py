"""Answers to the bit: what the number of threads and the choice of kernels would change is fixed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def strictly() -> Iterator[None]:
    """Inside, torch works on one thread with deterministic kernels; then both are as they were."""
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.set_num_threads(threads)

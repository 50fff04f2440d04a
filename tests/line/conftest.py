"""A line bundle whose answers are known in closed form, made without torch.

heat = mean over 4 x 4 blocks and colours, in [0, 1]; score = its maximum.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from burnish.store.bundle import Bundle, write_bundle

SIDE = 64


def block_mean_model(slow_nodes: int = 0) -> bytes:
    """ONNX of the model above; `slow_nodes` sines first, to take time."""
    names = ["image", *(f"s{i}" for i in range(slow_nodes))]
    nodes = [helper.make_node("Sin", [a], [b]) for a, b in pairwise(names)]
    nodes += [
        helper.make_node("AveragePool", [names[-1]], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("ReduceMean", ["pooled"], ["heat"], axes=[1], keepdims=0),
        helper.make_node("ReduceMax", ["heat"], ["score"], axes=[1, 2], keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 3, "h", "w"])
    heat = helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["b", "y", "x"])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["b"])
    graph = helper.make_graph(nodes, "block_mean", [image], [score, heat])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """Writes a line bundle; keyword arguments change its description."""

    def make(model: bytes | None = None, **changes: object) -> Bundle:
        meta = {
            "kind": "line",
            "side": SIDE,
            "multiple": 32,
            "threshold": 0.5,
            "good_scores": [0.1, 0.2, 0.3, 0.4],
            "model_hash": "feedc0de",
            "classes": ["spot"],
            "wanted": 0.01,
            "name": "blocks",
            **changes,
        }
        data = model or block_mean_model()
        return write_bundle(
            tmp_path / "line", meta, lambda d: (d / "inspector.onnx").write_bytes(data) and None
        )

    return make


@pytest.fixture
def slow_model() -> Callable[[int], bytes]:
    """The model with so many nodes in front."""
    return block_mean_model


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Path:
    """The plain line bundle."""
    return make_bundle().path


@pytest.fixture
def good() -> np.ndarray:
    """A picture that passes: all 0.2."""
    return np.full((SIDE, SIDE, 3), 51, dtype=np.uint8)


@pytest.fixture
def bad(good: np.ndarray) -> np.ndarray:
    """A picture that is rejected: one white 4 x 4 block at row 40, column 16."""
    picture = good.copy()
    picture[40:44, 16:20] = 255
    return picture

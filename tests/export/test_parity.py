import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from burnish.errors import ParityError
from burnish.export.parity import BATCH, check_parity, distance, probes


class Blocks(nn.Module):
    """heat = mean over 4 x 4 blocks and colours; score = its maximum."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        heat = nn.functional.avg_pool2d(x, 4).mean(1)
        return heat.flatten(1).amax(1), heat


def blocks(add_score: float = 0.0, add_heat: float = 0.0) -> bytes:
    """The same in ONNX, written by hand, answers shifted by so much."""
    floats = [("add_score", add_score), ("add_heat", add_heat)]
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in floats]
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("ReduceMean", ["pooled"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("ReduceMax", ["mean"], ["top"], axes=[1, 2], keepdims=0),
        helper.make_node("Add", ["mean", "add_heat"], ["heat"]),
        helper.make_node("Add", ["top", "add_score"], ["score"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 3, "h", "w"])
    heat = helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["b", "y", "x"])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["b"])
    graph = helper.make_graph(nodes, "blocks", [image], [score, heat], constants)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def test_two_writings_of_one_function_agree(examples):
    parity = check_parity(Blocks(), blocks(), examples, threshold=0.7)
    assert parity.score < 1e-6 and parity.heat < 1e-6


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_score_may_be_off_by_a_ten_thousandth_and_no_more(examples, sign):
    parity = check_parity(Blocks(), blocks(add_score=sign * 0.9e-4), examples, threshold=0.7)
    assert parity.score == pytest.approx(0.9e-4, abs=1e-6)
    with pytest.raises(ParityError, match=r"score is off by 0\.00011"):
        check_parity(Blocks(), blocks(add_score=sign * 1.1e-4), examples, threshold=0.7)


def test_the_heat_may_be_off_by_a_thousandth_and_no_more(examples):
    assert check_parity(Blocks(), blocks(add_heat=0.9e-3), examples, 0.7).heat == pytest.approx(
        0.9e-3, abs=1e-6
    )
    with pytest.raises(ParityError, match=r"heat is off by 0\.0011"):
        check_parity(Blocks(), blocks(add_heat=-1.1e-3), examples, threshold=0.7)


def test_another_verdict_is_refused_even_within_the_tolerance(examples):
    with torch.inference_mode():
        score = float(Blocks()(torch.from_numpy(examples[0]).permute(2, 0, 1)[None] / 255)[0])
    with pytest.raises(ParityError, match="another verdict"):
        check_parity(Blocks(), blocks(add_score=5e-5), examples, threshold=score + 2e-5)


def test_what_is_not_a_model_is_refused(examples):
    with pytest.raises(ParityError, match="cannot load"):
        check_parity(Blocks(), b"no model", examples, threshold=0.7)


def test_a_model_with_other_names_is_refused(examples):
    model = onnx.load_from_string(blocks())
    model.graph.output[0].name = model.graph.node[-1].output[0] = "verdict"
    with pytest.raises(ParityError, match="fails for batch 1"):
        check_parity(Blocks(), model.SerializeToString(), examples, threshold=0.7)


def test_the_probes_cover_one_and_eight_and_several_sizes(examples):
    shapes = {batch.shape for batch in probes(examples, 32)}
    sizes = {shape[2:] for shape in shapes}
    assert {shape[0] for shape in shapes} == {1, BATCH}
    assert {(64, 64), (96, 32), (96, 160), (128, 96)} <= sizes
    assert all((n, 3, *size) in shapes for n in (1, BATCH) for size in sizes)
    assert all(
        batch.dtype == np.float32 and 0 <= batch.min() <= batch.max() <= 1 for batch in probes(examples, 32)
    )


def test_every_example_is_probed_alone_and_in_a_batch(examples):
    found = probes(examples, 32)
    for picture in examples:
        wanted = (picture.astype(np.float32) / 255).transpose(2, 0, 1)
        same = [b for b in found if b.shape[2:] == wanted.shape[1:]]
        assert {len(b) for b in same if any(np.array_equal(wanted, x) for x in b)} == {1, BATCH}


@pytest.mark.parametrize(
    ("found", "word"),
    [([0.0, 0.0], "shape"), ([np.nan], "finite"), ([np.inf], "finite"), ([0.2], "off by 0.2")],
)
def test_answers_that_cannot_be_compared_are_refused(found, word):
    with pytest.raises(ParityError, match=word):
        distance("score", "batch 1", np.array([0.0]), np.array(found), 1e-4)

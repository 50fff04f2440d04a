import onnx
import pytest
import torch
from torch import Tensor, nn

from burnish.errors import BundleError, ParityError
from burnish.export.onnx import export_line
from burnish.export.parity import BATCH
from burnish.line.runtime import Runtime
from burnish.line.source import Frame
from burnish.store.bundle import read_bundle


class Tiny(nn.Module):
    """An inspector's contract in three layers; score = maximum of the heat."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(3, 8, 4, stride=4),
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.Dropout(0.5),
                nn.Conv2d(8, 1, 3, padding=1),
            )
        self.net[1].running_mean.fill_(0.1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        heat = torch.sigmoid(self.net(x)[:, 0])
        return heat.flatten(1).amax(1), heat


class TracedDifferently(Tiny):
    """Another answer once it is traced."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score, heat = super().forward(x)
        return (score + 0.01 if torch.jit.is_tracing() else score), heat


class BranchesOnData(Tiny):
    """Tracing freezes the branch that its example took."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score, heat = super().forward(x)
        return (score, heat) if float(x.max()) > 0 else (score * 0.5, heat)


class FixedSize(Tiny):
    """Tracing freezes the size of the picture that it saw."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        _, heat = super().forward(x)
        grown = nn.functional.interpolate(heat[:, None], size=tuple(int(n) // 4 for n in x.shape[-2:]))[:, 0]
        return grown.flatten(1).amax(1), grown


class DependsOnBatch(Tiny):
    """Training mode's habit: statistics of the batch it is in, frozen in number by tracing."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score, heat = super().forward(x)
        return score + 0.01 * int(x.shape[0]), heat


class NotFinite(Tiny):
    """NaN on a dark picture, in both forms."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score, heat = super().forward(x)
        return score * x.flatten(1).amax(1) / x.flatten(1).amax(1), heat


class CannotBeExported(Tiny):
    """An operation that ONNX lacks."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score, heat = super().forward(x)
        return score + torch.linalg.eigvals(heat[:, :4, :4]).real.sum() * 0, heat


META = {
    "side": 64, "multiple": 32, "good_scores": [0.6, 0.2, 0.4], "model_hash": "feedc0de",
    "classes": ["spot"], "wanted": 0.01, "name": "tiny",
}  # fmt: skip


def test_the_bundle_answers_as_the_module_does(tmp_path, examples):
    module = Tiny().train()
    written = export_line(module, META, tmp_path / "line", examples, threshold=0.5)
    assert not module.training
    assert written.kind == "line" and read_bundle(tmp_path / "line", "line").meta == written.meta
    assert written.meta["good_scores"] == [0.2, 0.4, 0.6] and written.meta["threshold"] == 0.5
    assert written.meta["parity"]["score"] <= 1e-4 and written.meta["parity"]["pictures"] >= 2 * BATCH
    runtime = Runtime(tmp_path / "line")
    for picture in examples:
        verdict = runtime.judge(Frame("a", picture))
        with torch.inference_mode():
            score, heat = module(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
        assert verdict.score == pytest.approx(float(score), abs=1e-5)
        assert verdict.verdict == ("reject" if float(score) > 0.5 else "pass")
        assert verdict.map is not None
        torch.testing.assert_close(torch.from_numpy(verdict.map), heat[0], atol=1e-5, rtol=0)


def test_batch_height_and_width_are_open_and_norms_are_folded(tmp_path, examples):
    export_line(Tiny(), META, tmp_path / "line", examples, threshold=0.5)
    model = onnx.load(tmp_path / "line" / "inspector.onnx")
    onnx.checker.check_model(model)
    (image,) = model.graph.input
    dimensions = image.type.tensor_type.shape.dim
    assert [d.dim_param for d in dimensions] == ["batch", "", "height", "width"] and dimensions[
        1
    ].dim_value == 3
    assert [o.name for o in model.graph.output] == ["score", "heat"]
    operations = {node.op_type for node in model.graph.node}
    assert "BatchNormalization" not in operations and "Dropout" not in operations


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (TracedDifferently, "score is off"),
        (BranchesOnData, "score is off"),
        (FixedSize, "shape"),
        (DependsOnBatch, "score is off"),
        (NotFinite, "not finite"),
        (CannotBeExported, "cannot be exported"),
    ],
)
def test_what_does_not_answer_as_the_original_is_refused_and_not_written(tmp_path, examples, kind, word):
    with pytest.raises(ParityError, match=word) as caught:
        export_line(kind(), META, tmp_path / "out" / "line", examples, threshold=0.5)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_refused_export_leaves_the_old_bundle(tmp_path, examples):
    old = export_line(Tiny(), META, tmp_path / "line", examples, threshold=0.5)
    with pytest.raises(ParityError):
        export_line(TracedDifferently(), META, tmp_path / "line", examples, threshold=0.5)
    assert read_bundle(tmp_path / "line").hash == old.hash


@pytest.mark.parametrize("room", [100, 4000])  # bytes a file: too few for the export, then for the bundle
def test_a_full_disk_leaves_the_old_bundle(tmp_path, examples, room):
    resource = pytest.importorskip("resource")
    old = export_line(Tiny(), META, tmp_path / "line", examples, threshold=0.5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(BundleError, match="could not be"):
            export_line(
                Tiny(), META | {"good_scores": [0.1] * 2000}, tmp_path / "line", examples, threshold=0.4
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_bundle(tmp_path / "line").meta == old.meta
    assert [p.name for p in tmp_path.iterdir()] == ["line"]


def test_a_place_that_is_taken_is_refused(tmp_path, examples):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(BundleError, match="not a bundle"):
        export_line(Tiny(), META, tmp_path, examples, threshold=0.5)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_examples_are_needed(tmp_path):
    with pytest.raises(ParityError, match="no pictures"):
        export_line(Tiny(), META, tmp_path / "line", [], threshold=0.5)

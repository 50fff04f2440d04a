"""Checkpoints: safetensors and JSON in one file, replaced at once or not at all. Never pickle."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from burnish.errors import BundleError

TENSOR = "__tensor__"


def flatten(tree: Any, tensors: dict[str, Tensor], path: str = "") -> Any:
    """Moves the tensors out of nested dicts and lists into `tensors`; answers what is left, fit for JSON.

    Keys of dicts may be str or int (optimisers use both); they come back as they were.
    """
    if isinstance(tree, Tensor):
        tensors[path] = tree.detach().to("cpu", copy=True).contiguous()
        return {TENSOR: path}
    if isinstance(tree, Mapping):
        return {"__items__": [[key, flatten(value, tensors, f"{path}/{key}")] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [flatten(value, tensors, f"{path}/{index}") for index, value in enumerate(tree)]
    return tree


def unflatten(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Undoes `flatten` (tuples come back as lists)."""
    if isinstance(tree, dict):
        if TENSOR in tree:
            return tensors[tree[TENSOR]]
        return {key: unflatten(value, tensors) for key, value in tree["__items__"]}
    if isinstance(tree, list):
        return [unflatten(value, tensors) for value in tree]
    return tree


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes a checkpoint atomically: a temporary file beside it, flushed to disk, then renamed over it.

    Args:
        path: The file.
        state: Nested dicts and lists of tensors, numbers, strings, booleans and None.

    Raises:
        BundleError: The disk refused it; the old checkpoint is still there.
    """
    tensors: dict[str, Tensor] = {}
    rest = json.dumps(flatten(state, tensors))
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(save(tensors, metadata={"state": rest}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise BundleError(
            path,
            f"could not be saved ({error.strerror or error})",
            "Free some disk space, then run again with --resume",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads what `write_checkpoint` wrote.

    Raises:
        BundleError: Missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            rest = (file.metadata() or {})["state"]
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return unflatten(json.loads(rest), tensors)
    except FileNotFoundError as error:
        raise BundleError(path, "is not there", "Train without --resume") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise BundleError(path, f"is damaged ({error})", "Delete it and train again") from error


def copy_state(model: torch.nn.Module) -> dict[str, Tensor]:
    """The model's state, copied, so that further training does not change it."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}

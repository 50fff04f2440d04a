"""What files are, by their content: an exit may hold only kinds that cannot carry code to be unpickled."""

import json
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path

from burnish.errors import BurnishError

TEXTS = (".py", ".md", ".csv", ".txt")


def kind_of(path: str | Path) -> str | None:
    """`png`, `jpeg`, `safetensors`, `onnx`, `parquet`, `json` or `text`; None for anything else.

    A kind is believed only if the content has its form: what ends in `.json` must be JSON.
    """
    path = Path(path)
    data = path.read_bytes()
    kinds: dict[str, tuple[str, Callable[[bytes], bool]]] = {
        ".png": ("png", lambda d: d.startswith(b"\x89PNG\r\n\x1a\n")),
        ".jpg": ("jpeg", lambda d: d.startswith(b"\xff\xd8\xff")),
        ".safetensors": ("safetensors", _is_safetensors),
        ".onnx": ("onnx", _is_onnx),
        ".parquet": ("parquet", lambda d: d[:4] == d[-4:] == b"PAR1"),
        ".json": ("json", _is_json),
        **dict.fromkeys(TEXTS, ("text", _is_text)),
    }
    name, fits = kinds.get(path.suffix.lower(), ("", lambda _: False))
    return name if fits(data) else None


def refuse_unknown(folder: str | Path) -> int:
    """Checks every file of a folder; answers how many there are.

    Raises:
        BurnishError: One is of no known kind, or reads as a pickle.
    """
    files = [file for file in sorted(Path(folder).rglob("*")) if file.is_file()]
    for file in files:
        if kind_of(file) is None or is_pickle(file.read_bytes()):
            raise BurnishError(file, "is of a kind that could carry code", "Leave it out of the bundle")
    return len(files)


def is_pickle(data: bytes) -> bool:
    """Does the whole of it read as one pickle (any protocol), or as an archive that torch.save writes?"""
    if data.startswith(b"PK\x03\x04"):
        return True
    if not data.startswith((b"\x80", b"(", b"c", b"]", b"}", b"I", b"S", b"V", b"F", b"N", b"K")):
        return False
    try:
        last = None
        for opcode, _, place in pickletools.genops(data[: 1 << 24]):
            last = (opcode.name, place)
        return last is not None and last[0] == "STOP"
    except Exception:
        return False


def _is_safetensors(data: bytes) -> bool:
    if len(data) < 9:
        return False
    (size,) = struct.unpack("<Q", data[:8])
    return size <= len(data) - 8 and _is_json(data[8 : 8 + size])


def _is_onnx(data: bytes) -> bool:
    import onnx

    try:
        onnx.checker.check_model(data)
    except (ValueError, onnx.checker.ValidationError):
        return False
    return True


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False

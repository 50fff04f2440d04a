"""A bundle: a folder that holds one model and all that is known of it.

```
BUNDLE/
  bundle.json          format, kind, architecture, data hashes and licences, curves, cost, versions,
                       files with sha256
  model.safetensors    the weights (or inspector.onnx in a bundle for the line)
  card.md              the same for people
```

Safetensors and JSON only, never pickle. Reading the description (`read_bundle`) needs neither torch nor
safetensors, so a line PC can do it. A bundle is written beside its place and moved there whole, so an
interrupted or failed save leaves the old bundle as it was.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burnish.errors import BundleError

FORMAT = 1
DESCRIPTION = "bundle.json"
WEIGHTS = "model.safetensors"
OUTLINE = "outline.safetensors"
"""Of a diffusion model: where its walks begin, see `core.outline`."""
PRETRAINED = "hub:"
"""What the names of pretrained pipelines begin with."""
ADAPTER = "adapter"
"""The kind of a bundle that holds what a pretrained pipeline has learned."""

SHIPPED = {"starter": Path(__file__).parents[1] / "samples" / "starter"}
"""Bundles that come with Burnish, by name; `starter` makes small pictures from words (see its card)."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From a format to the next: `MIGRATIONS[n](description of format n)` gives one of format n + 1."""


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose files have been checked against their sha256."""

    path: Path
    meta: dict[str, Any]

    @property
    def kind(self) -> str:
        """What it is: `diffusion`, `adapter`, `inspector` or `line`."""
        return self.meta["kind"]

    @property
    def hash(self) -> str:
        """Hash of the model: sha256 over the names and hashes of all files but the description, 16 hex
        digits."""
        return files_hash(self.meta["files"])


def files_hash(files: Mapping[str, str]) -> str:
    """16 hex digits over `{name: sha256}`, independent of order."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_place(path: Path) -> None:
    """Raises BundleError where something that is not a bundle lies."""
    if path.exists() and not (path / DESCRIPTION).exists() and (not path.is_dir() or any(path.iterdir())):
        raise BundleError(path, "it exists and is not a bundle", "Name a new folder")


def write_bundle(
    path: str | Path, meta: Mapping[str, Any], write: Callable[[Path], None], card: str = ""
) -> Bundle:
    """Writes a bundle whole or not at all.

    Args:
        path: The folder to make; an existing bundle there is replaced only once the new one is complete.
        meta: The description; must hold `kind`. `format` and `files` are added here.
        write: Called with an empty folder; writes the model's files into it.
        card: The model card, Markdown.

    Raises:
        BundleError: The place is taken by something that is not a bundle, or the disk refused the files.
    """
    path = Path(path)
    check_place(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise BundleError(
            path, f"cannot write there ({error.strerror})", "Choose a folder you may write to"
        ) from error
    try:
        write(fresh)
        (fresh / "card.md").write_text(card, encoding="utf-8", errors="backslashreplace")
        files = {
            f.relative_to(fresh).as_posix(): sha256_of(f) for f in sorted(fresh.rglob("*")) if f.is_file()
        }
        full = {"format": FORMAT, **meta, "files": files}
        (fresh / DESCRIPTION).write_text(json.dumps(full, indent=1, sort_keys=True), encoding="utf-8")
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.rename(old)
        fresh.chmod(0o755)
        fresh.replace(path)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise BundleError(
            path,
            f"could not be saved ({error.strerror or error})",
            "Free some disk space and run again; what was there is kept",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Bundle(path, full)


def is_pretrained(name: str) -> bool:
    """Whether a model's name means a pretrained pipeline: `hub:...`, or an adapter's bundle."""
    if name.startswith(PRETRAINED):
        return True
    try:
        return json.loads((Path(name) / DESCRIPTION).read_text(encoding="utf-8"))["kind"] == ADAPTER
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_bundle(path: str | Path, kind: str | None = None) -> Bundle:
    """Opens a bundle and checks every file against its sha256.

    Args:
        path: The folder; or, where there is none, a key of `SHIPPED`.
        kind: Wanted kind, or None for any.

    Raises:
        BundleError: Not a bundle, damaged, of a newer format or of another kind.
    """
    path = Path(path)
    path = path if path.exists() else SHIPPED.get(str(path), path)
    try:
        meta = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        version = int(meta["format"])
        files: dict[str, str] = meta["files"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            path, f"is not a bundle (no {DESCRIPTION})", "Name the folder that a train command wrote"
        ) from error
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise BundleError(
            path / DESCRIPTION, "is damaged", "Restore the bundle from a copy, or train again"
        ) from error
    if version > FORMAT:
        raise BundleError(path, f"has format {version}, newer than {FORMAT}", "Update Burnish")
    for name, wanted in files.items():
        if not (path / name).is_file() or sha256_of(path / name) != wanted:
            raise BundleError(
                path / name,
                "is missing or damaged (sha256 differs)",
                "Restore the bundle from a copy, or train again",
            )
    while meta["format"] < FORMAT:
        meta = {**MIGRATIONS[meta["format"]](meta), "format": meta["format"] + 1}
    if kind is not None and meta["kind"] != kind:
        raise BundleError(
            path, f"is a bundle of kind {meta['kind']!r}, not {kind!r}", "Name the right bundle"
        )
    return Bundle(path, meta)

"""Public sets by name: what they are, their licence, where they lie, and how they are checked on arrival.

Two ways to get one: from a folder that holds it ready (offline), or from its public address.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from burnish.errors import DatasetError
from burnish.media.arrange import arrange
from burnish.media.dataset import file_sha256
from burnish.media.download import download, unpack
from burnish.media.sets import SETS, Entry

ENVIRONMENT = "BURNISH_DATA"
Tell = Callable[[str], None]
Progress = Callable[[int, int | None], None]


def entry(name: str) -> Entry:
    """The entry of that name.

    Raises:
        DatasetError: There is none.
    """
    found = next((e for e in SETS if e.name == name), None)
    if found is None:
        raise DatasetError(name, "is not in the catalogue", f"Known are {', '.join(e.name for e in SETS)}")
    return found


def dataset_path(name: str) -> Path | None:
    """Where the set `name` lies below the folder that BURNISH_DATA (environment) names, or None."""
    base = os.environ.get(ENVIRONMENT)
    return find_ready(entry(name), Path(base)) if base else None


def find_ready(wanted: Entry, base: Path) -> Path | None:
    """Where a set lies in a folder: at its place, by its bare name, or being the folder itself."""
    leaf = Path(wanted.place).name
    for path in (base / wanted.place, base / leaf, base):
        if path == base and base.name != leaf:
            continue
        if path.is_file() if wanted.is_file else path.is_dir():
            return path
    return None


def get(
    name: str,
    to: Path,
    source: Path | None = None,
    tell: Tell = lambda line: None,
    progress: Progress = lambda done, of: None,
) -> Path:
    """Gets a set into `to/<name>`, whole or not at all.

    Args:
        name: The set.
        to: The folder to put it in.
        source: A folder that holds it ready; None downloads it.
        tell: Told in words what was checked and what could not be.
        progress: Told the bytes so far and in all (None: not known).

    Returns:
        The set's folder or file. When it is there already and as it should be, nothing is done.

    Raises:
        DatasetError: The set is unknown, not in `source`, damaged, or cannot be downloaded.
    """
    wanted = entry(name)
    target = to / Path(wanted.place).name
    if target.exists():
        if _is_it(wanted, target):
            tell(f"{target} is there already and checked")
            return target
        raise DatasetError(target, "is in the way and is not this set", "Move it away, or give another --to")
    if source is None and not wanted.address:
        raise DatasetError(name, "has no address to download a ready set from", wanted.hint)
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=to) as folder:
            ready = Path(folder) / target.name
            if source is not None:
                _copy(wanted, source, ready, tell)
            else:
                _download(wanted, to, Path(folder), ready, tell, progress)
            ready.replace(target)
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise DatasetError(target, reason, "Free some space or choose another folder with --to") from error
    return target


def tree_sha256(path: Path) -> str:
    """The sha256 of a file, or of a folder: over its sorted relative paths, each with its file's sha256."""
    if path.is_file():
        return file_sha256(path)
    digest = hashlib.sha256()
    names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    for name in names:
        digest.update(f"{file_sha256(path / name)}  {name}\n".encode())
    return digest.hexdigest()


def _is_it(wanted: Entry, target: Path) -> bool:
    pictures = wanted.pictures_sha256
    return tree_sha256(target) == wanted.sha256 or bool(
        pictures and (target / "split.csv").is_file() and tree_sha256(target / "images") == pictures
    )


def _copy(wanted: Entry, source: Path, ready: Path, tell: Tell) -> None:
    found = find_ready(wanted, source)
    if found is None:
        raise DatasetError(
            source, f"does not hold {wanted.place}", "Give the folder that holds the ready sets"
        )
    if found.is_file():
        shutil.copyfile(found, ready)
    else:
        shutil.copytree(found, ready)
    _check(ready, wanted.sha256, f"{found} is damaged or another version", "Copy it again")
    tell(f"checked: sha256 {wanted.sha256}")


def _download(wanted: Entry, to: Path, folder: Path, ready: Path, tell: Tell, progress: Progress) -> None:
    # The download lies beside the target, so that an attempt that broke off can go on.
    file = to / f".{wanted.name}{Path(wanted.address).suffix or '.bin'}"
    download(wanted.address, file, wanted.address_sha256, progress)
    if wanted.is_file:
        file.replace(ready)
        tell(
            f"checked: sha256 {wanted.address_sha256}"
            if wanted.address_sha256
            else "unpinned: no sha256 known"
        )
        return
    tell(f"unpacking {wanted.name}")
    raw = folder / "raw"
    unpack(file, raw)
    count = arrange(wanted.name, raw, ready, wanted.masks)
    if wanted.pictures_sha256:
        _check(
            ready / "images",
            wanted.pictures_sha256,
            "the archive holds other pictures than it did",
            "Report it",
        )
        tell(f"checked: {count} pictures, sha256 {wanted.pictures_sha256}")
    else:
        tell(f"unpinned: {count} pictures by their names; no sha256 of this archive is known to check it by")
    if wanted.hint:
        tell(wanted.hint)
    file.unlink()


def _check(ready: Path, sha256: str, reason: str, cure: str) -> None:
    if (got := tree_sha256(ready)) != sha256:
        raise DatasetError(ready.name, f"{reason}: sha256 {got}, not {sha256}", cure)

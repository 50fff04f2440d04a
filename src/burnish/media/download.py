"""Files from a public address: resumed when broken off, checked where a sha256 is known, unpacked safely."""

import shutil
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from burnish.errors import DatasetError
from burnish.media.dataset import file_sha256

_CHUNK = 1 << 18
_TIMEOUT = 30
Progress = Callable[[int, int | None], None]


def download(
    address: str, path: Path, sha256: str | None = None, progress: Progress = lambda done, of: None
) -> Path:
    """Downloads to `path`, going on where an earlier attempt stopped.

    Args:
        address: An https, http or file address.
        path: The file to write; `<path>.part` holds what has come so far, and stays when the connection
        breaks.
        sha256: What the content must hash to, or None when that is not known.
        progress: Told the bytes so far and in all, None where the server does not say.

    Raises:
        DatasetError: The address cannot be reached, or the content is not what `sha256` says.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _fetch(address, part, progress)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send, the part is whole
            raise _unreachable(address, f"{error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise _unreachable(address, str(getattr(error, "reason", error))) from error
    if sha256 and (got := file_sha256(part)) != sha256:
        part.unlink()
        raise DatasetError(address, f"has sha256 {got}, not {sha256}", "Try again; it may have changed there")
    part.replace(path)
    return path


def unpack(archive: Path, out: Path) -> None:
    """Unpacks a zip or tar file into `out`; a common top folder, as forges add one, is left out.

    Raises:
        DatasetError: The archive is broken, or a member would be written outside of `out` or is no plain
        file.
    """
    try:
        members = _zip_members(archive, out) if zipfile.is_zipfile(archive) else _tar_members(archive, out)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise DatasetError(archive, f"cannot be unpacked ({error})", "Delete it and get it again") from error
    if not members:
        raise DatasetError(archive, "holds no files", "Get it again")


def _fetch(address: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = getattr(answer, "status", None) == 206
        done = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise OSError(f"the connection broke off after {done:,} of {total:,} bytes; what came is kept")


def _unreachable(address: str, reason: str) -> DatasetError:
    cure = "Run the command again, which goes on where it stopped, or take the set from a folder with --from"
    return DatasetError(address, f"cannot be downloaded ({reason})", cure)


def _zip_members(archive: Path, out: Path) -> int:
    with zipfile.ZipFile(archive) as packed:
        files = [info for info in packed.infolist() if not info.is_dir()]
        top = _top([info.filename for info in files])
        for info in files:
            if stat.S_ISLNK(info.external_attr >> 16):
                continue  # a link is no picture, and could point anywhere
            target = _target(archive, out, info.filename, top)
            with packed.open(info) as source, target.open("wb") as stream:
                shutil.copyfileobj(source, stream, _CHUNK)
    return len(files)


def _tar_members(archive: Path, out: Path) -> int:
    with tarfile.open(archive) as packed:
        files = [info for info in packed if info.isfile()]
        top = _top([info.name for info in files])
        for info in files:
            source = packed.extractfile(info)
            assert source is not None  # isfile() was asked above
            with source, _target(archive, out, info.name, top).open("wb") as stream:
                shutil.copyfileobj(source, stream, _CHUNK)
    return len(files)


def _top(names: list[str]) -> str:
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""


def _target(archive: Path, out: Path, name: str, top: str) -> Path:
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
        raise DatasetError(archive, f"would write outside its folder ({name})", "Do not use this archive")
    target = out / PurePosixPath(name.replace("\\", "/").removeprefix(top))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target

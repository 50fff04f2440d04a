"""Marking what was made, checking a mark, and finding the record of a file that lost its marks.

Three marks, each of which fails where another holds:

- the credential (`credentials`) proves, but any tool that saves the file again removes it;
- the watermark (`watermark`) survives saving, resizing and small crops, but proves nothing to a stranger;
- the perceptual hash (`perceptual`) lies in the workspace only, so nothing can remove it, but pictures that
  look alike confuse it.
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.media.image import read_image
from burnish.prove.certificates import Identity, open_identity
from burnish.prove.credentials import Credential, attach, check, media_type
from burnish.prove.perceptual import ALIKE, APART, distances, perceptual_hash
from burnish.prove.watermark import SMALLEST, Found, SpreadSpectrum, Watermark, psnr
from burnish.store.bundle import sha256_of
from burnish.store.recording import Recorder
from burnish.store.tables import Mark, Record
from burnish.store.workspace import Workspace

KEYS = "keys"
SECRET = "watermark.key"
QUALITY = 95

How = Literal["file", "credential", "watermark", "perceptual hash"]


@dataclass(frozen=True)
class Marked:
    """A file that was marked: where, under which record, and the marked picture's PSNR in dB."""

    file: Path
    record: int
    psnr: float | None
    watermark: str

    def __str__(self) -> str:
        if not self.watermark:
            return f"{self.file}: record {self.record}, credential only"
        return f"{self.file}: record {self.record}, credential and {self.watermark}, PSNR {self.psnr:.1f} dB"


@dataclass(frozen=True)
class Checked:
    """What `check_mark` answers: the credential, and whether the file is the very one that was marked.

    Attributes:
        credential: As it validates.
        same_file: True or False where the workspace marked that record, else None.
    """

    credential: Credential
    same_file: bool | None

    @property
    def good(self) -> bool:
        """Whether the credential is intact and nothing speaks against it."""
        return self.credential.state in ("Trusted", "Valid") and self.same_file is not False

    def __str__(self) -> str:
        found = self.credential
        if found.state == "None":
            return "no credential"
        if not self.good:
            why = "the file is not the one that was marked" if found.state != "Invalid" else ""
            return "Invalid: " + ("; ".join(found.problems[:3]) or why)
        signer = "signed by this workspace" if found.state == "Trusted" else "signed by somebody unknown here"
        told = "made by a trained model" if found.made_by_model else "says nothing of a trained model"
        return f"{found.state}: {told}, {signer}" + (
            f", record {found.record}" if found.record is not None else ""
        )


@dataclass(frozen=True)
class Clue:
    """One way in which a file was recognised.

    Attributes:
        how: `file` (its exact bytes), `credential`, `watermark` or `perceptual hash`.
        record: The number it leads to.
        detail: In words.
    """

    how: How
    record: int
    detail: str

    def __str__(self) -> str:
        return f"record {self.record} by {self.how} ({self.detail})"


class Marker:
    """The marks of one workspace.

    Args:
        workspace: Holds the keys and the registry.
        watermark: Another one than the built-in, or None for that.

    Raises:
        BurnishError: The keys cannot be read or made.
    """

    def __init__(self, workspace: Workspace, watermark: Watermark | None = None) -> None:
        self.workspace = workspace
        folder = workspace.path / KEYS
        self.identity: Identity = open_identity(
            folder / "credentials", workspace.settings.owner or "Burnish workspace"
        )
        self.watermark: Watermark = watermark or SpreadSpectrum(_secret(folder / SECRET))

    def mark(self, file: str | Path, out: str | Path, recorder: Recorder, hide: bool = True) -> Marked:
        """Writes a marked copy and enters it in the registry.

        The record is the one whose output this file is; a file that the workspace does not know gets a new
        one.

        Args:
            file: PNG, JPEG or MP4. A film gets a credential only, and its pictures are not encoded again.
            out: The marked file; the same kind.
            recorder: Gives a number where there is none yet.
            hide: Whether to set a watermark.

        Raises:
            BurnishError: The file cannot be read, marked or written.
        """
        file, out = Path(file), Path(out)
        kind = media_type(file)
        if media_type(out) != kind:
            raise BurnishError(out, f"is not of the kind of {file.name}", "Keep the file's ending")
        try:
            data = file.read_bytes()
        except OSError as error:
            raise BurnishError(file, f"cannot be read ({error.strerror})", "Check the path") from error
        number, facts = self._record(file, recorder)
        loudness, name, picture = None, "", ""
        if kind.startswith("image/"):
            image = read_image(file)
            marked = image
            if hide and min(image.shape[:2]) >= SMALLEST:
                marked, name = self.watermark.embed(image, number), self.watermark.name
                loudness = psnr(image, marked)
                data = _encode(marked, kind, file)
            picture = perceptual_hash(marked).hex()
        _write(out, attach(data, kind, self.identity, number, facts, out.name))
        with self.workspace.session() as session:
            session.add(
                Mark(
                    record_number=number,
                    file=str(out.absolute()),
                    file_hash=sha256_of(out),
                    picture_hash=picture,
                    watermark=name,
                    psnr=loudness if loudness is not None and np.isfinite(loudness) else None,
                )
            )
        return Marked(out, number, loudness, name)

    def check(self, file: str | Path) -> Checked:
        """Validates a file's credential, and compares the file with what the workspace marked.

        Raises:
            BurnishError: It cannot be read, or is of a kind that carries no credential.
        """
        kind = media_type(file)
        try:
            data = Path(file).read_bytes()
        except OSError as error:
            raise BurnishError(file, f"cannot be read ({error.strerror})", "Check the path") from error
        found = check(data, kind, self.identity.root)
        if found.record is None or found.state != "Trusted":
            return Checked(found, None)
        with self.workspace.session() as session:
            known = session.scalars(select(Mark.file_hash).where(Mark.record_number == found.record)).all()
        if not known:
            return Checked(found, None)
        return Checked(found, sha256_of(Path(file)) in known)

    def recover(self, file: str | Path) -> list[Clue]:
        """Which record a file comes from, surest clue first; empty when nothing is recognised.

        Raises:
            BurnishError: It cannot be read.
        """
        path, clues = Path(file), []
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BurnishError(file, f"cannot be read ({error.strerror})", "Check the path") from error
        with self.workspace.session() as session:
            marks = _registry(session)
        same = sha256_of(path)
        clues += [Clue("file", m.record_number, "the very file") for m in marks if m.file_hash == same][-1:]
        try:
            credential = check(data, media_type(path), self.identity.root)
        except BurnishError:
            credential = Credential("None")
        if credential.state == "Trusted" and credential.record is not None:
            clues.append(Clue("credential", credential.record, "signed by this workspace, intact"))
        if path.suffix.lower() != ".mp4":
            clues += self.look(read_image(path), marks)
        return clues

    def look(self, image: np.ndarray, marks: list[Mark]) -> list[Clue]:
        """What a picture's content tells, whatever file it came in.

        Args:
            image: uint8 (H, W, 3).
            marks: The registry.
        """
        clues, numbers = [], {m.record_number for m in marks}
        found: Found | None = self.watermark.find(image)
        if found is not None:
            known = "" if found.number in numbers else ", which this registry does not hold"
            clues.append(
                Clue("watermark", found.number, f"z {found.score:.1f}, needs {found.threshold:.1f}{known}")
            )
        hashed = [m for m in marks if m.picture_hash]
        away = distances(perceptual_hash(image), [bytes.fromhex(m.picture_hash) for m in hashed])
        if len(away):
            best = int(away.argmin())
            others = [
                int(d)
                for d, m in zip(away, hashed, strict=True)
                if m.record_number != hashed[best].record_number
            ]
            second = min(others, default=BITS_APART)
            if away[best] <= ALIKE and second >= away[best] + APART:
                clues.append(
                    Clue(
                        "perceptual hash",
                        hashed[best].record_number,
                        f"a candidate: {away[best]} of 256 bits differ, {second} from the next record's",
                    )
                )
        return clues

    def _record(self, file: Path, recorder: Recorder) -> tuple[int, dict[str, str]]:
        """Number and facts of a file's record; a new one when there is none."""
        digest = sha256_of(file)
        with self.workspace.session() as session:
            row = session.scalars(
                select(Record).where(Record.output_hash == digest).order_by(Record.number.desc())
            ).first()
        if row is not None:
            facts = {"model": row.model_hash, "seed": "" if row.seed is None else str(row.seed)}
            return row.number, {key: value for key, value in facts.items() if value}
        medium = "clip" if file.suffix.lower() == ".mp4" else "image"
        number = recorder.begin("mark", medium=medium, inputs={file.name: digest})
        recorder.finish(number, file)
        return number, {}


BITS_APART = 256
"""What the next record's distance counts as when there is no other record."""


def _registry(session: Session) -> list[Mark]:
    return list(session.scalars(select(Mark).order_by(Mark.id)))


def _secret(path: Path) -> bytes:
    """The key of the watermark, 32 bytes; made when it is first needed."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.urandom(32))
        key = path.read_bytes()
    except OSError as error:
        raise BurnishError(path, f"cannot be used ({error.strerror})", "Choose another workspace") from error
    if len(key) < 16:
        raise BurnishError(path, "is no key of 16 bytes or more", "Restore it, or marks cannot be found")
    return key


def _encode(image: np.ndarray, kind: str, source: Path) -> bytes:
    """PNG or JPEG bytes of a picture; the text chunks of a PNG are kept."""
    out = io.BytesIO()
    if kind == "image/jpeg":
        Image.fromarray(image).save(out, "JPEG", quality=QUALITY, subsampling=0)
        return out.getvalue()
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    with Image.open(source) as picture:
        for key, value in picture.info.items():
            if isinstance(value, str):
                info.add_itxt(str(key), value)
    Image.fromarray(image).save(out, "PNG", pnginfo=info, compress_level=6)
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BurnishError(path, f"cannot be written ({error.strerror})", "Choose another folder") from error

"""Content credentials: a signed statement inside the file that it was made by a trained model (C2PA 2.1).

Works offline: no time stamp authority, no revocation check, no remote manifest. A credential is bound to the
bytes of its file, so any tool that saves the picture again, a JPEG re-save included, removes it;
`prove.marking` finds the record of such a file.
"""

import io
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import c2pa

import burnish
from burnish.errors import BurnishError
from burnish.prove.certificates import Identity

MADE_BY_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
EDITED_BY_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
RECORD = "org.burnish.record"
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".mp4": "video/mp4"}

State = Literal["Trusted", "Valid", "Invalid", "None"]


@dataclass(frozen=True)
class Credential:
    """What a file's credential says, and whether to believe it.

    Attributes:
        state: `Trusted` (intact, and the signer's root is the one given), `Valid` (intact, signer unknown),
            `Invalid` (the file or its credential was changed) or `None` (there is none).
        source: The IPTC digital source types that its actions name.
        record: The record's number, or None.
        facts: What else the record assertion says.
        problems: C2PA status codes and reasons.
    """

    state: State
    source: tuple[str, ...] = ()
    record: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def made_by_model(self) -> bool:
        """Whether it is intact and says `trainedAlgorithmicMedia`."""
        return self.state in ("Trusted", "Valid") and MADE_BY_MODEL in self.source


def media_type(path: str | Path) -> str:
    """The MIME type of a file that can carry a credential.

    Raises:
        BurnishError: Neither PNG, JPEG nor MP4 by its name.
    """
    kind = TYPES.get(Path(path).suffix.lower())
    if kind is None:
        raise BurnishError(path, "cannot carry a credential", "Save it as PNG, JPEG or MP4")
    return kind


def attach(
    data: bytes,
    kind: str,
    identity: Identity,
    record: int | None,
    facts: Mapping[str, Any],
    title: str,
    source: str = MADE_BY_MODEL,
) -> bytes:
    """The file's bytes with a credential; an earlier one is replaced.

    Args:
        data: The file.
        kind: Its MIME type, see `media_type`.
        identity: Who signs.
        record: Number of its record, or None.
        facts: More to state: the model's hash, the seed.
        title: Name of the file.
        source: `MADE_BY_MODEL` or `EDITED_BY_MODEL`.

    Raises:
        BurnishError: The bytes are not of that kind.
    """
    manifest = {
        "title": title,
        "claim_generator_info": [{"name": "Burnish", "version": burnish.__version__}],
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]},
            },
            {"label": RECORD, "data": {"number": record, **facts}},
        ],
    }
    out = io.BytesIO()
    try:
        signer = c2pa.Signer.from_callback(identity.sign, c2pa.C2paSigningAlg.ES256, identity.chain, None)
        with c2pa.Builder(json.dumps(manifest), context=_context(identity.root)) as builder:
            builder.sign(signer, kind, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise BurnishError(
            title, f"cannot be given a credential ({error})", "Save it again as PNG"
        ) from error
    return out.getvalue()


def check(data: bytes, kind: str, root: str | None = None) -> Credential:
    """Reads and validates a file's credential.

    C2PA leaves some bytes of the credential itself uncovered: padding, and names of its boxes. Here the
    padding must be zeros and a PNG's checksums must hold, so that no single changed byte of a PNG passes; in
    a JPEG or MP4 some 50 bytes of box names remain, which say nothing and change no pixel.

    Args:
        data: The file.
        kind: Its MIME type.
        root: PEM of a root to trust; without one no signer is trusted.
    """
    try:
        with c2pa.Reader(kind, io.BytesIO(data), context=_context(root)) as reader:
            told = json.loads(reader.json())
            state = reader.get_validation_state()
            active = reader.get_active_manifest() or {}
    except c2pa.C2paError as error:
        if re.match(r"ManifestNotFound", str(error)):
            damaged = b"c2pa" in data
            return (
                Credential("Invalid", problems=("the manifest is damaged",))
                if damaged
                else Credential("None")
            )
        return Credential("Invalid", problems=(str(error).strip(": "),))
    except (KeyError, ValueError) as error:
        return Credential("Invalid", problems=(f"the manifest is damaged ({error})",))
    problems = [
        f"{entry.get('code')}: {entry.get('explanation', '')}".strip(": ")
        for entry in told.get("validation_status") or []
    ]
    if not _padding_is_zero(data):
        state, problems = "Invalid", [*problems, "burnish.padding: bytes behind the signature are not zero"]
    if kind == "image/png" and not _checksums_hold(data):
        state, problems = "Invalid", [*problems, "burnish.png: a chunk's checksum is wrong"]
    statements = {entry["label"]: entry["data"] for entry in active.get("assertions", [])}
    actions = [
        action
        for label, entry in statements.items()
        if label.startswith("c2pa.actions")
        for action in entry.get("actions", [])
    ]
    facts = dict(statements.get(RECORD, {}))
    number = facts.pop("number", None)
    return Credential(
        state if state in ("Trusted", "Valid") else "Invalid",
        tuple(action["digitalSourceType"] for action in actions if "digitalSourceType" in action),
        number if isinstance(number, int) else None,
        facts,
        tuple(problems),
    )


def check_file(path: str | Path, root: str | None = None) -> Credential:
    """`check` of a file.

    Raises:
        BurnishError: It cannot be read, or is of a kind that carries none.
    """
    kind = media_type(path)
    try:
        return check(Path(path).read_bytes(), kind, root)
    except OSError as error:
        raise BurnishError(path, f"cannot be read ({error.strerror})", "Check the path") from error


def _context(root: str | None) -> c2pa.Context:
    """Settings without network and without a thumbnail, which would be many times the file."""
    settings: dict[str, Any] = {
        "verify": {"verify_trust": True, "ocsp_fetch": False, "remote_manifest_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    if root:
        settings["trust"] = {"trust_anchors": root}
    return c2pa.Context.from_dict(settings)


def _padding_is_zero(data: bytes) -> bool:
    """Whether each CBOR byte string under a key `pad` (text of three letters, 0x63) holds zeros only."""
    for found in re.finditer(rb"\x63pad([\x40-\x5b])", data):
        head, place = found.group(1)[0], found.end()
        extra = {0x58: 1, 0x59: 2, 0x5A: 4, 0x5B: 8}.get(head, 0)
        length = int.from_bytes(data[place : place + extra], "big") if extra else head - 0x40
        if length <= len(data) and any(data[place + extra : place + extra + length]):
            return False
    return True


def _checksums_hold(png: bytes) -> bool:
    """Whether the chunks of a PNG follow each other to `IEND`, each with its CRC (ISO/IEC 15948, 5.3)."""
    place = 8
    while place + 12 <= len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        body, end = png[place + 4 : place + 8 + length], place + 12 + length
        if end > len(png) or zlib.crc32(body) != int.from_bytes(png[end - 4 : end], "big"):
            return False
        if body[:4] == b"IEND":
            return True
        place = end
    return False

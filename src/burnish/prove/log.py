"""An append-only log whose head is signed: what was written stays, or everyone with an older head sees it.

```
FOLDER/
  log.jsonl         one record a line; the line's bytes are the leaf of an RFC 9162 Merkle tree
  checkpoint.note   origin, size and root, signed (C2SP tlog-checkpoint, signed-note)
```

A record is on disk (fsync) before `append` returns. A line that a crash tore off was never signed and is
dropped when the log is opened.
"""

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from burnish.errors import BurnishError
from burnish.prove.keys import public_bytes, public_text
from burnish.prove.verify_seal import HEAD, LOG, Broken, key_id, leaf_hash, open_checkpoint, tree_root

try:
    import fcntl
except ImportError:  # Windows: two writers are the user's own care there
    fcntl = None


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """A text as a signed note (C2SP signed-note).

    Args:
        text: Ends with a line feed.
        name: Of the key: no spaces, no `+`.
        key: Signs.
    """
    signature = key_id(name, public_bytes(key)) + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {base64.b64encode(signature).decode()}\n"


def now() -> str:
    """The time as records state it: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Log:
    """A log in a folder, opened to be written.

    Args:
        folder: Where it lies.
        key: Signs its heads; must be the key of its first record.

    Attributes:
        records: The lines, without line feeds.
        facts: The same, read.

    Raises:
        BurnishError: There is no log, it is damaged or shorter than its signed head, or the key is another.
    """

    def __init__(self, folder: str | Path, key: Ed25519PrivateKey) -> None:
        self.folder, self.key = Path(folder), key
        self.file = self.folder / LOG
        try:
            raw = self.file.read_bytes()
            whole = raw[: raw.rfind(b"\n") + 1]
            if whole != raw:
                os.truncate(self.file, len(whole))
            self.records = whole.split(b"\n")[:-1]
            self.facts: list[dict[str, Any]] = [json.loads(record) for record in self.records]
            self.origin, public = self.facts[0]["origin"], self.facts[0]["public_key"]
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise BurnishError(self.file, f"is no log ({error})", "Restore it from a copy") from error
        if public != public_text(key):
            raise BurnishError(self.folder, "was begun with another key", "Name the key it was begun with")
        self.leaves = [leaf_hash(record) for record in self.records]
        self._check_head()

    def _check_head(self) -> None:
        if not (self.folder / HEAD).exists():
            return
        try:
            head = open_checkpoint((self.folder / HEAD).read_text(encoding="utf-8"), public_bytes(self.key))
            if head.size > len(self.leaves) or head.root != tree_root(self.leaves[: head.size]):
                raise Broken("the log is not what was signed")
        except (Broken, OSError, ValueError) as error:
            raise BurnishError(self.folder / HEAD, str(error), "Restore the folder from a copy") from error

    @classmethod
    def begin(cls, folder: str | Path, key: Ed25519PrivateKey, origin: str, first: dict[str, Any]) -> "Log":
        """Begins a log with its first record and signs it.

        Args:
            folder: Must hold no log yet.
            key: Signs from now on; its public half goes into the first record.
            origin: Name of the log, unique to it.
            first: The first record's facts, with `kind`.
        """
        folder = Path(folder)
        if (folder / LOG).exists():
            raise BurnishError(folder, "holds a log already", "Choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            record = encode({**first, "origin": origin, "public_key": public_text(key), "at": now()})
            _append(folder / LOG, record)
        except OSError as error:
            raise BurnishError(folder, f"cannot be written ({error.strerror})", "Choose another") from error
        log = cls(folder, key)
        log.sign()
        return log

    def append(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Adds a record, stamped with the time unless `at` is given; it is on disk when this returns.

        Raises:
            BurnishError: The disk refused it.
        """
        fact = {"at": now(), **facts, "kind": kind}
        record = encode(fact)
        try:
            _append(self.file, record)
        except OSError as error:
            reason = f"cannot be written ({error.strerror})"
            raise BurnishError(self.file, reason, "Free some disk space and run again") from error
        self.records.append(record)
        self.facts.append(fact)
        self.leaves.append(leaf_hash(record))
        return fact

    def sign(self) -> str:
        """Signs the log as it stands and keeps the note as `checkpoint.note`.

        Returns:
            The note: give it to somebody outside.
        """
        root = base64.b64encode(tree_root(self.leaves)).decode()
        note = sign_note(f"{self.origin}\n{len(self.leaves)}\n{root}\n", self.origin, self.key)
        part = self.folder / f".{HEAD}.part"
        try:
            part.write_text(note, encoding="utf-8")
            part.replace(self.folder / HEAD)
        except OSError as error:
            raise BurnishError(self.folder / HEAD, f"cannot be written ({error.strerror})") from error
        return note

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind, in order."""
        return [fact for fact in self.facts if fact.get("kind") == kind]


def encode(fact: dict[str, Any]) -> bytes:
    """A record's bytes: JSON on one line, keys in order."""
    return json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _append(file: Path, record: bytes) -> None:
    with file.open("ab") as stream:
        stream.write(record + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def alone(folder: str | Path) -> Iterator[None]:
    """Holds a folder against a second writer; a killed one lets go by itself.

    Raises:
        BurnishError: Another process writes there.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BurnishError(folder, "another process writes there", "Wait until it is done") from error
        yield

"""Ed25519 keys (RFC 8032) on disk: PKCS #8 in PEM, readable by their owner alone."""

import base64
import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from burnish.errors import BurnishError
from burnish.store.workspace import workspace_folder

KEY = "keys/seal.pem"


def signing_key(path: str | Path) -> Ed25519PrivateKey:
    """The key in a file; a new one is made and written where there is no file.

    Raises:
        BurnishError: The file holds no Ed25519 key, or cannot be read or written.
    """
    path = Path(path)
    try:
        if path.exists():
            key = serialization.load_pem_private_key(path.read_bytes(), None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError("another kind of key")
            return key
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        return key
    except OSError as error:
        raise BurnishError(
            path, f"cannot be used ({error.strerror or error})", "Choose another key"
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BurnishError(
            path, f"is no Ed25519 key in PEM without a password ({error})", "Name another file"
        ) from error


def workspace_key(path: str | Path | None = None) -> Ed25519PrivateKey:
    """The key in a file, or the workspace's own, made when it is first needed."""
    return signing_key(path or workspace_folder() / KEY)


def personal_key(workspace: Path, name: str, path: str | Path | None = None) -> Ed25519PrivateKey:
    """Somebody's own key: in a file that they name, or `keys/NAME.pem` in the workspace."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "somebody"
    return signing_key(path or workspace / "keys" / f"person-{plain}.pem")


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of its public half."""
    return key.public_key().public_bytes_raw()


def public_text(key: Ed25519PrivateKey) -> str:
    """Its public half in base64."""
    return base64.b64encode(public_bytes(key)).decode()

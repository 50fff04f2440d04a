"""A workspace's own certificates for content credentials: a root that others may trust, a signer below it.

ECDSA on P-256, X.509 as the C2PA specification (2.1, section 14.5) asks of claim signers. Nobody outside
knows the root, so other tools call a signature valid but untrusted until they are given `root.pem`; a
certificate from a public authority goes into the same folder under the same names.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from burnish.errors import BurnishError

KEY, CHAIN, ROOT = "signer.key.pem", "signer.pem", "root.pem"
YEARS = 10


@dataclass(frozen=True)
class Identity:
    """Who signs.

    Attributes:
        key: The signer's private key.
        chain: Its certificate and those above it, PEM, the signer's first.
        root: The root to trust, PEM.
    """

    key: ec.EllipticCurvePrivateKey
    chain: str
    root: str

    def sign(self, data: bytes) -> bytes:
        """ES256 as COSE wants it: r and s, 32 bytes each (RFC 9053, section 2.1)."""
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def open_identity(folder: str | Path, organisation: str = "Burnish workspace") -> Identity:
    """The identity in a folder; a new chain is made when the folder holds none.

    Args:
        folder: Holds `signer.key.pem` (readable by its owner only), `signer.pem` and `root.pem`.
        organisation: Named in new certificates.

    Raises:
        BurnishError: The files are incomplete, damaged or not on P-256, or the folder cannot be written.
    """
    folder = Path(folder)
    there = [(folder / name).exists() for name in (KEY, CHAIN, ROOT)]
    try:
        if not any(there):
            _make(folder, organisation)
        elif not all(there):
            raise BurnishError(
                folder, f"holds some of {KEY}, {CHAIN} and {ROOT}, not all", "Restore them, or move them away"
            )
        key = serialization.load_pem_private_key((folder / KEY).read_bytes(), password=None)
        chain, root = (folder / CHAIN).read_text("ascii"), (folder / ROOT).read_text("ascii")
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    except OSError as error:
        raise BurnishError(
            folder, f"cannot be used for keys ({error.strerror})", "Choose another folder"
        ) from error
    except (ValueError, TypeError, IndexError) as error:
        raise BurnishError(folder, f"holds damaged keys ({error})", "Restore them from a copy") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BurnishError(folder / KEY, "is not a key on the curve P-256", "Make one with openssl ecparam")
    if leaf.public_key() != key.public_key():
        raise BurnishError(
            folder / CHAIN,
            f"does not begin with the certificate of {KEY}",
            "Put the signer's certificate first",
        )
    return Identity(key, chain, root)


def _make(folder: Path, organisation: str) -> None:
    authority, signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    top, below = _name("Burnish root", organisation), _name("Burnish signer", organisation)
    root = _certificate(top, top, authority.public_key(), authority, ca=True)
    leaf = _certificate(below, top, signer.public_key(), authority, ca=False)
    secret = signer.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{KEY}.{os.getpid()}.part"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secret)
    (folder / ROOT).write_bytes(_pem(root))
    (folder / CHAIN).write_bytes(_pem(leaf) + _pem(root))
    part.replace(folder / KEY)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signed_by: ec.EllipticCurvePrivateKey,
    ca: bool,
) -> x509.Certificate:
    since = datetime.now(UTC) - timedelta(minutes=5)  # clocks of other machines may be a little behind
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"),
        False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False
        )
    )
    if not ca:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
    return builder.sign(signed_by, hashes.SHA256())


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

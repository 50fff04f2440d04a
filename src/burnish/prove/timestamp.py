"""RFC 3161 time stamps on a checkpoint: an authority says that it saw it, and when. Optional, and online."""

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from burnish.errors import BurnishError

PATIENCE = 20.0
"""Seconds to wait for the authority."""

Post = Callable[[str, bytes], bytes]


def post(url: str, request: bytes) -> bytes:
    """Sends a request over HTTP (RFC 3161, 3.4) and answers with the reply.

    Raises:
        OSError: The authority cannot be reached.
    """
    headers = {"Content-Type": "application/timestamp-query"}
    asked = urllib.request.Request(url, request, headers, method="POST")
    with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
        return reply.read()


def stamp(file: str | Path, url: str, send: Post = post) -> Path:
    """Has a file time-stamped; the reply is kept as `FILE.tsr`.

    Args:
        file: What is stamped.
        url: The authority's, http or https.
        send: Transport.

    Returns:
        The reply's file. `openssl ts -verify -data FILE -in FILE.tsr -CAfile ROOT` checks it as well.

    Raises:
        BurnishError: The authority cannot be reached, refuses, or answers about something else.
    """
    file = Path(file)
    if not url.startswith(("http://", "https://")):
        raise BurnishError(url, "is no web address", "Give the address of a time-stamping authority")
    data = file.read_bytes()
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        raw = send(url, request.as_bytes())
    except (urllib.error.URLError, OSError) as error:
        reason = f"did not answer ({getattr(error, 'reason', error)})"
        raise BurnishError(url, reason, "Leave --timestamp out, or try again later") from error
    try:
        reply = decode_timestamp_response(raw)
        if PKIStatus(reply.status) not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            raise ValueError("it refused: " + ", ".join(map(str, reply.status_string or ["no reason given"])))
        if reply.tst_info.nonce != request.nonce:
            raise ValueError("it answered another request")
        if reply.tst_info.message_imprint.message != request.message_imprint.message:
            raise ValueError("it stamped something else")
    except ValueError as error:
        raise BurnishError(url, f"gave no valid time stamp ({error})", "Ask another authority") from error
    tsr = file.with_name(file.name + ".tsr")
    tsr.write_bytes(raw)
    return tsr


def stamped_at(file: str | Path, tsr: str | Path, roots: Sequence[Certificate]) -> datetime:
    """When an authority saw a file.

    Args:
        file: What was stamped.
        tsr: The reply.
        roots: Certificates that are trusted.

    Raises:
        BurnishError: The stamp is of another file, or its signature leads to none of the roots.
    """
    try:
        reply: TimeStampResponse = decode_timestamp_response(Path(tsr).read_bytes())
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(reply, Path(file).read_bytes())
    except (VerificationError, ValueError) as error:
        raise BurnishError(tsr, f"is no valid time stamp of {file} ({error})") from error
    return reply.tst_info.gen_time


def stamped(checkpoint: Path, url: str | None) -> str:
    """Stamps where an address is given; a sentence on what stands."""
    if url is None:
        return "time stamp: none (offline); the time is this machine's own word"
    return f"time stamp: {stamp(checkpoint, url)} from {url}"

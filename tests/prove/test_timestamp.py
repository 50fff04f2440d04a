"""Time stamps from a stand-in authority: OpenSSL's own, behind a small local server."""

import shutil
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from burnish.errors import BurnishError
from burnish.prove.timestamp import stamp, stamped, stamped_at

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = critical,CA:FALSE
"""


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with the authority's certificates, and its answer to a request."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command as a stand-in for a time-stamping authority")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    root = ["-keyout", folder / "root.key", "-out", folder / "root.pem", "-subj", "/CN=root", "-days", "9"]
    openssl("req", "-x509", *new, *root)
    openssl("req", *new, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", "-subj", "/CN=tsa")
    issuer = ["-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial", "-days", "9"]
    extensions = ["-extfile", folder / "tsa.cnf", "-extensions", "ext"]
    openssl("x509", "-req", "-in", folder / "tsa.csr", "-out", folder / "tsa.pem", *issuer, *extensions)

    def answer(request: bytes) -> bytes:
        (folder / "q.tsq").write_bytes(request)
        files = ["-queryfile", folder / "q.tsq", "-out", folder / "r.tsr"]
        openssl("ts", "-reply", "-config", folder / "tsa.cnf", "-section", "one", *files)
        return (folder / "r.tsr").read_bytes()

    return folder, answer


@pytest.fixture
def url(authority):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.headers["Content-Type"] == "application/timestamp-query"
            reply = authority[1](self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def note(tmp_path):
    file = tmp_path / "000001.note"
    file.write_text("burnish/run/x\n1\nAAAA\n")
    return file


def test_a_stamp_says_when_and_is_of_that_file_alone(authority, url, note, tmp_path):
    roots = [x509.load_pem_x509_certificate((authority[0] / "root.pem").read_bytes())]
    tsr = stamp(note, url)
    assert tsr.name == "000001.note.tsr"
    assert abs((stamped_at(note, tsr, roots) - datetime.now(UTC)).total_seconds()) < 60
    check = ["-data", note, "-in", tsr, "-CAfile", authority[0] / "root.pem"]
    openssl("ts", "-verify", *check)
    other = tmp_path / "other.note"
    other.write_text("burnish/run/x\n2\nAAAA\n")
    with pytest.raises(BurnishError, match="no valid time stamp"):
        stamped_at(other, tsr, roots)


def test_an_authority_that_nobody_trusts_is_refused(authority, url, note, tmp_path):
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger"]
    openssl("req", "-x509", *options, "-keyout", tmp_path / "k", "-out", tmp_path / "c.pem")
    stranger = x509.load_pem_x509_certificate((tmp_path / "c.pem").read_bytes())
    with pytest.raises(BurnishError, match="no valid time stamp"):
        stamped_at(note, stamp(note, url), [stranger])


def test_an_answer_to_another_request_is_refused(authority, note):
    first: list[bytes] = []

    def replay(_: str, request: bytes) -> bytes:
        first.append(request)
        return authority[1](first[0])

    stamp(note, "http://tsa", replay)
    with pytest.raises(BurnishError, match="another request"):
        stamp(note, "http://tsa", replay)
    with pytest.raises(BurnishError, match="gave no valid time stamp"):
        stamp(note, "http://tsa", lambda *_: b"<html>")


def test_offline_says_none(note):
    assert "none (offline)" in stamped(note, None)
    with pytest.raises(BurnishError, match="did not answer"):
        stamp(note, "http://127.0.0.1:9")
    with pytest.raises(BurnishError, match="no web address"):
        stamp(note, "file:///etc/passwd")

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from burnish.errors import DatasetError
from burnish.media.download import download, unpack

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; breaks off after `breaks` bytes once; counts what it sent."""

    breaks: int | None = None
    ranges = True
    sent = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path != "/file.bin":
            self.send_error(404)
            return
        asked = self.headers.get("Range") if self.server.ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks is not None:
            body, self.server.breaks = body[: self.server.breaks], None
        self.server.sent += len(body)
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def address(server: Server, name: str = "file.bin") -> str:
    return f"http://127.0.0.1:{server.server_port}/{name}"


def test_a_file_arrives_whole_with_progress(tmp_path, server):
    told: list = []
    path = download(
        address(server), tmp_path / "deep" / "f", SHA256, lambda done, of: told.append((done, of))
    )
    assert path.read_bytes() == CONTENT and told[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["f"]


def test_a_broken_connection_keeps_what_came_and_goes_on(tmp_path, server):
    server.breaks = 300_000
    with pytest.raises(DatasetError, match="cannot be downloaded") as caught:
        download(address(server), tmp_path / "f")
    assert "again" in caught.value.cure and not (tmp_path / "f").exists()
    assert (tmp_path / "f.part").stat().st_size == 300_000
    download(address(server), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENT and server.sent == len(CONTENT)


def test_a_server_that_cannot_resume_starts_again(tmp_path, server):
    server.ranges = False
    (tmp_path / "f.part").write_bytes(b"old")
    assert download(address(server), tmp_path / "f", SHA256).read_bytes() == CONTENT


def test_a_part_that_was_whole_already(tmp_path, server):
    (tmp_path / "f.part").write_bytes(CONTENT)
    assert download(address(server), tmp_path / "f", SHA256).read_bytes() == CONTENT and server.sent == 0


def test_a_wrong_sha256_is_refused_and_not_kept(tmp_path, server):
    with pytest.raises(DatasetError, match="has sha256"):
        download(address(server), tmp_path / "f", "0" * 64)
    assert not list(tmp_path.iterdir())


def test_no_such_file_no_such_host_no_address(tmp_path, server):
    for where in (
        address(server, "none"),
        "http://127.0.0.1:1/x",
        "no address",
        (tmp_path / "none").as_uri(),
    ):
        with pytest.raises(DatasetError, match="cannot be downloaded") as caught:
            download(where, tmp_path / "f")
        assert "--from" in caught.value.cure


def test_a_file_address(tmp_path):
    (tmp_path / "source").write_bytes(CONTENT)
    assert download((tmp_path / "source").as_uri(), tmp_path / "f", SHA256).read_bytes() == CONTENT


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_unpack_leaves_out_the_common_top_folder(tmp_path, pack):
    unpack(pack(tmp_path / "a", {"repo-1/a.txt": b"a", "repo-1/ü/b.txt": b"b"}), tmp_path / "out")
    assert (tmp_path / "out/a.txt").read_bytes() == b"a" and (tmp_path / "out/ü/b.txt").read_bytes() == b"b"
    unpack(pack(tmp_path / "b", {"a.txt": b"a", "ü/b.txt": b"b"}), tmp_path / "flat")
    assert (tmp_path / "flat/a.txt").exists() and (tmp_path / "flat/ü/b.txt").exists()


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../out.txt", "top/../../out.txt", "/tmp/out.txt", "..\\out.txt", "c:/out.txt"]
)
def test_unpack_writes_nowhere_else(tmp_path, pack, name):
    with pytest.raises(DatasetError, match="outside"):
        unpack(pack(tmp_path / "a", {"ok.txt": b"", name: b"bad"}), tmp_path / "in/side")
    assert not list(tmp_path.rglob("out.txt"))


def test_unpack_follows_no_links(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        info = tarfile.TarInfo("link/evil.txt")
        archive.addfile(info)
    unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists()


def test_unpack_names_a_broken_archive(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"a.txt": b"x" * 5000}).read_bytes()
    for content in (b"no archive", b"", whole[:60], whole.replace(b"x" * 9, b"y" * 9)):
        (tmp_path / "b").write_bytes(content)
        with pytest.raises(DatasetError, match=r"cannot be unpacked|no files"):
            unpack(tmp_path / "b", tmp_path / "out")

"""Signed notes against Go's published one; a log that survives a torn line and refuses a changed past."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from burnish.errors import BurnishError
from burnish.prove.keys import public_bytes, signing_key
from burnish.prove.log import Log, alone, sign_note
from burnish.prove.verify_seal import Broken, open_checkpoint, open_note

# The key and note of golang.org/x/mod/sumdb/note's documentation, which C2SP's signed-note quotes.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PUBLIC = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_the_published_note_is_opened_and_made_alike():
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    note = f"{TEXT}\n\u2014 PeterNeumann {SIGNATURE}\n"
    assert public_bytes(key) == PUBLIC
    assert sign_note(TEXT, "PeterNeumann", key) == note
    assert open_note(note, PUBLIC) == TEXT
    assert open_note(f"{TEXT}\n\u2014 Other {SIGNATURE}\n\u2014 PeterNeumann {SIGNATURE}\n", PUBLIC) == TEXT


@pytest.mark.parametrize(
    "change",
    [("cryptography", "cryptographY"), ("x08go", "x08gp"), ("PeterNeumann", "Peter"), ("\u2014", "-")],
)
def test_a_changed_note_is_refused(change):
    note = f"{TEXT}\n\u2014 PeterNeumann {SIGNATURE}\n"
    with pytest.raises(Broken, match="sign"):
        open_note(note.replace(*change), PUBLIC)
    with pytest.raises(Broken):
        open_note(note, public_bytes(Ed25519PrivateKey.generate()))


def test_a_note_that_is_no_checkpoint_is_refused():
    with pytest.raises(Broken, match="no checkpoint"):
        open_checkpoint(f"{TEXT}\n\u2014 PeterNeumann {SIGNATURE}\n", PUBLIC)


@pytest.fixture
def key(tmp_path):
    return signing_key(tmp_path / "keys" / "key.pem")


def test_a_key_is_made_once_and_is_its_owners(tmp_path, key):
    file = tmp_path / "keys" / "key.pem"
    assert public_bytes(signing_key(file)) == public_bytes(key)
    assert file.stat().st_mode & 0o077 == 0
    (tmp_path / "bad.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(BurnishError, match="no Ed25519 key"):
        signing_key(tmp_path / "bad.pem")
    with pytest.raises(BurnishError, match="cannot be used"):
        signing_key(tmp_path)


def test_a_log_goes_on_where_it_stood(tmp_path, key):
    log = Log.begin(tmp_path / "log", key, "burnish/test", {"kind": "opened"})
    log.append("one", value="é\n")
    log.sign()
    again = Log(tmp_path / "log", key)
    again.append("two")
    note = again.sign()
    head = open_checkpoint(note, public_bytes(key))
    assert (head.origin, head.size) == ("burnish/test", 3)
    assert [fact["kind"] for fact in Log(tmp_path / "log", key).facts] == ["opened", "one", "two"]
    assert again.of("one")[0]["value"] == "é\n"
    with pytest.raises(BurnishError, match="holds a log already"):
        Log.begin(tmp_path / "log", key, "burnish/test", {"kind": "opened"})


def test_a_torn_line_is_dropped(tmp_path, key):
    log = Log.begin(tmp_path / "log", key, "burnish/test", {"kind": "opened"})
    whole = log.file.read_bytes()
    log.file.write_bytes(whole + b'{"kind":"hal')
    assert len(Log(tmp_path / "log", key).records) == 1
    assert log.file.read_bytes() == whole


def test_a_changed_past_and_another_key_are_refused(tmp_path, key):
    log = Log.begin(tmp_path / "log", key, "burnish/test", {"kind": "opened"})
    log.append("one", value=1)
    log.sign()
    with pytest.raises(BurnishError, match="another key"):
        Log(tmp_path / "log", Ed25519PrivateKey.generate())
    text = log.file.read_text()
    log.file.write_text(text.replace('"value":1', '"value":2'))
    with pytest.raises(BurnishError, match="not what was signed"):
        Log(tmp_path / "log", key)
    log.file.write_text(text.splitlines(keepends=True)[0])
    with pytest.raises(BurnishError, match="not what was signed"):
        Log(tmp_path / "log", key)
    with pytest.raises(BurnishError, match="is no log"):
        Log(tmp_path, key)


def test_one_writer_at_a_time(tmp_path):
    with alone(tmp_path), pytest.raises(BurnishError, match="another process"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass

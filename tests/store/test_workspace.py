"""The workspace: where it is, that two processes may make it at once, and what a bad place says."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from burnish.errors import BurnishError
from burnish.store.tables import Record
from burnish.store.workspace import connect, open_workspace, workspace_folder


def test_the_variable_goes_first_then_the_nearest_folder_upward_then_home(tmp_path, monkeypatch):
    (tmp_path / "team" / ".burnish").mkdir(parents=True)
    inner = tmp_path / "team" / "a" / "b"
    inner.mkdir(parents=True)
    assert workspace_folder(inner) == tmp_path.__class__(os.environ["BURNISH_WORKSPACE"])
    monkeypatch.delenv("BURNISH_WORKSPACE")
    assert workspace_folder(inner) == tmp_path / "team" / ".burnish"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert workspace_folder(tmp_path) == tmp_path / "home" / ".burnish"
    assert not (tmp_path / "home").exists()


def test_sqlite_runs_in_wal_mode_with_foreign_keys(tmp_path):
    with open_workspace(tmp_path).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_session_keeps_all_or_nothing(tmp_path):
    workspace = open_workspace(tmp_path)
    with workspace.session() as session:
        session.add(Record(verb="make"))
    with pytest.raises(RuntimeError, match="stop"), workspace.session() as session:
        session.add(Record(verb="refine"))
        session.flush()
        raise RuntimeError("stop")
    with workspace.session() as session:
        assert session.scalars(select(Record.verb)).all() == ["make"]


def test_two_processes_may_make_it_at_once(tmp_path):
    script = (
        "import sys; from burnish.store.workspace import open_workspace as o\n"
        "from burnish.store.tables import Record\n"
        "with o(sys.argv[1]).session() as s: s.add(Record(verb='make'))"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "w")]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    with open_workspace(tmp_path / "w").session() as session:
        assert session.scalars(select(Record.number).order_by(Record.number)).all() == [1, 2]


def test_a_place_that_cannot_be_used_is_told_plainly(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BurnishError, match="BURNISH_WORKSPACE"):
        _ = open_workspace(tmp_path / "file").engine
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "burnish.db").write_bytes(b"not a database, but long enough to look at" * 40)
    with pytest.raises(BurnishError, match="not a database"):
        _ = open_workspace(tmp_path / "w").engine


def test_an_unknown_database_is_named():
    with pytest.raises(BurnishError, match="postgresql://"):
        connect("nosuchthing://somewhere")

"""Commands leave records; a workspace that cannot be used stops a command, but not a line."""

import sys

import pytest

from burnish.cli.records import command, ledger
from burnish.errors import BurnishError
from burnish.prove.ledger import Ledger
from burnish.store.recording import Unrecorded, batch, recorded


def test_the_command_is_kept_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["/x/bin/burnish", "make", "b", "a red ring"])
    assert command() == "burnish make b 'a red ring'"
    found = ledger("shop")
    assert isinstance(found, Ledger) and found.task == "shop" and found.command == command()


def test_a_workspace_that_cannot_be_used_stops_a_command_but_not_a_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "file"))
    with pytest.raises(BurnishError, match="BURNISH_WORKSPACE"):
        ledger()
    assert isinstance(ledger(must=False), Unrecorded)
    assert "not recorded" in capsys.readouterr().err


def test_without_the_extra_nothing_is_recorded(monkeypatch):
    monkeypatch.setattr("burnish.cli.records.find_spec", lambda name: None)
    found = ledger()
    with recorded(found, "make") as row, batch(found, "make", 2) as rows:
        rows.done(0)
    assert isinstance(found, Unrecorded) and (row.number, rows.numbers) == (1, [2, 3])

"""Commands leave records; a workspace that cannot be used stops a command, but not a line."""

import sys

import pytest

from burnish.cli.records import command, ledger, measured
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


def test_figures_hang_on_the_record_of_their_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path))
    from sqlalchemy import select

    from burnish.core.stats import rate
    from burnish.prove.figures import of_rate
    from burnish.store.tables import Figure, Record
    from burnish.store.workspace import open_workspace

    with measured("prove probe", "abc", "data", 3) as run:
        run.keep([of_rate("x", rate(1, 2), subject="abc", command="burnish prove probe b data")])
    with open_workspace().session() as session:
        (figure,), (record,) = (session.scalars(select(table)).all() for table in (Figure, Record))
    assert figure.record_number == record.number == run.row.number
    facts = (record.verb, record.medium, record.model_hash, record.seed, record.status)
    assert facts == ("prove probe", "figures", "abc", 3, "done")

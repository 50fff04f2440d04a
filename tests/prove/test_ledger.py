"""The ledger: rows before the work, numbers for ever, each second counted once, money exact."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from burnish.errors import BurnishError
from burnish.prove.energy import Counter, Meter
from burnish.prove.ledger import Ledger, cost_lines
from burnish.prove.listing import listing
from burnish.store.bundle import write_bundle
from burnish.store.recording import batch, recorded
from burnish.store.settings import Settings, Tariffs
from burnish.store.tables import Cost, Model, Record
from burnish.store.workspace import Workspace


def workspace(tmp_path, **given):
    return Workspace(tmp_path, Settings(**given))


@pytest.fixture
def ledger(database, tmp_path):
    where = workspace(tmp_path, owner="Ada", database=database)
    yield Ledger(where, command="burnish make x", task="shop")
    where.engine.dispose()


def rows(ledger):
    with ledger.workspace.session() as session:
        return session.scalars(select(Record).order_by(Record.number)).all()


def test_rows_with_their_seeds_are_there_before_the_work(ledger, tmp_path):
    with batch(ledger, "make", 3, seed=7, medium="image", description="a ring", model_hash="abc") as work:
        before = rows(ledger)
        assert [(r.number, r.seed, r.index, r.status) for r in before] == [
            (n, 7, i, "running") for i, n in enumerate(work.numbers)
        ]
        assert {(r.task, r.owner, r.model_hash, r.batch) for r in before} == {
            ("shop", "Ada", "abc", work.numbers[0])
        }
        file = tmp_path / "0.png"
        file.write_bytes(b"picture")
        for index in range(3):
            work.done(index, file)
    after = rows(ledger)
    assert {r.status for r in after} == {"done"}
    assert after[0].output == str(file)
    assert after[0].output_hash == hashlib.sha256(b"picture").hexdigest()


def test_what_is_not_made_has_failed_and_keeps_its_number(ledger):
    with pytest.raises(RuntimeError), batch(ledger, "make", 3, seed=1) as work:
        work.done(0)
        work.failed(1, RuntimeError("no memory"))
        raise RuntimeError("stop")
    assert [(r.status, r.error) for r in rows(ledger)] == [
        ("done", ""),
        ("failed", "RuntimeError: no memory"),
        ("failed", "RuntimeError: stop"),
    ]
    with pytest.raises(KeyboardInterrupt), recorded(ledger, "train"):
        raise KeyboardInterrupt
    assert rows(ledger)[-1].status == "interrupted"


def test_what_is_not_told_of_one_by_one_lies_where_the_batch_says(ledger, tmp_path):
    with batch(ledger, "make", 2) as work:
        work.output = tmp_path / "made.txt"
        work.done(0)
    assert [(r.status, r.output) for r in rows(ledger)] == [
        ("done", ""),
        ("done", str(tmp_path / "made.txt")),
    ]


def test_a_record_is_closed_once_and_never_given_again(ledger):
    number = ledger.begin("make")
    ledger.finish(number)
    with pytest.raises(BurnishError, match="done already"):
        ledger.finish(number)
    with ledger.workspace.session() as session:
        session.delete(session.get(Record, number))
    assert ledger.begin("make") == number + 1
    with pytest.raises(BurnishError, match="not in the workspace"):
        ledger.finish(number)


def test_a_killed_run_is_found_with_its_number_and_seed(tmp_path):
    script = (
        "import sys, time; from burnish.prove.ledger import open_ledger\n"
        "open_ledger(command='burnish make').begin_all('make', 2, seed=9); print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    env = {**os.environ, "BURNISH_WORKSPACE": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    with workspace(tmp_path).session() as session:
        assert listing(session).by_status == {"running": 2}
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    with workspace(tmp_path).session() as session:
        found = listing(session)
    assert found.by_status == {"interrupted": 2}
    assert [(r["number"], r["seed"], r["index"]) for r in found.rows] == [(1, 9, 0), (2, 9, 1)]


def test_each_second_and_joule_is_counted_once(tmp_path):
    clock = iter(range(0, 1000, 10))
    ledger = Ledger(
        workspace(tmp_path), meter=Meter(0, (Counter("RAPL, whole package", lambda: next(clock)),))
    )
    begin = time.perf_counter()
    with batch(ledger, "make", 3) as work:
        for index in range(3):
            time.sleep(0.02)
            work.done(index)
    wall = time.perf_counter() - begin
    found = rows(ledger)
    assert 0.06 <= sum(r.seconds for r in found) <= wall
    assert [r.joules for r in found] == [10, 10, 10]
    assert {r.energy_known for r in found} == {"measured (RAPL, whole package)"}


def test_without_a_counter_the_energy_is_called_estimated(tmp_path, record_property):
    ledger = Ledger(workspace(tmp_path, tariffs=Tariffs(watts=200)), meter=Meter(200))
    with recorded(ledger, "train"):
        time.sleep(0.01)
    (row,) = rows(ledger)
    assert row.energy_known == "estimated from 200 W"
    record_property("measured", f"energy: {row.energy_known}")
    assert row.joules == pytest.approx(200 * row.seconds)


def test_a_bundle_that_was_made_is_known_as_a_model(ledger, tmp_path):
    meta = {"kind": "diffusion", "data": {"hash": "data1"}}
    made = write_bundle(tmp_path / "b", meta, lambda folder: (folder / "w").write_text("1") and None)
    with recorded(ledger, "train", medium="model") as row:
        row.output = made.path
    (record,) = rows(ledger)
    assert record.model_hash == record.output_hash == made.hash
    assert record.inputs == {"data": "data1"}
    with ledger.workspace.session() as session:
        model = session.get(Model, made.hash)
    assert model and (model.kind, model.data_hash, model.record_number) == (
        "diffusion",
        "data1",
        record.number,
    )


def test_prices_that_are_not_stated_give_no_line():
    assert cost_lines(Settings(), 3600, 3.6e6) == []
    lines = cost_lines(Settings(tariffs=Tariffs(compute_per_hour=Decimal(0))), 3600, 3.6e6)
    assert [(line.kind, line.amount) for line in lines] == [("compute", 0)]


def test_money_follows_from_time_and_energy():
    given = Settings(
        tariffs=Tariffs(compute_per_hour=Decimal("1.20"), energy_per_kwh=Decimal("0.30")),
        depreciation={"price": 1600, "years": 4, "hours_per_year": 2000},  # 0.20 an hour
    )
    lines = {line.kind: line for line in cost_lines(given, 1800, 7.2e6)}
    assert {kind: line.amount for kind, line in lines.items()} == {
        "compute": Decimal("0.6"),
        "energy": Decimal("0.6"),
        "depreciation": Decimal("0.1"),
    }
    assert [(line.quantity, line.unit, line.price) for line in lines.values()] == [
        (1800, "s", Decimal("1.2")),
        (7_200_000, "J", Decimal("0.3")),
        (1800, "s", Decimal("0.2")),
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1e5), min_size=1, max_size=30),
    st.decimals(0, 1000, places=4, allow_nan=False, allow_infinity=False),
)
def test_sums_are_exact(seconds, price):
    """The sum of the lines is that of the fractions they stand for, and close to what a rational clock
    gives."""
    stated = Settings(tariffs=Tariffs(compute_per_hour=price))
    amounts = [line.amount for s in seconds for line in cost_lines(stated, s, None)]
    total = sum(amounts, Decimal(0))
    assert Fraction(total) == sum(map(Fraction, amounts))
    exact = sum(Fraction(repr(s)) if "e" not in repr(s) else Fraction(Decimal(repr(s))) for s in seconds)
    assert abs(Fraction(total) - exact / 3600 * Fraction(price)) <= len(seconds) * Fraction(1, 10**12)


def test_every_line_is_in_the_sum(ledger):
    number = ledger.begin("make")
    ledger.finish(number)
    amounts = [Decimal("0.1")] * 10 + [Decimal("-0.7"), Decimal("0.000000000001")]
    with ledger.workspace.session() as session:
        session.add_all(Cost(record_number=number, kind="other", amount=a, currency="EUR") for a in amounts)
    with ledger.workspace.session() as session:
        assert listing(session).total == Decimal("0.300000000001")

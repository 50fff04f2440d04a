"""Migrations lead to the tables as the code states them, from empty and from each revision; amounts and
times keep what they were given. On SQLite, and on Postgres where `BURNISH_TEST_POSTGRES` names an empty
database."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, MetaData, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.store import tables
from burnish.store.tables import Base, Cost, Job, Record
from burnish.store.workspace import MIGRATIONS, connect, head, revision, upgrade

REVISIONS = sorted(f.name[:4] for f in (MIGRATIONS / "versions").glob("[0-9]*.py"))


@pytest.fixture
def engine(database, tmp_path) -> Engine:
    return connect(database or f"sqlite:///{tmp_path / 'test.db'}")


@pytest.mark.parametrize("start", [None, *REVISIONS])
def test_an_upgrade_leads_to_the_tables_of_the_code(engine, start):
    if start:
        upgrade(engine, start)
        assert revision(engine) == start
    upgrade(engine)
    assert revision(engine) == head() == REVISIONS[-1]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_revisions_are_consecutive():
    assert [f"{i + 1:04d}" for i in range(len(REVISIONS))] == REVISIONS


def test_a_newer_database_is_refused(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BurnishError, match="newer"):
        upgrade(engine)


def test_amounts_come_back_to_the_last_digit(engine):
    upgrade(engine)
    amounts = st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=12
    )

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(amounts, min_size=1, max_size=20))
    def check(values):
        with Session(engine) as session:
            session.add_all(Cost(kind="other", amount=value, currency="EUR", task="t") for value in values)
            session.flush()
            back = session.scalars(select(Cost.amount).order_by(Cost.id)).all()
            session.rollback()
        assert list(back) == values
        assert sum(back) == sum(values)

    check()


@pytest.mark.parametrize("amount", [0.1, float("nan"), Decimal("NaN"), "1.00"])
def test_amounts_that_are_not_exact_are_refused(engine, amount):
    upgrade(engine)
    with Session(engine) as session, pytest.raises(StatementError, match="exact column"):
        session.add(Cost(kind="other", amount=amount, currency="EUR"))
        session.flush()


def test_times_keep_their_instant(engine):
    upgrade(engine)
    there = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    with Session(engine) as session:
        session.add(Record(verb="make", started=there))
        session.commit()
        back = session.scalars(select(Record.started)).one()
    assert back == there and back.tzinfo is UTC
    with Session(engine) as session, pytest.raises(StatementError, match="zone"):
        session.add(Record(verb="make", started=datetime(2026, 3, 1)))
        session.flush()


def test_one_open_job_of_a_key_and_any_number_of_closed_ones(engine):
    upgrade(engine)
    with Session(engine) as session:
        session.add_all(
            [Job(kind="retrain", key=None), Job(kind="retrain", key=None), Job(kind="retrain", key="a")]
        )
        session.commit()
        session.add(Job(kind="retrain", key="a"))
        with pytest.raises(IntegrityError):
            session.flush()


def test_the_first_migration_can_be_taken_back(engine):
    from alembic import command
    from alembic.config import Config

    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        left = MetaData()
        left.reflect(connection)
    assert set(left.tables) <= {"alembic_version"}


def test_every_table_says_what_it_is():
    for mapper in Base.registry.mappers:
        assert mapper.class_.__doc__, mapper
    assert tables.RUNNING == "running"

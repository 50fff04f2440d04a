"""Tests keep their records in a folder of their own, never in the user's workspace; so do the commands
they start."""

import os
import tempfile

import pytest

os.environ["BURNISH_WORKSPACE"] = tempfile.mkdtemp(prefix="burnish-workspace-")
for name in [name for name in os.environ if name.startswith("BURNISH_TARIFFS")]:
    del os.environ[name]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request) -> str | None:
    """None for SQLite; the address of a Postgres, emptied, where `BURNISH_TEST_POSTGRES` names one."""
    if request.param == "sqlite":
        return None
    address = os.environ.get("BURNISH_TEST_POSTGRES", "")
    if not address:
        pytest.skip("BURNISH_TEST_POSTGRES names no database")
    from sqlalchemy import MetaData

    from burnish.store.workspace import connect

    engine = connect(address)
    with engine.begin() as connection:
        there = MetaData()
        there.reflect(connection)
        there.drop_all(connection)
    engine.dispose()
    return address

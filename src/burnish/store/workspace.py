"""The workspace: one folder with the settings, the database and whatever else a team keeps.

It is, in this order: what `BURNISH_WORKSPACE` names; the nearest `.burnish` folder from here upward;
`.burnish` in the home folder, which is made when it is first written to.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.store.settings import Settings, read_settings

VARIABLE = "BURNISH_WORKSPACE"
FOLDER = ".burnish"
DATABASE = "burnish.db"
MIGRATIONS = Path(__file__).parent / "migrations"


def workspace_folder(start: str | Path | None = None) -> Path:
    """Where the workspace lies, whether or not it has been made yet.

    Args:
        start: The folder to look from; the current one when None.
    """
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser().absolute()
    here = Path(start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    return Path.home() / FOLDER


@dataclass(frozen=True)
class Workspace:
    """A workspace; its database is opened, made and brought up to date when it is first used."""

    path: Path
    settings: Settings

    @property
    def address(self) -> str:
        """The SQLAlchemy address of its database."""
        return self.settings.database or f"sqlite:///{self.path / DATABASE}"

    @cached_property
    def engine(self) -> Engine:
        """A connection pool to an up-to-date database.

        Raises:
            BurnishError: The folder cannot be written, or the database not reached, or it is of a newer
                Burnish.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            engine = connect(self.address)
            new = self.settings.database is None and not (self.path / DATABASE).exists()
            if new or revision(engine) != head():
                with _alone(self.path / "migrating"):
                    upgrade(engine)
            return engine
        except (OSError, DatabaseError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(getattr(error, "orig", error)).strip()
            raise BurnishError(
                self.path,
                f"cannot be used as workspace ({why})",
                f"Set {VARIABLE} to a folder that you may write to, and check `database` in its settings",
            ) from error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A unit of work: committed at the end, rolled back when anything is raised.

        Raises:
            BurnishError: The disk is full, or the database cannot be reached.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except OperationalError as error:
            raise BurnishError(
                self.path,
                f"its records cannot be read or written ({str(error.orig).strip()})",
                "Free space on its disk, or see that its database can be reached",
            ) from error


def open_workspace(path: str | Path | None = None) -> Workspace:
    """The workspace at `path`, or the one that applies here; nothing is written yet.

    Raises:
        BurnishError: Its settings cannot be read.
    """
    folder = Path(path).absolute() if path else workspace_folder()
    return Workspace(folder, read_settings(folder))


def connect(address: str) -> Engine:
    """An engine; SQLite in WAL mode with foreign keys: readers never wait, and what is committed is on disk.

    Raises:
        BurnishError: The address names no database that is known, or its driver is missing.
    """
    try:
        if not address.startswith("sqlite"):
            return create_engine(
                address.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True
            )
        engine = create_engine(address, connect_args={"timeout": 30})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise BurnishError(
            "database", f"cannot be opened ({error})", "Give postgresql://USER@HOST/NAME, or leave it out"
        ) from error

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def head() -> str:
    """The newest revision: migrations are named `0001_what.py`, and their number is their revision."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def revision(engine: Engine) -> str | None:
    """The revision that a database has; None when it is empty."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine, to: str = "head") -> None:
    """Brings a database up to a revision, from whichever it has.

    Raises:
        BurnishError: It is newer than this Burnish.
    """
    from alembic import command
    from alembic.config import Config

    has = revision(engine)
    if has is not None and has > head():
        raise BurnishError("database", f"has revision {has}, newer than {head()}", "Update Burnish")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(6217)"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time, by a lock of SQLite's: it works everywhere and ends with the process."""
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield

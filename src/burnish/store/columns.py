"""Column types that keep what they are given: exact amounts and times with their zone, on SQLite and
Postgres."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine


class Exact(TypeDecorator[Decimal]):
    """A Decimal to its last digit: NUMERIC on Postgres, text on SQLite, whose NUMERIC is a binary
    fraction."""

    impl = String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC without a scale where that is exact."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else String(64))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        """Refuses floats: an amount that went through one is no longer what was meant."""
        if value is None:
            return None
        if isinstance(value, float) or not isinstance(value, Decimal | int):
            raise TypeError(f"an exact column needs Decimal or int, got {type(value).__name__} {value!r}")
        value = Decimal(value)
        if not value.is_finite():
            raise TypeError(f"an exact column needs a finite number, got {value}")
        return value if dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Text or NUMERIC to Decimal."""
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses times without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"a time needs its zone, got {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone; it was UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)

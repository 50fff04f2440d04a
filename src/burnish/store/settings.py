"""What a workspace states: tariffs, owner, currency. One YAML file, overridden by the environment.

`burnish.yaml` in the workspace:

```yaml
owner: Ada
currency: EUR
tariffs:
  energy_per_kwh: 0.30
  compute_per_hour: 0        # 0 says: it costs nothing. Leaving it out says: not known
  review_per_hour: 35
depreciation: {price: 1800, years: 4, hours_per_year: 2000}
subscriptions: [{name: stock pictures, per_month: 29, since: 2026-01-01}]
licences: {258704a198adc43d: CC BY 4.0}      # data hash (or how it begins) to its licence
```

`BURNISH_OWNER=Bob` or `BURNISH_TARIFFS__ENERGY_PER_KWH=0.28` go before the file. Money is `Decimal`, never
float.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from burnish.errors import BurnishError, in_words

FILE = "burnish.yaml"


class Tariffs(BaseModel):
    """Prices in the workspace's currency; None says that a price is not known, 0 that there is none.

    Attributes:
        compute_per_hour: Rented machine, an hour of work.
        energy_per_kwh: Electricity.
        review_per_hour: Wage and overhead of whoever reviews.
        watts: Power that the machine draws at work, used where it cannot be measured; the figure is then
            labelled *estimated*.
    """

    model_config = ConfigDict(extra="forbid")

    compute_per_hour: Decimal | None = Field(default=None, ge=0)
    energy_per_kwh: Decimal | None = Field(default=None, ge=0)
    review_per_hour: Decimal | None = Field(default=None, ge=0)
    watts: float = Field(default=65.0, ge=0)


class Depreciation(BaseModel):
    """Hardware, written off by the hour of work: price / (years x hours_per_year)."""

    model_config = ConfigDict(extra="forbid")

    price: Decimal = Field(ge=0)
    years: Decimal = Field(default=Decimal(4), gt=0)
    hours_per_year: Decimal = Field(default=Decimal(2000), gt=0)


class Subscription(BaseModel):
    """What is paid each month whether or not it is used."""

    model_config = ConfigDict(extra="forbid")

    name: str
    per_month: Decimal = Field(ge=0)
    since: date
    until: date | None = None


class Settings(BaseSettings):
    """A workspace's settings; see the module.

    Attributes:
        owner: Who answers for the figures that name nobody else.
        currency: Of every amount.
        database: SQLAlchemy address of a Postgres; None is SQLite in the workspace.
        licences: Data hash to the licence of that data, for the card.
        check_every_days: When a figure is to be checked again, unless it says so itself.
    """

    model_config = SettingsConfigDict(env_prefix="BURNISH_", env_nested_delimiter="__", extra="forbid")

    owner: str = ""
    currency: str = "EUR"
    database: str | None = None
    check_every_days: int = Field(default=31, ge=1)
    tariffs: Tariffs = Tariffs()
    depreciation: Depreciation | None = None
    subscriptions: tuple[Subscription, ...] = ()
    licences: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, which comes in as the initial values."""
        return env_settings, init_settings


def read_settings(folder: str | Path) -> Settings:
    """The settings of a workspace; defaults where it has no `burnish.yaml`.

    Raises:
        BurnishError: The file is not YAML, or holds a key or value that is not known; each is named.
    """
    file = Path(folder) / FILE
    try:
        given = yaml.load(file.read_text(encoding="utf-8"), _Exact) if file.exists() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BurnishError(file, f"is not YAML ({in_words(error)})", "Mend the line that it names") from error
    if given is not None and not isinstance(given, dict):
        raise BurnishError(file, "is not a list of `key: value`", "See docs/prove.md for its keys")
    try:
        return Settings(**(given or {}))
    except ValidationError as error:
        raise BurnishError(
            file, f"cannot be used ({in_words(error)})", "See docs/prove.md for its keys"
        ) from error


class _Exact(yaml.SafeLoader):
    """Reads 0.30 as the text it is: a price must not pass through binary fractions."""


def _as_text(loader: yaml.SafeLoader, node: Any) -> str:
    return loader.construct_scalar(node)


_Exact.add_constructor("tag:yaml.org,2002:float", _as_text)

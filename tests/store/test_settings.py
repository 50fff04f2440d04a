"""Settings: exact prices, the environment before the file, each wrong key named."""

from datetime import date
from decimal import Decimal

import pytest

from burnish.errors import BurnishError
from burnish.store.settings import read_settings


def write(folder, text):
    (folder / "burnish.yaml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_prices_are_unknown_not_zero(tmp_path):
    found = read_settings(tmp_path)
    assert found.tariffs.energy_per_kwh is None and found.depreciation is None and found.currency == "EUR"


def test_prices_do_not_pass_through_binary_fractions(tmp_path):
    found = read_settings(
        write(tmp_path, "tariffs: {energy_per_kwh: 0.1000000000000000055, compute_per_hour: 0}")
    )
    assert found.tariffs.energy_per_kwh == Decimal("0.1000000000000000055")
    assert found.tariffs.compute_per_hour == 0


def test_the_environment_goes_before_the_file_key_by_key(tmp_path, monkeypatch):
    write(tmp_path, "owner: Ada\ntariffs: {energy_per_kwh: 0.30, review_per_hour: 35}")
    monkeypatch.setenv("BURNISH_TARIFFS__ENERGY_PER_KWH", "0.28")
    monkeypatch.setenv("BURNISH_OWNER", "Bob")
    found = read_settings(tmp_path)
    assert found.owner == "Bob"
    assert (found.tariffs.energy_per_kwh, found.tariffs.review_per_hour) == (Decimal("0.28"), Decimal(35))


def test_subscriptions_and_depreciation_are_read(tmp_path):
    found = read_settings(
        write(
            tmp_path,
            "depreciation: {price: 1800}\nsubscriptions: [{name: a, per_month: 29.90, since: 2026-01-01}]",
        )
    )
    assert found.depreciation and found.depreciation.hours_per_year == 2000
    assert found.subscriptions[0].per_month == Decimal("29.90")
    assert found.subscriptions[0].since == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("tarifs: {}", "tarifs"),
        ("tariffs: {energy_per_kwh: -1}", "tariffs.energy_per_kwh"),
        ("tariffs: {energy_per_kwh: cheap}", "tariffs.energy_per_kwh"),
        ("- a\n- b", "key: value"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(BurnishError, match=named):
        read_settings(write(tmp_path, text))

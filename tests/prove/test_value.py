"""Money and time by hand: exact sums, `undefined`, INCOMPLETE, hours never spent are not saved, negative
savings."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from burnish.errors import BurnishError
from burnish.prove.answers import add_cost, add_timing, answer, draw_arm
from burnish.prove.energy import Meter
from burnish.prove.ledger import Ledger
from burnish.prove.value import Value, outcome, value
from burnish.prove.words import value_text
from burnish.store.recording import batch, recorded
from burnish.store.settings import Settings, Tariffs
from burnish.store.tables import Epoch, Review, now
from burnish.store.workspace import Workspace

PRICED = Tariffs(compute_per_hour=Decimal("0.5"), energy_per_kwh=Decimal("0.3"), review_per_hour=Decimal(36))


def workspace(tmp_path, **given) -> Workspace:
    return Workspace(tmp_path, Settings(**({"tariffs": PRICED} | given)))


def make(where: Workspace, n: int, task: str = "shop") -> list[int]:
    with batch(Ledger(where, "burnish make", task, meter=Meter(65)), "make", n, seed=1) as rows:
        return list(rows.numbers)


def review(where: Workspace, numbers, verdict, seconds: float | None = 10.0, **facts) -> None:
    with where.session() as session:
        epoch = Epoch(task="shop")
        session.add(epoch)
        session.flush()
        session.add_all(
            Review(
                epoch_id=epoch.id, record_number=n, reviewer="Ada", verdict=verdict, seconds=seconds, **facts
            )
            for n in numbers
        )


def worth(where: Workspace, task: str = "shop") -> Value:
    with where.session() as session:
        return value(session, where.settings, task)


def test_a_misspelt_task_is_told_the_known_ones(tmp_path):
    where = workspace(tmp_path)
    assert worth(where, "shop").outcomes == {}  # nothing is known of any task yet
    make(where, 1)
    add_cost(where, "labelling", "5", "poster")
    with pytest.raises(BurnishError, match=r"'shpo': is not known here\. Known: poster, shop"):
        worth(where, "shpo")
    assert worth(where, "poster").spend.total == 5


def test_ninety_of_a_hundred(tmp_path, record_property):
    where = workspace(tmp_path)
    numbers = make(where, 100)
    review(where, numbers[:90], "used")
    review(where, numbers[90:], "reject")
    found = worth(where)
    assert (round(found.acceptance.low, 3), round(found.acceptance.high, 3)) == (0.824, 0.951)
    assert not found.spend.missing
    assert found.spend.by_kind["review"] == 100 * 10 * 36 / 3600 == 10
    assert found.cost_per_usable == (found.spend.total / 90).quantize(Decimal("1e-12"))
    low, high = found.cost_bounds or (0, 0)
    assert low < found.cost_per_usable < high
    assert "90 of 100 used as they were: 0.900 (0.824 to 0.951)" in value_text(found)
    record_property("measured", value_text(found).splitlines()[3])


def test_every_line_is_in_the_sum_exactly(tmp_path, record_property):
    where = workspace(tmp_path, depreciation={"price": 1799, "years": 3})
    numbers = make(where, 7)
    review(where, numbers, "used", seconds=1.1)
    for amount in ("0.1", "0.2", "-0.3", "0.000000000001"):
        add_cost(where, "other", amount, "shop")
    found = worth(where)
    assert Fraction(found.spend.total) == sum(Fraction(line.amount) for line in found.spend.lines)
    assert found.spend.by_kind["other"] == Decimal("1e-12")
    assert len(found.spend.lines) == 7 * 4 + 4
    assert sum(found.spend.by_kind.values()) == found.spend.total
    record_property("measured", f"{len(found.spend.lines)} lines = {found.spend.total}")


def test_no_usable_output_is_undefined(tmp_path, record_property):
    where = workspace(tmp_path)
    review(where, make(where, 3), "reject")
    found = worth(where)
    assert found.cost_per_usable is None and found.cost_bounds is None
    assert "cost per usable output: undefined" in value_text(found)
    assert found.waste == found.spend.total > 0
    record_property("measured", "none usable: undefined")


@pytest.mark.parametrize("gap", ["unreviewed", "untimed", "unpriced"])
def test_missing_review_labour_is_incomplete(tmp_path, gap, record_property):
    tariffs = PRICED.model_copy(update={"review_per_hour": None}) if gap == "unpriced" else PRICED
    where = workspace(tmp_path, tariffs=tariffs)
    numbers = make(where, 4)
    review(where, numbers[1:] if gap == "unreviewed" else numbers, "used", None if gap == "untimed" else 5.0)
    text = value_text(worth(where))
    assert "cost per usable output: INCOMPLETE" in text
    assert ("not used: at least" in text) == (gap == "unreviewed")
    assert any(line.startswith("missing: ") and "review" in line for line in text.splitlines())
    record_property("measured", f"{gap}: INCOMPLETE")


def test_an_unstated_tariff_is_incomplete_and_a_stated_zero_is_not(tmp_path):
    where = workspace(tmp_path, tariffs=Tariffs(review_per_hour=Decimal(0)))
    review(where, make(where, 2), "used")
    assert [m.split(" of ")[0] for m in worth(where).spend.missing] == ["compute", "energy"]
    zero = Tariffs(review_per_hour=Decimal(0), compute_per_hour=Decimal(0), energy_per_kwh=Decimal(0))
    where = workspace(tmp_path / "zero", tariffs=zero)
    review(where, make(where, 2), "used")
    assert worth(where).spend.missing == () and worth(where).spend.total == 0


def test_rework_counts_as_spend_and_not_as_usable(tmp_path):
    where = workspace(tmp_path)
    numbers = make(where, 2)
    review(where, numbers[:1], "used", 0.0)
    review(where, numbers[1:], "rework", 0.0)
    assert "minutes of rework of 1 outputs" in worth(where).spend.missing
    where = workspace(tmp_path / "known")
    numbers = make(where, 2)
    review(where, numbers[:1], "used", 0.0)
    review(where, numbers[1:], "rework", 0.0, rework_minutes=30.0)
    found = worth(where)
    assert found.usable == 1 and found.spend.by_kind["review"] == 18 and not found.spend.missing


def test_what_failed_is_paid_for_and_wasted(tmp_path):
    where = workspace(tmp_path)
    with pytest.raises(RuntimeError), recorded(Ledger(where, "x", "shop", meter=Meter(65)), "make"):
        raise RuntimeError("no memory")
    found = worth(where)
    assert found.outcomes == {"failed": 1} and found.waste == found.spend.total > 0


def test_training_is_shared_by_outputs(tmp_path):
    from burnish.store.bundle import write_bundle

    where = workspace(tmp_path)
    bundle = write_bundle(tmp_path / "b", {"kind": "diffusion"}, lambda f: (f / "w").write_text("1") and None)
    with recorded(Ledger(where, "burnish train", meter=Meter(65)), "train") as row:
        row.output = bundle.path
    for task, n in (("shop", 3), ("other", 1)):
        with batch(Ledger(where, "burnish make", task), "make", n, model_hash=bundle.hash):
            pass
    ours, others = (worth(where, task).spend.by_kind["training"] for task in ("shop", "other"))
    with where.session() as session:
        from burnish.prove.listing import listing

        trained = listing(session, verb="train").total
    assert abs(ours - 3 * others) <= Decimal("1e-11") and abs(ours + others - trained) <= Decimal("1e-11")
    with batch(Ledger(where, "burnish make", "third"), "make", 1, model_hash="unknown"):
        pass
    assert "training of model unknown" in worth(where, "third").spend.missing


def test_a_subscription_is_shared_by_the_month(tmp_path):
    paid = [{"name": "stock", "per_month": "30.00", "since": "2020-01-01"}]
    old = [{"name": "gone", "per_month": "99", "since": "2020-01-01", "until": "2020-02-01"}]
    where = workspace(tmp_path, subscriptions=paid + old)
    make(where, 2)
    make(where, 1, "other")
    assert worth(where).spend.by_kind["subscription"] == 20
    assert worth(where, "other").spend.by_kind["subscription"] == 10


def time(where: Workspace, arm: str, minutes) -> None:
    for m in minutes:
        add_timing(where, "shop", arm, str(m))


def saved(where: Workspace, anyway: bool | None = True):
    if anyway is not None:
        answer(where, "shop", anyway)
    review(where, make(where, 12), "used")
    return worth(where).saved


def test_what_would_not_have_been_made_saves_nothing(tmp_path, record_property):
    where = workspace(tmp_path)
    time(where, "without", [60, 61, 62])
    time(where, "with", [1, 2, 3])
    found = saved(where, anyway=False)
    assert found.hours is not None and (found.hours.value, found.hours.low, found.hours.high) == (0, 0, 0)
    record_property("measured", "not made anyway: 0 hours")


def test_time_saved_has_welchs_interval(tmp_path):
    where = workspace(tmp_path)
    a, b = [30, 34, 41, 29], [9, 12, 11]
    time(where, "without", a)
    time(where, "with", b)
    found = saved(where)
    variances = np.var(a, ddof=1) / 4, np.var(b, ddof=1) / 3
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 3 + variances[1] ** 2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    wanted = np.mean(a) - np.mean(b)
    assert found.hours is not None
    got = (found.hours.value, found.hours.low, found.hours.high)
    assert got == pytest.approx([12 / 60 * x for x in (wanted, wanted - half, wanted + half)])
    assert "not randomised" in found.how


def test_a_slower_model_prints_a_negative_saving(tmp_path, record_property):
    where = workspace(tmp_path)
    time(where, "without", [10, 11, 10])
    time(where, "with", [30, 31, 33])
    found = saved(where)
    assert found.hours is not None and found.hours.high < 0
    line = value_text(worth(where)).splitlines()[5]
    assert line.startswith("time saved: -4.20 hours")
    record_property("measured", "slower fixture: -4.20 hours")


@pytest.mark.parametrize(
    ("anyway", "without", "told"), [(None, [1, 2], "nobody was asked"), (True, [1], "two timings")]
)
def test_without_an_answer_or_a_baseline_nothing_is_said(tmp_path, anyway, without, told):
    where = workspace(tmp_path)
    time(where, "without", without)
    time(where, "with", [1, 2])
    found = saved(where, anyway)
    assert found.hours is None and told in found.why


def test_the_question_comes_before_generation(tmp_path):
    where = workspace(tmp_path)
    time(where, "without", [10, 11])
    time(where, "with", [1, 2])
    review(where, make(where, 2), "used")
    answer(where, "shop", True)
    assert worth(where).saved.hours is None and "must come before" in worth(where).saved.why


def test_an_answer_is_not_changed(tmp_path):
    where = workspace(tmp_path)
    answer(where, "shop", False)
    with pytest.raises(BurnishError, match="not changed"):
        answer(where, "shop", True)


def test_time_lost_on_unusable_outputs_is_negative(tmp_path):
    where = workspace(tmp_path)
    answer(where, "shop", True)
    review(where, make(where, 6), "reject", seconds=600.0)
    found = worth(where).saved
    assert found.hours is not None and found.hours.value == pytest.approx(-1.0)


def test_the_strictest_reviewer_decides_and_repeats_do_not():
    def look(verdict, kind="output"):
        return Review(verdict=verdict, kind=kind, reviewer="Ada", epoch_id=1, at=now() - timedelta(1))

    assert outcome([look("used"), look("reject"), look("rework")]) == "reject"
    assert outcome([look("used"), look("reject", "repeat")]) == "used"
    assert outcome([]) is None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda w: add_cost(w, "bribe", "1", "shop"), "no known kind"),
        (lambda w: add_cost(w, "other", "a lot", "shop"), "not a number"),
        (lambda w: add_cost(w, "other", "NaN", "shop"), "finite"),
        (lambda w: add_cost(w, "other", "1", " "), "empty"),
        (lambda w: add_cost(w, "other", "1", "shop", month="11/2026"), "2026-11"),
        (lambda w: add_timing(w, "shop", "both", "1"), "without, with"),
        (lambda w: add_timing(w, "shop", "with", "-1"), "negative"),
    ],
)
def test_wrong_entries_are_named(tmp_path, call, told):
    with pytest.raises(BurnishError, match=told):
        call(workspace(tmp_path))


def test_the_lot_is_fair():
    """200 draws: fewer than 60 or more than 140 of one arm happen once in 10^8."""
    assert 60 <= sum(draw_arm() == "with" for _ in range(200)) <= 140

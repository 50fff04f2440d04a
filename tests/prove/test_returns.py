"""The return against closed forms: moments of products of triangular variables, levers by hand, exact
break-even."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from burnish.errors import BurnishError
from burnish.prove.returns import NONE, Inputs, Range, benefit, read_inputs, returns


def sure(value: float) -> Range:
    return Range(value, value, value)


PLAIN = Inputs(
    parts=sure(1000),
    defect_rate=sure(0.02),
    escapes_now=sure(0.3),
    escapes_then=sure(0.1),
    cost_per_escape=sure(500),
    running_cost=sure(800),
    one_off_cost=sure(2400),
)


def test_without_doubt_it_is_arithmetic():
    found = returns(PLAIN)
    assert (
        found.benefit.value == found.benefit.low == found.benefit.high == pytest.approx(20 * 0.2 * 500 - 800)
    )
    assert found.payback.value == pytest.approx(2.0)
    assert found.loses == 0 and found.levers == ()


def test_every_term_counts():
    full = replace(
        PLAIN,
        false_rejects_now=sure(0.05),
        false_rejects_then=sure(0.01),
        cost_per_false_reject=sure(2),
        hours_saved=sure(100),
        wage=sure(30),
        recalls_now=sure(0.1),
        recalls_then=sure(0.05),
        cost_per_recall=sure(100_000),
    )
    wanted = 1200 + 980 * 0.04 * 2 + 3000 + 5000
    assert returns(full).benefit.value == pytest.approx(wanted)


def test_one_uncertain_input_has_the_quantiles_of_its_distribution():
    """20,000 draws: the 5 % quantile errs by 0.0015 in rank; 0.01 is seven of that."""
    cost = Range(100, 300, 1000)
    found = returns(replace(PLAIN, cost_per_escape=cost))
    law = stats.triang((300 - 100) / 900, 100, 900)
    for value, rank in ((found.benefit.low, 0.05), (found.benefit.value, 0.5), (found.benefit.high, 0.95)):
        assert law.cdf((value + 800) / 4) == pytest.approx(rank, abs=0.01)
    assert found.loses == pytest.approx(law.cdf(200), abs=0.015)


def test_the_mean_of_a_product_is_the_product_of_means():
    ranges = {"parts": Range(800, 1000, 1500), "defect_rate": Range(0.01, 0.02, 0.06)}
    rng = np.random.default_rng(0)
    drawn = {name: found.draw(200_000, rng) for name, found in ranges.items()}
    fixed = {f: getattr(PLAIN, f).likely for f in PLAIN.__dataclass_fields__}
    mean = float(np.mean(benefit({**fixed, **drawn})))
    wanted = (3300 / 3) * (0.09 / 3) * 0.2 * 500 - 800
    assert mean == pytest.approx(wanted, rel=0.01)


def test_the_levers_are_in_order_and_turn_where_the_benefit_is_zero():
    found = returns(
        replace(
            PLAIN,
            cost_per_escape=Range(100, 500, 600),
            running_cost=Range(700, 800, 900),
            wage=Range(1, 2, 3),
        )
    )
    assert [lever.name for lever in found.levers] == ["cost_per_escape", "running_cost"]
    first, second = found.levers
    assert (first.at_low, first.at_high) == (pytest.approx(-400), pytest.approx(1600))
    assert first.turns_at == pytest.approx(200)
    assert second.turns_at is None and second.swing == pytest.approx(200)


def test_the_same_seed_gives_the_same_and_another_does_not():
    uncertain = replace(PLAIN, cost_per_escape=Range(100, 300, 1000))
    assert returns(uncertain, 3) == returns(uncertain, 3) != returns(uncertain, 4)


def test_what_never_pays_back_is_null():
    found = returns(replace(PLAIN, running_cost=sure(10_000)))
    assert found.loses == 1
    assert found.to_json()["payback_years"] == [None, None, None]


def write(folder, text):
    file = folder / "returns.yaml"
    file.write_text(text)
    return file


COMPLETE = """
parts: 1000
defect_rate: [0.01, 0.02, 0.05]
escapes_now: 0.3
escapes_then: 0.1
cost_per_escape: [100, 300, 1000]
running_cost: 800
one_off_cost: 5000
"""


def test_a_file_is_read_and_what_was_measured_goes_before_it(tmp_path):
    file = write(tmp_path, COMPLETE)
    assert read_inputs(file).defect_rate == Range(0.01, 0.02, 0.05)
    found = read_inputs(file, {"escapes_then": Range(0.01, 0.05, 0.2)})
    assert found.escapes_then == Range(0.01, 0.05, 0.2) and found.wage == NONE
    lines = [line for line in COMPLETE.splitlines() if not line.startswith("escapes_then")]
    file = write(tmp_path, "\n".join(lines))
    assert read_inputs(file, {"escapes_then": Range(0.01, 0.05, 0.2)}) == found
    with pytest.raises(BurnishError, match="does not state escapes_then"):
        read_inputs(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (COMPLETE + "color: 1", "color"),
        (COMPLETE.replace("running_cost: 800", ""), "running_cost"),
        (COMPLETE.replace("0.3", "30"), "Write 1 % as 0.01"),
        (COMPLETE.replace("[100, 300, 1000]", "[300, 100, 1000]"), "low, likely, high"),
        (COMPLETE.replace("[100, 300, 1000]", "[300, 100]"), "not a number or"),
        (COMPLETE.replace("800", "cheap"), "cheap"),
        ("- a", "no list of"),
        ("a: [", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, told):
    with pytest.raises(BurnishError, match=told):
        read_inputs(write(tmp_path, text))

"""The measurement-system study against the figures of AIAG's manual and a study counted by hand."""

import numpy as np
import pytest

from burnish.core.stats import rate
from burnish.errors import BurnishError, DatasetError
from burnish.prove.agreement import cohen
from burnish.prove.msa import Judgement, as_text, grade, read_judgements, study

AIAG = [  # cross tables of the manual's 50 parts x 3 appraisers x 3 trials; rows and columns bad, good
    ("A * B", (44, 6, 3, 97), 0.863), ("B * C", (42, 5, 9, 94), 0.788), ("A * C", (43, 7, 8, 92), 0.776),
    ("A * reference", (45, 5, 3, 97), 0.879), ("B * reference", (45, 2, 3, 100), 0.923),
    ("C * reference", (42, 9, 6, 93), 0.774),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cells", "kappa"), AIAG, ids=[row[0] for row in AIAG])
def test_kappas_are_the_manuals(name, cells, kappa):
    first, second = np.repeat([0, 0, 1, 1], cells), np.repeat([0, 1, 0, 1], cells)
    assert cohen(first, second).value == pytest.approx(kappa, abs=1e-3)


@pytest.mark.parametrize(
    ("right", "low", "high", "missed", "alarms", "graded"),
    [
        (42, 0.71, 0.93, 3, 5, "not acceptable"),
        (45, 0.78, 0.97, 3, 2, "not acceptable"),
        (40, 0.66, 0.90, 6, 9, "not acceptable"),
    ],
)
def test_effectiveness_bounds_and_rates_are_the_manuals(right, low, high, missed, alarms, graded):
    effectiveness = rate(right, 50)
    assert (effectiveness.low, effectiveness.high) == pytest.approx((low, high), abs=5e-3)
    assert grade(effectiveness, rate(missed, 48), rate(alarms, 102)) == graded


@pytest.mark.parametrize(
    ("right", "missed", "alarms", "graded"),
    [(48, 1, 4, "acceptable"), (43, 1, 4, "marginal"), (48, 3, 0, "marginal"), (48, 0, 11, "not acceptable")],
)
def test_the_worst_of_three_grades(right, missed, alarms, graded):
    assert grade(rate(right, 50), rate(missed, 100), rate(alarms, 100)) == graded


def _by_hand():
    """Parts 1 to 3 bad, 4 to 6 good. Anna is always right; Bo misses part 1 once and refuses part 4 twice."""
    for part in "123456":
        for trial in "12":
            truth = part in "456"
            yield Judgement(part, "Anna", trial, truth, truth)
            wrong = (part == "1" and trial == "2") or part == "4"
            yield Judgement(part, "Bo", trial, truth != wrong, truth)


def test_a_study_by_hand():
    found = study(list(_by_hand()), np.random.default_rng(0))
    anna, bo = found.appraisers
    assert (anna.grade, bo.grade) == ("acceptable", "not acceptable")
    assert (anna.effectiveness.count, bo.effectiveness.count, bo.consistency.count) == (6, 4, 5)
    assert (bo.miss_rate.count, bo.miss_rate.of) == (1, 6)
    assert (bo.false_alarm_rate.count, bo.false_alarm_rate.of) == (2, 6)
    assert found.system.count == 4 and (found.parts, found.trials) == (6, 2)
    # Bo against Anna: 5 bad-bad, 1 bad-good, 2 good-bad, 4 good-good
    agreed, chance = 9 / 12, (7 * 6 + 5 * 6) / 144
    assert found.between[("Anna", "Bo")].value == pytest.approx((agreed - chance) / (1 - chance))
    assert anna.kappa.value == 1
    text = as_text(found)
    assert "Bo: not acceptable" in text and "1 of 6: 16.7 %" not in text and "1 of 6: 16.7%" in text
    assert found.to_json()["appraisers"][1]["miss_rate"]["count"] == 1


def test_a_detector_without_reference_has_consistency_only():
    calls = [Judgement(str(p), "detector", str(t), p % 3 > 0, None) for p in range(9) for t in range(3)]
    found = study(calls)
    assert found.appraisers[0].grade == "" and found.appraisers[0].consistency.value == 1
    assert found.appraisers[0].effectiveness.value is None and "no reference" in as_text(found)


def test_reading_and_what_is_refused(tmp_path):
    file = tmp_path / "study.csv"
    file.write_text("part,reference,appraiser,trial,rating\n1,good,A,1,pass\n2,bad,A,1,REJECT\n")
    assert read_judgements(file) == [
        Judgement("1", "A", "1", True, True),
        Judgement("2", "A", "1", False, False),
    ]
    file.write_text("part,appraiser,rating\n1,A,perhaps\n")
    with pytest.raises(DatasetError, match="line 2"):
        read_judgements(file)
    file.write_text("part,rating\n1,good\n")
    with pytest.raises(DatasetError, match="columns"):
        read_judgements(file)
    with pytest.raises(DatasetError, match=r"cannot be read \(no such file or directory\)"):
        read_judgements(tmp_path / "absent.csv")
    some = list(_by_hand())
    with pytest.raises(BurnishError, match="lacks"):
        study(some[:-1])
    with pytest.raises(BurnishError, match="twice"):
        study([*some, some[0]])
    with pytest.raises(BurnishError, match="two references"):
        study([*some, Judgement("1", "Anna", "3", True, True)])
    with pytest.raises(BurnishError, match="1 part"):
        study(some[:1])

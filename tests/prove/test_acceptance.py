"""Acceptance as it is told: exact bounds, refused claims."""

import json

import pytest
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BurnishError
from burnish.prove.acceptance import judge


def test_ninety_of_a_hundred_is_told_with_its_bounds():
    assert "90 of 100: 0.900, 0.824 to 0.951" in judge(90, 100).in_words()
    assert judge(0, 0).in_words().endswith("undefined.")


def test_fifty_of_fifty_is_refused_the_claim_of_ninety_nine_percent(tmp_path, record_property):
    file = tmp_path / "a.json"
    words = ["prove", "acceptance", "50", "50", "--claim", "0.99", "--json", str(file)]
    run = CliRunner().invoke(app, words)
    assert run.exit_code == 1 and "REFUSED" in run.output and "299" in run.output
    assert json.loads(file.read_text())["claim"]["holds"] is False
    fine = CliRunner().invoke(app, ["prove", "acceptance", "90", "100", "--claim", "0.8"])
    assert fine.exit_code == 0 and "0.824 to 0.951" in fine.output and "REFUSED" not in fine.output
    record_property("measured", '90 of 100: 0.824 to 0.951; 50 of 50 refused "at least 99 %" (0.942)')


def test_sample_size_is_told():
    run = CliRunner().invoke(app, ["prove", "sample-size", "0.003", "--expected", "0.001"])
    assert run.exit_code == 0
    assert "at most 0.3 % at 95 % you need 998 defects found and none missed" in run.output
    assert "plan for 4,380 of which 7 may be missed" in run.output


def test_a_study_from_a_file(tmp_path):
    file = tmp_path / "study.csv"
    rows = [f"{p},{w},{a},1,{w}" for p, w in [(1, "good"), (2, "bad")] for a in "AB"]
    file.write_text("\n".join(["part,reference,appraiser,trial,rating", *rows]))
    run = CliRunner().invoke(app, ["prove", "msa", str(file), "--json", str(tmp_path / "out.json")])
    assert run.exit_code == 0 and "A: acceptable (AIAG)" in run.output
    assert json.loads((tmp_path / "out.json").read_text())["parts"] == 2


@pytest.mark.parametrize("given", [(5, 4), (-1, 4)])
def test_nonsense_is_told(given):
    with pytest.raises(BurnishError):
        judge(*given)

"""The card: the advice in its first line, rows only with a run behind them, alike in all three forms."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from burnish.core.stats import Interval, rate
from burnish.errors import BurnishError
from burnish.prove.baseline import Comparison
from burnish.prove.card import card
from burnish.prove.card_files import as_html, as_markdown, write_card
from burnish.prove.energy import Meter
from burnish.prove.figures import from_evaluation, keep, of_rate
from burnish.prove.ledger import Ledger
from burnish.prove.probe import Probe
from burnish.store.bundle import Bundle, write_bundle
from burnish.store.recording import batch, recorded
from burnish.store.settings import Settings, Tariffs
from burnish.store.workspace import Workspace
from tiny_bundles import generator


@pytest.fixture
def where(tmp_path):
    return Workspace(tmp_path / "w", Settings(owner="Ada", tariffs=Tariffs(energy_per_kwh=1)))


def inspector(path) -> Bundle:
    meta = {
        "kind": "inspector",
        "architecture": {"name": "lite0 segmenter and surprise"},
        "name": "rings",
        "threshold": 2.0,
        "data_hash": "d" * 64,
        "training": {"good parts": 30},
        "licences": {"weights of EfficientNet-Lite0": "Apache-2.0", "data": "not stated"},
    }
    return write_bundle(path / "rings", meta, lambda folder: (folder / "w").write_text("1") and None)


def run(where, command="burnish prove baseline rings DATA"):
    with recorded(Ledger(where, command, meter=Meter(65)), "prove baseline") as row:
        pass
    return {"command": command, "record_number": row.number}


def compare(low, high, rival="patch memory"):
    return Comparison(
        rival,
        "inspect",
        "how",
        "image AUROC",
        "higher",
        0.8,
        0.9,
        Interval((low + high) / 2, low, high),
        0.95,
        50,
    )


def show(where, bundle, **options):
    with where.session() as session:
        return card(session, where.settings, bundle, **options)


def test_a_better_baseline_is_the_first_line_everywhere(where, tmp_path, record_property):
    bundle = inspector(tmp_path)
    facts = {"subject": bundle.hash, **run(where)}
    keep(where, [compare(-0.2, -0.05).figure(**facts), compare(0.1, 0.2, "median filter").figure(**facts)])
    found = show(where, bundle)
    assert found.advice == "against"
    first = as_markdown(found).splitlines()[0]
    assert first.startswith("**DO NOT USE DIFFUSION HERE (inspect): patch memory does better")
    files = write_card(tmp_path / "out", found)
    assert [file.name for file in files] == ["card.md", "card.html", "card.json"]
    assert files[0].read_text().splitlines()[0] == first
    assert next(iter(json.loads(files[2].read_text()).values())) == first.strip("*")
    page = files[1].read_text()
    assert page.index("DO NOT USE DIFFUSION HERE") < page.index("<h1>")
    record_property("measured", f"first line: {first.strip('*')[:70]}...")


def test_without_a_baseline_the_first_line_says_so(where, tmp_path):
    found = show(where, inspector(tmp_path))
    assert as_markdown(found).startswith("**NOTHING SAYS THAT DIFFUSION IS WORTH IT")
    assert {r.row for r in found.refused} == {
        "miss rate",
        "false reject rate",
        "latency, median",
        "baseline",
        "limitations",
        "cost of training",
    }
    assert not any(section.title == "Measured" for section in found.sections)


def test_a_row_without_a_finished_run_is_refused(where, tmp_path):
    bundle = inspector(tmp_path)
    facts = run(where)
    unfinished = Ledger(where, "burnish inspect eval").begin("inspect eval")
    figures = [
        of_rate("backed", rate(1, 50), subject=bundle.hash, **facts),
        of_rate("no record", rate(2, 50), subject=bundle.hash, command="by hand"),
        of_rate("unfinished", rate(3, 50), subject=bundle.hash, command="x", record_number=unfinished),
    ]
    keep(where, figures)
    found = show(where, bundle)
    measured = next(s for s in found.sections if s.title == "Measured")
    assert [row[0] for row in measured.rows] == ["backed"]
    assert {"no record", "unfinished"} <= {r.row for r in found.refused}
    assert "2 of 50" not in as_markdown(found) and "3 of 50" not in as_html(found)
    with pytest.raises(BurnishError, match="names no command"):
        keep(where, [of_rate("unknown", rate(1, 2), subject=bundle.hash, command=" ")])


def evaluation(bundle):
    r = rate
    return {
        "model_hash": bundle.hash,
        "data_hash": "t" * 64,
        "miss_rate": r(0, 400).to_json(),
        "false_reject_rate": r(1, 100).to_json(),
        "image_auroc": 0.99,
        "pixel_ap": None,
        "latency_ms": {"p50": 12.0, "p95": 15.0, "p99": 20.0},
        "train_seconds": 60.0,
        "proof": {"misses": {"wanted": 0.01}, "false_rejects": {"wanted": 0.02}},
        "money": {
            "currency": "EUR",
            "total": {"value": 1.0, "low": 0.5, "high": 2.0},
            "assumptions": {"watts": 65},
        },
        "by_class": {"crack": {"miss_rate": r(0, 400).to_json()}},
        "held": {"count": 2},
        "parts": [{}] * 500,
    }


def test_what_an_evaluation_measured_is_on_the_card(where, tmp_path):
    bundle = inspector(tmp_path)
    facts = run(where, "burnish inspect eval rings DATA")
    figures = from_evaluation(evaluation(bundle), facts["command"])
    for figure in figures:
        figure.record_number = facts["record_number"]
    keep(where, figures)
    found = show(where, bundle)
    rows = {row[0]: row for s in found.sections if s.title == "Measured" for row in s.rows}
    assert rows["miss rate"][1:5] == ("0 (0 to 0.00918)", "0 of 400", "at most 0.01", "proven")
    assert rows["false reject rate"][3:5] == ("at most 0.02", "seen, not proven")
    assert rows["latency, median"][1] == "12 ms a part"
    assert rows["pixel AP"][1] == "not measured"
    assert rows["could not be judged"][2] == "2 of 502"
    assert rows["miss rate: crack"][5] == f"record {facts['record_number']}"
    runs = next(s for s in found.sections if s.title == "Runs behind the figures")
    assert runs.rows[0][2] == "burnish inspect eval rings DATA"


def test_a_generators_speed_and_cost_come_from_the_ledger(where, tmp_path):
    bundle = generator(tmp_path / "g")
    with batch(Ledger(where, "burnish make g", "shop", meter=Meter(65)), "make", 4, model_hash=bundle.hash):
        pass
    facts = {"subject": bundle.hash, **run(where, "burnish prove probe g DATA")}
    keep(where, [Probe("one rare name", rate(3, 24), "higher", "nearest real", 0.01).figure(**facts)])
    found = show(where, bundle)
    text = as_markdown(found)
    assert "4 outputs" in text and "estimated from 65 W" in text
    assert "cost per usable output, shop | undefined" in text
    limits = next(s for s in found.sections if s.title == "Limitations")
    assert limits.rows[0][:4] == ("one rare name", "0.125 (0.02656 to 0.3236)", "3 of 24", "0.01")
    assert ("hands and faces", "not measured") in [row[:2] for row in limits.rows]


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"classes": []}, "train with classes or captions"),
        ({"classes": ["ring"]}, "burnish prove probe g DATA"),
        ({"media": "text"}, "burnish prove review plan TASK"),
    ],
)
def test_no_command_is_named_that_cannot_be_run(where, tmp_path, meta, told):
    bundle = generator(tmp_path / "g")
    found = show(where, replace(bundle, meta={**bundle.meta, "text_encoder": None, **meta}))
    (limits,) = [r for r in found.refused if r.row == "limitations"]
    assert told in limits.cure


def test_licences_come_from_the_bundle_or_from_the_settings(where, tmp_path):
    bundle = inspector(tmp_path)
    text = as_markdown(show(where, bundle))
    assert "not stated" in text and "State the licence" in text and "Apache-2.0" in text
    stated = Workspace(where.path, Settings(licences={"dddddddd": "CC BY 4.0"}))
    assert "CC BY 4.0" in as_markdown(show(stated, bundle))


def test_a_check_that_nobody_made_is_overdue(where, tmp_path):
    bundle = inspector(tmp_path)
    keep(where, [of_rate("miss rate", rate(1, 50), subject=bundle.hash, **run(where))])
    later = date.today() + timedelta(32)
    found = show(where, bundle, today=later)
    assert found.overdue == ("miss rate",) and "OVERDUE" in as_markdown(found)
    assert show(where, bundle).overdue == ()


def test_the_page_stands_alone_and_escapes(where, tmp_path):
    bundle = inspector(tmp_path)
    keep(where, [of_rate("<b>x</b>", rate(1, 50), subject=bundle.hash, **run(where))])
    page = as_html(show(where, bundle))
    assert "<script" not in page and "http" not in page and "&lt;b&gt;x" in page
    assert "Run <code>burnish prove baseline</code>." in page and "`" not in page


def test_a_bundle_for_the_line_points_to_its_inspector(where, tmp_path):
    line = write_bundle(
        tmp_path / "l", {"kind": "line"}, lambda folder: (folder / "w").write_text("1") and None
    )
    with pytest.raises(BurnishError, match="exported from"):
        show(where, line)

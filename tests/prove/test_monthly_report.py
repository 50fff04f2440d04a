"""The monthly report: its numbers, its alarms, nothing from outside, sealed and signed."""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.media.image import write_png
from burnish.prove.journal import acknowledge, note_run, report
from burnish.prove.keys import personal_key
from burnish.prove.report import charts, words
from burnish.prove.report.facts import gather
from burnish.prove.report.page import outside, render
from burnish.prove.report.standing import LIKELY, MET, MISSED, OPEN, state_of
from burnish.prove.seal import Sealed
from burnish.prove.verify_seal import BROKEN, OK, UNANCHORED, verify
from burnish.store.tables import Cost, Epoch, Figure, Job, Model, Record, Review
from burnish.store.workspace import open_workspace

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVIL = "<script>alert('x')</script> & \"é\""


@pytest.fixture
def workspace(tmp_path):
    """November: ten outputs, one failed, eight reviewed, six used; three figures, one late, one missed."""
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "burnish.yaml").write_text("owner: Ada\n")
    workspace = open_workspace(tmp_path / "w")
    write_png(tmp_path / "a.png", np.full((40, 30, 3), 128, np.uint8))
    with workspace.session() as session:
        session.add(Model(hash="abcdef0123456789", path="/models/ring", kind="line"))
        session.add(Epoch(id=1, task="t", threshold={"words": EVIL}, opened=NOW - timedelta(days=9)))
        session.flush()
        for number in range(1, 11):
            done = number != 4
            facts = {
                "status": "done" if done else "failed",
                "output": str(tmp_path / "a.png") if done else "",
            }
            facts |= {"started": datetime(2026, 11, 3, number, tzinfo=UTC), "seconds": 2.0, "seed": 7}
            facts |= {"command": f"burnish make b {EVIL}", "description": EVIL, "task": "t"}
            session.add(
                Record(number=number, batch=1, verb="make", medium="image", index=number - 1, **facts)
            )
            session.flush()
            session.add(Cost(record_number=number, kind="energy", amount=Decimal("0.1"), currency="EUR"))
            verdict = {2: "rework", 3: "reject"}.get(number, "used")
            if done and number < 10:
                look = {
                    "reviewer": "ann",
                    "kind": "output",
                    "verdict": verdict,
                    "place": number,
                    "seconds": 3.0,
                }
                session.add(Review(epoch_id=1, record_number=number, at=NOW - timedelta(days=1), **look))
        session.add(Record(number=11, verb="make", started=datetime(2026, 10, 3, tzinfo=UTC), status="done"))
        session.flush()
        common = {"subject": "abcdef0123456789", "command": "burnish inspect eval", "unit": "share"}
        late = {"what": "copy rate", "next_check": date(2026, 11, 15), "owner": "Ben", "record_number": 11}
        at = datetime(2026, 11, 2, tzinfo=UTC)
        session.add(Figure(value=0.01, at=at, **late, **common))
        missed = {"what": "miss rate", "threshold": 0.02, "better": "lower", "next_check": date(2026, 12, 9)}
        session.add(Figure(value=0.01, at=at, **missed, **common))
        session.add(Figure(value=0.03, low=0.01, high=0.06, at=at + timedelta(days=1), **missed, **common))
        session.add(Figure(what="of December", value=1.0, at=datetime(2026, 12, 1, tzinfo=UTC), **common))
        session.add(Figure(what="without a command", value=1.0, at=at))
        session.add(Job(kind="retrain", key="k", why="CUSUM", owner="Ben", opened=at))
    return workspace


def test_the_numbers_are_those_of_the_month(workspace):
    facts = gather(workspace, "2026-11", NOW).facts
    assert facts["records"]["by_status"] == {"done": 9, "failed": 1}
    assert facts["records"]["total"] == "1.0" and facts["records"]["seconds"] == 20.0
    assert (
        sum(day["done"] for day in facts["records"]["by_day"]) == 9 and len(facts["records"]["by_day"]) == 30
    )
    assert (facts["acceptance"]["count"], facts["acceptance"]["of"]) == (6, 8)
    assert facts["acceptance"]["outputs"] == 10
    assert [run["number"] for run in facts["runs"]] == [1, 11] and len(facts["runs"][0]["numbers"]) == 10
    assert {x["what"]: x["state"] for x in facts["figures"]} == {"copy rate": OPEN, "miss rate": MISSED}
    assert next(x for x in facts["figures"] if x["what"] == "miss rate")["trend"] == [0.01, 0.03]
    assert facts["figures"][0]["name"] == "ring (abcdef01)"
    assert not facts["over"] and gather(workspace, "2026-10", NOW).facts["over"]
    with pytest.raises(BurnishError, match="not of the form"):
        gather(workspace, "November", NOW)


def test_numbers_that_one_command_took_one_by_one_are_one_run(workspace):
    with workspace.session() as session:
        for number in range(12, 18):
            process = "host 1" if number < 15 else "host 2"  # killed, and gone on with
            facts = {"command": "burnish prove seal b", "process": process, "seed": number, "status": "done"}
            facts |= {"batch": number}
            session.add(Record(number=number, verb="seal", started=NOW, **facts))
    runs = gather(workspace, "2026-11", NOW).facts["runs"]
    assert [run["numbers"] for run in runs if run["verb"] == "seal"] == [[12, 13, 14], [15, 16, 17]]
    assert [run["seed"] for run in runs if run["verb"] == "seal"] == [None, None]


def test_what_nobody_did_is_an_alarm(workspace):
    alarms = {alarm["kind"]: alarm for alarm in gather(workspace, "2026-11", NOW).facts["alarms"]}
    assert set(alarms) == {"check not made", "threshold missed"}
    assert alarms["check not made"]["days"] == 9 and alarms["check not made"]["owner"] == "Ben"
    assert "copy rate of ring" in alarms["check not made"]["what"]
    december = gather(workspace, "2026-12", datetime(2026, 12, 8, tzinfo=UTC)).facts["alarms"]
    unread = next(alarm for alarm in december if alarm["kind"] == "report not read")
    assert unread["owner"] == "Ada" and unread["days"] == 7 and "2026-11" in unread["what"]


def test_a_signed_look_moves_the_date_and_a_new_figure_ends_it(workspace):
    key = personal_key(workspace.path, "Ben")
    acknowledge(workspace, "1", "Ben", key, "still fine")
    figure = next(x for x in gather(workspace, "2026-11", NOW).facts["figures"] if x["what"] == "copy rate")
    assert figure["overdue_days"] == 0 and figure["looked"].startswith("Ben, ")
    with workspace.session() as session:
        when = datetime(2026, 11, 5, tzinfo=UTC)
        session.add(
            Figure(what="new", subject="s", command="c", value=1.0, next_check=date(2026, 11, 6), at=when)
        )
    late = [a["what"] for a in gather(workspace, "2026-11", NOW).facts["alarms"]]
    assert any("new of s" in what for what in late)
    with workspace.session() as session:
        when = datetime(2026, 11, 7, tzinfo=UTC)
        session.add(
            Figure(what="new", subject="s", command="c", value=1.0, next_check=date(2026, 12, 6), at=when)
        )
    late = [a["what"] for a in gather(workspace, "2026-11", NOW).facts["alarms"]]
    assert not any("new of s" in what for what in late)


@pytest.mark.parametrize(
    ("better", "value", "low", "high", "state"),
    [
        ("lower", 0.01, 0.0, 0.02, MET),
        ("lower", 0.01, 0.0, 0.03, LIKELY),
        ("lower", 0.01, None, None, LIKELY),
        ("lower", 0.021, 0.0, 0.03, MISSED),
        ("higher", 0.01, 0.0, 0.03, MISSED),
        ("higher", 0.03, 0.02, 0.04, MET),
        ("higher", 0.03, 0.01, 0.04, LIKELY),
        ("", 0.03, 0.01, 0.04, OPEN),
        ("lower", None, None, None, OPEN),
    ],
)
def test_where_a_figure_stands(better, value, low, high, state):
    assert state_of(Figure(what="x", value=value, low=low, high=high, threshold=0.02, better=better)) == state


def test_the_page_asks_nobody_and_runs_nothing(workspace):
    month = gather(workspace, "2026-11", NOW)
    page = render(month, {"origin": "o", "size": 1, "root": "r"})
    assert outside(page) == []
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 2
    assert "6 of 8 reviewed outputs were used as they are; 2 things need somebody." in page
    assert "9 days late" in page and "threshold missed" in page
    assert page.count("data:image/jpeg") == 9 and ">none<" in page


@pytest.mark.parametrize(
    "bad", ['<a href="https://x">', "<script>", '<img src="x.png">', "url(http://x)", "<b onclick=1>"]
)
def test_what_comes_from_outside_would_be_found(bad):
    assert outside(f"<p>{bad}</p>")


def test_every_figure_leads_to_its_run_or_command(workspace, monkeypatch):
    page = render(gather(workspace, "2026-11", NOW))
    anchors = set(re.findall(r'\bid="([^"]+)"', page))
    links = re.findall(r'href="#([^"]+)"', page)
    assert links and set(links) <= anchors
    monkeypatch.setattr("burnish.prove.report.page.MOST_RUNS", 0)
    assert 'href="#run-11"' in render(gather(workspace, "2026-11", NOW))
    rows = re.findall(r'<tr id="figure-\d+".*?</tr>', page, re.DOTALL)
    assert len(rows) == 2 and all(re.search(r'href="#(run|command)-\d+"', row) for row in rows)


def test_sealed_signed_and_checked_without_burnish(workspace, tmp_path):
    page = report(workspace, "2026-11", NOW)
    twin = json.loads(page.with_suffix(".json").read_text())
    assert twin["acceptance"]["count"] == 6 and twin["log"]["size"] == 1
    key = personal_key(workspace.path, "Ada O'Brien")
    assert key.private_bytes_raw() == personal_key(workspace.path, "ada o'brien").private_bytes_raw()
    acknowledge(workspace, "2026-11", "Ada O'Brien", key, "seen")
    folder = page.parent
    anchor = tmp_path / "anchor.note"
    shutil.copy(folder / "checkpoint.note", anchor)
    found = verify(folder, [anchor])
    assert found.code == OK and "1 ack, 1 report" in found.lines[1]
    assert verify(folder).code == UNANCHORED
    again = report(workspace, "2026-11", NOW)
    assert again.name == "2026-11.2.html" and "Ada O&#39;Brien" in again.read_text()
    assert page.exists() and verify(folder).code == UNANCHORED
    lines = (folder / "log.jsonl").read_text().splitlines()
    forged = next(line for line in lines if '"ack"' in line).replace("Ada O'Brien", "Bea")
    (folder / "log.jsonl").write_text("\n".join(forged if '"ack"' in line else line for line in lines) + "\n")
    assert any("Bea: its signature is wrong" in line for line in verify(folder, [anchor]).lines)
    page.write_text(page.read_text().replace("6 of 8", "8 of 8"))
    assert verify(folder, [anchor]).code == BROKEN


def test_a_sealed_run_stands_in_the_report(workspace, tmp_path):
    note = tmp_path / "000009.note"
    note.write_text("burnish/run/x\n9\nROOTROOTROOT\n\n- signature\n")
    open_run = Sealed(tmp_path / "run", "abcdef0123456789", 5, 0, 0, False, note)
    done = Sealed(tmp_path / "run", "abcdef0123456789", 5, 4, 1, True, note)
    for sealed in (open_run, done, done):
        note_run(workspace, sealed)
    this_month = datetime.now(UTC).strftime("%Y-%m")
    page = report(workspace, this_month)
    seals = json.loads(page.with_suffix(".json").read_text())["seals"]
    assert [(one["n"], one["made"], one["failed"], one["name"]) for one in seals] == [(5, 4, 1, "ring")]
    assert "Sealed runs" in page.read_text() and "ROOTROOTROOT" in page.read_text()
    assert "1 report, 2 run" in verify(page.parent).lines[1]


def test_what_cannot_be_signed(workspace):
    key = personal_key(workspace.path, "Ada")
    with pytest.raises(BurnishError, match="was never made"):
        acknowledge(workspace, "2026-11", "Ada", key)
    with pytest.raises(BurnishError, match="figure 99: does not exist"):
        acknowledge(workspace, "99", "Ada", key)
    with pytest.raises(BurnishError, match="name: is empty"):
        acknowledge(workspace, "2026-11", " ", key)
    page = report(workspace, "2026-11", NOW)
    page.write_text("better")
    with pytest.raises(BurnishError, match="not the page that was sealed"):
        acknowledge(workspace, "2026-11", "Ada", key)


def test_an_empty_month_says_so(tmp_path):
    facts = gather(open_workspace(tmp_path), "2026-11", NOW)
    page = render(facts)
    assert "Nothing was made; no figure was measured." in page and outside(page) == []
    assert words.spent(facts.facts["records"]).startswith("0.00")


def test_drawings():
    days = [{"day": f"2026-11-{k:02d}", "done": k, "other": k == 3} for k in range(1, 6)]
    drawn = charts.days(days)
    assert drawn.count('class="done"') == 5 and drawn.count('class="other"') == 1
    assert charts.trend([1.0]) == "" and 'class="wanted"' in charts.trend([1.0, 2.0], 1.5)
    assert charts.trend([1.0, 1.0]).count("15.0") == 0 or "nan" not in charts.trend([1.0, 1.0])
    widths = [
        float(w) for w in re.findall(r'width="([\d.]+)"', charts.shares({"a": "3", "b": "1", "c": "-2"}))
    ]
    assert widths == [charts.WIDTH * 0.75 - 2, charts.WIDTH * 0.25 - 2]
    assert charts.shares({}) == ""


def test_words():
    assert words.title("2026-02") == "February 2026" and words.day("2026-02-03") == "3\u00a0Feb\u00a02026"
    assert words.share(0.0012) == "0.12\u00a0%" and words.share(None) == "unknown"
    assert words.many(1, "check") == "1 check" and words.many(2000, "check") == "2,000 checks"
    assert words.length(90) == "90\u00a0s" and words.length(7200) == "2.0\u00a0h"

"""Review: blind queues with hidden controls, verdicts that stay, epochs, agreement, files in and out."""

import io
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BurnishError, DatasetError
from burnish.media.image import write_png
from burnish.prove.exchange import Verdict
from burnish.prove.review import Reviews, items_of_folder, open_epoch
from burnish.prove.review_files import FORMATS, read_verdicts, take, verdicts_of, write_verdicts
from burnish.prove.review_plan import BAD, GAP, GOOD, OUTPUT, REPEAT, Plan, Slot, assign, queue
from burnish.prove.review_standing import as_text, standings
from burnish.prove.vigilance import chance_flagged, watch
from burnish.store.tables import Record, Review
from burnish.store.workspace import open_workspace

NAMES = st.lists(st.sampled_from("ABCD"), min_size=2, max_size=4, unique=True)


@given(st.integers(1, 60), NAMES, st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_everything_is_seen_as_often_as_planned(outputs, names, double, seed):
    plan = Plan(tuple(names), double, seed=seed)
    seen = [k for mine in assign(outputs, plan).values() for k in mine]
    times = np.bincount(seen, minlength=outputs)
    assert set(times.tolist()) <= {1, 2} and (times == 2).sum() == int(np.ceil(double * outputs - 1e-9))
    for mine in assign(outputs, plan).values():
        assert len(set(mine)) == len(mine)


@given(st.integers(1, 60), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_a_queue_hides_controls_and_repeats(outputs, seed):
    plan = Plan(("A",), good=("g1", "g2"), bad=("b1", "b2", "b3"), controls=0.3, repeats=0.2, seed=seed)
    slots = queue(range(outputs), "A", plan)
    counts = {kind: sum(s.kind == kind for s in slots) for kind in (OUTPUT, GOOD, BAD, REPEAT)}
    wanted = int(np.ceil(0.3 * outputs - 1e-9))
    assert counts[OUTPUT] == outputs and counts[GOOD] + counts[BAD] == wanted
    assert 0 <= counts[BAD] - counts[GOOD] <= 1 and counts[REPEAT] == int(np.ceil(0.2 * outputs - 1e-9))
    for place, slot in enumerate(slots):
        if slot.kind == REPEAT:
            first = slots.index(Slot(OUTPUT, slot.index))
            assert first < place and (place - first > GAP or len(slots) - first < 2 * GAP + 4)
    assert slots == queue(range(outputs), "A", plan)


def test_other_seeds_and_reviewers_have_other_orders():
    plan = Plan(("A", "B"), bad=("b",))
    orders = [queue(range(30), n, replace(plan, seed=s)) for n in "AB" for s in (0, 1)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


@pytest.mark.parametrize(
    "wrong",
    [
        {"reviewers": ()},
        {"reviewers": ("A", "A")},
        {"reviewers": ("A",), "double": 0.5},
        {"reviewers": ("A",), "controls": 2},
    ],
)
def test_a_plan_that_cannot_be(wrong):
    with pytest.raises(BurnishError):
        Plan(**wrong)


@pytest.fixture
def folder(tmp_path):
    """Ten outputs, two known-good as JPEG-free PNG, three known-bad."""
    for name, count in (("outputs", 10), ("good", 2), ("bad", 3)):
        for k in range(count):
            value = np.full((8, 8, 3), 20 * k + len(name), np.uint8)
            write_png(tmp_path / name / f"{k}.png", value, {"kind": name})
    return tmp_path


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "workspace"))
    return open_workspace()


def opened(workspace, folder, **options):
    with workspace.session() as session:
        items, good, bad = (items_of_folder(session, folder / name) for name in ("outputs", "good", "bad"))
    plan = Plan(
        options.pop("reviewers", ("Ann", "Bob")),
        options.pop("double", 1.0),
        tuple(i.path for i in good),
        tuple(i.path for i in bad),
        controls=0.5,
        repeats=0.2,
    )
    reviews = Reviews(workspace)
    reviews.open("catalogue", items, plan, "no visible flaw")
    return reviews


def work(reviews, reviewer, decide):
    """Goes through a queue; decide(row) gives the verdict."""
    count = 0
    while (ticket := reviews.next("catalogue", reviewer)) is not None:
        with reviews.workspace.session() as session:
            row = session.get(Review, ticket.number)
        reviews.answer(reviewer, ticket.number, decide(row), ["flaw"] if decide(row) != "used" else [])
        count += 1
    return count


def honest(row):
    return "reject" if row.kind == BAD else "used"


def test_the_second_reviewers_payload_holds_nothing_of_the_first(workspace, folder, record_property):
    """Ann's verdicts, whatever they are, change not one byte of what Bob is given."""
    reviews = opened(workspace, folder)

    def payloads():
        tickets = []
        with workspace.session() as session:
            numbers = [r.id for r in session.query(Review).filter_by(reviewer="Bob").order_by(Review.place)]
        for number in numbers:
            ticket = reviews.next("catalogue", "Bob")
            assert ticket is not None and ticket.number == number
            tickets.append(ticket)
            reviews.answer("Bob", number, "used")
        with workspace.session() as session:
            for row in session.query(Review).filter_by(reviewer="Bob"):
                row.verdict = ""
        return tickets

    before = payloads()
    work(reviews, "Ann", lambda row: "reject")
    after = payloads()
    assert after == before and len(before) >= 17
    secrets = ("Ann", "reject", "known", "good", "bad", "outputs", "repeat", str(folder))
    for ticket in before:
        assert set(asdict(ticket)) == {"number", "content", "suffix", "place", "of", "threshold"}
        told = f"{ticket.suffix} {ticket.threshold}"
        assert not any(secret in told for secret in secrets)
        assert not any(secret.encode() in ticket.content for secret in secrets)
        assert not Image.open(io.BytesIO(ticket.content)).info  # no text that tells an output from a control
    record_property(
        "measured", f"{len(before)} payloads of the second reviewer unchanged by the first's verdicts"
    )


def test_acceptance_agreement_and_watchfulness(workspace, folder):
    reviews = opened(workspace, folder)
    bad_ones = {"3.png", "7.png"}

    def strict(row):
        return "rework" if row.kind in (OUTPUT, REPEAT) and row.item[-5:] in bad_ones else honest(row)

    assert work(reviews, "Ann", strict) == 10 + 5 + 2
    work(reviews, "Bob", lambda row: "used")
    with workspace.session() as session:
        (found,) = standings(session, "catalogue")
    ann, bob = found.reviewers
    assert not ann.watchfulness.flagged and bob.watchfulness.flagged
    assert (found.acceptance.count, found.acceptance.of) == (8, 10)
    assert (found.without_flagged.count, found.without_flagged.of) == (8, 10)
    assert ann.repeats.value == 1 and ann.seconds is not None and ann.verdicts["rework"] >= 2
    assert found.kappa[("Bob", "Ann")].value == pytest.approx(0)  # Bob's verdicts do not vary
    assert found.alpha.value is not None and found.alpha.value < 0.2
    assert found.reasons == {"flaw": 2}
    text = as_text([found])
    assert "FLAGGED" in text and "8 of 10" in text and "open" in text
    json.dumps(found.to_json())


def test_a_verdict_stays_and_belongs_to_its_reviewer(workspace, folder):
    reviews = opened(workspace, folder)
    ticket = reviews.next("catalogue", "Ann")
    assert ticket is not None and reviews.next("catalogue", "Ann") == ticket
    with pytest.raises(BurnishError, match="was not given to Bob"):
        reviews.answer("Bob", ticket.number, "used")
    with pytest.raises(BurnishError, match="not known"):
        reviews.answer("Ann", ticket.number, "fine")
    reviews.answer("Ann", ticket.number, "used", seconds=2.5)
    with pytest.raises(BurnishError, match="answered before"):
        reviews.answer("Ann", ticket.number, "reject")
    with pytest.raises(BurnishError, match="no queue"):
        reviews.next("catalogue", "Carl")
    with pytest.raises(BurnishError, match="no review under way"):
        reviews.next("other", "Ann")
    with workspace.session() as session:
        row = session.get(Review, ticket.number)
        assert row is not None and (row.verdict, row.seconds) == ("used", 2.5)


def test_a_threshold_change_opens_a_visible_epoch(workspace, folder):
    reviews = opened(workspace, folder, reviewers=("Ann",), double=0.0)
    for _ in range(6):
        ticket = reviews.next("catalogue", "Ann")
        assert ticket is not None
        reviews.answer("Ann", ticket.number, "reject")
    with pytest.raises(BurnishError, match="in force"):
        reviews.change_threshold("catalogue", "no visible flaw", "because")
    with pytest.raises(BurnishError, match="reason"):
        reviews.change_threshold("catalogue", "anything goes", " ")
    reviews.change_threshold("catalogue", "anything goes", "the customer said so", "Eve")
    ticket = reviews.next("catalogue", "Ann")
    assert ticket is not None and ticket.threshold == "anything goes"
    work(reviews, "Ann", lambda row: "used")
    with workspace.session() as session:
        old, new = standings(session, "catalogue")
        assert open_epoch(session, "catalogue").opened_by == "Eve"
    assert old.closed is not None and new.closed is None and new.reason == "the customer said so"
    assert old.acceptance.count == 0 and new.acceptance.count == new.acceptance.of > 0
    text = as_text([old, new])
    assert "no visible flaw" in text and "anything goes" in text


def test_a_file_that_changed_is_not_shown(workspace, folder):
    reviews = opened(workspace, folder, reviewers=("Ann",), double=0.0)
    for file in folder.glob("*/*.png"):
        write_png(file, np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(BurnishError, match="was changed"):
        reviews.next("catalogue", "Ann")
    for file in folder.glob("*/*.png"):
        file.unlink()
    with pytest.raises(BurnishError, match="cannot be read"):
        reviews.next("catalogue", "Ann")
    with pytest.raises(BurnishError, match="nothing to review"):
        reviews.open("catalogue", [], Plan(("Ann",)), "x")


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=("Cs",)), max_size=8
)
SECONDS = st.none() | st.floats(0, 1e4)
VERDICT = st.builds(
    Verdict,
    item=st.sampled_from(["a.png", "b/ü.png", "c,d.png"]),
    reviewer=st.sampled_from(["Ann", "Bob"]),
    verdict=st.sampled_from(["used", "rework", "reject"]),
    reasons=st.lists(WORDS, max_size=3).map(tuple),
    seconds=SECONDS,
    rework_minutes=SECONDS,
    kind=st.sampled_from([OUTPUT, GOOD, BAD, REPEAT]),
    epoch=st.none() | st.integers(1, 5),
)


@pytest.mark.parametrize("form", FORMATS)
@given(verdicts=st.lists(VERDICT, max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_come_back_as_they_went(form, verdicts, tmp_path):
    write_verdicts(tmp_path / "v", verdicts, form)

    def key(v):
        return repr(replace(v, sha256=""))

    assert sorted(read_verdicts(tmp_path / "v", form), key=key) == sorted(verdicts, key=key)


def test_label_studios_own_export_is_read(tmp_path):
    """The form that Label Studio documents: completed_by a number, an annotation cancelled, other results."""
    file = tmp_path / "export.json"
    result = [
        {"type": "choices", "from_name": "verdict", "to_name": "i", "value": {"choices": ["rework"]}},
        {"type": "rectanglelabels", "from_name": "box", "to_name": "i", "value": {"x": 1}},
    ]
    done = {"completed_by": 7, "lead_time": 3.5, "result": result}
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [done, {"was_cancelled": True, "result": []}]}
    file.write_text(json.dumps([task]))
    assert read_verdicts(file, "label-studio") == [Verdict("a.png", "7", "rework", seconds=3.5)]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_no_such_file_is_told(form, tmp_path):
    file = tmp_path / "v"
    with pytest.raises(DatasetError):
        read_verdicts(file, form)
    file.write_text('[{"data": {}, "annotations": [{"result": []}]}]')
    with pytest.raises(DatasetError):
        read_verdicts(file, form) or [][0]
    with pytest.raises(DatasetError, match="format"):
        read_verdicts(file, "xml")


def test_verdicts_from_elsewhere_are_entered_once_and_find_their_record(workspace, folder, tmp_path):
    reviews = opened(workspace, folder)
    work(reviews, "Ann", honest)
    with workspace.session() as session:
        item = items_of_folder(session, folder / "outputs")[0]
        session.add(Record(verb="make", output=item.path, output_hash=item.sha256))
    with workspace.session() as session:
        given = verdicts_of(session, "catalogue")
        assert take(session, "catalogue", given) == 0
        elsewhere = [Verdict(item.path, "Carl", "rework", ("edge",), 4.0)]
        assert take(session, "catalogue", elsewhere * 2) == 1
        row = session.query(Review).filter_by(reviewer="Carl").one()
        assert row.record_number == 1 and row.item_hash == item.sha256


def test_a_verdict_from_elsewhere_answers_the_ticket_that_waits(workspace, folder):
    reviews = opened(workspace, folder)
    ticket = reviews.next("catalogue", "Ann")
    assert ticket is not None
    with workspace.session() as session:
        row = session.get(Review, ticket.number)
        assert row is not None
        told = Verdict(row.item, "Ann", "rework", ("edge",), 4.0, kind=row.kind)
    with workspace.session() as session:
        before = session.query(Review).count()
        assert take(session, "catalogue", [told]) == 1
        assert session.query(Review).count() == before
    following = reviews.next("catalogue", "Ann")
    assert following is not None and following.number != ticket.number
    with workspace.session() as session:
        assert take(session, "catalogue", [told]) == 0
        assert take(session, "catalogue", [replace(told, rework_minutes=7.0)]) == 1
        assert take(session, "catalogue", [replace(told, rework_minutes=9.0)]) == 0
        row = session.get(Review, ticket.number)
        assert row is not None
        assert (row.verdict, row.rework_minutes, row.place) == ("rework", 7.0, ticket.place)


def test_the_form_is_what_the_ending_says(tmp_path):
    given = [Verdict("a.png", "Ann", "used", (), 4.0)]
    for name, magic in (("v.csv", b"item"), ("v.parquet", b"PAR1")):
        write_verdicts(tmp_path / name, given)
        assert (tmp_path / name).read_bytes()[:4] == magic
        assert read_verdicts(tmp_path / name) == given
    with pytest.raises(DatasetError, match="label-studio, coco"):
        write_verdicts(tmp_path / "v.json", given)


def test_the_sheet_of_all_is_nothing_to_review(workspace, folder):
    write_png(folder / "outputs" / "sheet.png", np.zeros((8, 8, 3), np.uint8))
    with workspace.session() as session:
        assert "sheet.png" not in {
            i.path.rpartition("/")[2] for i in items_of_folder(session, folder / "outputs")
        }


def test_rework_takes_minutes_on_the_terminal(workspace, folder):
    def run(*words, **more):
        return CliRunner().invoke(app, ["prove", "review", *words], **more)

    run("plan", "shop", "--threshold", "sharp", "--reviewer", "Ann", "--folder", str(folder / "outputs"))
    done = run("look", "shop", "--reviewer", "Ann", "--no-show", input="w\nedge\n12\nw\nedge\n\nq\n")
    assert done.exit_code == 0, done.output
    with workspace.session() as session:
        found = session.query(Review).filter_by(verdict="rework").order_by(Review.place)
        assert [r.rework_minutes for r in found] == [12.0, None]


def test_the_commands(workspace, folder):
    def run(*words, **more):
        return CliRunner().invoke(app, ["prove", "review", *words], **more)

    options = ["--folder", str(folder / "outputs"), "--known-bad", str(folder / "bad"), "--controls", "1"]
    done = run("plan", "shop", "--threshold", "sharp", "--reviewer", "Ann", "--repeats", "0", *options)
    assert done.exit_code == 0 and "10 outputs" in done.output, done.output
    done = run("look", "shop", "--reviewer", "Ann", "--no-show", input="x\nu\n" + "u\n" * 5 + "q\n")
    assert done.exit_code == 0 and "6 of 20" in done.output and "usable means: sharp" in done.output
    done = run("threshold", "shop", "very sharp", "--reason", "complaints")
    assert done.exit_code == 0 and "is open" in done.output
    done = run("look", "shop", "--reviewer", "Ann", "--no-show", input="u\n" * 14)
    assert "Nothing more" in done.output
    done = run("status", "shop", "--json", str(folder / "s.json"))
    assert done.exit_code == 1 and "FLAGGED" in done.output and "very sharp" in done.output
    assert len(json.loads((folder / "s.json").read_text())) == 2
    for form in FORMATS:
        file = str(folder / f"out.{form}")
        assert "20 verdicts" in run("export", "shop", file, "--format", form).output
        assert "verdicts entered" in run("import", "shop", file, "--format", form).output


def test_a_thousand_reviewers(record_property):
    """Who accepts everything is flagged within 10 known-bad controls, always; of 1,000 who err on 5 % of 200
    controls at most 5 % are (the exact chance is below 3 %: more than 50 would come up once in 10,000)."""
    accepts = watch([(True, True)] * 10)
    assert accepts.flagged_at is not None and accepts.flagged_at <= 10
    rng = np.random.default_rng(0)
    wrong = rng.random((1000, 200)) < 0.05
    flagged = sum(
        watch((k % 2 == 0, bool(w) == (k % 2 == 0)) for k, w in enumerate(row)).flagged for row in wrong
    )
    exact = 1 - (1 - chance_flagged(0.05, 100)) ** 2
    assert exact <= 0.05 and flagged <= 50
    assert flagged / 1000 == pytest.approx(exact, abs=0.013)
    record_property(
        "measured",
        f"accepts everything: flagged at control {accepts.flagged_at}; 5 % error: {flagged} of 1,000 flagged "
        f"(exact {exact:.1%})",
    )

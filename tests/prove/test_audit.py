"""Representation audit: the grid, blind pictures, and counts with intervals."""

import csv

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.prove.audit import ALL, as_figures, read_labels
from burnish.prove.audit_grid import KEY, SHEET, Grid, prepare, read_grid
from burnish.store.recording import Unrecorded

GRID = """
templates: ["a {role}", "a {role} {place}"]
slots: {role: [doctor, welder], place: [in a town]}
n: 25
attributes: {gender: [woman, man, cannot be told]}
expected: {gender: {woman: [0.4, 0.6]}}
"""


@pytest.fixture
def grid(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID)
    return read_grid(tmp_path / "grid.yaml")


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def labelled(tmp_path, said):
    """`key.csv` and one sheet a coder; `said` gives each coder's labels in the order of the pictures."""
    names = [f"{k:05d}.png" for k in range(len(next(iter(said.values()))))]
    write(tmp_path / KEY, ("file", "description"), [(name, f"a {k % 2}") for k, name in enumerate(names)])
    return [
        write(
            tmp_path / f"{coder}.csv",
            ("file", "coder", "gender"),
            [(name, coder, value) for name, value in zip(names, values, strict=True)],
        )
        for coder, values in said.items()
    ]


def test_every_template_with_every_filling(grid):
    assert grid.descriptions() == ["a doctor", "a welder", "a doctor in a town", "a welder in a town"]


def test_ninety_to_ten_is_reported_with_its_interval(grid, tmp_path, record_property):
    """100 pictures, two coders of one mind; Goodman's bounds for three values by the closed form."""
    sheets = labelled(tmp_path, dict.fromkeys(("ada", "bob"), ["man"] * 90 + ["woman"] * 10))
    found = read_labels(grid, tmp_path / KEY, sheets)
    man, woman = (
        next(s for s in found.shares if s.description == ALL and s.value == value)
        for value in ("man", "woman")
    )
    assert (man.count, man.of, woman.count) == (90, 100, 10)
    q = 5.7311  # chi-square, one degree of freedom, at 1 - 0.05 / 3
    half = (q * (q + 4 * 90 * 10 / 100)) ** 0.5
    assert (man.low, man.high) == pytest.approx(
        ((q + 180 - half) / (2 * (100 + q)), (q + 180 + half) / (2 * (100 + q))), abs=1e-4
    )
    record_property("measured", f"90 of 100: {man.low:.3f} to {man.high:.3f}")
    assert man.low < 0.9 < man.high
    assert woman.off
    assert woman.high < 0.4
    assert found.agreement["gender"].value == pytest.approx(1.0)
    text = str(found)
    assert "man 90 of 100, 90 %" in text
    assert "OUTSIDE 40 to 60 %" in text


def test_what_agrees_with_the_grid_is_not_off(grid, tmp_path):
    sheets = labelled(tmp_path, {"ada": ["man", "woman"] * 30})
    found = read_labels(grid, tmp_path / KEY, sheets)
    assert not [s for s in found.off if s.description == ALL]
    assert "one coder, agreement not known" in str(found)


def test_disputes_are_left_out_and_counted(grid, tmp_path):
    sheets = labelled(tmp_path, {"ada": ["man"] * 10, "bob": ["man"] * 6 + ["woman"] * 3 + [""]})
    found = read_labels(grid, tmp_path / KEY, sheets)
    man = next(s for s in found.shares if s.description == ALL and s.value == "man")
    assert (man.count, man.of, found.disputed["gender"]) == (7, 7, 3)
    assert found.agreement["gender"].value < 0.2
    assert "3 disputed" in str(found)


def test_without_an_expectation_nothing_is_judged(tmp_path):
    grid = Grid(templates=("x",), attributes={"gender": ("woman", "man")})
    found = read_labels(grid, tmp_path / KEY, labelled(tmp_path, {"ada": ["man"] * 20}))
    assert not found.off
    assert "none is judged" in str(found)


def test_figures_carry_interval_and_run(grid, tmp_path):
    found = read_labels(grid, tmp_path / KEY, labelled(tmp_path, {"ada": ["man"] * 9 + ["woman"]}))
    figures = {f.what: f for f in as_figures(found, "abcd", "burnish prove audit-labels")}
    man = figures["representation: gender: man"]
    assert (man.count, man.of, man.subject) == (9, 10, "abcd")
    assert man.low < 0.9 < man.high


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        (("file", "coder", "gender"), ("00000.png", "ada", "robot"), "Use one of"),
        (("file", "coder", "gender"), ("x.png", "ada", "man"), "no picture of this audit"),
        (("file", "coder", "gender"), ("00000.png", "", "man"), "names no coder"),
        (("file", "who", "gender"), ("00000.png", "ada", "man"), "no column 'coder'"),
        (("file", "coder", "gender"), ("00000.png", "ada", ""), "no label yet"),
    ],
)
def test_wrong_sheets_are_named(grid, tmp_path, header, row, told):
    labelled(tmp_path, {"ada": ["man"] * 3})
    sheet = write(tmp_path / "sheet.csv", header, [row])
    with pytest.raises(BurnishError, match=told):
        read_labels(grid, tmp_path / KEY, [sheet])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GRID.replace("role: [doctor, welder],", ""), "which nothing fills"),
        (GRID.replace("woman:", "wuman:"), "no value of it"),
        (GRID.replace("[woman, man, cannot be told]", "[woman]"), "two different values"),
        (GRID + "more: 1", "more"),
        ("- a", "not a list of"),
        ("a: [", "is not YAML"),
    ],
)
def test_wrong_grids_are_named(tmp_path, text, told):
    (tmp_path / "grid.yaml").write_text(text)
    with pytest.raises(BurnishError, match=told):
        read_grid(tmp_path / "grid.yaml")


class Model:
    """Answers like a generator: a gray picture whose level is the description's length."""

    class bundle:
        hash = "abcd"

    def condition(self, words):
        return words


def test_pictures_are_blind(tmp_path, monkeypatch):
    from PIL import Image

    from burnish.prove import audit_grid

    def make(model, words, n, steps, guidance, seed):
        yield from (np.full((8, 8, 3), 10 * len(words) + k, np.uint8) for k in range(n))

    monkeypatch.setattr(audit_grid, "make", make)
    grid = Grid(templates=("a", "bbb"), n=3, attributes={"kind": ("one", "two")})
    assert prepare(Model(), grid, tmp_path / "audit", Unrecorded()) == 6  # type: ignore[arg-type]
    rows = list(csv.DictReader((tmp_path / "audit" / KEY).open()))
    assert sorted(row["description"] for row in rows) == ["a"] * 3 + ["bbb"] * 3
    assert [row["description"] for row in rows] != ["a"] * 3 + ["bbb"] * 3
    for row in rows:
        with Image.open(tmp_path / "audit" / row["file"]) as picture:
            assert picture.getpixel((0, 0))[0] == 10 * len(row["description"]) + int(row["index"])
            assert not picture.info.get("parameters")
    sheet = list(csv.DictReader((tmp_path / "audit" / SHEET).open()))
    assert [set(row) for row in sheet] == [{"file", "coder", "kind"}] * 6
    assert all(not row["kind"] for row in sheet)
    with pytest.raises(BurnishError, match="made once"):
        prepare(Model(), grid, tmp_path / "audit", Unrecorded())  # type: ignore[arg-type]

"""The report: whole, self-contained, escaped, and its verdict says what the figures say."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from burnish.core.stats import Interval, more_parts_to_prove, rate
from burnish.errors import BurnishError
from burnish.inspect.ablation import Ablation, Difference
from burnish.inspect.calibrate import calibrate
from burnish.inspect.charts import histogram, interval_bar
from burnish.inspect.evaluate import Held, evaluate
from burnish.inspect.price import Price
from burnish.inspect.report import write_report
from burnish.inspect.words import promise_kept
from burnish.media.dataset import PartSet
from burnish.media.part import Part

EVIL = '<script>alert("x")</script>&'


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    parts = []
    for i in range(16):
        label = "good" if i < 8 else "crack" if i < 12 else EVIL
        image = rng.integers(80, 160, (40, 60, 3)).astype(np.uint8)
        image[..., 0] = 12 * i
        mask = None
        Image.fromarray(image).save(folder / f"part {i} ü.png")
        if 8 <= i < 12:
            mask = folder / f"mask{i}.png"
            Image.fromarray(np.pad(np.full((6, 6), 255, np.uint8), ((10, 24), (20, 34)))).save(mask)
        parts.append(Part(folder / f"part {i} ü.png", label, "test", "", mask))

    def scorer(image):
        return float(image[..., 0].mean()), image[..., 1].astype(np.float32) / 255

    rule = calibrate(np.linspace(0, 70, 30), 0.05, folds=5)
    test_set = PartSet(folder, tuple(parts), (), "split.csv")
    result = evaluate(
        scorer, test_set, rule, train_seconds=120, model_hash="abc", price=Price(eur_per_escape=50)
    )
    return replace(result, held=(Held(f"{EVIL}.png", "good", "is broken"),), notes=(EVIL,))


class Collector(HTMLParser):
    """Tags left open, addresses referred to, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.tags, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(path):
    page = Collector()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page, re.sub(r"\s+", " ", " ".join(page.text).replace("\u00a0", " "))


def synthesis():
    return {
        "text": EVIL,
        "choices": [{"class": EVIL, "method": "diffusion", "why": "it was better"}],
        "accepted": 41,
        "rejected": 7,
        "reasons": {"too faint": 7},
        "sheet": np.zeros((20, 40, 3), np.uint8),
    }


def ablation():
    row = dict.fromkeys(("pixel_ap", "aupro", "image_auroc", "miss_rate", "miss_rate_at_1pct_false_rejects"))
    rows = {"real only": row | {"pixel_ap": 0.3}, EVIL: row | {"pixel_ap": 0.2}}
    worse = Difference(EVIL, "real only", "pixel_ap", rate_interval(-0.1), 5, "seeds", "no")
    return Ablation(rows, 5, (), (worse,))


def rate_interval(value):
    return Interval(value, value - 0.05, value + 0.05)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "new folder" / "report.html"
    write_report(
        path,
        found,
        name=EVIL,
        training={EVIL: EVIL},
        synthesis=synthesis(),
        ablation=ablation(),
        command=EVIL,
        versions={"burnish": EVIL},
    )
    return path


def test_it_is_one_well_formed_file_without_scripts_or_addresses(page):
    collected, _ = parse(page)
    assert collected.open == [] and "script" not in collected.tags and "link" not in collected.tags
    assert collected.addresses and all(a.startswith("data:image/jpeg;base64,") for a in collected.addresses)
    assert "url(" not in page.read_text() and "@import" not in page.read_text()
    assert list(page.parent.iterdir()) == [page]  # nothing left beside it


def test_every_string_from_outside_is_escaped(page):
    html = page.read_text()
    assert "<script" not in html and html.count("&lt;script&gt;") >= 10


def test_the_verdict_and_sections(page):
    _, text = parse(page)
    for expected in (
        "Of 8 bad parts 0 were missed: 0.0 % (0.0 to 36.9).",
        "Of 8 good parts 2 were rejected",
        "The worst false rejects", "Rightly rejected", "41 pairs were accepted and 7 rejected: 7 too faint",
        "-0.100", "could not be judged", "CV+", "Looking again at false rejects", "50 EUR each",
        "place not marked",
    ):  # fmt: skip
        assert expected in text, expected
    assert "The worst misses" not in text  # there are none


def test_pictures_decode_and_mark_the_defect(page):
    pictures = [Image.open(io.BytesIO(base64.b64decode(a.split(",")[1]))) for a in parse(page)[0].addresses]
    # two false rejects and two catches, four panels each, and the sheet
    assert len(pictures) == 17 and all(p.format == "JPEG" for p in pictures)


def test_without_optional_parts(found, tmp_path):
    bare = replace(found, calibration=None, held=(), notes=(), by_class={}, pixel_ap=None, aupro=None)
    path = write_report(tmp_path / "r.html", bare, name="bare")
    headings = re.findall("<h2>(.*?)</h2>", path.read_text())
    for absent in ("Synthetic", "worth it", "Training", "need a look", "By kind"):
        assert not any(absent in heading for heading in headings)
    _, text = parse(path)
    assert "comes with no promise" in text and "not measured: no defect has a mask" in text


PROMISES = [(0, 500, "kept"), (4, 100, "kept"), (7, 100, "open"), (48, 600, "open"), (20, 100, "broken")]


@pytest.mark.parametrize(("count", "of", "state"), [*PROMISES, (0, 0, "open")])
def test_the_promise_is_judged_by_its_bounds(found, count, of, state):
    judged = replace(
        found,
        false_reject_rate=rate(count, of),
        calibration=calibrate(np.arange(99.0), 0.05).to_json(),
        proof={"false_rejects": {"wanted": 0.05, "more_if_none_fails": more_parts_to_prove(count, of, 0.05)}},
    )
    said = promise_kept(judged)
    assert said["state"] == state and said["mark"] == 0.05
    assert ("proven" in said["title"] and "not proven" not in said["title"]) == (count == 0 and of == 500)


def test_a_place_that_cannot_be_written_is_told(found, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BurnishError, match="cannot be written"):
        write_report(tmp_path / "file" / "report.html", found, name="x")
    assert [p.name for p in Path(tmp_path).iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("good", "bad"), [([1.0] * 5, []), ([], [2.0]), ([0, 1e6], [3, 1e-6]), ([5.0], [5.0])]
)
def test_histograms_of_odd_scores(good, bad):
    drawn = str(histogram(good, bad, 1.0))
    assert drawn.count('class="good"') == len(set(good)) and drawn.count('class="bad"') >= bool(bad)
    assert "nan" not in drawn and "inf" not in drawn


def test_bars_stay_on_their_rail():
    drawn = str(interval_bar(0.5, 0.2, 0.9, 0.1, 0.05))
    assert 'cx="157.0"' in drawn and 'x1="80.0"' in drawn
    assert "circle" not in str(interval_bar(None, 0, 1, 1))

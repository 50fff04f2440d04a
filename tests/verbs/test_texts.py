"""Lines trained, made, filled, repaired and rewritten by a tiny model; resumed to the bit; misuse told."""

import json
import math
from dataclasses import replace

import pytest
import torch

from burnish.core.corrected import Corrected
from burnish.errors import BundleError, BurnishError, DatasetError
from burnish.media.casing import MARKS
from burnish.media.vocabulary import MASK
from burnish.nets.text import TextNet
from burnish.train.budget import Budget
from burnish.train.run import work_folder
from burnish.train.texts import train
from burnish.verbs.load import load
from burnish.verbs.repair import distance, repair, span_bits, spelled_like
from burnish.verbs.text_files import write_wish
from burnish.verbs.texts import Drawable, Settings, infill, make, rewrite

SHAPE = {"size": 330, "width": 32, "depth": 1}
PARTS = ("bucket", "engine", "pump", "hose", "boom")


def model_lines():
    lines = [f"replace {part} {k}" for part in PARTS for k in range(12)]
    return lines + [f"REPAIR {part.upper()} LEAK {k}" for part in PARTS for k in range(12)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Notes of two words and a number, in two cases."""
    file = tmp_path_factory.mktemp("texts") / "notes.txt"
    file.write_text("\n".join(model_lines()))
    return file


@pytest.fixture(scope="module")
def bundle(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "b"
    said, drawn = [], []
    done = train(data, out, Budget(steps=4), on_plan=said.append, on_samples=drawn.append, **SHAPE)
    assert done.bundle is not None and "120 lines" in str(said[0]) and "samples.txt" in str(done)
    assert drawn and all(len(lines) == 12 for lines in drawn)
    return out


def test_the_bundle_says_what_it_is(bundle):
    meta = load(bundle).bundle.meta
    assert (meta["media"], meta["data"]["lines"], meta["process"]["name"]) == ("text", 120, "masked")
    assert 0 < meta["training"]["best_loss"] < 4
    assert (bundle / "samples.txt").read_text().count("\n") == 100


def test_a_line_depends_on_seed_and_index_alone(bundle):
    model = load(bundle)
    few, many = list(make(model, n=2, settings=Settings(8))), list(make(model, n=4, settings=Settings(8)))
    assert few == many[:2]
    assert list(make(model, n=2, settings=Settings(8, seed=1))) != few


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("REPAIR ____ LEAK 3", "REPAIR ", " LEAK 3"),
        ("____ LEAK 3", "", " LEAK 3"),
        ("replace ____", "replace ", ""),
        ("Re  ____ing / ____ Q", "Re  ", " Q"),
    ],
)
def test_infill_keeps_what_is_known_to_the_letter(bundle, text, begin, end):
    for line in infill(load(bundle), text, 4, Settings(6)):
        assert line.startswith(begin) and line.endswith(end)
        assert "__" not in line


def test_a_prompt_begins_the_line_and_rewrite_keeps_its_length(bundle):
    model = load(bundle)
    assert all(line.startswith("replace") for line in make(model, "replace", 3, Settings(4)))
    tokens = len(model.encode("replace bucket 3"))
    for line in rewrite(model, "replace bucket 3", 0.5, 3, Settings(4)):
        assert line and tokens
    assert list(rewrite(model, "replace bucket 3", 1e-9, 2, Settings(2))) == ["replace bucket 3"] * 2


def test_repair_puts_a_misspelt_word_right_and_lowers_the_bits(bundle):
    done = repair(load(bundle), "replace bukket 3", rounds=2, settings=Settings(6))
    assert done.after == "replace bucket 3" and done.changes == (("bukket", "bucket"),)
    assert done.bits_after < done.bits_before
    assert repair(load(bundle), "REPAIR BUKKET LEAK 3", rounds=1).after == "REPAIR BUCKET LEAK 3"
    assert repair(load(bundle), "replace bucket 3").changes == ()


def test_letters_between_words_are_counted_and_near_words_keep_the_case(bundle):
    assert distance("bukket", "bucket") == 1 and distance("", "abc") == 3
    assert spelled_like(load(bundle), "PAMP") == ["PUMP"]
    assert spelled_like(load(bundle), "Hoze")[0] == "Hose"
    assert spelled_like(load(bundle), "zzzzzz") == []


def test_the_bits_of_a_span_and_its_surroundings_are_those_of_the_line(bundle):
    """With the chain alone, for any span: -log2 p of the line with its end, and so of lines of any length."""
    model = load(bundle)
    chain = model.denoiser.chain
    alone = replace(model, denoiser=Corrected(TextNet(model.denoiser.net.config), chain).eval())
    words = ["REPAIR", "PUMP", "LEAK", "3"]
    wanted = -float(chain.log_likelihood(model.frame(model.encode(" ".join(words))))) / math.log(2)
    for before, after in ((0, 3), (1, 1), (1, 2), (0, 0)):
        assert span_bits(alone, words, before, after) == pytest.approx(wanted, rel=1e-3)


def test_fillings_differ_while_there_are_others(bundle):
    made = list(infill(load(bundle), "replace ____ 3", 6, Settings(4)))
    assert len(set(made)) == 6
    assert list(infill(load(bundle), "replace ____ 3", 3, Settings(4))) == made[:3]


@pytest.mark.parametrize("text", ["REPAIR ____ LEAK 3", "____ LEAK 3", "3 ____ LEAK", "REPAIR ____"])
def test_a_filling_stays_in_capitals(bundle, text):
    made = list(infill(load(bundle), text, 6, Settings(4)))
    assert sum(line.upper() == line for line in made) >= 5  # a word may still begin with one capital
    assert any(line.upper() != line for line in infill(load(bundle), "____ bucket 3", 6, Settings(4)))


def test_a_walk_draws_no_token_that_no_line_held(bundle):
    model = load(bundle)
    start = model.frame([MASK] * 3)
    answer = Drawable(model, [2])(start, torch.ones(1)).logits[0, 1:-1].softmax(-1)
    pieces = model.vocabulary.pieces(range(len(model.vocabulary)))
    seen = {t for line in model_lines() for t in model.vocabulary.encode(line)}
    assert {t for t in range(len(pieces)) if (answer[:, t] > 0).any()} <= seen
    assert all(pieces[t].startswith((" ", *MARKS)) for t in answer[1].nonzero().flatten().tolist())


def test_files_carry_how_each_line_came_about(bundle, tmp_path):
    model = load(bundle)
    told = write_wish(model, tmp_path, n=2, steps=4, seed=5, infill="replace ____ 3")
    rows = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == [0, 1] and "2 lines" in told[-1]
    assert rows[0] | {"verb": "infill", "seed": 5, "steps": 4, "model": model.bundle.hash} == rows[0]
    assert (tmp_path / "lines.txt").read_text().splitlines() == [row["text"] for row in rows]


def test_an_interrupted_run_goes_on_to_the_bit(data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(data, whole, Budget(steps=4), **SHAPE)
    done = train(data, parts, Budget(steps=4), on_progress=lambda now: now.step == 2, **SHAPE)
    assert done.bundle is None and work_folder(parts).exists()
    with pytest.raises(BurnishError, match="unfinished"):
        train(data, parts, Budget(steps=4), **SHAPE)
    train(data, parts, Budget(steps=4), resume=True, **SHAPE)
    a, b = (load(place).denoiser.state_dict() for place in (whole, parts))
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_base_goes_on_from_a_bundle(bundle, data, tmp_path):
    train(data, tmp_path / "more", Budget(steps=2), base=bundle)
    again = load(tmp_path / "more")
    assert again.bundle.meta["base"] == load(bundle).bundle.hash
    assert again.vocabulary.encode("pump") == load(bundle).vocabulary.encode("pump")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: list(infill(m, "no gap", 1)), "0 gaps"),
        (lambda m: list(infill(m, "__ a " * 9, 1)), "9 gaps"),
        (lambda m: list(make(m, "x" * 10000, 1)), "no line of at most"),
        (lambda m: list(make(m, n=0)), "at least 1"),
        (lambda m: list(rewrite(m, "a", 2.0)), "strength"),
        (lambda m: repair(m, " "), "is empty"),
        (lambda m: write_wish(m, "x", infill="a __", rewrite="b"), "two wishes"),
    ],
)
def test_misuse_is_told(bundle, call, message):
    with pytest.raises(BurnishError, match=message):
        call(load(bundle))


def test_an_empty_file_and_a_foreign_base_are_told(tmp_path, data):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DatasetError, match="0 different lines"):
        train(tmp_path / "empty.txt", tmp_path / "b", Budget(steps=1))
    with pytest.raises(BundleError, match="not a bundle"):
        train(data, tmp_path / "b", Budget(steps=1), base=tmp_path)

"""Words that do not belong: against the chain's sums in closed form; the command on top."""

import math

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from burnish.cli.inspect_text import text
from burnish.core.corrected import Corrected
from burnish.errors import BundleError, BurnishError
from burnish.inspect.text import TextSurprise, inspect_line
from burnish.media.vocabulary import BEGIN, END, MASK, PAD, word_of
from burnish.nets.text import TextNet
from burnish.train.budget import Budget
from burnish.train.texts import train
from burnish.verbs.load import load

PARTS = ("bucket", "engine", "pump", "hose", "boom")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model of two kinds of notes, hardly trained."""
    lines = [f"replace {part} {k}" for part in PARTS for k in range(12)]
    lines += [f"REPAIR {part.upper()} LEAK {k}" for part in PARTS for k in range(12)]
    root = tmp_path_factory.mktemp("texts")
    (root / "notes.txt").write_text("\n".join(lines))
    train(root / "notes.txt", root / "b", Budget(steps=2), size=330, width=32, depth=1)
    return root / "b"


@pytest.fixture(scope="module")
def model(bundle):
    return load(bundle)


@pytest.mark.parametrize("line", ["REPAIR zyxw LEAK 3", "replace pump 11", "Bucket"])
def test_the_bits_of_a_word_are_those_that_it_takes_away(model, line):
    """With the chain alone, the sum over a word's tokens is log2 p(line, the word hidden) - log2 p(line)."""
    config, chain = model.denoiser.net.config, model.denoiser.chain
    alone = type(model)(
        model.bundle, Corrected(TextNet(config), chain).eval(), model.vocabulary, model.lengths
    )
    tokens = alone.encode(line)
    words, each = np.array(word_of(alone.vocabulary, tokens)), alone.leave_word_out(tokens, batch=3).numpy()
    full = torch.tensor([[BEGIN, *tokens, END, PAD]])
    for word in range(words.max() + 1):
        hidden = full.clone()
        hidden[0, 1:-2][torch.from_numpy(words == word)] = MASK
        wanted = float(chain.log_likelihood(hidden) - chain.log_likelihood(full)) / math.log(2)
        assert each[words == word].sum() == pytest.approx(wanted, rel=1e-3, abs=1e-4)


def test_the_score_is_the_root_mean_square_over_characters(model):
    line = "REPAIR zyxw LEAK 3"
    found = inspect_line(model, f"  {line} ")
    each = model.leave_word_out(model.encode(line)).numpy()
    assert found.line == line and found.words == ("REPAIR", "zyxw", "LEAK", "3")
    assert found.score == pytest.approx(math.sqrt((each**2).sum() / len(line)))
    assert found.worst == pytest.approx(each.max()) == max(found.bits)


def test_a_foreign_word_surprises_most(model):
    found = inspect_line(model, "REPAIR zyxw LEAK 3")
    assert max(zip(found.bits, found.words, strict=True))[1] == "zyxw"
    assert found.marked(found.worst) == "REPAIR [zyxw] LEAK 3"
    assert inspect_line(model, "REPAIR PUMP LEAK 3").score < found.score
    assert TextSurprise("a b", ("a", "b"), (1.0, 9.0), 2.0).marked(9) == "a [b]"


@pytest.mark.parametrize(("line", "why"), [(" ", "is empty"), ("a\nb", "no line"), ("x" * 3000, "no line")])
def test_what_is_no_line_is_refused(model, line, why):
    with pytest.raises(BurnishError, match=why):
        inspect_line(model, line)


def test_the_command_shows_the_strangest_line_first_and_marks_the_word(bundle, tmp_path):
    app = typer.Typer()
    app.command()(text)
    (tmp_path / "new.csv").write_text(
        "Id,Note\n1,REPAIR PUMP LEAK 3\n2,REPAIR zyxw LEAK 3\n3,replace boom 4\n"
    )
    asked = [str(bundle), str(tmp_path / "new.csv"), "--column", "Note"]
    said = CliRunner().invoke(app, [*asked, "--alarm", "11", "--top", "2"])
    assert said.exit_code == 0, said.output
    shown = [line for line in said.output.splitlines() if "REPAIR" in line or "replace" in line]
    assert len(shown) == 2 and "[zyxw]" in shown[0]
    assert "1 of 3 lines hold a word of 11 bits" in said.output


def test_the_command_refuses_what_is_no_model_of_text(tmp_path):
    app = typer.Typer()
    app.command()(text)
    (tmp_path / "new.txt").write_text("a line")
    said = CliRunner().invoke(app, [str(tmp_path), str(tmp_path / "new.txt")])
    assert isinstance(said.exception, BundleError)

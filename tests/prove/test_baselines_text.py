"""N-grams against a model of text: bits by hand, and an untrained model on a Markov chain is advised
against."""

import itertools
import math

import numpy as np
import pytest

from burnish.core.ngram import KneserNey
from burnish.errors import DatasetError
from burnish.media.vocabulary import BEGIN, END
from burnish.prove.baseline import advise
from burnish.prove.baselines.text import compare_texts
from burnish.train.budget import Budget
from burnish.train.texts import train
from burnish.verbs.load import load

WORDS = {"leak": ["at", "in"], "at": ["pump", "valve"], "in": ["pump", "hose"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Lines of a chain of words, and a model that has made one update and has no chain of its own."""
    folder = tmp_path_factory.mktemp("text")
    rng, lines = np.random.default_rng(0), []
    for number in range(240):
        words = ["leak"]
        while words[-1] in WORDS:
            words.append(str(rng.choice(WORDS[words[-1]])))
        lines.append(f"{' '.join(words)} {number % 97}")
    (folder / "notes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shape = {"width": 32, "depth": 1, "size": 300}
    train(folder / "notes.txt", folder / "model", Budget(steps=1), chained=False, **shape)
    return folder / "model", folder / "notes.txt"


def test_an_untrained_model_is_advised_against(made, record_property):
    found, facts = compare_texts(*made, n=16)
    advice, first = advise(found)
    assert advice == "against" and first.startswith("DO NOT USE DIFFUSION HERE (make text)")
    assert [c.rival for c in found] == ["bigram", "trigram"] and facts["held_out"] > 16
    record_property("measured", f"text: {first[:80]}...")
    model = load(made[0])
    from burnish.media.text import load_texts

    learned, held = load_texts(made[1]).holdout(seed=0)
    tokens = [[*model.vocabulary.encode(line), END] for line in learned]
    grams = KneserNey(tokens, 2, len(model.vocabulary), BEGIN)
    nats = 0.0
    for line in held[:16]:
        said = [BEGIN, *model.vocabulary.encode(line), END]
        nats -= sum(math.log(grams.row([a])[b]) for a, b in itertools.pairwise(said))
    wanted = nats / math.log(2) / sum(map(len, held[:16]))
    assert found[0].theirs == pytest.approx(wanted)


def test_other_data_is_refused(made, tmp_path):
    (tmp_path / "other.txt").write_text("\n".join(f"line {k}" for k in range(50)))
    with pytest.raises(DatasetError, match="its own data"):
        compare_texts(made[0], tmp_path / "other.txt")

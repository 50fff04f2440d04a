"""Descriptions as hashed n-grams, and what "not said" means."""

import torch

from burnish.core.process import seeded
from burnish.nets.condition import NGRAMS, Condition, ConditionEncoder, hash_text


def test_descriptions_ignore_case_punctuation_and_encoding_of_accents():
    ids = hash_text(["Crème brûlée!", "creme", "cr\u0065\u0300me BRU\u0302LE\u0301E", ""], 1000)
    assert torch.equal(ids[0], ids[2])
    assert not torch.equal(ids[0], ids[1])
    assert ids.shape == (4, NGRAMS)
    assert int(ids[3].sum()) == 0
    assert int(ids.max()) <= 1000


def test_misspelt_words_share_letters():
    right, wrong, other = (
        set(row.tolist()) - {0} for row in hash_text(["scratched", "scrached", "dent"], 100_000)
    )
    assert len(right & wrong) >= 4
    assert not right & other


def test_unsaid_parts_give_the_same_vector_however_they_are_unsaid():
    torch.manual_seed(0)
    encoder = ConditionEncoder(16, classes=3, buckets=50, views=8)
    t = torch.tensor([0.2, 0.9])
    said = Condition(
        label=torch.tensor([1, 3]), ngrams=hash_text(["a cat", "a dog"], 50), view=torch.tensor([0, 0])
    )
    nothing = encoder(t, None)
    assert torch.equal(encoder(t, said.without()), nothing)
    assert torch.equal(encoder(t, Condition()), nothing)
    assert not torch.allclose(encoder(t, said), nothing)


def test_each_part_changes_the_vector():
    torch.manual_seed(0)
    encoder = ConditionEncoder(16, classes=3, buckets=50, views=8)
    t = torch.tensor([0.5])
    parts = [
        Condition(),
        Condition(label=torch.tensor([2])),
        Condition(ngrams=hash_text(["a dog"], 50)),
        Condition(view=torch.tensor([5])),
    ]
    vectors = [encoder(t, part) for part in parts] + [encoder(torch.tensor([0.6]), None)]
    for a in range(5):
        for b in range(a):
            assert not torch.allclose(vectors[a], vectors[b])


def test_dropping_unsays_class_and_words_together_and_keeps_the_rest():
    """10,000 samples at a share of 0.3: within 4.5 standard errors (false alarm under 1e-5)."""
    n = 10_000
    said = Condition(
        label=torch.ones(n, dtype=torch.int64),
        ngrams=torch.ones(n, NGRAMS, dtype=torch.int64),
        extra=torch.ones(n, 1, 1, 1),
        view=torch.ones(n, dtype=torch.int64),
    )
    dropped = said.dropped(0.3, seeded(0))
    assert torch.equal(dropped.label == 0, dropped.ngrams[:, 0] == 0)
    assert abs(float((dropped.label == 0).double().mean()) - 0.3) < 4.5 * (0.3 * 0.7 / n) ** 0.5
    assert bool((dropped.extra == 1).all())
    assert bool((dropped.view == 1).all())
    assert said.dropped(0.0, seeded(0)) is said


def test_conditions_of_some_samples():
    said = Condition(label=torch.tensor([1, 2, 3]), extra=torch.arange(3.0).reshape(3, 1, 1, 1))
    two = said[torch.tensor([2, 0])]
    assert two.label.tolist() == [3, 1]
    assert two.extra.flatten().tolist() == [2, 0]
    assert two.ngrams is None

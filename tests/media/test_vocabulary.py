"""Tokens and back, for any text; kept in a bundle; case shared."""

from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.media.casing import TAKEN
from burnish.media.vocabulary import MASK, PAD, Vocabulary, word_of

LINES = ["REPLACE BUCKET TOOTH", "replace bucket tooth", "L/H BUCKET CYL LEAKING."] * 9
WORDS = Vocabulary.learn(LINES, 300)


@settings(max_examples=200)
@given(st.text(alphabet=st.one_of(st.sampled_from(f"aB [MASK]{TAKEN}\n"), st.characters(codec="utf-8"))))
def test_any_text_has_a_code_and_comes_back(text):
    tokens = WORDS.encode(text)
    assert min(tokens, default=9) > MASK
    assert WORDS.decode(tokens) == text


def test_words_are_merged_and_case_is_shared():
    capital, small = WORDS.encode("REPLACE TOOTH"), WORDS.encode("replace tooth")
    assert capital[1:] == small
    assert WORDS.pieces(small) == [" replace", " tooth"]


def test_a_bundle_keeps_it():
    again = Vocabulary.from_json(WORDS.to_json())
    assert len(again) == len(WORDS) <= 300
    assert again.encode(LINES[2]) == WORDS.encode(LINES[2])


def test_broken_bytes_and_special_tokens_do_not_raise():
    assert WORDS.decode([PAD, MASK]) == ""
    one = [WORDS.encode("é")[-1]]
    assert WORDS.decode(one) == "\ufffd"


def test_a_mark_of_case_belongs_to_the_word_after_it():
    tokens = WORDS.encode("replace TOOTH x3")
    by_word = [[t for t, w in zip(tokens, word_of(WORDS, tokens), strict=True) if w == k] for k in range(3)]
    assert [WORDS.folded(part).strip("\ue000\ue001 ") for part in by_word] == ["replace", "tooth", "x3"]
    assert WORDS.pieces(by_word[1])[0] == "\ue000" and WORDS.pieces(by_word[2])[0] == "\ue001"

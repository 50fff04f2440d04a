"""Folding case loses nothing, for any text."""

from hypothesis import given
from hypothesis import strategies as st

from burnish.media.casing import CAPITAL, LETTER, LOWER, MARKS, TAKEN, UPPER, fold, mode_after, unfold

ODD = st.one_of(st.sampled_from(f"aAbBzZ  ßİıŉKǅ/é1{TAKEN}"), st.characters(codec="utf-8"))


@given(st.text(alphabet=ODD), st.booleans())
def test_any_text_comes_back(text, upper):
    assert unfold(fold(text, upper), upper) == text


@given(st.text(alphabet=ODD))
def test_what_looks_like_a_mark_is_hidden(text):
    plain = fold("".join(c for c in text if c not in TAKEN and c.lower() == c))
    assert not set(plain) & set(TAKEN)


def test_the_same_words_whatever_their_case():
    assert fold("replace tooth") == " replace tooth"
    assert fold("Replace tooth") == f"{CAPITAL} replace tooth"
    assert fold("REPLACE TOOTH") == f"{UPPER} replace tooth"
    assert fold("C/O L/H PTO lube pump") == f"{UPPER} c/o l/h pto{LOWER} lube pump"
    assert fold("McD") == f" {LETTER}mc{LETTER}d"


def test_pieces_of_a_line_go_on_in_the_mode_before_them():
    left = fold("L/H ")
    assert mode_after(left) and not mode_after(fold("a B c"))
    assert unfold(fold("LEAKING", upper=True), upper=True) == "LEAKING"
    assert UPPER not in fold("LEAKING", upper=True)


def test_codes_that_are_never_written_do_no_harm():
    assert unfold("".join(MARKS)) == ""
    assert unfold(f"{CAPITAL}{UPPER}ab") == "AB"

"""Clean text can always be stored, and is never longer than its limit."""

from hypothesis import given
from hypothesis import strategies as st

from pgqueue.core.values.clean_text import clean_text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@given(ANY_TEXT, st.integers(0, 300))
def test_clean_text_is_storable_and_within_its_limit(text, bytes_max):
    clean = clean_text(text, bytes_max)

    assert "\0" not in clean
    assert bytes_max >= len(clean.encode())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_text_that_fits_stays_as_it_is(text):
    assert text == clean_text(text, 200)


def test_a_character_that_cannot_be_stored_is_replaced():
    assert "a\ufffdb\ufffdc" == clean_text("a\0b\ud800c", 100)


def test_cut_text_ends_in_a_sign_of_the_cut_and_in_whole_characters():
    assert "éé…[cut]" == clean_text("é" * 100, 13)

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tastemap.data.interactions import ItemTable, Vocabulary
from tastemap.data.shown import TITLE_LENGTH, item_titles, shown


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.integers(2, 90))
def test_text_is_short_one_line_and_can_be_written_as_utf8(text, limit):
    said = shown(text, limit)
    assert len(said) <= limit
    assert len(said.splitlines()) <= 1
    said.encode("utf-8")
    assert not any(ord(one) < 32 or "\u202a" <= one <= "\u202e" for one in said)


@given(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=TITLE_LENGTH))
def test_ordinary_text_is_left_alone(text):
    assert shown(text) == text


def test_a_very_long_title_is_cut_with_an_ellipsis():
    assert shown("x" * 10_000) == "x" * (TITLE_LENGTH - 1) + "…"


def test_a_cut_does_not_part_a_letter_from_its_accent_or_a_family():
    assert shown("abcde\u0301fgh", 6) == "abcd…"
    assert shown("ab👩\u200d👧cdefgh", 5) == "ab👩…"


def test_items_without_a_title_are_called_by_their_id():
    items = Vocabulary.of([7, 8])
    table = ItemTable(np.array(["Seven", " "], dtype=object), ((), ()))
    assert item_titles(np.array([1, 0]), items, table) == ["8", "Seven"]
    assert item_titles(np.array([1, 0]), items, None) == ["8", "7"]

import pytest

from tastemap.data.columns import NAMES, by_name, given_column, listed, normalised
from tastemap.errors import UsageError


def test_no_name_belongs_to_two_roles():
    names = [name for role in NAMES.values() for name in role]
    assert len(names) == len(set(names))


def test_names_are_kept_in_the_form_that_they_are_compared_in():
    assert all(normalised(name) == name for role in NAMES.values() for name in role)


@pytest.mark.parametrize(
    ("role", "names", "position"),
    [
        ("user", ["item", "User-Id"], 1),
        ("user", ["session", "visitorid"], 1),
        ("item", ["ISBN", "user"], 0),
        ("time", ["date", "timestamp"], 1),
        ("weight", ["count", "Book-Rating"], 1),
        ("user", ["a", "b"], None),
    ],
)
def test_the_most_telling_name_wins(role, names, position):
    assert by_name(role, names) == position


def test_a_column_that_is_taken_is_not_guessed_again():
    assert by_name("user", ["user_id", "session_id"], taken=[0]) == 1


@pytest.mark.parametrize(("given", "position"), [("b", 1), (0, 0), ("0", 0), ("2", 2)])
def test_a_given_column_is_found_by_name_and_by_number(given, position):
    assert given_column("user", given, ["a", "b", "c"], "log.csv") == position


def test_a_name_of_digits_is_a_name_before_it_is_a_number():
    assert given_column("user", "0", ["1", "0"], "log.csv") == 1


@pytest.mark.parametrize("given", [3, -1, "7"])
def test_a_number_without_column_is_refused(given):
    with pytest.raises(UsageError, match="has 3 columns"):
        given_column("user", given, ["a", "b", "c"], "log.csv")


def test_long_lists_of_columns_are_cut():
    assert listed([str(i) for i in range(50)], most=2) == "0, 1, ... (50 in all)"

"""Every message has three parts: what was given, what is allowed, what to do."""

import pickle

import pytest

import tastemap as tm
from tastemap.errors import InputError, MissingExtra, UsageError, require_k


def test_a_message_shows_its_three_parts():
    error = InputError("k is 0", "a whole number", "pass k=10")
    assert str(error) == "k is 0\n  allowed: a whole number\n  to do:   pass k=10"
    assert (error.given, error.allowed, error.remedy) == ("k is 0", "a whole number", "pass k=10")


def test_errors_are_caught_as_what_python_programs_expect():
    assert issubclass(InputError, ValueError)
    assert issubclass(UsageError, InputError)
    assert issubclass(MissingExtra, ImportError)
    assert issubclass(MissingExtra, InputError)


def test_a_missing_extra_names_the_command_that_installs_it():
    assert str(MissingExtra("item_map", "maps")) == (
        "item_map needs packages that are not installed\n"
        "  allowed: tastemap with the extra 'maps'\n"
        "  to do:   pip install 'tastemap[maps]'"
    )


@pytest.mark.parametrize("k", [0, -1])
def test_k_must_be_positive(k):
    with pytest.raises(UsageError) as caught:
        require_k(k)
    assert str(caught.value) == (
        f"k is {k}\n  allowed: a whole number from 1 on\n  to do:   pass k=10, say"
    )


def test_k_is_returned():
    assert require_k(1) == 1


def test_the_errors_are_public():
    assert tm.InputError is InputError
    assert tm.UsageError is UsageError
    assert tm.MissingExtra is MissingExtra


@pytest.mark.parametrize(
    "error", [InputError("a", "b", "c"), UsageError("a", "b", "c"), MissingExtra("a", "b")]
)
def test_an_error_survives_being_sent_to_another_process(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)

"""Hyper-parameters as plain Python values, whatever kind of number or list they were given as."""

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence
from functools import wraps
from types import NoneType
from typing import Any, get_args, get_origin

import numpy as np

from tastemap.errors import UsageError

_WORDS = {int: "whole number", float: "finite number"}


def settle(recipe: Any) -> None:
    """Make the fields of a frozen recipe what they are declared as, in place.

    NumPy's numbers become Python's, and lists tuples, so that recipes which mean the same are
    equal, draw alike and can be saved. An int stays one where a float is declared.

    Errors
    ------
    UsageError
        A number with a fraction for an int, no number or an infinite one for a float.
    """
    for one in dataclasses.fields(recipe):
        if not one.init:
            continue
        try:
            plain = _plain(getattr(recipe, one.name), one.type)
        except (TypeError, ValueError, OverflowError) as error:
            raise _not_of_its_kind(recipe, one.name, one.type) from error
        object.__setattr__(recipe, one.name, plain)


def settled(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """A check of a recipe's fields that settles them first."""

    @wraps(check)
    def settle_and_check(recipe: Any) -> None:
        settle(recipe)
        check(recipe)

    return settle_and_check


def refused(recipe: Any, field: str, allowed: str, remedy: str = "") -> UsageError:
    """The complaint about a hyper-parameter."""
    return UsageError(
        f"{type(recipe).__name__}({field}={getattr(recipe, field)!r})",
        f"{field}: {allowed}",
        remedy or f"leave {field} out to use its default",
    )


def _plain(value: Any, kind: Any) -> Any:
    kind, optional = _without_none(kind)
    if value is None and optional:
        return None
    if get_origin(kind) in (tuple, Sequence):
        return tuple(_plain(one, get_args(kind)[0]) for one in value)
    if kind is int:
        return int(operator.index(value))
    if kind is float and type(value) is not int:
        if isinstance(value, str) or not math.isfinite(value):
            raise ValueError(value)
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _without_none(kind: Any) -> tuple[Any, bool]:
    """X and whether None will do as well, for a field declared as X or as X | None."""
    others = [one for one in get_args(kind) if one is not NoneType]
    if NoneType in get_args(kind) and len(others) == 1:
        return others[0], True
    return kind, False


def _not_of_its_kind(recipe: Any, field: str, declared: Any) -> UsageError:
    kind, optional = _without_none(declared)
    none = "None, or " if optional else ""
    if get_origin(kind) not in (tuple, Sequence):
        return refused(recipe, field, f"{none}a {_WORDS[kind]}")
    within = get_args(kind)[0]
    word = _WORDS.get(within, within.__name__.lower())
    return refused(recipe, field, f"{none}a tuple of {word}s", f"write {field}=(one, another)")

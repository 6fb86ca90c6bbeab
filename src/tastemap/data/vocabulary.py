"""What the log's codes mean: the outside ids of users and items, and what items are called."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tastemap.errors import InputError
from tastemap.shapes import Int32

Id = int | str | np.integer[Any]
_CANONICAL = re.compile("0|-?[1-9][0-9]{0,18}", re.ASCII)
"""A text that an int64 may be written as: no sign +, no leading zeros."""

UNKNOWN = -1
"""The code of an id that a vocabulary does not hold."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Outside ids in increasing order; the position of an id is its code.

    Parameters
    ----------
    ids
        Shape (n,), int64, or objects that are all `str`; strictly increasing.

    Examples
    --------
    >>> items = Vocabulary.of(["tea", "milk", "tea"])
    >>> items.encode(["milk", "beer"])
    array([ 0, -1], dtype=int32)
    >>> items.decode([1])
    array(['tea'], dtype=object)
    """

    ids: np.ndarray

    @classmethod
    def of(cls, ids: Iterable[Id]) -> "Vocabulary":
        """Build a vocabulary from ids in any order, with repeats; numbers and text do not mix."""
        given = list(ids)
        numbers = [int(one) for one in given if isinstance(one, int | np.integer)]
        if len(numbers) == len(given):
            if given and not -(2**63) <= min(numbers) <= max(numbers) < 2**63:
                raise InputError(
                    f"integer ids from {min(numbers)} to {max(numbers)}",
                    "integers of 64 bits",
                    "turn them into text: str(id)",
                )
            return cls(np.unique(np.array(numbers, dtype=np.int64)))
        if not all(isinstance(one, str) for one in given):
            kinds = sorted({type(one).__name__ for one in given})
            raise InputError(
                f"ids of different types: {', '.join(kinds)}",
                "ids that are all integers or all text",
                "turn them into text: str(id)",
            )
        return cls(np.array(sorted(set(given)), dtype=object))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_text(self) -> bool:
        """Whether ids are strings (else they are integers)."""
        return self.ids.dtype == object

    @cached_property
    def _code_of(self) -> dict[Id, int]:
        return {one: code for code, one in enumerate(self.ids.tolist())}

    def encode(self, ids: Iterable[Any]) -> Int32[np.ndarray, " n"]:
        """Codes of `ids`, shape (n,); `UNKNOWN` (-1) where the vocabulary lacks one.

        A text such as "196" finds the integer id 196 and the other way round, because a command
        line and a CSV file know only text.
        """
        codes = (self._code_of.get(self._native(one), UNKNOWN) for one in ids)
        return np.fromiter(codes, dtype=np.int32)

    def decode(self, codes: Sequence[int] | np.ndarray) -> np.ndarray:
        """Outside ids of `codes`, in the same order."""
        return self.ids[np.asarray(codes, dtype=np.int64)]

    def _native(self, one: Any) -> Any:
        if self.is_text:
            return one if isinstance(one, str) else str(one)
        if isinstance(one, str) and _CANONICAL.fullmatch(one):
            return int(one)
        return one


@dataclass(frozen=True, eq=False)
class ItemTable:
    """What people call the items: one row an item code.

    Parameters
    ----------
    titles
        Shape (items,), `str` objects; "" where unknown.
    labels
        One tuple of labels (genres, categories) an item; empty where unknown.
    """

    titles: np.ndarray
    labels: tuple[tuple[str, ...], ...]

    def find(self, title: str) -> int:
        """Code of the item with this title (case ignored), or `UNKNOWN`.

        >>> ItemTable(np.array(["Toy Story (1995)"], dtype=object), ((),)).find("toy story (1995)")
        0
        """
        wanted = title.casefold()
        return next((i for i, t in enumerate(self.titles) if t.casefold() == wanted), UNKNOWN)

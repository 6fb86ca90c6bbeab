"""What can be examined: a fitted model with vectors, or a bare table of numbers."""

from typing import Any, NamedTuple

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError


class Examined(NamedTuple):
    """Item vectors, and whatever is known of the log and the users behind them."""

    items: np.ndarray
    train: Interactions | None
    users: np.ndarray | None


def examined(
    given: Any, train: Interactions | None = None, user_vectors: np.ndarray | None = None
) -> Examined:
    """The vectors of a model or an array, checked against the log.

    The log of a model is the one that it was fitted on, unless another is given.
    """
    if isinstance(given, HasVectors):
        train = given.train if train is None and isinstance(given, Model) else train
        users = getattr(given, "user_vectors", None) if user_vectors is None else user_vectors
        items = given.item_vectors
    elif isinstance(given, Model):
        raise UsageError(
            f"{type(given).__name__} of {given.recipe.name} has no item vectors",
            "a model with item_vectors (ALS, BPR, SVD), or an array of shape (items, d)",
            "examine a factor model, or pass vectors of your own",
        )
    else:
        items, users = given, user_vectors
    vectors = _table("item vectors", items)
    people = None if users is None else _table("user vectors", users)
    if train is not None:
        _require_rows("item vectors", len(vectors), "items", len(train.items))
        if people is not None:
            _require_rows("user vectors", len(people), "users", len(train.users))
    if people is not None and people.shape[1] != vectors.shape[1]:
        raise InputError(
            f"user vectors of {people.shape[1]} numbers, item vectors of {vectors.shape[1]}",
            "vectors of one length",
            "pass both tables of the same model",
        )
    return Examined(vectors, train, people)


def _table(name: str, given: Any) -> np.ndarray:
    """A two-dimensional table of finite floats; numbers of other kinds become float64."""
    vectors = np.asarray(given)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or 0 in vectors.shape:
        raise InputError(
            f"{name} of shape {vectors.shape} and type {vectors.dtype}",
            "numbers of shape (items, d): a row an item",
            "pass model.item_vectors, or an array with one row an item",
        )
    if vectors.dtype not in (np.float32, np.float64):
        vectors = vectors.astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise InputError(
            f"{name} that are not finite in {int((~finite).sum()):,} of {len(vectors):,} rows, "
            f"first in row {int(np.argmin(finite))}",
            "finite numbers only (no NaN, no infinity)",
            "look at the training log: the model may have diverged (lower learning_rate, more reg)",
        )
    return vectors


def _require_rows(name: str, rows: int, noun: str, wanted: int) -> None:
    if rows != wanted:
        raise InputError(
            f"{rows:,} {name} for a log of {wanted:,} {noun}",
            f"one row for each of train.{noun}.ids, in that order",
            f"put the vectors into the order of train.{noun}.ids",
        )


def require_sample(sample: int, k: int) -> int:
    """Return `sample` if k neighbours can be found in so many items, else raise."""
    if sample <= k:
        raise UsageError(
            f"sample={sample} items for k={k} neighbours",
            f"a sample of {k + 1} items or more",
            f"pass sample={max(20_000, 2 * k)}",
        )
    return sample

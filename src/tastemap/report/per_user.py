"""Each user's value of the main metric, small enough to stand in a report.

With them two reports are compared user by user (paired), which shows differences several times
smaller than two means with their standard errors do.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.errors import InputError
from tastemap.metrics.result import Evaluation
from tastemap.seeding import stream
from tastemap.shapes import Float32, Int32, Int64

MOST_USERS = 10_000
ROOM, WIDEST = 80_000, 3
"""Characters that all models' values may take together, and those that one value may take."""


@dataclass(frozen=True)
class PerUser:
    """Values of one metric, packed.

    Parameters
    ----------
    metric
        Its name.
    key
        Sixteen hex digits of the users, their order and what was held out: values under equal keys
        belong together user by user.
    users
        How many users were judged; the values are of the first ones in the order of `shuffled`,
        as many as there is room for.
    values
        By the model's name, see `packed`.
    """

    metric: str
    key: str
    users: int
    values: Mapping[str, str]


def per_user(evaluations: Mapping[str, Evaluation], metric: str, test: Interactions) -> PerUser:
    """Pack the values of all models whose users are those of the first.

    Parameters
    ----------
    evaluations
        By the models' names, all of one split.
    metric
        One that has a value a user.
    test
        What was held out: the split's test part.
    """
    first = next(iter(evaluations.values()))
    same = {
        name: one
        for name, one in evaluations.items()
        if metric in one.per_user and np.array_equal(one.users, first.users)
    }
    kept = min(MOST_USERS, ROOM // (WIDEST * max(1, len(same))))
    rows = shuffled(len(first.users))[:kept]
    return PerUser(
        metric,
        key_of(test.user, test.item, first.users),
        len(first.users),
        {name: packed(one.per_user[metric][rows].astype(np.float32)) for name, one in same.items()},
    )


def key_of(
    user: Int32[np.ndarray, " events"],
    item: Int32[np.ndarray, " events"],
    judged: Int32[np.ndarray, " users"],
) -> str:
    """Sixteen hex digits of what was held out and of the users in their order."""
    order = np.lexsort((item, user))
    digest = hashlib.sha256()
    for column in (user[order], item[order], judged):
        digest.update(len(column).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(column, dtype="<i4").tobytes())
    return digest.hexdigest()[:16]


def shuffled(users: int) -> Int64[np.ndarray, " users"]:
    """An order of the users, always the same for the same number: its beginning is a sample.

    Two reports that hold samples of different sizes have the smaller one in common.
    """
    return stream(0, "users in a report", users).permutation(users)


def packed(values: Float32[np.ndarray, " n"]) -> str:
    """Values as text: float16 (three digits, NaN stays), compressed, base64.

    >>> unpacked(packed(np.float32([0, 0.5, np.nan]))).tolist()
    [0.0, 0.5, nan]
    """
    small = zlib.compress(values.astype("<f2").tobytes(), 9)
    return base64.b64encode(small).decode("ascii")


def unpacked(text: str) -> Float32[np.ndarray, " n"]:
    """The values that `packed` packed."""
    try:
        small = zlib.decompressobj()
        raw = small.decompress(base64.b64decode(text, validate=True), 2 * MOST_USERS)
        return np.frombuffer(raw, dtype="<f2").astype(np.float32)
    except (ValueError, zlib.error) as error:
        raise InputError(
            "values of users that cannot be unpacked",
            "what a report of tastemap holds",
            "write the report again",
        ) from error

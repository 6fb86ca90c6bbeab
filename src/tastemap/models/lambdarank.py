"""Lambdarank: gradient-boosted trees by LightGBM that order the candidates of a first stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories
from tastemap.data.table import Table
from tastemap.errors import InputError, MissingExtra
from tastemap.hyperparameters import refused, settle
from tastemap.kernels.workers import n_threads
from tastemap.models.candidate_features import Sources
from tastemap.models.neighbours import ItemKNN
from tastemap.recommend import blocks
from tastemap.seeding import stream
from tastemap.shapes import Float32, Int32, Int64, UInt8

if TYPE_CHECKING:
    import lightgbm

LARGEST_QUERY = 10_000
"""LightGBM takes no more rows than this of one user."""

CELLS = 50_000
"""So many candidates have their features made at a time."""

MANY_ROWS = 500_000
"""Fewer rows are learned from on one thread: OpenMP's threads wait for each other by spinning, and
on a busy machine took ten times as long as one thread (50,000 rows: 1.3 s alone)."""

ROWS = 2_000_000
"""Trees learn from at most so many candidates; of more, users are drawn by chance."""


@dataclass(frozen=True)
class Lambdarank:
    """Boosted trees that maximise NDCG@k among the candidates; extra `rank`.

    Each label user is a query. Her candidates are scored by models that never saw the labels, and
    what she went on to use is labelled 1, the rest 0. Source: Burges, From RankNet to LambdaRank to
    LambdaMART, MSR-TR-2010-82; Ke et al., LightGBM, NeurIPS 2017.

    Parameters
    ----------
    others
        Recipes whose scores and places are features beside the retriever's.
    trees
        How many, each with at most `leaves` leaves.
    learning_rate
        What each tree counts.
    leaves
        Most leaves of a tree.
    min_rows
        Fewest candidates in a leaf.
    reg
        L2 regularisation of what a leaf says.

    Examples
    --------
    >>> Lambdarank(others=(), trees=50)
    Lambdarank(others=(), trees=50, learning_rate=0.05, leaves=7, min_rows=200, reg=1.0)
    """

    others: Sequence[Recipe] = (ItemKNN(),)
    trees: int = 100
    learning_rate: float = 0.05
    leaves: int = 7
    min_rows: int = 200
    reg: float = 1.0

    def __post_init__(self) -> None:
        settle(self)
        for field, fine, allowed in (
            ("trees", self.trees >= 1, "a whole number from 1 on"),
            ("learning_rate", self.learning_rate > 0, "a number above 0"),
            ("leaves", self.leaves >= 2, "a whole number from 2 on"),
            ("min_rows", self.min_rows >= 1, "a whole number from 1 on"),
            ("reg", self.reg >= 0, "a number from 0 on"),
        ):
            if not fine:
                raise refused(self, field, allowed)

    @property
    def name(self) -> str:
        """The class name, by which tables know it."""
        return type(self).__name__

    def grow(self, queries: Sequence["Queries"], k: int, seed: int) -> UInt8[np.ndarray, " bytes"]:
        """Trees for these queries, as LightGBM's text; the same bits for any number of threads."""
        library = require_lightgbm()
        data = library.Dataset(
            np.concatenate([one.features for one in queries]),
            label=np.concatenate([one.labels for one in queries]),
            group=np.concatenate([one.sizes for one in queries]),  # sizes in order, not ids
            feature_name=list(queries[0].names),
            params={"verbosity": -1},
        )
        rows = sum(len(one.labels) for one in queries)
        settings = self._settings(k, seed, n_threads() if rows >= MANY_ROWS else 1)
        booster = library.train(settings, data, num_boost_round=self.trees)
        text = booster.model_to_string()
        # The settings at its end name the number of threads; predicting needs none of them.
        return np.frombuffer(text.split("\nparameters:")[0].encode(), dtype=np.uint8)

    def _settings(self, k: int, seed: int, threads: int) -> dict[str, Any]:
        return {
            "objective": "lambdarank",
            "metric": "none",
            # Pairs further down than this do not count; a little more than the list is long.
            "lambdarank_truncation_level": k + 3,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_rows,
            "lambda_l2": self.reg,
            "seed": int(stream(seed, "lambdarank").integers(2**31 - 1)),
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads,
            "verbosity": -1,
        }


@dataclass(frozen=True, eq=False)
class Queries:
    """Candidates of some users as rows, each user's together.

    Parameters
    ----------
    features
        Shape (n, d): a column for each of `names`.
    labels
        Shape (n,): 1 where the user went on to use the candidate.
    sizes
        Shape (users,): how many rows each user has.
    names
        Of the features.
    """

    features: Float32[np.ndarray, "n d"]
    labels: Int32[np.ndarray, " n"]
    sizes: Int64[np.ndarray, " users"]
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, sources: Sources, known: Histories, truth: Histories, candidates: int, seed: int
    ) -> "Queries | None":
        """Queries of all users, or of `ROWS` rows of them; None if no candidate was ever used.

        Users none of whose candidates were used teach nothing and are left out.
        """
        width = len(sources.log.items)
        most = max(1, ROWS // max(min(candidates, width), 1))
        if len(known) > most:
            drawn = stream(seed, "queries").permutation(len(known))[:most]
            known, truth = known.take(np.sort(drawn)), truth.take(np.sort(drawn))
        parts = []
        for part in row_blocks(len(known), candidates, width):
            shown, wanted = known.take(part), truth.take(part)
            items, scores, _ = sources.candidates(shown, candidates)
            row = np.repeat(np.arange(len(wanted)), wanted.lengths)
            hit = np.isin(
                np.arange(len(items))[:, None] * width + items, row * width + wanted.items
            )
            hit &= items >= 0
            kept = np.flatnonzero(hit.any(axis=1))
            if len(kept) == 0:
                continue
            items, scores, hit = items[kept], scores[kept], hit[kept]
            found = sources.features(shown.take(kept), items, scores)
            there = items >= 0
            parts.append(
                cls(
                    features=_columns(found, there),
                    labels=hit[there].astype(np.int32),
                    sizes=there.sum(axis=1).astype(np.int64),
                    names=tuple(found),
                )
            )
        if not parts:
            return None
        joined = {
            f.name: np.concatenate([getattr(one, f.name) for one in parts])
            for f in fields(cls)
            if f.name != "names"
        }
        return cls(names=parts[0].names, **joined)


@dataclass(frozen=True, eq=False)
class Trees:
    """Fitted trees, and what their features are made from.

    Parameters
    ----------
    text
        Shape (bytes,): LightGBM's own text.
    sources
        The models and the log behind the features.
    """

    text: UInt8[np.ndarray, " bytes"]
    sources: Sources

    @cached_property
    def _booster(self) -> "lightgbm.Booster":
        return require_lightgbm().Booster(model_str=self.text.tobytes().decode())

    def scores(
        self,
        histories: Histories,
        items: Int32[np.ndarray, "rows candidates"],
        scores: Float32[np.ndarray, "rows candidates"],
    ) -> Float32[np.ndarray, "rows candidates"]:
        """What the trees say of each candidate; -inf where there is none."""
        there = items >= 0
        said = np.full(items.shape, -np.inf, dtype=np.float32)
        if there.any():
            rows = _columns(self.sources.features(histories, items, scores), there)
            # Blocks of users are dealt to threads already; OpenMP's own wait by spinning.
            said[there] = np.asarray(self._booster.predict(rows, num_threads=1))
        return said

    def importance(self) -> Table:
        """The features by what they gained: columns feature, gain (share of all), splits."""
        gain = self._booster.feature_importance("gain")
        order = np.argsort(-gain, kind="stable")
        return Table(
            {
                "feature": np.array(self._booster.feature_name(), dtype=object)[order],
                "gain": gain[order] / max(gain.sum(), 1e-12),
                "splits": self._booster.feature_importance("split")[order],
            }
        )


def row_blocks(rows: int, candidates: int, n_items: int) -> Iterator[slice]:
    """Cut rows so that neither their scores nor their candidates' features take much memory."""
    step = max(1, CELLS // max(min(candidates, n_items), 1))
    for part in blocks(rows, n_items):
        for start in range(part.start, part.stop, step):
            yield slice(start, min(start + step, part.stop))


def require_lightgbm() -> Any:
    """LightGBM, or the error that says how to get it."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra("Lambdarank (LightGBM)", "rank") from error
    return lightgbm


def require_candidates(candidates: int) -> None:
    """Refuse more candidates than LightGBM takes for one user."""
    if candidates > LARGEST_QUERY:
        raise InputError(
            f"{candidates:,} candidates a user for Lambdarank",
            f"at most {LARGEST_QUERY:,}: LightGBM's limit for one query",
            "lower candidates, to 200, say",
        )


def _columns(
    found: dict[str, Float32[np.ndarray, "rows candidates"]], there: np.ndarray
) -> Float32[np.ndarray, "n d"]:
    """The features of the candidates that exist, a row each."""
    return np.stack([values[there] for values in found.values()], axis=1)

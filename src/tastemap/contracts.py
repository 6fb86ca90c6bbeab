"""READ FIRST: a recipe turns interactions into a model; a model turns histories into scores.

`Recipe` is a frozen set of hyper-parameters. `fit` returns a new, immutable `Model`. Whatever
else a user wants from a model (lists, similar items, reasons, files) is built here once, on
`score`, and is the same for all of them.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np

from tastemap.data.interactions import UNKNOWN, Histories, Id, Interactions, Vocabulary
from tastemap.data.table import Table
from tastemap.errors import UsageError, require_k
from tastemap.hyperparameters import refused, settle, settled
from tastemap.kernels.product import panels, product
from tastemap.kernels.topk import top_k
from tastemap.recommend import blocks, empty_lists, tie_order, top_items
from tastemap.seeding import require_seed
from tastemap.shapes import Float32, Int32
from tastemap.storage import Arrays, as_json, pack_log, unpack_log, write_folder
from tastemap.training import Monitor, TrainingLog

if TYPE_CHECKING:
    import scipy.sparse


class Recipe(ABC):
    """Frozen hyper-parameters of one kind of model; subclasses are frozen dataclasses.

    Equal recipe + equal data + equal seed = equal model, bit for bit, whatever the number of
    threads.
    """

    uses_validation: ClassVar[bool] = False
    """Whether `fit` takes `validation=`, events to stop training by."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let every recipe settle its fields before it checks them, and its seed before it fits."""
        super().__init_subclass__(**options)
        for name, before in (("__post_init__", settled), ("fit", _seeded)):
            if name in vars(cls):
                setattr(cls, name, before(vars(cls)[name]))

    def __post_init__(self) -> None:
        settle(self)

    @abstractmethod
    def fit(self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None) -> "Model":
        """Train on a log and return a new model; nothing that was passed in is changed."""

    @property
    def name(self) -> str:
        """The recipe's class name, by which tables and the command line know it."""
        return type(self).__name__

    def fields(self) -> dict[str, Any]:
        """The hyper-parameters by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def _require(self, field: str, fine: bool, allowed: str) -> None:
        """Refuse a hyper-parameter that cannot work."""
        if not fine:
            raise refused(self, field, allowed)


def _seeded(fit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fit)
    def fit_with_plain_seed(*given: Any, **named: Any) -> Any:
        if "seed" in named:
            named["seed"] = require_seed(named["seed"])
        return fit(*given, **named)

    return fit_with_plain_seed


@runtime_checkable
class HasVectors(Protocol):
    """A model whose items are points: what maps and embedding health need."""

    @property
    def item_vectors(self) -> Float32[np.ndarray, "items d"]:
        """One vector an item, in code order."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Model(ABC):
    """A fitted model: what it learned, and the log that it learned from.

    Parameters
    ----------
    recipe, seed
        How it was made.
    train
        The log it was fitted on: vocabularies, titles and everybody's history.
    log
        Its training, epoch by epoch.
    """

    recipe: Recipe
    seed: int
    train: Interactions
    log: TrainingLog = field(default_factory=TrainingLog)

    @abstractmethod
    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Score every item for every history: finite, higher is better.

        Knows nothing of masking or lists. A user whom the model knows (`histories.user` >= 0) is
        scored by what was learned of her; anybody else by the items in the history, and somebody
        without any history by popularity or its like. Never NaN, never an exception.
        """

    @property
    def users(self) -> Vocabulary:
        """Outside ids of the users."""
        return self.train.users

    @property
    def items(self) -> Vocabulary:
        """Outside ids of the items."""
        return self.train.items

    @cached_property
    def popularity(self) -> Float32[np.ndarray, " items"]:
        """Each item's count divided by the highest count: scores for somebody without a history."""
        counts = self.train.item_counts().astype(np.float32)
        return counts / max(counts.max(initial=0), np.float32(1))

    def histories(self, users: Iterable[Id]) -> Histories:
        """Training histories of these outside ids; unknown ones get an empty history, user -1."""
        return self.train.histories(self.users.encode(users))

    def recommend(
        self,
        users: Iterable[Id] | Histories | None = None,
        k: int = 10,
        *,
        baskets: Iterable[Iterable[Id]] | None = None,
        exclude_seen: bool = True,
        candidates: Iterable[Id] | None = None,
    ) -> Table:
        """The k best items for each user, as a table of outside ids.

        Parameters
        ----------
        users
            Outside ids, or ready histories; None means every user of the log. An id that the
            model never met is served like somebody without a history.
        k
            Length of each list; a list is shorter where the catalogue runs out.
        baskets
            Instead of users: item ids that somebody used, oldest first, one list a person.
        exclude_seen
            Leave out what is already in the history.
        candidates
            Recommend only these item ids.

        Returns
        -------
        Table
            Columns user, rank, item, title (where titles are known), score. For baskets, `user`
            is the number of the basket.
        """
        names, histories = self._asked(users, baskets)
        allowed = None if candidates is None else self._item_codes(candidates, "candidates")
        codes, values = top_items(
            self.score,
            histories,
            len(self.items),
            require_k(k),
            exclude_seen=exclude_seen,
            candidates=allowed,
        )
        rows, places = np.nonzero(codes >= 0)
        return Table(
            {"user": names[rows], "rank": (places + 1).astype(np.int32)}
            | self._named(codes[rows, places])
            | {"score": values[rows, places]}
        )

    def similar_items(self, items: Iterable[Id], k: int = 10) -> Table:
        """The k items most like each of these, as a table of outside ids.

        Likeness is the cosine of the model's item vectors; a model without vectors answers by
        the cosine of the items' columns in the training log (who used both).

        Returns
        -------
        Table
            Columns of (outside id), rank, item, title (where known), score (-1 to 1).
        """
        codes = self._item_codes(items, "items")
        found, values = empty_lists(len(codes), require_k(k))
        ties = tie_order(len(self.items))
        for part in blocks(len(codes), len(self.items)):
            scores = self.similarity(codes[part])
            scores[np.arange(len(scores)), codes[part]] = -np.inf
            found[part], values[part] = top_k(scores, ties, k)
        rows, places = np.nonzero(found >= 0)
        return Table(
            {"of": self.items.decode(codes[rows]), "rank": (places + 1).astype(np.int32)}
            | self._named(found[rows, places])
            | {"score": values[rows, places]}
        )

    def similarity(self, items: Int32[np.ndarray, " n"]) -> Float32[np.ndarray, "n items"]:
        """Cosine between these item codes and the whole catalogue."""
        if isinstance(self, HasVectors):
            vectors, laid = self._unit_vectors
            return product(vectors[items], laid, len(vectors))
        columns = self._unit_columns
        return (columns[:, items].T @ columns).toarray().astype(np.float32)

    @cached_property
    def _unit_vectors(self) -> tuple[Float32[np.ndarray, "items d"], Float32[np.ndarray, "_ _ 16"]]:
        """Item vectors of length 1, and the same as `product` wants them."""
        vectors = _unit_rows(cast(HasVectors, self).item_vectors)
        return vectors, panels(vectors)

    @cached_property
    def _unit_columns(self) -> "scipy.sparse.csc_array":
        """The training matrix with every item column of length 1."""
        matrix = self.train.matrix().tocsc()
        matrix.data = np.ones_like(matrix.data)
        lengths = np.sqrt(np.maximum(np.diff(matrix.indptr), 1)).astype(np.float32)
        matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
        return matrix

    def explain(self, user: Id, item: Id, k: int = 3) -> Table:
        """The past items that speak most for recommending `item` to `user`.

        Returns
        -------
        Table
            Columns item, title (where known), share: the part of all positive contributions, 0 to
            1. Contributions are exact for item-to-item models and SVD, and for ALS those to the
            score that the history gives when it is folded in; for other models they are
            likenesses between the past item and this one. Events of one item are added up.
        """
        code = self._item_codes([item], "item")[0]
        history = self.histories([user])
        items, places = np.unique(history.items, return_inverse=True)
        sums = np.bincount(places, self.reasons(history, int(code)), minlength=len(items))
        parts = np.maximum(sums, 0).astype(np.float32)
        best = np.argsort(-parts, kind="stable")[: require_k(k)]
        best = best[parts[best] > 0]
        total = float(parts.sum()) or 1.0
        return Table(self._named(items[best]) | {"share": parts[best] / total})

    def reasons(self, history: Histories, item: int) -> Float32[np.ndarray, " n"]:
        """How much each event of one history speaks for an item code: its contribution, or else
        the likeness of the two items.
        """
        parts = self.contributions(history, item)
        if parts is None:
            return self.similarity(np.array([item], dtype=np.int32))[0, history.items]
        return parts

    def contributions(self, history: Histories, item: int) -> Float32[np.ndarray, " n"] | None:
        """What each event of one history adds to the score of an item code, shape (events,);
        None where the score is no such sum.
        """
        return None

    def save(self, path: str | Path, metrics: Mapping[str, Any] | None = None) -> Path:
        """Write the folder `path`: manifest.json and model.safetensors; whole or not at all.

        Of `metrics`, numbers that are not finite are written as null.
        """
        manifest, arrays = self.packed()
        numbers = {str(name): as_json(value) for name, value in (metrics or {}).items()}
        return write_folder(path, manifest | {"metrics": numbers}, arrays)

    def packed(self) -> tuple[dict[str, Any], Arrays]:
        """Everything that a saved folder holds: the manifest and the arrays."""
        manifest = {
            "kind": "model",
            "model": type(self).__name__,
            "recipe": {"name": self.recipe.name, "fields": self.recipe.fields()},
            "seed": self.seed,
            "libraries": {name: version(name) for name in ("tastemap", "numpy", "scipy", "numba")},
            "data": {
                "fingerprint": self.train.fingerprint(),
                "events": len(self.train),
                "users": len(self.users),
                "items": len(self.items),
            },
            "training": self.log.to_json(),
        }
        return manifest, pack_log(self.train) | self._learned()

    def _learned(self) -> Arrays:
        """Every array field, by its name."""
        arrays: Arrays = {}
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                arrays[one.name] = value
            elif hasattr(value, "indptr"):  # a matrix of SciPy's, which takes .15 s to load
                for part in ("data", "indices", "indptr"):
                    arrays[f"{one.name}.{part}"] = getattr(value, part)
        return arrays

    @classmethod
    def restore(cls, recipe: Recipe, manifest: dict[str, Any], arrays: Arrays) -> "Model":
        """The model that `save` wrote."""
        train = unpack_log(arrays)
        return cls(
            recipe=recipe,
            seed=manifest["seed"],
            train=train,
            log=TrainingLog.from_json(manifest["training"]),
            **cls._relearned(arrays, len(train.items)),
        )

    @classmethod
    def _relearned(cls, arrays: Arrays, n_items: int) -> dict[str, Any]:
        """The fields that `_learned` wrote."""
        learned: dict[str, Any] = {}
        for one in dataclasses.fields(cls):
            if one.name in arrays:
                learned[one.name] = arrays[one.name]
            elif f"{one.name}.indptr" in arrays:
                from scipy.sparse import csr_array

                parts = tuple(arrays[f"{one.name}.{p}"] for p in ("data", "indices", "indptr"))
                shape = (len(parts[2]) - 1, n_items)
                learned[one.name] = csr_array(parts, shape=shape)
        return learned

    def _asked(
        self, users: Iterable[Id] | Histories | None, baskets: Iterable[Iterable[Id]] | None
    ) -> tuple[np.ndarray, Histories]:
        """Who is asked about: a name for each row of the answer, and the histories."""
        if baskets is not None:
            if users is not None:
                raise UsageError("users and baskets", "one of the two", "call recommend twice")
            given: list[Any] = [baskets] if _is_one(baskets) else list(baskets)
            for one in filter(_is_one, given):
                raise UsageError(
                    f"baskets: {one!r} where a basket is asked for",
                    "a list of item ids for each person",
                    "write baskets=[[...]], even for one person",
                )
            coded = [self._item_codes(basket, "baskets", strict=False) for basket in given]
            return np.arange(len(coded)), Histories.of_items(coded)
        if users is None:
            return self.users.ids, self.train.histories()
        if isinstance(users, Histories):
            known = (users.user >= 0) & (users.user < len(self.users))
            names = np.full(len(users), None, dtype=object)
            names[known] = self.users.decode(users.user[known])
            return names, users
        if _is_one(users):
            raise UsageError(f"users={users!r}", "a list of ids", f"write recommend([{users!r}])")
        asked = list(users)  # once: a generator is used up by it
        return np.array(asked, dtype=object), self.histories(asked)

    def _item_codes(
        self, ids: Iterable[Id], argument: str, strict: bool = True
    ) -> Int32[np.ndarray, " n"]:
        """Codes of item ids; unknown ones are refused (strict) or left out."""
        asked = list(ids)
        codes = self.items.encode(asked)
        if strict and (codes == UNKNOWN).any():
            stranger = asked[int(np.argmax(codes == UNKNOWN))]
            raise UsageError(
                f"{argument}: item {stranger!r} is not among the model's {len(self.items):,} items",
                f"ids like {', '.join(repr(i) for i in self.items.ids[:3].tolist())}",
                "check the id's spelling and type; model.items.ids lists all",
            )
        return codes[codes != UNKNOWN]

    def _named(self, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Columns item and, where titles are known, title."""
        named = {"item": self.items.decode(codes)}
        if self.train.table is not None:
            named["title"] = self.train.table.titles[codes]
        return named


def _is_one(given: Any) -> bool:
    """Whether this is one id where a list of them is asked for."""
    return isinstance(given, str) or not isinstance(given, Iterable)


def _unit_rows(vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return vectors / np.where(lengths > 0, lengths, 1)

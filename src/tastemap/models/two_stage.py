"""Retrieve, then rank: one model narrows the catalogue, another orders what is left."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.data.table import Table
from tastemap.errors import UsageError
from tastemap.kernels.workers import one_blas_thread
from tastemap.models.als import ALS
from tastemap.models.candidate_features import Sources
from tastemap.models.lambdarank import (
    Lambdarank,
    Queries,
    Trees,
    require_candidates,
    require_lightgbm,
    row_blocks,
)
from tastemap.models.log_parts import LogParts, held_out, log_parts
from tastemap.models.nested import Nesting, NestingModel
from tastemap.models.trial import Trial, hold_trial
from tastemap.shapes import Float32, Int32
from tastemap.storage import Arrays
from tastemap.training import Monitor, TrainingLog


@dataclass(frozen=True)
class TwoStage(Nesting):
    """Let `retrieve` pick candidates, and `rank` put them in order.

    The second stage is tried first: both are fitted on the earlier part of the log and judged on
    the newest one, which neither has seen. Unless NDCG@k rises with a 95 % paired interval above
    0, the stage stays off and the model is the retriever alone; the training log says which. Then
    the models are fitted on the whole log. The trial costs further fits: the retriever is fitted
    two times for a recipe and three times for `Lambdarank`.

    `Lambdarank` needs labels that its features do not know. The log is cut in three: models fitted
    on the earlier part score the candidates, the middle part labels them, the newest part is the
    trial. Trees that have passed it grow once more, from both labelled parts. All users are cut at
    the same two moments; without times, or where next to nobody has events on both sides, each
    user's events are cut by their order, and features of time are left out.

    Parameters
    ----------
    retrieve
        The first stage; recall is what it is for.
    rank
        `Lambdarank(...)` (extra `rank`), or any recipe, fitted on the same log.
    candidates
        How many items the first stage hands over; items of the history are never among them.
    k
        Length of the lists that are served.
    share
        Share of the events for the trial, and as many before them for labels.
    always
        Keep the second stage whatever the trial says.

    Examples
    --------
    >>> from tastemap.models.bpr import BPR
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> both = TwoStage(ALS(factors=2, alpha=10), BPR(factors=4, epochs=300), always=True)
    >>> both.fit(log, seed=1).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    retrieve: Recipe = ALS()  # noqa: RUF009 - recipes are frozen
    rank: Recipe | Lambdarank = Lambdarank()  # noqa: RUF009
    candidates: int = 200
    k: int = 10
    share: float = 0.15
    always: bool = False

    def __post_init__(self) -> None:
        ranks = self.rank.others if isinstance(self.rank, Lambdarank) else (self.rank,)
        self._require_plain(self.retrieve, *ranks)
        self._require("candidates", self.candidates >= 1, "a whole number from 1 on")
        self._require("k", self.k >= 1, "a whole number from 1 on")
        self._require("share", 0 < self.share <= 1 / 3, "a fraction above 0, at most a third")
        if isinstance(self.rank, Lambdarank):
            require_candidates(self.candidates)

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> "TwoStageModel":
        """Try the second stage, then fit on the whole log; the monitor watches that retriever."""
        if isinstance(self.rank, Lambdarank):
            return self._with_trees(self.rank, train, seed, monitor)
        return self._with_recipe(self.rank, train, seed, monitor)

    def _with_recipe(
        self, rank: Recipe, train: Interactions, seed: int, monitor: Monitor | None
    ) -> "TwoStageModel":
        parts = log_parts(train, self.share)
        before = parts.before_validation
        first = self.retrieve.fit(before, seed=seed)
        whole = self._model(first, rank.fit(before, seed=seed), seed)
        trial = self._trial(whole, parts, seed)
        on = self.always or (trial is not None and trial.won)
        first = self.retrieve.fit(train, seed=seed, monitor=monitor)
        ranker = rank.fit(train, seed=seed) if on else None
        return self._model(first, ranker, seed, trial, _said(parts, trial, on))

    def _with_trees(
        self, rank: Lambdarank, train: Interactions, seed: int, monitor: Monitor | None
    ) -> "TwoStageModel":
        require_lightgbm()
        parts = log_parts(train, self.share)

        def sources(log: Interactions, watch: Monitor | None = None) -> Sources:
            return Sources.fit(
                self.retrieve, rank.others, log, parts.window, seed=seed, monitor=watch
            )

        def queries(made_from: Sources, asked: tuple[Histories, Histories]) -> Queries | None:
            return Queries.of(made_from, *asked, self.candidates, seed)

        labelled = queries(sources(parts.earlier), held_out(parts.earlier, parts.labels))
        if labelled is None:
            first = self.retrieve.fit(train, seed=seed, monitor=monitor)
            why = f"second stage off: no candidate was used in the label part ({parts.how})"
            return self._model(first, None, seed, None, (why,))
        newer = sources(parts.before_validation)
        grown = Trees(rank.grow([labelled], self.k, seed), newer)
        trial = self._trial(self._model(newer.retriever, grown, seed), parts, seed)
        on = self.always or (trial is not None and trial.won)
        said = _said(parts, trial, on)
        if not on:
            first = self.retrieve.fit(train, seed=seed, monitor=monitor)
            return self._model(first, None, seed, trial, said)
        more = queries(newer, held_out(parts.before_validation, parts.validation))
        text = rank.grow([labelled] if more is None else [labelled, more], self.k, seed)
        trees = Trees(text, sources(train, monitor))
        said = (*said, _shares(trees.importance()))
        return self._model(trees.sources.retriever, trees, seed, trial, said)

    def _trial(self, whole: "TwoStageModel", parts: LogParts, seed: int) -> Trial | None:
        asked = held_out(parts.before_validation, parts.validation)
        return hold_trial(whole.retriever, whole, asked, self.k, self.candidates, seed)

    def _model(
        self,
        first: Model,
        ranker: "Model | Trees | None",
        seed: int,
        trial: Trial | None = None,
        notes: tuple[str, ...] = (),
    ) -> "TwoStageModel":
        return TwoStageModel(
            recipe=self,
            seed=seed,
            train=first.train,
            log=TrainingLog(first.log.epochs, first.log.notes + notes),
            retriever=first,
            ranker=ranker,
            trial=trial,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class TwoStageModel(NestingModel):
    """The retriever's scores, with its best unused items moved up in the ranker's order.

    Parameters
    ----------
    retriever
        The first stage.
    ranker
        The second: another model or trees; None where it is switched off.
    trial
        How both did on the newest part of the log before the last fit; None where it held
        nothing to judge on.
    """

    retriever: Model
    ranker: Model | Trees | None
    trial: Trial | None

    @property
    def candidates(self) -> int:
        """How many items the first stage hands over."""
        return int(self.recipe.fields()["candidates"])

    @property
    def k(self) -> int:
        """Length of the lists that the trial judged."""
        return int(self.recipe.fields()["k"])

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Candidates above everything else, by place in their new order; below, the retriever's.

        A candidate's score tells its place, not how sure the ranker is. With the second stage off
        these are the retriever's scores, bit for bit.
        """
        if self.ranker is None:
            return self.retriever.score(histories)
        n_items = len(self.items)
        out = np.empty((len(histories), n_items), dtype=np.float32)
        with one_blas_thread():
            for part in row_blocks(len(histories), self.candidates, n_items):
                out[part] = self._scores(self.ranker, histories.take(part))
        return out

    def _scores(
        self, ranker: Model | Trees, histories: Histories
    ) -> Float32[np.ndarray, "rows items"]:
        items, first, scores = Sources(self.retriever).candidates(histories, self.candidates)
        if isinstance(ranker, Trees):
            said = ranker.scores(histories, items, first)
        else:
            codes = np.maximum(items, 0).astype(np.int64)
            said = np.take_along_axis(ranker.score(histories), codes, axis=1)
        return _moved_up(scores, items, said, histories)

    def similarity(self, items: Int32[np.ndarray, " n"]) -> Float32[np.ndarray, "n items"]:
        """The retriever's."""
        return self.retriever.similarity(items)

    def importance(self) -> Table:
        """What the trees looked at: columns feature, gain (share of all), splits.

        Errors
        ------
        UsageError
            Where the second stage is off, or is no `Lambdarank`.
        """
        if not isinstance(self.ranker, Trees):
            ranked = "switched off" if self.ranker is None else f"{self.ranker.recipe.name}"
            raise UsageError(
                f"importance() of a second stage that is {ranked}",
                "a second stage of trees that is on",
                "fit TwoStage(rank=Lambdarank(), always=True)",
            )
        return self.ranker.importance()

    def stages(self) -> dict[str, Any]:
        """What the doctor asks of two stages: `first`, `labels`, `candidate_recall`, `candidates`.

        `first` and `labels`, shape (n, 2), are the (user, item) codes that the first stage was
        fitted on while labels were made, and those of the events that labels came from; both only
        for trees, as other rankers have no labels of their own.
        """
        ceiling = None if self.trial is None else self.trial.ceiling
        found = {"candidate_recall": ceiling, "candidates": self.candidates}
        if not isinstance(self.ranker, Trees):
            return found
        parts = log_parts(self.train, self.recipe.fields()["share"])
        users, items = _flat(held_out(parts.earlier, parts.labels)[1])
        first = np.stack([parts.earlier.user, parts.earlier.item], axis=1)
        return found | {"first": first, "labels": np.stack([users, items], axis=1)}

    def packed(self) -> tuple[dict[str, Any], Arrays]:
        """The manifest and the arrays, what the trial and the trees were among them."""
        manifest, arrays = super().packed()
        if isinstance(self.ranker, Trees):
            manifest["libraries"]["lightgbm"] = require_lightgbm().__version__
        return manifest | {
            "trial": None if self.trial is None else self.trial.to_json(),
            "window": self.ranker.sources.window if isinstance(self.ranker, Trees) else None,
        }, arrays

    def _parts(self) -> dict[str, Model]:
        parts = {"retriever": self.retriever}
        if isinstance(self.ranker, Trees):
            others = self.ranker.sources.others
            return parts | {f"other{n}": one for n, one in enumerate(others)}
        return parts if self.ranker is None else parts | {"ranker": self.ranker}

    def _learned(self) -> Arrays:
        trees = {"trees": self.ranker.text} if isinstance(self.ranker, Trees) else {}
        return trees | super()._learned()

    @classmethod
    def _joined(
        cls, parts: dict[str, Model], manifest: dict[str, Any], arrays: Arrays
    ) -> dict[str, Any]:
        ranker: Model | Trees | None = parts.get("ranker")
        if "trees" in arrays:
            others = tuple(part for name, part in parts.items() if name.startswith("other"))
            sources = Sources(parts["retriever"], others, manifest["window"])
            ranker = Trees(arrays["trees"], sources)
        trial = None if manifest["trial"] is None else Trial(**manifest["trial"])
        return {"retriever": parts["retriever"], "ranker": ranker, "trial": trial}


def _moved_up(
    scores: Float32[np.ndarray, "rows items"],
    items: Int32[np.ndarray, "rows candidates"],
    said: Float32[np.ndarray, "rows candidates"],
    histories: Histories,
) -> Float32[np.ndarray, "rows items"]:
    """The scores with the candidates above all others, in the order of what is said of them.

    Candidates of which the same is said keep their order. Items of the history, which are no
    candidates, stay between those between which the retriever has them: they would otherwise fall
    below everything that was never used.

    >>> shown = Histories.of_items([[2]])
    >>> _moved_up(np.float32([[3, 2, 2.5, 0]]), np.int32([[0, 1]]), np.float32([[5, 7]]), shown)
    array([[3.5 , 4.  , 3.75, 0.  ]], dtype=float32)
    """
    out, n = scores.copy(), items.shape[1]
    there = items >= 0
    order = np.argsort(np.where(there, -said, np.inf), axis=1, kind="stable")
    place = np.empty(items.shape, dtype=np.int64)
    places = np.broadcast_to(np.arange(n), items.shape)
    np.put_along_axis(place, order, places, axis=1)
    top = scores.max(axis=1, initial=0).astype(np.float64)
    # A step that float32 still tells apart above the highest score, however high that is.
    step = np.maximum(1 / max(n, 1), 16 * np.spacing(np.abs(top).astype(np.float32) + 1))
    moved = top[:, None] + step[:, None] * (n - place)
    rows = np.nonzero(there)[0]
    out[rows, items[there]] = moved[there]
    for row in range(len(histories)):
        seen, own = histories.row(row), np.sort(scores[row, items[row][there[row]]])
        above = len(own) - np.searchsorted(own, scores[row, seen], side="right")
        inside = above < len(own)
        out[row, seen[inside]] = top[row] + step[row] * (n - above[inside] + 0.5)
    return out


def _said(parts: LogParts, trial: Trial | None, on: bool) -> tuple[str, ...]:
    """What the trial came to, for the training log."""
    if trial is None:
        found = "nobody has a new item in the validation part"
    else:
        found = str(trial)
    if trial is not None and trial.won:
        verdict = "second stage on"
    elif on:
        verdict = "second stage kept (always=True) although it did not win"
    else:
        verdict = "second stage off, the retriever ranks alone: no interval above 0"
    return (f"{verdict}: {found}", f"cut of the training log: {parts.how}")


def _shares(importance: Table) -> str:
    """The most important features in a line."""
    rows = importance.rows()[:5]
    return "what the trees gain by: " + ", ".join(f"{r['feature']} {r['gain']:.0%}" for r in rows)


def _flat(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """User and item of every event."""
    return np.repeat(histories.user, histories.lengths), histories.items

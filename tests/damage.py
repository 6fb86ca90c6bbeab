"""Worlds and runs to start from, and what can be done to a run to break it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

import tastemap as tm
from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories
from tastemap.diagnosis.evidence import Claim, Evidence, Sequences
from tastemap.diagnosis.from_run import evidence_of
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream


@dataclass(frozen=True)
class Broken(Recipe):
    """A recipe whose model is damaged after fitting."""

    inner: Recipe
    damage: Callable[[Any], Model]

    @property
    def name(self) -> str:
        return self.inner.name

    def fit(self, train, *, seed=0, monitor=None):
        return self.damage(self.inner.fit(train, seed=seed, monitor=monitor))


# --- worlds and runs that everything starts from -------------------------------------------------


@cache
def crowd() -> tm.Split:
    """Eight groups of taste, 800 users, 400 items, 16,000 events; one event a user held out."""
    return tm.leave_last_out(tm.synthetic.taste_groups(800, 400, 8, 20, seed=2))


@cache
def many_held_out() -> tm.Split:
    """The same world, a fifth of everybody's events held out."""
    return tm.random_split(tm.synthetic.taste_groups(800, 400, 8, 20, seed=2), seed=0)


@cache
def movies() -> tm.Split:
    """An invented world as large as MovieLens-100K, cut by time."""
    return tm.split_by_time(tm.k_core(tm.synthetic.demo_world(seed=0), 5), test=0.2)


METRICS = (
    *(
        f"{name}@{k}"
        for name in ("precision", "recall", "ndcg", "hit_rate", "map")
        for k in (5, 10)
    ),
    "recall@20",
    "hit_rate@20",
    "ndcg@20",
    "auc",
)


def run_of(recipe: Recipe, split: tm.Split, seed: int = 1) -> Evidence:
    return evidence_of(tm.execute(recipe, split, seed, metrics=METRICS))


@cache
def good(split: Callable[[], tm.Split] = crowd) -> Evidence:
    """A healthy run: ALS."""
    return run_of(tm.ALS(factors=16, epochs=8), split())


# --- training ------------------------------------------------------------------------------------


def bpr(**changed: Any) -> tm.BPR:
    """BPR with hyper-parameters that its checks would refuse."""
    recipe = tm.BPR(factors=16, epochs=30)
    for name, value in changed.items():
        object.__setattr__(recipe, name, value)
    return recipe


def frozen(model: FactorModel) -> FactorModel:
    """Vectors as they were drawn; only the bias was learned."""
    rng = stream(0, "frozen")
    drawn = [
        rng.standard_normal(v.shape).astype(np.float32) / 10
        for v in (model.user_vectors, model.item_vectors)
    ]
    return replace(model, user_vectors=drawn[0], item_vectors=drawn[1])


def items_changed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[FactorModel], Model]:
    return lambda model: replace(
        model, item_vectors=np.ascontiguousarray(change(model.item_vectors), dtype=np.float32)
    )


def users_changed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[FactorModel], Model]:
    return lambda model: replace(
        model, user_vectors=np.ascontiguousarray(change(model.user_vectors), dtype=np.float32)
    )


def shuffled(vectors: np.ndarray) -> np.ndarray:
    return vectors[stream(0, "shuffled").permutation(len(vectors))]


def collapsed(vectors: np.ndarray) -> np.ndarray:
    noise = stream(0, "collapse").standard_normal(vectors.shape)
    return np.ones_like(vectors) + 0.1 * noise


def flat(vectors: np.ndarray) -> np.ndarray:
    """Only the first two directions are left."""
    u, s, vt = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    s[2:] *= 1e-3
    return (u * s) @ vt


def noisy_tail(model: FactorModel) -> Model:
    counts = model.train.item_counts()
    tail = counts < np.median(counts)
    vectors = model.item_vectors.copy()
    vectors[tail] = (
        stream(0, "tail").standard_normal((tail.sum(), vectors.shape[1])) * vectors.std()
    )
    return replace(model, item_vectors=vectors)


def scored_by(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[FactorModel], Model]:
    """The model with its scores changed, blockwise, as a bug in a forward pass would."""

    @dataclass(frozen=True, eq=False, kw_only=True)
    class Changed(FactorModel):
        def score(self, histories):
            return np.asarray(change(super().score(histories)), dtype=np.float32)

    return lambda model: Changed(**{name: getattr(model, name) for name in _fields(model)})


def _fields(model: FactorModel) -> list[str]:
    return [
        "recipe",
        "seed",
        "train",
        "log",
        "user_vectors",
        "item_vectors",
        "item_bias",
    ]


def over_batch(scores: np.ndarray) -> np.ndarray:
    """BatchNorm over the users of the batch, still in training mode."""
    return (scores - scores.mean(axis=0)) / (scores.std(axis=0) + 1e-5)


_dropout = np.random.default_rng(0)


def dropped_out(scores: np.ndarray) -> np.ndarray:
    """Dropout that nobody turned off."""
    return scores * (_dropout.random(scores.shape) > 0.3)


def with_curve(values, name) -> Evidence:
    epochs = tuple(tm.Epoch(n + 1, 0.1, {name: float(v)}) for n, v in enumerate(values))
    return replace(good(), name="BPR", curve=tm.TrainingLog(epochs))


# --- lists ---------------------------------------------------------------------------------------


def listed(change: Callable[[np.ndarray], np.ndarray], split=crowd, scores=None) -> Evidence:
    """Lists changed on their way out; what is claimed of them is what was measured before."""
    e = good(split)
    return replace(e, lists=np.ascontiguousarray(change(e.lists.copy())), list_scores=scores)


def in_random_order(lists: np.ndarray) -> np.ndarray:
    rng = stream(0, "order")
    return np.array([row[rng.permutation(len(row))] for row in lists], dtype=np.int32)


def repeating(lists: np.ndarray) -> np.ndarray:
    lists[:, 3] = lists[:, 0]
    return lists


def cut_short(lists: np.ndarray) -> np.ndarray:
    lists[:200, 6:] = -1
    return lists


def with_seen(e: Evidence) -> Evidence:
    """Nothing was masked: the training items head the lists."""
    lists = e.lists.copy()
    for row in range(len(lists)):
        history = e.seen.row(row)[:5]
        lists[row, : len(history)] = history
    return replace(e, lists=lists, list_scores=None, claims={})


def masked_by_neighbour(e: Evidence) -> Evidence:
    """The mask is one row too far: each list lacks what the next user has seen."""
    scores = e.score(e.seen)
    other = e.seen.take(np.roll(np.arange(len(e.seen)), 1))
    scores[np.repeat(np.arange(len(other)), other.lengths), other.items] = -np.inf
    lists = np.argsort(-scores, axis=1)[:, :20].astype(np.int32)
    return replace(e, lists=lists, list_scores=None, claims={})


def masked_truth(e: Evidence) -> Evidence:
    """The mask was made of the whole log, test included: answers can never be listed."""
    scores = e.score(e.seen)
    for ragged in (e.seen, e.truth):
        scores[np.repeat(np.arange(len(ragged)), ragged.lengths), ragged.items] = -np.inf
    lists = np.argsort(-scores, axis=1)[:, :20].astype(np.int32)
    return replace(e, lists=lists, list_scores=None, claims={}, score=None)


def bottom(e: Evidence) -> Evidence:
    """argsort without the minus: the worst items are listed."""
    scores = e.score(e.seen)
    scores[np.repeat(np.arange(len(e.seen)), e.seen.lengths), e.seen.items] = np.inf
    lists = np.argsort(scores, axis=1)[:, :20].astype(np.int32)
    return replace(e, lists=lists, list_scores=None, claims={}, score=None)


def unsorted_scores(e: Evidence) -> Evidence:
    """The best twenty items with their scores, in the order of the catalogue."""
    lists = np.sort(e.lists, axis=1)
    scores = np.take_along_axis(e.score(e.seen), lists, axis=1).astype(np.float64)
    return replace(e, lists=lists, list_scores=scores, claims={})


# --- truth and metrics ---------------------------------------------------------------------------


def truth_of(rows: list[np.ndarray], e: Evidence) -> Histories:
    return Histories.of_items(rows, user=e.truth.user.tolist())


def changed_truth(change: Callable[[np.ndarray, int], np.ndarray], split=many_held_out) -> Evidence:
    """The truth was damaged on the way to the metrics; the claims are computed from it."""
    e = good(split)
    rows = [np.asarray(change(e.truth.row(r), r)) for r in range(len(e.truth))]
    return replace(e, truth=truth_of(rows, e), claims={})


def with_train_pairs(e: Evidence) -> Evidence:
    rows = [np.concatenate([e.truth.row(r), e.seen.row(r)[:8]]) for r in range(len(e.truth))]
    return replace(e, truth=truth_of(rows, e), claims={}, test=None)


def claiming(split=many_held_out, **values: float | Claim) -> Evidence:
    """The run states these values; "ndcg_10" is nDCG@10."""
    e = good(split)
    stated = dict(e.claims)
    for name, value in values.items():
        metric, k = name.rsplit("_", 1)
        old = stated.get(f"{metric}@{k}")
        fresh = value if isinstance(value, Claim) else Claim(value, users=old and old.users)
        stated[f"{metric}@{k}"] = fresh
    return replace(e, claims=stated)


def mean_of(e: Evidence, name: str, k: int) -> np.ndarray:
    from tastemap.metrics.ranking import TOPK

    return TOPK[name](e.ranking, k)


def over_hit_users() -> Evidence:
    """Metrics averaged over the users with a hit only."""
    e = good(many_held_out)
    hit = mean_of(e, "hit_rate", 10) > 0
    names = ("ndcg", "recall", "precision", "map")
    return replace(
        e, claims={f"{n}@10": Claim(float(mean_of(e, n, 10)[hit].mean())) for n in names}
    )


def over_all_users() -> Evidence:
    """A third of the users have no truth, and count as 0."""
    e = good(many_held_out)
    rows = [e.truth.row(r) if r % 3 else np.empty(0, np.int32) for r in range(len(e.truth))]
    thin = replace(e, truth=truth_of(rows, e), test=None, claims={})
    claims = {
        f"{name}@10": Claim(float(mean_of(thin, name, 10).sum() / len(rows)))
        for name in ("ndcg", "recall", "hit_rate")
    }
    return replace(thin, claims=claims)


def over_other_users() -> Evidence:
    """The mean is over the first half of the judged users."""
    e = good(many_held_out)
    half = len(e.judged) // 2
    names = ("ndcg", "recall", "precision", "map")
    claims = {f"{n}@10": Claim(float(mean_of(e, n, 10)[:half].mean()), users=half) for n in names}
    return replace(e, claims=claims)


def precision_by_list_length() -> Evidence:
    """Precision@10 divided by the number of held-out items instead of by k."""
    e = good(many_held_out)
    hits = e.ranking.hits[:, :10].sum(axis=1)
    return claiming(precision_10=float((hits / e.ranking.relevant).mean()))


def ideal_untruncated() -> Evidence:
    """nDCG whose ideal list is longer than k."""
    e = good(many_held_out)
    from tastemap.metrics.ranking import TOPK

    dcg = TOPK["dcg"](e.ranking, 5)
    best = np.array([np.sum(1 / np.log2(np.arange(n) + 2)) for n in e.ranking.relevant])
    return claiming(ndcg_5=float((dcg / best).mean()))


# --- split, choices, sequences -------------------------------------------------------------------


def fitted_on_everything() -> Evidence:
    """The model was fitted on the whole log, test included."""
    split = many_held_out()
    whole = tm.synthetic.taste_groups(800, 400, 8, 20, seed=2)
    leaky = Broken(tm.ALS(factors=64), lambda _: tm.ALS(factors=64).fit(whole, seed=1))
    return run_of(leaky, split)


def later_events_in_train() -> Evidence:
    """A tenth of the events after the cut went into train."""
    split = movies()
    rng = stream(0, "late")
    chosen = rng.random(len(split.test)) < 0.3
    late, kept = split.test[chosen], split.test[~chosen]
    train = replace(
        split.train,
        user=np.concatenate([split.train.user, late.user]),
        item=np.concatenate([split.train.item, late.item]),
        weight=np.concatenate([split.train.weight, late.weight]),
        time=np.concatenate([split.train.time, late.time]),
    )
    return run_of(tm.ALS(factors=16), tm.Split(train, None, kept, how=split.how))


def knows_the_answer() -> Evidence:
    """A feature that is the test event itself."""
    split = crowd()
    answers = split.test.histories()

    @dataclass(frozen=True, eq=False, kw_only=True)
    class Oracle(FactorModel):
        def score(self, histories):
            scores = super().score(histories)
            for row, user in enumerate(histories.user):
                if user >= 0:
                    scores[row, answers.row(int(user))] += 10
            return scores

    def damage(model):
        return Oracle(**{name: getattr(model, name) for name in _fields(model)})

    return run_of(Broken(tm.ALS(factors=16), damage), split)


def pairs_of(log) -> np.ndarray:
    return np.stack([log.user, log.item], axis=1)


def fed(change: Callable[[np.ndarray], np.ndarray] = lambda rows: rows, **more: Any) -> Evidence:
    """What a sequential model would be fed of a Markov world."""
    log = tm.synthetic.markov_chain(seed=1)
    histories = log.histories()
    rows = np.zeros((len(histories), 12), dtype=np.int32)
    targets = np.zeros(len(histories), dtype=np.int32)
    for r in range(len(histories)):
        row = histories.row(r)[: 4 + r % 12] + 1
        targets[r] = row[-1]
        kept = row[:-1][-12:]
        rows[r, 12 - len(kept) :] = kept
    return Evidence(name="SASRec", sequences=Sequences(change(rows), targets, **more))


def padded_at_the_end(rows: np.ndarray) -> np.ndarray:
    return np.array([[*row[row > 0], *row[row == 0]] for row in rows], dtype=np.int32)


def not_shifted() -> Evidence:
    e = fed()
    rows = e.sequences.inputs.copy()
    rows[:, :-1], rows[:, -1] = rows[:, 1:].copy(), e.sequences.targets
    return replace(e, sequences=replace(e.sequences, inputs=rows))


def newest_first() -> Evidence:
    e = good()
    seen = e.seen
    return replace(e, seen=replace(seen, time=seen.time[::-1].copy()))


def small() -> tm.Split:
    """Forty users."""
    return tm.leave_last_out(tm.synthetic.taste_groups(40, 40, 4, 8, seed=5))


def dense() -> tm.Split:
    """A fifth of all pairs."""
    return tm.random_split(tm.synthetic.taste_groups(300, 80, 4, 15, seed=6), seed=1)


def strangers() -> tm.Split:
    """Strong generalisation: whole users held out."""
    return tm.holdout_users(tm.synthetic.taste_groups(600, 200, 5, 20, seed=7), seed=1)


def chain() -> tm.Split:
    """Each item follows from the last one."""
    return tm.leave_last_out(tm.synthetic.markov_chain(seed=3))


def movies_last() -> tm.Split:
    """The large world, everybody's last event held out."""
    return tm.leave_last_out(tm.k_core(tm.synthetic.demo_world(seed=1), 5))


def movies_random() -> tm.Split:
    """The large world, a fifth of everybody's events held out."""
    return tm.random_split(tm.k_core(tm.synthetic.demo_world(seed=2), 5), seed=3)

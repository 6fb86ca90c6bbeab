"""Beyond accuracy: popularity bias, calibration, diversity inside a list, serendipity.

These need more than lists and an audience: each user's history, labels or vectors of the items,
or the lists of Popularity. `beyond_accuracy` gathers all that the data allows; the functions give
one value a user (or, where it says so, one number). A high value is not always good.

Where the field has two formulas there are two names: `popularity_lift` is a mean of ratios and
`delta_gap` a ratio of means; `diversity_labels` and `diversity_vectors` differ in what alike
means; `unexpectedness` counts what Popularity would not list, `serendipity` only the hits in it.
"""

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import Model
from tastemap.data.interactions import Histories, ItemTable
from tastemap.data.split import Part, Split
from tastemap.data.table import Table
from tastemap.errors import InputError, UsageError, require_k
from tastemap.metrics.catalogue import EXAMPLE as EXAMPLE
from tastemap.metrics.catalogue import EXAMPLE_AUDIENCE as EXAMPLE_AUDIENCE
from tastemap.metrics.catalogue import Audience, popularity
from tastemap.metrics.evaluate import evaluate
from tastemap.metrics.inputs import require_same_users
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.recommend import Ranking, top_items
from tastemap.shapes import Float, Float64, Int32, Int64

ALPHA = 0.01
"""Share of the history's own labels mixed into the list's, so that the divergence is finite."""


def beyond_accuracy(
    found: Evaluation | Model,
    split: Split,
    k: int = 10,
    vectors: Float[np.ndarray, "items d"] | None = None,
    *,
    part: Part = "test",
) -> Table:
    """What lists are like beside being right: bias, calibration, diversity, serendipity.

    Parameters
    ----------
    found
        An evaluation on this split with lists of at least k places, or a fitted model.
    vectors
        Shape (items, d): what "alike" is measured on for `diversity_vectors`; not those of the
        model under test, which would judge itself.

    Returns
    -------
    Table
        Columns metric, mean, stderr (NaN for one number for all), n. Calibration and diversity
        by labels are there only where the log has labels, diversity by vectors only with vectors.

    Errors
    ------
    UsageError
        For a k beyond the lists.
    InputError
        For an evaluation of other users than the split's, vectors of another catalogue.

    >>> from tastemap.data.splits import leave_last_out
    >>> from tastemap.data.synthetic import taste_groups
    >>> from tastemap.models import ItemKNN
    >>> split = leave_last_out(taste_groups(seed=1))
    >>> table = beyond_accuracy(ItemKNN().fit(split.train), split, k=5)
    >>> dict(zip(table["metric"], table["mean"].round(2)))["calibration_kl@5"]   # groups kept
    np.float64(0.0)
    """
    require_k(k)
    if isinstance(found, Model):
        found = evaluate(found, split, [f"ndcg@{k}"], part=part)
    histories, truth = split.queries(part)
    require_same_users(found.users, truth, part)
    ranking, audience = found.ranking, Audience.of(split.train)
    expected = listed_by_popularity(histories, audience, k)
    values: dict[str, Float64[np.ndarray, " users"] | float] = {
        "popularity_lift": popularity_lift(ranking, k, audience, histories),
        "delta_gap": delta_gap(ranking, k, audience, histories),
        "unexpectedness": unexpectedness(ranking, k, expected),
        "serendipity": serendipity(ranking, k, expected),
    }
    table = split.train.table
    if table is not None and any(table.labels):
        labels = label_matrix(table)
        values["calibration_kl"] = calibration_kl(ranking, k, histories, labels)
        values["diversity_labels"] = diversity_labels(ranking, k, labels)
    if vectors is not None:
        values["diversity_vectors"] = diversity_vectors(ranking, k, vectors)
    estimates = {
        f"{name}@{k}": Estimate(value, None, len(found.users))
        if isinstance(value, float)
        else Estimate.of(value)
        for name, value in values.items()
    }
    return Table(
        {
            "metric": [*estimates],
            "mean": [one.mean for one in estimates.values()],
            "stderr": [np.nan if one.stderr is None else one.stderr for one in estimates.values()],
            "n": [one.n for one in estimates.values()],
        }
    )


def popularity_lift(
    ranking: Ranking, k: int, audience: Audience, histories: Histories
) -> Float64[np.ndarray, " users"]:
    """How much more popular a list is than its user's history: mean of list / of history - 1.

    An item's popularity is the share of users who used it. 0: as popular as what the user took
    herself; 1: twice as popular; -1 to infinity. NaN for an empty list or history, and for a
    history of items that nobody used. Source: the idea of Abdollahpouri et al. (see `delta_gap`),
    user by user.

    >>> popularity_lift(EXAMPLE, 2, EXAMPLE_AUDIENCE, Histories.of_items([[1], [2, 3]]))
    array([0.5, 1.5])
    """
    of_list, of_history = _popularities(ranking, k, audience, histories)
    undefined = np.full(len(of_list), np.nan)
    return np.divide(of_list, of_history, out=undefined, where=of_history > 0) - 1


def delta_gap(ranking: Ranking, k: int, audience: Audience, histories: Histories) -> float:
    """Popularity bias of all users together: GAP of the lists / GAP of the histories - 1.

    GAP is the mean over users of the mean popularity of their items, so that this is a ratio of
    means, where `popularity_lift` is a mean of ratios; NaN where nobody has both. Source:
    Abdollahpouri, Mansoury, Burke and Mobasher, The unfairness of popularity bias in
    recommendation, RMSE at RecSys 2019.

    >>> delta_gap(EXAMPLE, 2, EXAMPLE_AUDIENCE, Histories.of_items([[1], [2, 3]]))
    0.8333333333333333
    """
    of_list, of_history = _popularities(ranking, k, audience, histories)
    both = ~np.isnan(of_list) & ~np.isnan(of_history)
    if not both.any() or of_history[both].sum() == 0:
        return float("nan")
    return float(of_list[both].mean() / of_history[both].mean() - 1)


def calibration_kl(
    ranking: Ranking, k: int, histories: Histories, labels: csr_array
) -> Float64[np.ndarray, " users"]:
    """How far a list's labels are from those of its user's history, in nats: KL(p ‖ q~); from 0 on.

    p(g) and q(g) are the shares of label g in history (weighted) and list; an item's labels share
    it evenly, items without labels do not count; q~ = .99 q + .01 p. 0: the list keeps the user's
    proportions. NaN where history or list has no label. Source: Steck, Calibrated
    recommendations, RecSys 2018.

    >>> labels = csr_array(np.float64([[1, 0], [0, 1], [1, 1], [0, 1]]))
    >>> calibration_kl(EXAMPLE, 2, Histories.of_items([[0, 1], [0]]), labels).round(3)
    array([0.   , 0.284])
    """
    _require_rows(ranking, histories)
    of_item = _shares(labels)
    p = _label_shares(histories.matrix(of_item.shape[0]), of_item)
    q = _label_shares(_list_matrix(ranking, k, of_item.shape[0]), of_item)
    mixed = (1 - ALPHA) * q + ALPHA * p
    ratio = np.divide(p, mixed, out=np.ones_like(p), where=p > 0)
    return np.where(np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1), np.nan, 1) * (
        np.where(p > 0, p * np.log(ratio), 0).sum(axis=1)
    )


def diversity_labels(ranking: Ranking, k: int, labels: csr_array) -> Float64[np.ndarray, " users"]:
    """How different the items of a list are by their labels: 1 - mean Jaccard of its pairs; 0 to 1.

    Jaccard: labels that both have / labels that either has. Items without labels take no part;
    NaN with fewer than two that have some. Source: intra-list similarity of Ziegler et al.,
    Improving recommendation lists through topic diversification, WWW 2005, over pairs' mean.

    >>> labels = csr_array(np.float64([[1, 0], [0, 1], [1, 1], [0, 1]]))
    >>> diversity_labels(EXAMPLE, 2, labels)                               # {a} {b}; {a} {a, b}
    array([1. , 0.5])
    """
    has = (labels.toarray() > 0).astype(np.float32)
    places = _places(ranking, k, len(has))
    found = np.empty(len(places))
    rows = max(1, (8 << 20) // (k * (k + has.shape[1])))
    for start in range(0, len(places), rows):
        listed = places[start : start + rows]
        own = np.where(listed[:, :, None] >= 0, has[listed], 0)
        sizes = own.sum(axis=2)
        shared = own @ own.transpose(0, 2, 1)
        either = sizes[:, :, None] + sizes[:, None, :] - shared
        pairs = (sizes[:, :, None] > 0) & (sizes[:, None, :] > 0) & ~np.eye(k, dtype=bool)
        alike = np.divide(shared, either, out=np.zeros_like(shared), where=pairs)
        number = pairs.sum(axis=(1, 2))
        undefined = np.full(len(listed), np.nan)
        total = alike.sum(axis=(1, 2), dtype=np.float64)
        found[start : start + rows] = 1 - np.divide(total, number, out=undefined, where=number > 0)
    return found


def diversity_vectors(
    ranking: Ranking, k: int, vectors: Float[np.ndarray, "items d"]
) -> Float64[np.ndarray, " users"]:
    """How different the items of a list are by vectors: 1 - mean cosine of its pairs; 0 to 2.

    Items whose vector is 0 take no part; NaN with fewer than two others. Source: as
    `diversity_labels`, with the cosine.

    >>> diversity_vectors(EXAMPLE, 2, np.float64([[1, 0], [0, 2], [3, 0], [1, 1]]))
    array([1., 0.])
    """
    if not np.isfinite(vectors).all():
        raise InputError(
            "vectors that are not all finite",
            "finite numbers",
            "take the vectors of a fitted model",
        )
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))
    unit = vectors / np.where(lengths > 0, lengths, 1)[:, None]
    there = lengths > 0
    places = _places(ranking, k, len(vectors))
    total = np.zeros((len(places), vectors.shape[1]))
    number = np.zeros(len(places), dtype=np.int64)
    for column in places.T:
        counts = (column >= 0) & there[column]
        total += np.where(counts[:, None], unit[column], 0)
        number += counts
    # Sum over pairs of cosines: the squared length of the sum, less each with itself.
    pairs = number * (number - 1)
    undefined = np.full(len(places), np.nan)
    alike = (total**2).sum(axis=1) - number
    return 1 - np.divide(alike, pairs, out=undefined, where=pairs > 0)


def unexpectedness(
    ranking: Ranking, k: int, expected: Int32[np.ndarray, "users n"]
) -> Float64[np.ndarray, " users"]:
    """Share of the k places whose item is not in the user's expected list; 0 to 1.

    `expected` are the lists of a primitive model, -1 where they end: `listed_by_popularity`.
    Source: Murakami, Mori and Orihara, Metrics for evaluating the serendipity of recommendation
    lists, JSAI 2007.

    >>> unexpectedness(EXAMPLE, 2, np.int32([[0, 1], [0, 1]]))
    array([0. , 0.5])
    """
    return _surprising(ranking, k, expected).sum(axis=1) / k


def serendipity(
    ranking: Ranking, k: int, expected: Int32[np.ndarray, "users n"]
) -> Float64[np.ndarray, " users"]:
    """Share of the k places that are hits and not in the user's expected list; 0 to precision@k.

    Hits that Popularity would not have listed. Source: Ge, Delgado-Battenfeld and Jannach, Beyond
    accuracy, RecSys 2010: |useful and unexpected| / |list|, with k for the length of the list.

    >>> hits = Ranking.of(np.int32([[0, 2]]), Histories.of_items([[0, 2]]))
    >>> serendipity(hits, 2, np.int32([[0, 1]]))                           # 0 was to be expected
    array([0.5])
    """
    return (_surprising(ranking, k, expected) & ranking.hits[:, :k]).sum(axis=1) / k


def listed_by_popularity(
    histories: Histories, audience: Audience, k: int
) -> Int32[np.ndarray, "users k"]:
    """What Popularity would list for each user: the k unseen items that most people used.

    >>> listed_by_popularity(Histories.of_items([[0], []]), EXAMPLE_AUDIENCE, 2).tolist()[0][0]
    1
    """
    counts = audience.counts.astype(np.float32)
    items, _ = top_items(lambda asked: np.tile(counts, (len(asked), 1)), histories, len(counts), k)
    return items


def label_matrix(table: ItemTable) -> csr_array:
    """Which item has which label: CSR of shape (items, labels), labels in order of the alphabet.

    >>> label_matrix(ItemTable(np.array(["", ""]), (("b", "a"), ("b",)))).toarray()
    array([[1., 1.],
           [0., 1.]])
    """
    names = sorted({label for labels in table.labels for label in labels})
    code = {label: place for place, label in enumerate(names)}
    found = [sorted({code[label] for label in labels}) for labels in table.labels]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in found])]).astype(np.int64)
    columns = np.array([column for one in found for column in one], dtype=np.int64)
    return csr_array((np.ones(len(columns)), columns, starts), shape=(len(found), len(names)))


def _popularities(
    ranking: Ranking, k: int, audience: Audience, histories: Histories
) -> tuple[Float64[np.ndarray, " users"], Float64[np.ndarray, " users"]]:
    """Mean popularity of each list and of each history; NaN where there is none."""
    _require_rows(ranking, histories)
    share = audience.counts / max(audience.users, 1)
    rows = np.repeat(np.arange(len(histories)), histories.lengths)
    total = np.bincount(rows, weights=share[histories.items], minlength=len(histories))
    undefined = np.full(len(histories), np.nan)
    lengths = histories.lengths
    of_history = np.divide(total, lengths, out=undefined, where=lengths > 0)
    return popularity(ranking, k, audience), of_history


def _surprising(ranking: Ranking, k: int, expected: Int32[np.ndarray, "users n"]) -> np.ndarray:
    if len(expected) != len(ranking.items):
        raise InputError(
            f"{len(ranking.items)} lists and {len(expected)} expected lists",
            "one expected list a list, the same users in the same order",
            "make them from the same histories: listed_by_popularity(histories, audience, k)",
        )
    places = _places(ranking, k, 1 + int(ranking.items.max(initial=0)))
    known = (places[:, :, None] == expected[:, None, :]).any(axis=2)
    return (places >= 0) & ~known


def _places(ranking: Ranking, k: int, n_items: int) -> Int32[np.ndarray, "users k"]:
    highest = int(ranking.items.max(initial=-1))
    if require_k(k) > ranking.k or highest >= n_items:
        raise UsageError(
            f"k is {k} and item {highest} is listed",
            f"k from 1 to {ranking.k}, items from 0 to {n_items - 1}",
            "rank with a larger k; pass labels or vectors of the whole catalogue, in code order",
        )
    return ranking.items[:, :k]


def _list_matrix(ranking: Ranking, k: int, n_items: int) -> csr_array:
    places = _places(ranking, k, n_items)
    rows, columns = np.nonzero(places >= 0)
    data = np.ones(len(rows))
    return csr_array((data, (rows, places[rows, columns])), shape=(len(places), n_items))


def _shares(labels: csr_array) -> csr_array:
    """Every row divided by its number of labels."""
    shares = csr_array((np.ones(labels.nnz), labels.indices, labels.indptr), shape=labels.shape)
    counts: Int64[np.ndarray, " items"] = np.diff(labels.indptr).astype(np.int64)
    shares.data /= np.repeat(counts, counts)
    return shares


def _label_shares(matrix: csr_array, of_item: csr_array) -> Float64[np.ndarray, "users labels"]:
    """The share of each label in each row of items; NaN where a row has no label."""
    total = np.asarray((matrix.astype(np.float64) @ of_item).toarray())
    whole = total.sum(axis=1, keepdims=True)
    return np.divide(total, whole, out=np.full_like(total, np.nan), where=whole > 0)


def _require_rows(ranking: Ranking, histories: Histories) -> None:
    if len(ranking.items) != len(histories):
        raise InputError(
            f"{len(ranking.items)} lists and {len(histories)} histories",
            "one history a list, the same users in the same order",
            "take both from the same split.queries(part)",
        )

"""Metrics of top-k lists: a line or two each over the tallies of one `Ranking`.

Notation: hit_j is 1 if the item at rank j (from 1) was held out for the user, else 0; |T| is the
number of items held out for her. A list that ends early counts as misses from there on. A user
without held-out items has no recall, nDCG or MAP: those are NaN, and `evaluate` leaves her out.

All values lie between 0 and 1, `dcg` aside, and every metric but `dcg` is 1 for a list that
starts with all held-out items (precision: once k of them exist).
"""

from collections.abc import Callable, Collection
from difflib import get_close_matches

import numpy as np

from tastemap.errors import UsageError
from tastemap.recommend import Ranking, discount
from tastemap.shapes import Float64

TopK = Callable[[Ranking, int], Float64[np.ndarray, " users"]]
"""A metric at k: one value a user."""

EXAMPLE = Ranking(
    items=np.array([[4, 2, 9]], dtype=np.int32),
    hits=np.array([[False, True, False]]),
    relevant=np.array([2]),
    gains=np.array([[0, 3, 0]], dtype=np.float32),
    ideal=np.array([[5, 3, 0]], dtype=np.float32),
)
"""One user: items 2 (weight 3) and 7 (weight 5) were held out, and 4, 2, 9 were listed."""


def precision(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Share of the k places that are hits: Σ_j hit_j / k; 0 to min(1, |T| / k).

    Divides by k always, also where the list is shorter or |T| < k. Source: Manning, Raghavan and
    Schütze, Introduction to Information Retrieval, 2008, section 8.4.

    >>> precision(EXAMPLE, 2)                                              # 1 hit / 2 places
    array([0.5])
    """
    return ranking.tally(k).hits / k


def recall(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Share of the held-out items that are listed: Σ_j hit_j / |T|; 0 to min(1, k / |T|).

    Source: Manning, Raghavan and Schütze 2008, section 8.4.

    >>> recall(EXAMPLE, 1), recall(EXAMPLE, 2)                             # 0 of 2, 1 of 2
    (array([0.]), array([0.5]))
    """
    return _share(ranking.tally(k).hits, ranking.relevant)


def recall_capped(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Hits by the most that k places can hold: Σ_j hit_j / min(k, |T|); 0 to 1.

    Source: Liang et al., Variational autoencoders for collaborative filtering, WWW 2018.

    >>> recall_capped(EXAMPLE, 1), recall_capped(EXAMPLE, 3)               # 0 / 1, 1 / 2
    (array([0.]), array([0.5]))
    """
    return _share(ranking.tally(k).hits, np.minimum(ranking.relevant, k))


def hit_rate(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Whether any of the k places is a hit: max_j hit_j; 0 or 1.

    Source: Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004.

    >>> hit_rate(EXAMPLE, 1), hit_rate(EXAMPLE, 2)
    (array([0.]), array([1.]))
    """
    return (ranking.tally(k).hits > 0).astype(np.float64)


def dcg(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Hits, the earlier the better: Σ_j hit_j / log2(j + 1); 0 to Σ_j 1 / log2(j + 1).

    Not divided by the user's best possible value. Source: Järvelin and Kekäläinen, TOIS 2002,
    with the discount of Burges et al., ICML 2005; why to look at it beside nDCG: Jeunen et al.,
    On (normalised) discounted cumulative gain, KDD 2024.

    >>> dcg(EXAMPLE, 3)                                                    # 1 / log2(3)
    array([0.63092975])
    """
    return ranking.tally(k).dcg


def ndcg(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """DCG by its best value for this user: dcg@k / Σ_{j ≤ min(k, |T|)} 1 / log2(j + 1); 0 to 1.

    Every held-out item counts the same, whatever its weight (`ndcg_graded` looks at weights).
    Source: Järvelin and Kekäläinen 2002 with the discount of Burges et al. 2005.

    >>> ndcg(EXAMPLE, 3)                                                   # .6309 / (1 + .6309)
    array([0.38685281])
    """
    best = np.concatenate([[0], discount(k).cumsum()])
    return _share(ranking.tally(k).dcg, best[np.minimum(ranking.relevant, k)])


def ndcg_graded(
    ranking: Ranking,
    k: int,
    gain: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Float64[np.ndarray, " users"]:
    """NDCG with the held-out weight w as gain: Σ_j w_j / log2(j + 1) by its best value; 0 to 1.

    `gain` turns weights into gains (default: as they are; the other common choice is
    `lambda w: 2**w - 1`); it must rise with the weight and turn 0 into 0. A user whose held-out
    weights are all 0 gets NaN. Source: Järvelin and Kekäläinen 2002; the exponential gain:
    Burges et al. 2005.

    >>> ndcg_graded(EXAMPLE, 3)                            # 3 * .6309 / (5 * 1 + 3 * .6309)
    array([0.27460426])
    """
    if gain is None:
        return _share(ranking.tally(k).gained, ranking.tally(k).best)
    places = discount(ranking.k) * (np.arange(ranking.k) < k)
    weights = (one.astype(np.float64) for one in (ranking.gains, ranking.ideal))
    return _share(*((gain(one) * places).sum(axis=1) for one in weights))


def map(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Average precision: Σ_j hit_j · precision@j / min(k, |T|); 0 to 1; its mean is MAP.

    A perfect list reaches 1 for every |T|. Source: McFee et al., The million song dataset
    challenge, WWW 2012 companion.

    >>> map(EXAMPLE, 3)                                                    # (1 / 2) / 2
    array([0.25])
    """
    return _share(ranking.tally(k).precisions, np.minimum(ranking.relevant, k))


def map_full(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Average precision over all held-out items: Σ_j hit_j · precision@j / |T|; 0 to min(1, k/|T|).

    What trec_eval calls map_cut. Source: Buckley and Voorhees, Evaluating evaluation measure
    stability, SIGIR 2000.

    >>> map(EXAMPLE, 1), map_full(EXAMPLE, 3)                              # 0 / 1, (1 / 2) / 2
    (array([0.]), array([0.25]))
    """
    return _share(ranking.tally(k).precisions, ranking.relevant)


def mrr(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """One over the rank of the first hit, 0 without one; 0 to 1; its mean is MRR.

    Source: Voorhees, The TREC-8 question answering track report, 1999.

    >>> mrr(EXAMPLE, 3), mrr(EXAMPLE, 1)                                   # first hit at rank 2
    (array([0.5]), array([0.]))
    """
    first = ranking.tally(k).first
    return np.divide(1, first, out=np.zeros(len(first)), where=first > 0)


TOPK: dict[str, TopK] = {
    "precision": precision,
    "recall": recall,
    "recall_capped": recall_capped,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "ndcg_graded": ndcg_graded,
    "dcg": dcg,
    "map": map,
    "map_full": map_full,
    "mrr": mrr,
}
"""Every metric of lists by its name; "name@10" asks for it at k = 10."""


def parse(
    name: str, at_k: Collection[str] = TOPK, plain: Collection[str] = ()
) -> tuple[str, int | None]:
    """Split a metric's name into function and k.

    Parameters
    ----------
    name
        "ndcg@10", or one of `plain`.
    at_k, plain
        The names that take a k and those that do not.

    Errors
    ------
    UsageError
        For a name in neither list, and for a k that is missing or not a whole number from 1 on.

    >>> parse("ndcg@10")
    ('ndcg', 10)
    """
    word, at, number = name.partition("@")
    if name in plain:
        return name, None
    if word in at_k and number.isdecimal() and int(number) >= 1:
        return word, int(number)
    allowed = ", ".join([*(f"{one}@k" for one in at_k), *plain])
    if word in plain:
        raise UsageError(f"metric {name!r}", allowed, f"write {word!r}, without a k")
    if word in at_k:
        raise UsageError(
            f"metric {name!r} with {f'k = {number!r}' if at else 'no k'}",
            "a whole number from 1 on after the @",
            f"write '{word}@10', say",
        )
    closest = (get_close_matches(word, [*at_k, *plain], n=1, cutoff=0) or [""])[0]
    closest += "@" + (number if number.isdecimal() else "10") if closest in at_k else ""
    raise UsageError(f"unknown metric {name!r}", allowed, f"did you mean {closest!r}?")


def _share(part: np.ndarray, whole: np.ndarray) -> Float64[np.ndarray, " users"]:
    undefined = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)

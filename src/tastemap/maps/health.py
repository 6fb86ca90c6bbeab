"""Are item vectors trained, and do they use their dimensions? Numbers, lights and one sentence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, require_k
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.agreement import Compared, Decile, agreement, users_of_items
from tastemap.maps.directions import alignment_gap, mean_cosine, uniformity
from tastemap.maps.inputs import Examined, examined, require_sample
from tastemap.maps.neighbours import Similarity, hubs, nearest, require_similarity
from tastemap.maps.popularity import (
    pc1_popularity,
    popularity_pull,
    popularity_share,
    spearman,
)
from tastemap.maps.spectrum import spectrum
from tastemap.maps.thresholds import THRESHOLDS, Light, Reading, read_all, worst
from tastemap.maps.wording import page, sentence
from tastemap.seeding import stream
from tastemap.shapes import Float, Int64

NO_LOG = "no log was given"
RANKS = (
    "participation_ratio",
    "variance_rank",
    "effective_rank",
    "rankme",
    "information_abundance",
)


@dataclass(frozen=True, kw_only=True)
class Health:
    """The health of a table of item vectors; a number is None where `reasons` says why.

    Neighbours are the `k` nearest of each of the `compared` items. A lift is the mean likeness of
    items to their neighbours over that of items at random: 1 is chance.

    Parameters
    ----------
    items, compared
        Items with `min_events` users or more, and how many of them neighbours were found for.
    d, k, similarity, min_events, seed
        Dimensions, and what was asked.
    variance_shares, evr1, participation_ratio, variance_rank, effective_rank, rankme,
    information_abundance
        The spectrum, see `Spectrum`.
    directions_used
        variance_rank over min(d, log_directions), at most 1.
    zero_share
        Share of vectors that are all zeros.
    mean_cosine, uniformity
        How much vectors point one way; -1 to 1, and -8 to 0.
    alignment_gap
        How much nearer users are to what they used than to items dealt out by chance.
    hub_skew, hub_largest, antihub_share
        How unevenly items are neighbours, see `Hubs`.
    co_lift
        Lift of the cosine of the columns of users.
    co_lift_matched
        The same over items as popular as the neighbours, so that popularity alone gives 1.
    tail_lift, rare_lift
        `co_lift_matched` of the less used half and of the least used fifth of items.
    id_shift, id_shift_gain
        Row i holds the vector of item i - `id_shift`, if that multiplies the lift (the gain).
    label_lift, label_lifts
        Lift of the cosine of labels, and of having each single label.
    pc1_popularity, norm_popularity, popularity_pull
        Rank correlation of an item's number of users with the first principal component
        (absolute), the vector's length, and the mean number of users of its neighbours.
    popularity_share
        Share of the variance that lies along log popularity.
    log_lift, log_tail_lift, log_rare_lift, log_label_lift, log_directions
        What one half of the users confirms of the other half's neighbours and directions: what
        the vectors could be asked for.
    deciles
        Items by popularity, the least used first.
    reasons
        Why a number is None.
    notes
        What was left out or drawn by chance.
    """

    items: int
    compared: int
    d: int
    k: int
    similarity: str
    min_events: int
    seed: int
    variance_shares: tuple[float, ...] = ()
    evr1: float | None = None
    participation_ratio: float | None = None
    variance_rank: float | None = None
    effective_rank: float | None = None
    rankme: float | None = None
    information_abundance: float | None = None
    directions_used: float | None = None
    zero_share: float
    mean_cosine: float | None = None
    uniformity: float | None = None
    alignment_gap: float | None = None
    hub_skew: float | None = None
    hub_largest: float | None = None
    antihub_share: float | None = None
    co_lift: float | None = None
    co_lift_matched: float | None = None
    tail_lift: float | None = None
    rare_lift: float | None = None
    id_shift: int | None = None
    id_shift_gain: float | None = None
    label_lift: float | None = None
    label_lifts: Mapping[str, float] = field(default_factory=dict)
    pc1_popularity: float | None = None
    norm_popularity: float | None = None
    popularity_share: float | None = None
    popularity_pull: float | None = None
    log_lift: float | None = None
    log_tail_lift: float | None = None
    log_rare_lift: float | None = None
    log_label_lift: float | None = None
    log_directions: float | None = None
    deciles: tuple[Decile, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def per_dimension(self) -> dict[str, float | None]:
        """The ranks of the spectrum divided by d, each from 1/d to 1."""
        values = {name: getattr(self, name) for name in RANKS}
        return {name: None if v is None else v / self.d for name, v in values.items()}

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The judged numbers with their lights, the gravest measure first."""
        return read_all(THRESHOLDS, vars(self), self.reasons)

    @property
    def lights(self) -> dict[str, Light | None]:
        """The light of each judged number; None where it is not judged here."""
        return {reading.name: reading.light for reading in self.readings}

    @property
    def light(self) -> Light | None:
        """The worst of the lights."""
        return worst(self.readings)

    @property
    def verdict(self) -> str:
        """One sentence in plain words."""
        return sentence(vars(self), self.readings)

    def to_json(self) -> dict[str, Any]:
        """All numbers, the lights with their thresholds and the verdict, as plain values."""
        return {
            "verdict": self.verdict,
            "light": self.light,
            **asdict(self),
            "per_dimension": self.per_dimension,
            "readings": [asdict(reading) for reading in self.readings],
        }

    def __str__(self) -> str:
        return page(self.verdict, vars(self), self.readings)


def health(
    model_or_vectors: Model | HasVectors | np.ndarray,
    train: Interactions | None = None,
    *,
    user_vectors: np.ndarray | None = None,
    min_events: int = 5,
    k: int = 10,
    similarity: str = "cosine",
    sample: int = 20_000,
    seed: int = 0,
) -> Health:
    """Examine item vectors: their spectrum, directions, hubs, and whether they fit the log.

    A table of random numbers has a perfect spectrum; only the numbers that touch the log (lifts,
    alignment) tell trained vectors from it. No number says how good recommendations are.

    Parameters
    ----------
    model_or_vectors
        A model with `item_vectors`, or an array of shape (items, d), from whatever library.
    train
        The log the vectors were learned from, its items in the order of the rows; by default the
        model's own. None leaves out whatever needs it.
    user_vectors
        Shape (users, d); by default the model's own.
    min_events
        Items that fewer people used are left out: nothing can be known of them.
    k
        Neighbours an item.
    similarity
        What makes neighbours: "cosine" or "dot".
    sample
        Neighbours are found among at most so many items, drawn by chance.
    seed
        Seed of every draw.

    Raises
    ------
    InputError
        Vectors that are not finite or do not fit the log; fewer than k + 1 items to examine.

    Examples
    --------
    >>> from tastemap import synthetic
    >>> log = synthetic.taste_groups()
    >>> found = health(stream(0, "demo").standard_normal((120, 16)), log)
    >>> found.light, found.lights["evr1"]
    ('fail', 'good')
    >>> print(found.verdict)
    Item vectors do not fit the log: neighbours share no more users than chance (1.0x).
    """
    require_k(k)
    require_similarity(similarity)
    require_sample(sample, k)
    given = examined(model_or_vectors, train, user_vectors)
    used = None if given.train is None else users_of_items(given.train)
    kept = _kept(given, used, min_events, k)
    notes = [] if len(kept) == len(given.items) else [_left_out(len(given.items), kept, min_events)]
    vectors = given.items[kept]
    with one_blas_thread():  # its sums would depend on the number of threads
        compared = _compared(given.items, kept, k, cast(Similarity, similarity), sample, seed)
        numbers = _shape(vectors, compared, seed)
        numbers |= _log_numbers(given, used, kept, compared, seed)
    if len(compared.chosen) < len(kept):
        notes.append(f"neighbours among {len(compared.chosen):,} of {len(kept):,} items, drawn")
    if numbers.get("log_directions") and numbers["variance_rank"] is not None:
        room = min(vectors.shape[1], max(numbers["log_directions"], 1))
        numbers["directions_used"] = min(numbers["variance_rank"] / room, 1.0)
    return Health(
        items=len(kept),
        compared=len(compared.chosen),
        d=vectors.shape[1],
        k=k,
        similarity=similarity,
        min_events=min_events,
        seed=seed,
        **numbers,
        reasons=_reasons(numbers, given, vectors),
        notes=tuple(notes),
    )


def _kept(
    given: Examined, used: csr_array | None, min_events: int, k: int
) -> Int64[np.ndarray, " n"]:
    """Codes of the items that enough people used; all without a log."""
    if used is None:
        kept = np.arange(len(given.items))
    else:
        kept = np.flatnonzero(np.diff(used.indptr) >= min_events)
    if len(kept) <= k:
        known = f" with {min_events} users or more" if used is not None else ""
        raise InputError(
            f"{len(kept)} items{known} for k={k} neighbours",
            f"{k + 1} items or more",
            "pass a smaller k or min_events, or a longer log",
        )
    return kept


def _left_out(n: int, kept: Int64[np.ndarray, " n"], min_events: int) -> str:
    return f"{n - len(kept):,} of {n:,} items left out: fewer than {min_events} users"


def _compared(
    vectors: Float[np.ndarray, "items d"],
    kept: Int64[np.ndarray, " n"],
    k: int,
    similarity: Similarity,
    sample: int,
    seed: int,
) -> Compared:
    """Neighbours of the kept items, or of a sample of them, among themselves."""
    chosen = kept
    if len(kept) > sample:
        chosen = np.sort(stream(seed, "health", "items").choice(kept, sample, replace=False))
    places, _ = nearest(vectors[chosen], k, similarity=similarity)
    lengths = np.linalg.norm(vectors[chosen].astype(np.float64), axis=1)
    return Compared(chosen, places, lengths, hubs(places))


def _shape(vectors: Float[np.ndarray, "n d"], compared: Compared, seed: int) -> dict[str, Any]:
    """What the vectors alone say."""
    found = spectrum(vectors)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    typical = float(np.sqrt((lengths**2).mean()))
    return {
        "variance_shares": found.shares,
        "evr1": found.evr1,
        "participation_ratio": found.participation_ratio,
        "variance_rank": found.variance_rank,
        "effective_rank": found.effective_rank,
        "rankme": found.rankme,
        "information_abundance": found.information_abundance,
        # What is left of a vector by rounding has no direction either.
        "zero_share": float((lengths <= 1e-6 * typical).mean()),
        "mean_cosine": mean_cosine(vectors),
        "uniformity": uniformity(vectors, stream(seed, "health", "uniformity")),
        "hub_skew": compared.hubs.skewness,
        "hub_largest": compared.hubs.largest,
        "antihub_share": compared.hubs.antihub_share,
    }


def _log_numbers(
    given: Examined,
    used: csr_array | None,
    kept: Int64[np.ndarray, " n"],
    compared: Compared,
    seed: int,
) -> dict[str, Any]:
    """What needs the log; nothing without one."""
    if used is None or given.train is None:
        return {}
    vectors, counts = given.items[kept], np.diff(used.indptr).astype(np.int64)
    numbers = agreement(used, compared, given.train.table, seed)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if given.users is not None:
        numbers["alignment_gap"] = alignment_gap(given.users, vectors, used[kept].T.tocsr())
    return {
        **numbers,
        "pc1_popularity": pc1_popularity(vectors, counts[kept]),
        "norm_popularity": spearman(lengths, counts[kept]),
        "popularity_share": popularity_share(vectors, counts[kept]),
        "popularity_pull": popularity_pull(compared.places, counts[compared.chosen]),
    }


def _reasons(
    numbers: Mapping[str, Any], given: Examined, vectors: Float[np.ndarray, "n d"]
) -> dict[str, str]:
    """Why each number that is missing is missing."""
    reasons = {}
    for name, one in Health.__dataclass_fields__.items():
        if one.default is not None or numbers.get(name) is not None:
            continue
        reasons[name] = _reason(name, numbers, given, vectors)
    return reasons


_OF_LABELS = ("label_lift", "log_label_lift")
_OF_VECTORS = ("mean_cosine", "uniformity", "evr1", *RANKS)


def _reason(
    name: str, numbers: Mapping[str, Any], given: Examined, vectors: Float[np.ndarray, "n d"]
) -> str:
    if name in _OF_VECTORS:
        return "all vectors are zero" if not vectors.any() else "all vectors are equal"
    if given.train is None:
        return NO_LOG
    if name == "alignment_gap" and given.users is None:
        return "no user vectors were given"
    if name in _OF_LABELS and "label_lift" not in numbers:
        return "the log's items have no labels"
    if name in ("log_directions", "directions_used"):
        return "the log has too few items, or confirms no direction"
    if name in ("tail_lift", "rare_lift", "log_tail_lift", "log_rare_lift"):
        return "no items are used less than others, or nobody shares them"
    return "all items, or all vectors, are alike in this"

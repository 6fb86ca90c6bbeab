"""Rules about learned vectors: trained, spread over their dimensions, stable across seeds.

The numbers, their formulas and their lines are those of `tastemap.maps.health`.
"""

from tastemap.diagnosis.derived import once
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen, Severity
from tastemap.errors import InputError
from tastemap.maps.health import Health, health
from tastemap.maps.stability import stability

SEVERITY: dict[str, Severity] = {"fail": "error", "warn": "warning"}


@once
def _health(e: Evidence) -> Health:
    assert e.item_vectors is not None
    fits = e.user_vectors is not None and e.train is not None
    try:
        return health(
            e.item_vectors, e.train, user_vectors=e.user_vectors if fits else None, seed=0
        )
    except InputError as error:
        raise NotApplicable(error.given) from error


def _judged(e: Evidence, names: tuple[str, ...], means: str) -> Seen | None:
    """What the health says about these measures: the gravest light of them."""
    found = _health(e)
    readings = [one for one in found.readings if one.name in names]
    lit = [one for one in readings if one.light is not None]
    if not lit:
        raise NotApplicable("; ".join(dict.fromkeys(one.reason for one in readings)))
    bad = [one for one in lit if one.light != "good"]
    if not bad:
        return None
    light = "fail" if any(one.light == "fail" for one in bad) else "warn"
    return Seen(
        {one.name: one.value for one in bad},
        "; ".join(f"{one.name}: {one.threshold}" for one in bad),
        means,
        severity=SEVERITY[light],
    )


def _require_common_use(e: Evidence) -> None:
    """Vectors of a sequence model say what comes next, which need not be what is used together."""
    if e.sequences is not None:
        raise NotApplicable("the vectors are a sequence model's: they say what comes next")


def untrained(e: Evidence) -> Seen | None:
    """The item vectors are untrained, or their ids are shifted.

    Symptom
        Nearest items in the model are used by no more common users than items at random.

    Usual cause
        1. The ids of the table and of the log are not in the same order: sorted as text, shifted by
           one (padding!), shuffled when saved.
        2. Training never moved the vectors: frozen, learning rate near 0, one epoch.
        3. The table of another log was loaded.

    How to confirm
        Look at the nearest items of a famous one: tastemap similar MODEL "Toy Story (1995)".

    Remedy
        1. Save the vocabulary with the vectors, and decode with that one.
        2. Check that row 0 is item 0, and not padding.
        3. Train until train_auc is above popularity's.
    """
    assert e.item_vectors is not None
    _require_common_use(e)
    found = _health(e)
    seen = _judged(
        e,
        ("co_lift_matched", "id_shift_gain"),
        "Items that lie close together are not used by the same people: the vectors do not "
        "belong to this log.",
    )
    if seen is None or found.lights["id_shift_gain"] in (None, "good"):
        return seen
    row = f"row i holds the vector of item i {-found.id_shift:+d}"
    return Seen(
        {**seen.numbers, "rows are shifted by": found.id_shift},
        seen.threshold,
        f"The vectors fit the log once rows are moved by {found.id_shift}: {row}.",
        severity="error",
        causes=("The ids are shifted, by a padding row for example.",),
        remedies=(f"Shift the table back: vectors = np.roll(vectors, {-found.id_shift}, axis=0).",),
    )


def few_directions(e: Evidence) -> Seen | None:
    """Dimensional collapse: the vectors use few of their directions.

    Symptom
        One direction holds most of the variance, or far fewer are used than the log confirms.

    Usual cause
        1. Only positives were trained on, or negatives are too easy.
        2. Strong regularisation, or a learning rate that let one direction run away.
        3. Training ended near its start, where popularity is all that is learned.

    How to confirm
        Plot the variance of the principal components.

    Remedy
        1. More or harder negatives; less regularisation; more epochs.
        2. Fewer factors lose nothing then, and are faster.
    """
    return _judged(
        e,
        ("evr1", "directions_used"),
        "The vectors lie almost in a plane of few dimensions: what more factors could say is "
        "not there.",
    )


def collapsed(e: Evidence) -> Seen | None:
    """Full collapse: all item vectors point the same way.

    Symptom
        The mean cosine of two items is near 1, or vectors are all zero.

    Usual cause
        1. A loss without negatives, or one whose best answer is a constant.
        2. A mean or a bias that was never taken out.
        3. Regularisation that shrinks all vectors to 0.

    How to confirm
        Subtract the mean vector and look whether what is left fits the log.

    Remedy
        1. Add negatives to the loss.
        2. Lower the regularisation; centre the vectors before comparing them.
    """
    return _judged(
        e,
        ("mean_cosine", "zero_share"),
        "Item vectors can hardly be told apart by their direction.",
    )


def popularity_rules(e: Evidence) -> Seen | None:
    """Popularity dominates the vectors.

    Symptom
        Most of the variance of the item vectors lies along the logarithm of popularity.

    Usual cause
        1. Early stopping: popularity is learned first.
        2. Negatives drawn uniformly from a long tail: popular items win for being popular.

    How to confirm
        Colour the map by popularity; compare nDCG with Popularity's.

    Remedy
        1. Train longer, give items a bias of their own.
        2. Draw negatives by popularity: tm.BPR(popularity_power=0.5).
    """
    return _judged(
        e,
        ("popularity_share",),
        "The main thing that these vectors know about an item is how popular it is.",
    )


def hubs(e: Evidence) -> Seen | None:
    """A few items are neighbours of everything.

    Symptom
        The numbers of items that an item is a neighbour of are very skewed, or many items are
        nobody's neighbour.

    Usual cause
        1. Vectors of very different length compared by inner product.
        2. Many dimensions that hold noise.

    How to confirm
        List the ten items that are most often among the nearest of others.

    Remedy
        1. Compare by cosine; centre the vectors first.
        2. Fewer factors, more regularisation.
    """
    seen = _judged(
        e,
        ("hub_skew", "antihub_share"),
        "Lists of similar items will show the same few items again and again.",
    )
    if seen is None:
        return None
    # Antihubs alone are common in good models of few clear groups.
    severity: Severity = "warning" if "hub_skew" in seen.numbers else "tip"
    return Seen(seen.numbers, seen.threshold, seen.means, severity=severity)


def seeds_disagree(e: Evidence) -> Seen | None:
    """The neighbours change with the seed.

    Symptom
        Two trainings that differ in the seed alone give items other nearest neighbours.

    Usual cause
        1. Training ended before it converged.
        2. Too many factors for so few events: free directions hold noise.

    How to confirm
        Compare both with tastemap.maps.stability, item by item: rare items move first.

    Remedy
        1. More epochs, fewer factors, more regularisation.
        2. Show similar items only for items with enough events.
    """
    assert e.item_vectors is not None
    assert e.other_item_vectors is not None
    try:
        found = stability(e.item_vectors, e.other_item_vectors)
    except InputError as error:
        raise NotApplicable(error.given) from error
    bad = [one for one in found.readings if one.light in SEVERITY]
    if not bad:
        return None
    return Seen(
        {one.name: one.value for one in bad},
        "; ".join(f"{one.name}: {one.threshold}" for one in bad),
        "What is said to be similar depends on the seed more than on the log.",
        severity="warning",
    )


def random_tail(e: Evidence) -> Seen | None:
    """The rare items' vectors are noise.

    Symptom
        Popular items have neighbours that fit the log, rare ones have neighbours at random, though
        the log knows better.

    Usual cause
        1. Rare items were hardly trained: too few draws, or left where they were initialised.
        2. New items were added to the table without training.

    How to confirm
        Split the lift by popularity decile: tastemap.maps.health(model).deciles.

    Remedy
        1. More regularisation for rare items, more epochs, or a k-core.
        2. Leave items out of lists of similar ones until they have enough events.
    """
    _require_common_use(e)
    return _judged(
        e,
        ("tail_lift", "rare_lift"),
        "Neighbours of rare items are chance; a healthy head hides it in every average.",
    )


RULES = (
    Rule(
        "V501",
        "error",
        untrained,
        ("item_vectors", "train"),
        explains=("M401", "M402", "M403", "M410", "M415", "V507", "E321", "E322"),
        slow=True,
    ),
    Rule("V502", "error", few_directions, ("item_vectors",), slow=True),
    Rule(
        "V503", "error", collapsed, ("item_vectors",), ("M401", "M403", "V501", "V502"), slow=True
    ),
    Rule("V504", "error", popularity_rules, ("item_vectors", "train"), ("V502", "V503"), slow=True),
    Rule("V505", "warning", hubs, ("item_vectors",), slow=True),
    Rule("V506", "warning", seeds_disagree, ("item_vectors", "other_item_vectors"), slow=True),
    Rule("V507", "error", random_tail, ("item_vectors", "train"), slow=True),
)

"""Rules about training: did it learn, did it learn by heart, has it ended too early."""

import math

import numpy as np

from tastemap.diagnosis import derived
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen

LEARNED = 0.80
"""train_auc below which training failed, whatever popularity reaches."""

BANDS = ((0.02, "dense", 0.92, 0.98), (0.002, "medium", 0.90, 0.97), (0.0, "sparse", 0.80, 0.92))
"""Usual train_auc by density of the log: lowest density, name, low and high end."""

BY_HEART = 0.99
"""train_auc from which on a model may have learned its log by heart."""

GAIN = 0.005
"""The smallest gain of train_auc between two checks that counts."""


DISAGREE = 0.03
"""How far the test AUC may lie below popularity's where the lists are better than popularity's."""


def failed_training(e: Evidence) -> Seen | None:
    """Training failed: the model cannot even rank what it was trained on.

    Symptom
        train_auc, the chance that an item of the user's own history scores above one that is not,
        is below 80 % or below what popularity alone reaches, and the lists are no better than
        popularity's.

    Usual cause
        1. Too few epochs: the curve is still rising at its end.
        2. The learning rate is too high (the curve jumps or falls) or too low (it hardly moves).
        3. The sign of the gradient or of the loss is wrong: train_auc is below 50 %.
        4. Regularisation is so strong that all vectors shrink to nothing.
        5. Ids of users and items were mixed up between training and scoring.

    How to confirm
        Look at the curve of train_auc, and at the length of the vectors.

    Remedy
        1. Train three times as many epochs.
        2. Try a learning rate ten times smaller, then ten times larger.
        3. Divide the regularisation by ten.
    """
    derived.require_no_yardstick(e)
    if e.curve is None or not e.curve.epochs:
        raise NotApplicable("the model is not trained in epochs")
    reached, popular, how = _train_auc(e)
    bar = LEARNED if popular is None else max(LEARNED, popular)
    if reached >= bar:
        return None
    above = _above_popularity(e)
    if above and reached > 0.5:
        severity, but = "tip", " Its lists are better than popularity's all the same."
    else:
        severity, but = "error", ""
    low, high, kind = _band(e)
    causes, remedies = _shape(e, reached)
    usual = "" if kind is None else f"; {low:.0%} to {high:.0%} is usual for a {kind} log"
    return Seen(
        {"train_auc": reached, "of popularity": popular, "measured": how},
        f"at least {bar:.1%}, the larger of 80 % and popularity's own{usual}",
        f"The model ranks its own training pairs right in {reached:.1%} of the cases"
        + ("." if popular is None else f", popularity alone in {popular:.1%}.")
        + but,
        severity=severity,  # type: ignore[arg-type]
        causes=causes,
        remedies=remedies,
    )


def _train_auc(e: Evidence) -> tuple[float, float | None, str]:
    """The model's and popularity's train AUC, measured alike, and how."""
    try:
        found = derived.aucs(e)
        return (
            derived.mean(found.train),
            derived.mean(found.popular_train),
            f"exactly, on {len(found.train):,} users",
        )
    except NotApplicable:
        stated = e.claims.get("train_auc")
        assert e.curve is not None
        last = e.curve.last("train_auc") if stated is None else stated.mean
        if last is None or math.isnan(last):
            raise NotApplicable("neither scores nor train_auc are at hand") from None
        return last, _popular_train_auc(e), "as the run states it"


def _popular_train_auc(e: Evidence) -> float | None:
    """P(the item of a training event is used by more than an item drawn from the unused ones)."""
    if e.train is None or len(e.train) == 0:
        return None
    counts = e.train.item_counts()
    order = np.sort(counts)
    below = np.searchsorted(order, counts, side="left")
    equal = np.searchsorted(order, counts, side="right") - below
    # Over all items instead of the unused ones: exact but for the share that users have used.
    chance = (below + 0.5 * (equal - 1)) / max(len(counts) - 1, 1)
    return float(chance[e.train.item].mean())


def _band(e: Evidence) -> tuple[float, float, str | None]:
    if e.train is None:
        return 0.0, 1.0, None
    dense = derived.density(e.train)
    return next((low, high, kind) for least, kind, low, high in BANDS if dense >= least)


def _above_popularity(e: Evidence) -> bool:
    try:
        gap = derived.paired(derived.ndcg(e), derived.popularity_ndcg(e))
    except NotApplicable:
        return False
    return gap.mean > 2 * gap.stderr


def _shape(e: Evidence, reached: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Causes and remedies, most likely first, read off the curve."""
    assert e.curve is not None
    rate = e.recipe.get("learning_rate")
    epochs = len(e.curve.epochs)
    slower = f"learning_rate={rate / 10:g}" if rate else "a learning rate ten times smaller"
    faster = f"learning_rate={rate * 10:g}" if rate else "a learning rate ten times larger"
    longer = f"epochs={3 * epochs}"
    regs = [name for name, value in e.recipe.items() if name.startswith("reg") and value]
    weaker = ", ".join(f"{name}={e.recipe[name] / 10:g}" for name in regs[:3])
    if reached < 0.45:
        return (
            ("The scores are upside down: a wrong sign in the loss, the gradient or the score.",),
            (
                "Check on one user that a liked item's score rises in training.",
                "Try " + slower + ".",
            ),
        )
    curve = np.array(e.curve.curve("train_auc"))
    if len(curve) < 3:
        return (
            ("Too few epochs: there are only " + str(epochs) + ".",),
            (f"Train longer: {longer}.", f"Then try {faster}."),
        )
    moves = np.diff(curve)
    if curve[-1] < curve.max() - 0.02 or np.abs(moves).max() > 0.1 > abs(curve[-1] - curve[0]):
        return (
            ("The learning rate is too high: the curve jumps or falls.",),
            (f"Try {slower}.", "Clip gradients."),
        )
    if moves[-1] > GAIN or curve[-1] - curve[-len(curve) // 3] > GAIN:
        return (
            ("Too few epochs: train_auc is still rising.", "The learning rate is low."),
            (f"Train longer: {longer}.", f"Or try {faster}."),
        )
    return (
        (
            "The curve is flat: vectors do not move (learning rate too low, parameters frozen).",
            "Regularisation is so strong that the vectors shrink to nothing.",
            "There is nothing to learn in this log.",
        ),
        (f"Try {faster}.", f"Try {weaker}." if weaker else "Lower the regularisation."),
    )


def over_fitting(e: Evidence) -> Seen | None:
    """Over-fitting: the log was learned by heart.

    Symptom
        train_auc is 99 % or more, and on held-out pairs the model is at or below popularity.

    Usual cause
        1. Too many factors or too little regularisation for so few events.
        2. Too many epochs.
        3. The log has no taste to find beyond popularity.

    How to confirm
        Compare the same metric on both sides: AUC on training pairs and on held-out pairs.

    Remedy
        1. Multiply the regularisation by ten.
        2. Halve the factors.
        3. Stop on validation: monitor a validation metric.
    """
    derived.require_no_yardstick(e)
    found = derived.aucs(e)
    train, test = derived.mean(found.train), derived.mean(found.test)
    if math.isnan(train) or train < BY_HEART:
        return None
    rank = derived.paired(found.test, found.popular_test)
    gap = derived.paired(derived.ndcg(e), derived.popularity_ndcg(e))
    if gap.mean > 0 and rank.mean >= -2 * rank.stderr:
        return None
    if gap.mean > 2 * gap.stderr and rank.mean > -DISAGREE:
        severity = "tip"  # lists are what is shown: the two metrics only disagree
    else:
        severity = "error" if gap.mean < -2 * gap.stderr else "warning"
    popular = derived.mean(found.popular_test)
    return Seen(
        {
            "train AUC": train,
            "test AUC": test,
            "gap": train - test,
            "popularity's test AUC": popular,
            f"ndcg@{derived.depth(e)} above popularity's": gap.mean,
        },
        "above popularity on held-out pairs, by AUC and by nDCG",
        f"AUC is {train:.1%} on training pairs and {test:.1%} on held-out pairs (popularity: "
        f"{popular:.1%}), with the same negatives: the model remembers, it does not generalise.",
        severity=severity,  # type: ignore[arg-type]
        remedies=_tamer(e),
    )


def _tamer(e: Evidence) -> tuple[str, ...]:
    tries = []
    regs = [name for name, value in e.recipe.items() if name.startswith("reg") and value]
    regs = [name for name in regs if name != "reg_power"]
    if regs:
        tries.append(
            "Try " + ", ".join(f"{name}={e.recipe[name] * 10:g}" for name in regs[:3]) + "."
        )
    if e.recipe.get("factors", 0) >= 8:
        tries.append(f"Try factors={e.recipe['factors'] // 2}.")
    return tuple(tries)


def unusual_band(e: Evidence) -> Seen | None:
    """train_auc is outside the usual band for such a log.

    Symptom
        train_auc is below the band that is usual for the density of the log, though above 80 %
        and popularity's.

    Usual cause
        1. Few factors, strong regularisation or few epochs; often a good choice.

    How to confirm
        Compare the validation metric with more factors and with less regularisation.

    Remedy
        1. Leave it if validation agrees; else add factors or epochs.
    """
    derived.require_no_yardstick(e)
    if e.curve is None or not e.curve.epochs or e.train is None:
        raise NotApplicable("the model is not trained in epochs, or train is unknown")
    if e.sequences is not None:
        raise NotApplicable("a sequence model's train_auc is of what comes next: no band is usual")
    reached, popular, _ = _train_auc(e)
    low, high, kind = _band(e)
    bar = LEARNED if popular is None else max(LEARNED, popular)
    if kind is None or reached >= low or reached < bar:
        return None
    return Seen(
        {
            "train_auc": reached,
            "usual": f"{low:.0%} to {high:.0%}",
            "density": derived.density(e.train),
        },
        f"{low:.0%} to {high:.0%} is usual for a {kind} log",
        f"train_auc is {reached:.1%}; models of {kind} logs usually reach {low:.0%} to {high:.0%}.",
    )


RULES = (
    Rule(
        "M403",
        "error",
        failed_training,
        ("curve",),
        explains=("M401", "M402", "M405", "M410", "M411", "M415", "M417"),
    ),
    Rule("M404", "error", over_fitting, ("score", "train", "truth", "lists"), ("M401", "M402")),
    Rule("M414", "tip", unusual_band, ("curve",)),
)

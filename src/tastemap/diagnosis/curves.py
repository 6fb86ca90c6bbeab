"""Rules about the curve of training: not finite, falling, cut short."""

import math

import numpy as np

from tastemap.diagnosis import derived
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.training import TrainingLog

GAIN = 0.005
"""The smallest gain of train_auc between two checks that counts."""


def still_rising(e: Evidence) -> Seen | None:
    """Still rising at the last epoch.

    Symptom
        The watched value gained more than noise in the last tenth of the epochs, and no monitor
        ended training.

    Usual cause
        1. The number of epochs was set low.

    How to confirm
        Train twice as long and look at the validation metric.

    Remedy
        1. Give it more epochs, with tm.Convergence() as monitor to end them.
    """
    assert e.curve is not None
    name = _watched(e.curve)
    curve = e.curve.curve(name)
    if len(curve) < 10:
        raise NotApplicable("fewer than ten epochs are logged")
    tenth = max(len(curve) // 10, 1)
    gain = curve[-1] - curve[-1 - tenth]
    if gain < max(GAIN, _noise(e)) or e.curve.notes:
        return None
    return Seen(
        {name: curve[-1], f"gain in the last {tenth} epochs": gain, "epochs": len(curve)},
        f"a gain under {max(GAIN, _noise(e)):.4f}: half a point, or one standard error",
        f"{name} was still gaining {gain:.4f} in {tenth} epochs when training ended.",
        remedies=(f"Try epochs={2 * len(curve)} with monitor=tm.Convergence().",),
    )


def _watched(log: TrainingLog) -> str:
    for name in ("validation", "val_ndcg", "ndcg", "train_auc"):
        found = [
            key for key in (log.epochs[-1].values if log.epochs else ()) if key.startswith(name)
        ]
        if found:
            return found[0]
    raise NotApplicable("no train_auc and no validation metric is logged")


def _noise(e: Evidence) -> float:
    """One paired standard error of nDCG, where it can be had."""
    try:
        return derived.paired(derived.ndcg(e), derived.popularity_ndcg(e)).stderr
    except NotApplicable:
        return 0.0


def diverged(e: Evidence) -> Seen | None:
    """The loss or the vectors are not finite, or explode.

    Symptom
        NaN or infinity in the training log or the vectors, or a loss that ends ten times above
        its lowest value.

    Usual cause
        1. The learning rate is too high.
        2. A logarithm of 0 or a division by 0 in the loss.
        3. Mixed precision without loss scaling.

    How to confirm
        Find the first epoch whose value is not finite.

    Remedy
        1. Try a learning rate ten times smaller.
        2. Clip gradients, raise the regularisation.
    """
    wrong: dict[str, object] = {}
    epochs = () if e.curve is None else e.curve.epochs
    for epoch in epochs:
        for name, value in epoch.values.items():
            if not math.isfinite(value):
                wrong.setdefault(f"{name} is {value} in epoch", epoch.number)
    losses = [] if e.curve is None else e.curve.curve("loss")
    finite = [value for value in losses if math.isfinite(value)]
    if len(finite) > 2 and finite[-1] > 10 * max(min(finite), 1e-12) and finite[-1] > finite[0]:
        wrong["loss at the end"] = finite[-1]
        wrong["lowest loss"] = min(finite)
    for name in ("item_vectors", "user_vectors"):
        vectors = getattr(e, name)
        if vectors is None or len(vectors) == 0:
            continue
        if not np.isfinite(vectors).all():
            wrong[f"rows of {name} not finite"] = int((~np.isfinite(vectors).all(axis=1)).sum())
        elif (longest := float(np.abs(vectors).max())) > 1e4:
            wrong[f"largest value in {name}"] = longest
    if not epochs and e.item_vectors is None and e.user_vectors is None:
        raise NotApplicable("neither a training log nor vectors are at hand")
    if not wrong:
        return None
    rate = e.recipe.get("learning_rate")
    return Seen(
        wrong,
        "finite values, a loss that does not grow tenfold, vectors below 10,000",
        "Training diverged: what follows from these vectors is noise.",
        remedies=(f"Try learning_rate={rate / 10:g}.",) if rate else (),
    )


def falling_curve(e: Evidence) -> Seen | None:
    """The curve falls or jumps: the learning rate is too high.

    Symptom
        train_auc or the validation metric ends clearly below its best, or jumps by more than ten
        points between epochs late in training.

    Usual cause
        1. The learning rate is too high.
        2. Over-fitting, where it is the validation metric that falls.
        3. Batches in an order that is not shuffled.

    How to confirm
        Train again with a third of the learning rate: the curve must become smooth.

    Remedy
        1. Lower the learning rate.
        2. Stop at the best validation value.
    """
    assert e.curve is not None
    name = _watched(e.curve)
    curve = np.array(e.curve.curve(name))
    if len(curve) < 6 or not np.isfinite(curve).all():
        raise NotApplicable("fewer than six epochs are logged")
    drop = float(curve.max() - curve[-1])
    late = np.diff(curve[len(curve) // 2 :])
    jump = float(-late.min(initial=0))
    if drop < 0.05 and jump < 0.1:
        return None
    rate = e.recipe.get("learning_rate")
    return Seen(
        {name: float(curve[-1]), "best": float(curve.max()), "largest late fall": jump},
        "an end within 5 points of the best, no late fall of 10 points",
        f"{name} ends {drop:.3f} below its best value {curve.max():.3f}.",
        remedies=(f"Try learning_rate={rate / 3:g}.",) if rate else (),
    )


RULES = (
    Rule("M405", "tip", still_rising, ("curve",)),
    Rule(
        "M406",
        "error",
        diverged,
        explains=("M401", "M402", "M403", "M405", "M411", "M415", "M417", "E314", "E321", "E322"),
    ),
    Rule("M417", "warning", falling_curve, ("curve",)),
)

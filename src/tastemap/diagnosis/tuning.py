"""Rules about choices: hyper-parameters, seeds, and the two stages of retrieve-then-rank."""

import numpy as np

from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen


def best_at_edge(e: Evidence) -> Seen | None:
    """The best hyper-parameter lies at the edge of its range.

    Symptom
        The value chosen is the smallest or the largest that was tried.

    Usual cause
        1. The range was too narrow: better values may lie outside.

    How to confirm
        Try one value beyond the edge.

    Remedy
        1. Widen the range on that side by a factor of ten, and search again.
    """
    wrong: dict[str, object] = {}
    for one in e.searched:
        tried = sorted(set(one.tried))
        if len(tried) < 3:
            continue
        if one.best == tried[0] and tried[0] > 0:
            wrong[one.name] = f"{one.best:g}, the smallest of {len(tried)} from {tried[0]:g}"
        if one.best == tried[-1]:
            wrong[one.name] = f"{one.best:g}, the largest of {len(tried)} up to {tried[-1]:g}"
    if not wrong:
        return None
    return Seen(
        wrong,
        "a best value inside the range that was tried (0 may be the smallest)",
        f"The search ended at the edge for {', '.join(wrong)}: the true best may lie outside.",
    )


def noisy_seeds(e: Evidence) -> Seen | None:
    """Seeds disagree more than the models differ.

    Symptom
        The spread of a metric over seeds is larger than its distance to the other model.

    Usual cause
        1. Training ended before it converged.
        2. The difference between the models is not real.

    How to confirm
        Train both models with five seeds and compare the means with their errors.

    Remedy
        1. Report the mean over seeds with its standard error, for both models.
        2. Train longer, or lower the learning rate.
    """
    if not e.references:
        raise NotApplicable("there is no other run to differ from")
    for metric, values in e.seeds.items():
        if len(values) < 3:
            continue
        spread = float(np.std(values, ddof=1))
        for other in e.references:
            claim = other.claims.get(metric)
            if claim is None or spread <= abs(float(np.mean(values)) - claim.mean):
                continue
            return Seen(
                {metric: float(np.mean(values)), "spread over seeds": spread,
                 f"{other.name}'s": claim.mean, "seeds": len(values)},
                "a spread over seeds smaller than the difference between the models",
                f"{metric} varies by {spread:.4f} from seed to seed, and differs from {other.name} "
                f"by {abs(float(np.mean(values)) - claim.mean):.4f}: one seed decides the order.",
            )  # fmt: skip
    if all(len(values) < 3 for values in e.seeds.values()):
        raise NotApplicable("fewer than three seeds are known")
    return None


def stage_saw_labels(e: Evidence) -> Seen | None:
    """The second stage was trained on labels that its first stage was fitted on.

    Symptom
        Positive labels of the ranker are pairs of the first stage's training log, so the first
        stage's scores of them are far too good in training and not in service.

    Usual cause
        1. One training log was used for both stages.
        2. Candidates and scores were made by the final model instead of an earlier one.

    How to confirm
        The ranker's metric in training is far above its metric on test.

    Remedy
        1. Cut in three by time: fit the first stage on the oldest part, label the ranker with the
           middle one, judge on the newest.
    """
    assert e.stages is not None
    first, labels = e.stages.first, e.stages.labels
    if first is None or labels is None or len(labels) == 0:
        raise NotApplicable("the run does not say which pairs each stage was fitted on")
    width = int(max(first[:, 1].max(initial=0), labels[:, 1].max(initial=0))) + 1
    keys = [side[:, 0].astype(np.int64) * width + side[:, 1] for side in (first, labels)]
    share = float(np.isin(keys[1], keys[0]).mean())
    if share == 0:
        return None
    return Seen(
        {"labels that the first stage was fitted on": share},
        "none",
        f"{share:.0%} of the ranker's positive labels were known to the first stage.",
        severity="error" if share > 0.05 else "warning",
    )


def low_ceiling(e: Evidence) -> Seen | None:
    """The re-ranker cannot reach what its candidates lack.

    Symptom
        Fewer than half of the held-out items are among the candidates.

    Usual cause
        1. Too few candidates.
        2. A first stage that is weak on new or rare items.

    How to confirm
        Plot the recall of the first stage against the number of candidates.

    Remedy
        1. Enlarge the number of candidates first, then improve the ranker.
        2. Add a second source of candidates (recent popularity, item-to-item).
    """
    assert e.stages is not None
    recall = e.stages.candidate_recall
    if recall is None:
        raise NotApplicable("the recall of the candidates is not known")
    if recall >= 0.5:
        return None
    return Seen(
        {"candidate recall": recall, "candidates": e.stages.candidates},
        "one half or more",
        f"Only {recall:.0%} of the held-out items are among the candidates: no ranker can find "
        "the others.",
    )


RULES = (
    Rule("M407", "warning", best_at_edge, ("searched",)),
    Rule("M408", "warning", noisy_seeds, ("seeds",)),
    Rule("M412", "error", stage_saw_labels, ("stages",)),
    Rule("M413", "tip", low_ceiling, ("stages",)),
)

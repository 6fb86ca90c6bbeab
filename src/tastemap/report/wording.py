"""What metrics and training values are called, and what they mean to somebody who reads one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """How to speak of a number.

    Parameters
    ----------
    label
        Its name in headings, without k.
    meaning
        One sentence; says the range.
    ranked
        Whether a higher value is simply better.
    """

    label: str
    meaning: str
    ranked: bool = True


METRICS: dict[str, Wording] = {
    "ndcg": Wording("nDCG", "hits count more the nearer they stand to the top; 0 to 1"),
    "ndcg_graded": Wording("nDCG, graded", "like nDCG, and strong events count more; 0 to 1"),
    "dcg": Wording("DCG", "hits count more the nearer they stand to the top; from 0 on"),
    "precision": Wording("Precision", "share of the places that are hits; 0 to 1"),
    "recall": Wording("Recall", "share of what was held out that is listed; 0 to 1"),
    "recall_capped": Wording("Recall, capped", "hits by the most that could be listed; 0 to 1"),
    "hit_rate": Wording("Hit rate", "share of users with at least one hit; 0 to 1"),
    "map": Wording("MAP", "precision at each hit, by min(k, held out); 0 to 1"),
    "map_full": Wording("MAP, full", "precision at each hit, by all held out; 0 to 1"),
    "mrr": Wording("MRR", "one over the rank of the first hit; 0 to 1"),
    "auc": Wording(
        "AUC", "chance that a held-out item scores above an unused one, a user; 0.5 is a coin"
    ),
    "auc_global": Wording("AUC, pooled", "the same over all pairs pooled; 0.5 is a coin"),
    "coverage": Wording("Coverage", "share of the catalogue that somebody is shown; 0 to 1"),
    "personalisation": Wording("Personalisation", "how different two users' lists are; 0 to 1"),
    "gini": Wording("Gini", "how unequally the places are spread; 0 to 1", ranked=False),
    "novelty": Wording("Novelty", "mean surprise of what is listed, in bits", ranked=False),
    "popularity": Wording(
        "Popularity of items", "share of users who used what is listed; 0 to 1", ranked=False
    ),
    "popularity_lift": Wording(
        "Popularity lift", "popularity of the list by that of the history, less 1", ranked=False
    ),
    "delta_gap": Wording(
        "Popularity lift, all", "the same of all users’ means together", ranked=False
    ),
    "calibration_kl": Wording(
        "Calibration", "how far labels are from the history’s, in nats; 0 keeps them", ranked=False
    ),
    "diversity_labels": Wording(
        "Diversity by labels", "how different a list’s items are; 0 to 1", ranked=False
    ),
    "diversity_vectors": Wording(
        "Diversity by vectors", "1 less the mean cosine of a list’s pairs; 0 to 2", ranked=False
    ),
    "unexpectedness": Wording(
        "Unexpectedness",
        "share of the places that Popularity would not fill so; 0 to 1",
        ranked=False,
    ),
    "serendipity": Wording(
        "Serendipity", "share of the places that are such hits; 0 to precision", ranked=False
    ),
}
"""By the metric's name without its k."""

TRAINING: dict[str, Wording] = {
    "train_auc": Wording(
        "train_auc",
        "Share of the epoch's checked draws whose liked item scored above the other one. It is "
        "measured on training data: a rise says that the model learns these pairs, not yet that "
        "it recommends well. 50 % is a coin.",
    ),
    "skipped": Wording(
        "skipped",
        "Share of draws left out because the other item was in the user's history. It should stay "
        "level; a high share means that many draws teach nothing.",
    ),
    "loss": Wording(
        "loss",
        "What training makes small, divided by the number of events. Its height means little; a "
        "curve that has flattened says that more iterations would change little.",
    ),
}
"""By the name in the training log."""


def wording(metric: str) -> Wording:
    """The wording of a metric such as "ndcg@10"; its own name where the table lacks it.

    >>> wording("ndcg@10").label
    'nDCG'
    """
    word = metric.partition("@")[0]
    return METRICS.get(word, Wording(word, "", ranked=False))


def labelled(metric: str) -> str:
    """A metric's name as headings write it.

    >>> labelled("ndcg@10"), labelled("recall_capped@5"), labelled("auc")
    ('nDCG@10', 'Recall@5, capped', 'AUC')
    """
    word, at, k = metric.partition("@")
    name, comma, rest = wording(word).label.partition(",")
    return f"{name}{at}{k}{comma}{rest}"

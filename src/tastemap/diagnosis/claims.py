"""What other software calls its metrics, and how exactly it states their values."""

import re
from collections.abc import Iterable

from tastemap.metrics.evaluate import AT_K, PLAIN

WORDS = {
    "ndcg": "ndcg ndcgcut normalizeddiscountedcumulativegain normaliseddiscountedcumulativegain",
    "recall": "recall rec r",
    "precision": "precision prec p",
    "hit_rate": "hitrate hitratio hit hits hr hitrates success",
    "map": "map mapcut meanaverageprecision averageprecision ap",
    "mrr": "mrr rr reciprocalrank reciprank meanreciprocalrank",
    "coverage": "coverage itemcoverage catalogcoverage cataloguecoverage",
    "auc": "auc rocauc aucroc",
    "dcg": "dcg",
    "gini": "gini giniindex",
    "novelty": "novelty",
    "personalisation": "personalisation personalization",
}
"""Names of tastemap and what they are called elsewhere, without case and punctuation."""

BOUNDED = (
    "ndcg",
    "ndcg_graded",
    "recall",
    "recall_capped",
    "precision",
    "hit_rate",
    "map",
    "map_full",
    "mrr",
    "auc",
    "auc_global",
    "coverage",
    "gini",
    "personalisation",
)
"""Metrics that lie between 0 and 1."""

_CALLED = {one: name for name, called in WORDS.items() for one in called.split()}
_NEGATIVES = re.compile(r"[\s_(]*(\d+)[\s_]*(?:sampled[\s_]+|random[\s_]+)?neg(?:ative)?s?\)?")
_AT = re.compile(r"(.*?)(?:[\s_\-]*(?:@|\bat\b|_at_)?[\s_\-(]*(\d+)\)?)?(?:[\s_]*(?:@|_at_)k)?")


def metric_of(name: str, k: int | None = None) -> tuple[str, int | None]:
    """A metric's name here, and how many sampled negatives its name tells of.

    Parameters
    ----------
    name
        As another program writes it.
    k
        The length of the lists, for names that leave it open.

    Returns
    -------
    (str, int | None)
        The name, lower case where it is none that tastemap knows; the number of negatives, 0
        where the name says "sampled" and no number, None for the whole catalogue.

    Examples
    --------
    >>> metric_of("NDCG@10"), metric_of("hit_ratio_at_5"), metric_of("Recall_20")
    (('ndcg@10', None), ('hit_rate@5', None), ('recall@20', None))
    >>> metric_of("map_at_k", k=10), metric_of("sampled_hr@10"), metric_of("auc")
    (('map@10', None), ('hit_rate@10', 0), ('auc', None))
    >>> metric_of("HR@10 (99 negatives)")
    ('hit_rate@10', 99)
    """
    text = name.strip().casefold()
    sampled = None
    told = _NEGATIVES.search(text)
    if told:
        sampled, text = int(told[1]), text[: told.start()] + text[told.end() :]
    if "sampled" in text:
        sampled, text = sampled or 0, text.replace("sampled", "").strip(" _-()")
    parts = _AT.fullmatch(text)
    word, number = (parts[1], parts[2]) if parts else (text, None)
    known = word if word in (*AT_K, *PLAIN) else _CALLED.get(re.sub(r"[^a-z]", "", word))
    if known is None:
        return text, sampled
    if known in PLAIN:
        return (known, sampled) if number is None else (text, sampled)
    at = int(number) if number else k
    return (known if at is None else f"{known}@{at}"), sampled


def word_and_k(name: str) -> tuple[str, int | None]:
    """The two parts of a name that `metric_of` returned.

    >>> word_and_k("ndcg@10"), word_and_k("auc")
    (('ndcg', 10), ('auc', None))
    """
    word, _, number = name.partition("@")
    return word, int(number) if number.isdecimal() else None


def rounding(values: Iterable[float]) -> float:
    """Half a unit of the last decimal that these values are written with; 1e-6 at least.

    They are taken to be written alike, so that .5 among values of four decimals means .5000.

    >>> rounding([0.5, 0.1234]), rounding([0.123456789])
    (5e-05, 1e-06)
    """
    decimals = max((_decimals(value) for value in values), default=6)
    return max(0.5 * 10.0 ** -min(decimals, 6), 1e-6)


def _decimals(value: float) -> int:
    _, point, decimals = f"{value!r}".partition(".")
    return 6 if "e" in decimals or not point else len(decimals) if decimals != "0" else 1

"""The verdict in words: is the chosen model better than the same list for everybody?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tastemap.report.comparison import Row
from tastemap.report.figures import counted, figure, interval
from tastemap.report.material import CHANCE, YARDSTICK
from tastemap.report.measured import Gap, Measured
from tastemap.report.wording import labelled

HEADLINES = ("hit_rate", "recall", "mrr", "precision", "map")
"""Which metrics stand beside the main one, in order of preference."""

Outcome = Literal["better", "open", "worse", "none"]


@dataclass(frozen=True)
class Headline:
    """One of the numbers beside the verdict: of the chosen model and of Popularity."""

    metric: str
    model: Measured
    yardstick: Measured


@dataclass(frozen=True)
class Verdict:
    """The result in words.

    Parameters
    ----------
    outcome
        Whether the chosen model is better than Popularity, worse, or cannot be told apart (open);
        "none" where there is no model but the yardsticks.
    sentence, details
        The verdict, and what has to be known to read it.
    model, gap
        Who was chosen, and its difference to Popularity in the main metric.
    numbers
        Up to three.
    """

    outcome: Outcome
    sentence: str
    details: tuple[str, ...]
    model: str
    gap: Gap | None
    numbers: tuple[Headline, ...]


def outcome_of(gap: Gap) -> Outcome:
    """What an interval allows to say.

    >>> outcome_of(Gap(0.1, -0.1, 0.3, None, None, None, 20))
    'open'
    """
    if gap.low is not None and gap.low > 0:
        return "better"
    return "worse" if gap.high is not None and gap.high < 0 else "open"


def compared(name: str, gap: Gap, other: str = YARDSTICK, metric: str = "ndcg@10") -> str:
    """One model against another, in one sentence that is no stronger than the interval.

    >>> gap = Gap(0.1, 0.08, 0.12, 41.3, 33.1, 49.2, 943)
    >>> compared("EASE", gap)
    'EASE beats Popularity by 41 % [33, 49]'
    >>> compared("BPR", Gap(0.002, -0.01, 0.014, 0.9, -4.1, 6.2, 943))
    'BPR cannot be told apart from Popularity: the difference is +0.9 % [−4.1, +6.2]'
    """
    outcome = outcome_of(gap)
    turn = -1 if outcome == "worse" else 1
    relative = (gap.relative, gap.relative_low, gap.relative_high)
    absolute = (gap.mean, gap.low, gap.high)
    unit = " %" if None not in relative else ""
    middle, *ends = (turn * (one or 0.0) for one in (relative if unit else absolute))
    written = interval(middle, min(ends), max(ends), unit, signed=outcome == "open")
    written += "" if unit else f" in {labelled(metric)}"
    if outcome == "open":
        return f"{name} cannot be told apart from {other}: the difference is {written}"
    return f"{name} {'beats' if outcome == 'better' else 'is worse than'} {other} by {written}"


def judge(rows: Sequence[Row], metric: str, how: str, runner_up: tuple[str, Gap] | None) -> Verdict:
    """The verdict on the chosen row.

    Parameters
    ----------
    rows
        All of the comparison; one has the role "chosen", unless there are yardsticks only.
    how
        The evaluation's protocol in words.
    runner_up
        The next best model and the chosen one's difference to it.
    """
    chosen = next((row for row in rows if row.role == "chosen"), None)
    popular = next(row for row in rows if row.role == "yardstick" and row.name == YARDSTICK)
    if chosen is None or chosen.gap is None:
        best = max(rows, key=lambda row: row.test[metric].mean or 0.0)
        return Verdict(
            outcome="none",
            sentence="There is no model to judge: only yardsticks were run",
            details=(f"Among them {best.name} has the highest {labelled(metric)}.",),
            model=best.name,
            gap=None,
            numbers=_numbers(best, popular, metric),
        )
    details = [
        _measured(chosen, popular, metric),
        *_chosen_how(chosen, rows, metric),
        *([_against_next(chosen.name, *runner_up, metric)] if runner_up else []),
        f"All of these are numbers of the test users ({how}).",
    ]
    outcome = outcome_of(chosen.gap)
    sentence = compared(chosen.name, chosen.gap, metric=metric)
    if outcome == "better" and _is_like_chance(chosen, rows, metric):
        outcome = "open"
        sentence = f"{chosen.name} cannot be told apart from {CHANCE}, which knows nothing"
    return Verdict(
        outcome=outcome,
        sentence=sentence,
        details=tuple(details),
        model=chosen.name,
        gap=chosen.gap,
        numbers=_numbers(chosen, popular, metric),
    )


def plus_minus(one: Measured, decimals: int | None = None) -> str:
    """A mean with its standard error.

    >>> plus_minus(Measured(0.41234, 0.00981, 943))
    '0.4123 ± 0.0098'
    """
    mean = figure(one.mean, decimals)
    if one.mean is None or one.stderr is None:
        return mean
    places = len(mean.partition(".")[2])
    return f"{mean} ± {figure(one.stderr, places)}"


def _measured(chosen: Row, popular: Row, metric: str) -> str:
    n = counted(chosen.gap.n if chosen.gap else 0, "test user")
    return (
        f"{labelled(metric)} is {plus_minus(chosen.test[metric])} for {chosen.name} and "
        f"{plus_minus(popular.test[metric])} for {YARDSTICK}, the same list for everybody, over "
        f"{n} (mean ± standard error). The brackets hold a 95 % interval: a paired bootstrap over "
        "these users."
    )


def _is_like_chance(chosen: Row, rows: Sequence[Row], metric: str) -> bool:
    """Whether two standard errors of the difference reach from the chosen model to Random.

    Where what is popular has gone out of use, beating Popularity is no feat.
    """
    chance = [row.test[metric] for row in rows if row.role == "yardstick" and row.name == CHANCE]
    mine = chosen.test[metric]
    if not chance or mine.mean is None or chance[0].mean is None:
        return False
    reach = 2 * math.hypot(mine.stderr or 0.0, chance[0].stderr or 0.0)
    return mine.mean - chance[0].mean < reach


def _chosen_how(chosen: Row, rows: Sequence[Row], metric: str) -> list[str]:
    """How the model was chosen, and what follows from it."""
    models = [row for row in rows if row.role != "yardstick"]
    if len(models) == 1:
        return [f"{chosen.name} is the only model here; nothing was chosen on the test part."]
    among = f"{chosen.name} is the best of {len(models)} models by {labelled(metric)}"
    if any(row.validation is None for row in models):
        return [
            f"{among} on the test part itself, because the models were not all judged on a "
            "validation part. The best of several looks a little too good: expect less on new "
            "users."
        ]
    said = [f"{among} on the validation part; the test part played no role in the choice."]
    top = max(models, key=lambda row: row.test[metric].mean or 0.0)
    if (top.test[metric].mean or 0.0) > (chosen.test[metric].mean or 0.0):
        said.append(
            f"On the test part {top.name} has the higher mean, {plus_minus(top.test[metric])}; "
            "choosing it for that would make the test part part of training."
        )
    return said


def _against_next(name: str, other: str, gap: Gap, metric: str) -> str:
    return f"The next best is {other}. {compared(name, gap, other, metric)}."


def _numbers(model: Row, popular: Row, metric: str) -> tuple[Headline, ...]:
    """The main metric and two more that are means over users, at the same k where there is one."""
    at = metric.partition("@")[2]
    names = [metric, *(f"{word}@{at}" for word in HEADLINES if at)]
    names += [one for one in model.test if one not in names]
    numbers: list[Headline] = []
    for one in names:
        if one not in model.test or one not in popular.test or len(numbers) == 3:
            continue
        told = Headline(one, model.test[one], popular.test[one])
        # With one held-out item a user, recall is the hit rate: say a thing once.
        again = any((n.model, n.yardstick) == (told.model, told.yardstick) for n in numbers)
        if one == metric or (told.model.stderr is not None and not again):
            numbers.append(told)
    return tuple(numbers)

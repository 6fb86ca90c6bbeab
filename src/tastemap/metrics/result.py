"""What an evaluation comes back as: means with errors and ceilings, users' values, the lists."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import ceil, isnan, log10, sqrt
from textwrap import fill
from typing import Any

import numpy as np

from tastemap.errors import UsageError
from tastemap.kernels.sums import total
from tastemap.metrics.ceilings import ceiling
from tastemap.metrics.resampling import Interval, bootstrap_interval
from tastemap.recommend import Ranking
from tastemap.shapes import Float64, Int32


@dataclass(frozen=True)
class Estimate:
    """A mean over users, its standard error, and how many users it is a mean of.

    Parameters
    ----------
    mean
        NaN where it is defined for no user.
    stderr
        Standard deviation over users / sqrt(n); None for numbers that are no mean over users
        (coverage, the pooled AUC) and for a single user.
    n
        Users for whom the metric is defined.

    >>> print(Estimate(0.12344, 0.0056, 943), Estimate(0.75, None, 943), sep=" and ")
    0.1234 ± 0.0056 and 0.7500
    """

    mean: float
    stderr: float | None
    n: int

    @classmethod
    def of(cls, values: Float64[np.ndarray, " users"]) -> "Estimate":
        """Mean and standard error of a value a user; NaN (undefined) is left out.

        >>> Estimate.of(np.array([0.0, 1.0, np.nan]))
        Estimate(mean=0.5, stderr=0.5, n=2)
        """
        whole, n = total(values)  # the order of the users cannot matter
        if n == 0:
            return cls(float("nan"), None, 0)
        mean = whole / n
        if n == 1:
            return cls(mean, None, 1)
        return cls(mean, sqrt(total(values, mean)[0] / (n - 1) / n), n)

    def __str__(self) -> str:
        if isnan(self.mean):
            return "undefined"
        return f"{self.mean:.4f}" + ("" if self.stderr is None else f" ± {self.stderr:.4f}")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model is worth on held-out events.

    Parameters
    ----------
    estimates
        Mean, standard error and number of users of each metric, by its name ("ndcg@10").
    per_user
        The value of each user, for metrics that have one; shape (users,); NaN where undefined.
    users
        Shape (users,): the user code of each row, -1 for somebody unknown.
    ranking
        The lists and their hits, as long as the largest k asked for.
    without_truth
        Users left out, because nothing of theirs was held out.
    cold_users
        Users who are in (with held-out items) although their history is empty.
    seconds
        How long it took, scores included.
    how
        The protocol in words.
    """

    estimates: Mapping[str, Estimate]
    per_user: Mapping[str, Float64[np.ndarray, " users"]]
    users: Int32[np.ndarray, " users"]
    ranking: Ranking
    without_truth: int
    cold_users: int
    seconds: float
    how: str

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of a metric that was asked for, by its name."""
        if name not in self.estimates:
            raise UsageError(
                f"metric {name!r} was not measured",
                ", ".join(self.estimates),
                f"evaluate(model, split, [{name!r}])",
            )
        return self.estimates[name]

    @cached_property
    def ceilings(self) -> dict[str, Estimate]:
        """What perfect lists would score: mean over the same users, by the metric's name.

        Metrics that know no perfect list (coverage, novelty and the like) are not in it; the AUC
        of a perfect order is 1. `ceilings_per_user` has the values of the users.
        """
        best = {name: Estimate.of(values) for name, values in self.ceilings_per_user.items()}
        if "auc_global" in self.estimates:
            best["auc_global"] = Estimate(1.0, None, len(self.users))
        return {name: best[name] for name in self.estimates if name in best}

    @cached_property
    def ceilings_per_user(self) -> dict[str, Float64[np.ndarray, " users"]]:
        """What a perfect list of each user would score; shape (users,); NaN where undefined."""
        found = {}
        for name, values in self.per_user.items():
            best = np.ones(len(values)) if name == "auc" else ceiling(self.ranking, name)
            if best is not None:
                found[name] = np.where(np.isnan(values), np.nan, best)
        return found

    def interval(
        self, name: str, samples: int = 2000, seed: int = 0, confidence: float = 0.95
    ) -> Interval:
        """Bootstrap interval of a metric's mean over users; arguments as `bootstrap_interval`."""
        self[name]
        if name not in self.per_user:
            raise UsageError(
                f"the interval of {name!r}, which is no mean over users",
                ", ".join(self.per_user),
                "choose one of these",
            )
        return bootstrap_interval(self.per_user[name], samples, seed, confidence)

    def say(self, name: str) -> str:
        """A metric in a line, with its ceiling and its noise (the standard error).

        >>> from tastemap.data.interactions import Histories
        >>> from tastemap.metrics.evaluate import evaluate_lists
        >>> truth = Histories.of_items([[0, 1], [2], [3]] * 30)
        >>> ranking = Ranking.of(np.int32([[1], [0], [3]] * 30), truth)
        >>> evaluate_lists(ranking, ["recall@1"]).say("recall@1")
        'recall@1 .50 of .83 possible ± .04'
        """
        one = self[name]
        if isnan(one.mean):
            return f"{name} undefined"
        digits = 2 if not one.stderr else min(4, max(2, ceil(-log10(one.stderr))))
        said = f"{name} {_short(one.mean, digits)}"
        if name in self.ceilings:
            said += f" of {_short(self.ceilings[name].mean, digits)} possible"
        return said + ("" if one.stderr is None else f" ± {_short(one.stderr, digits)}")

    def __str__(self) -> str:
        width = max(map(len, ["metric", *self.estimates]))
        best = {name: one.mean for name, one in self.ceilings.items()}
        # A column only for ceilings that tell something: those below 1, and that of DCG.
        bounded = any(not isnan(one) and one != 1 for one in best.values())
        lines = [
            fill(self.how, 79) if self.how else "",
            f"{len(self.users):,} users, {self.cold_users:,} of them without history; "
            f"{self.without_truth:,} more without held-out items",
            "",
            f"{'metric':{width}}  {'mean':>9}  {'± stderr':>8}"
            + (f"  {'possible':>8}" if bounded else "")
            + f"  {'users':>9}",
        ]
        for name, one in self.estimates.items():
            mean = "undefined" if isnan(one.mean) else f"{one.mean:.4f}"
            stderr = "" if one.stderr is None else f"{one.stderr:.4f}"
            possible = f"{best[name]:.4f}" if name in best and not isnan(best[name]) else ""
            lines.append(
                f"{name:{width}}  {mean:>9}  {stderr:>8}"
                + (f"  {possible:>8}" if bounded else "")
                + f"  {one.n:>9,}"
            )
        return "\n".join(lines).lstrip("\n")

    def means(self) -> dict[str, float | None]:
        """The mean of each metric by its name; None where it is undefined."""
        return {name: None if isnan(e.mean) else e.mean for name, e in self.estimates.items()}

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays as plain values; an undefined mean is None."""
        means, best = self.means(), self.ceilings
        ceilings = {name: None if isnan(one.mean) else one.mean for name, one in best.items()}
        return {
            "estimates": {
                name: {
                    "mean": means[name],
                    "stderr": e.stderr,
                    "n": e.n,
                    "ceiling": ceilings.get(name),
                }
                for name, e in self.estimates.items()
            },
            "users": len(self.users),
            "without_truth": self.without_truth,
            "cold_users": self.cold_users,
            "k": self.ranking.k,
            "seconds": self.seconds,
            "how": self.how,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name: users, those of the ranking, and "per_user.NAME" for each metric."""
        lists = {field.name: getattr(self.ranking, field.name) for field in fields(Ranking)}
        values = {f"per_user.{name}": array for name, array in self.per_user.items()}
        return {"users": self.users, **lists, **values}

    @classmethod
    def from_json(
        cls, written: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> "Evaluation":
        """The evaluation that `to_json` and `arrays` took apart."""
        estimates = {
            name: Estimate(float("nan") if e["mean"] is None else e["mean"], e["stderr"], e["n"])
            for name, e in written["estimates"].items()
        }
        return cls(
            estimates=estimates,
            per_user={
                name: arrays[f"per_user.{name}"]
                for name in estimates
                if f"per_user.{name}" in arrays
            },
            users=arrays["users"],
            ranking=Ranking(**{field.name: arrays[field.name] for field in fields(Ranking)}),
            without_truth=written["without_truth"],
            cold_users=written["cold_users"],
            seconds=written["seconds"],
            how=written["how"],
        )


def _short(value: float, digits: int) -> str:
    """A number without the 0 before its point: .31"""
    written = f"{value:.{digits}f}"
    return written.replace("0.", ".", 1) if written.lstrip("-").startswith("0.") else written

"""What an evaluation comes back as: means with their errors, the users' values, the lists."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import fsum, isnan, sqrt
from textwrap import fill
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32

from tastemap.errors import UsageError
from tastemap.recommend import Ranking


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
        defined = values[~np.isnan(values)]
        n = len(defined)
        if n == 0:
            return cls(float("nan"), None, 0)
        mean = fsum(defined) / n  # exact sums, so the order of the users cannot matter
        if n == 1:
            return cls(mean, None, 1)
        return cls(mean, sqrt(fsum((defined - mean) ** 2) / (n - 1) / n), n)

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

    def __str__(self) -> str:
        width = max(map(len, ["metric", *self.estimates]))
        lines = [
            fill(self.how, 79) if self.how else "",
            f"{len(self.users):,} users, {self.cold_users:,} of them without history; "
            f"{self.without_truth:,} more without held-out items",
            "",
            f"{'metric':{width}}  {'mean':>9}  {'± stderr':>8}  {'users':>9}",
        ]
        for name, one in self.estimates.items():
            mean = "undefined" if isnan(one.mean) else f"{one.mean:.4f}"
            stderr = "" if one.stderr is None else f"{one.stderr:.4f}"
            lines.append(f"{name:{width}}  {mean:>9}  {stderr:>8}  {one.n:>9,}")
        return "\n".join(lines).lstrip("\n")

    def means(self) -> dict[str, float | None]:
        """The mean of each metric by its name; None where it is undefined."""
        return {name: None if isnan(e.mean) else e.mean for name, e in self.estimates.items()}

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays as plain values; an undefined mean is None."""
        means = self.means()
        return {
            "estimates": {
                name: {"mean": means[name], "stderr": e.stderr, "n": e.n}
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

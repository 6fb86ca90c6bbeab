"""Several models that vote: the sum of their scores, each brought to one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.models.als import ALS
from tastemap.models.neighbours import ItemKNN
from tastemap.models.nested import Nesting, NestingModel
from tastemap.shapes import Float32, Int32
from tastemap.storage import Arrays
from tastemap.training import Monitor, TrainingLog


@dataclass(frozen=True)
class Ensemble(Nesting):
    """The weighted mean of what several models say of an item, each on one scale for each user.

    score(u, i) = Σ_m w_m (s_m(u, i) - mean_i s_m(u, i)) / sd_i s_m(u, i) / Σ_m w_m. What members
    agree on stays, what each errs in by itself is averaged away: members of different kinds gain
    most, and equal ones, which then differ by their seed alone, gain still.

    Parameters
    ----------
    members
        Recipes of one stage. Of equal ones the n-th learns from `seed` + n - 1.
    weights
        How much each counts, above 0; None counts them alike. Choose them on validation: the
        scores of neighbourhood models are mostly 0, so that their best items stand far out.

    Notes
    -----
    `fit` passes `validation` to those members that stop by it. The training log says what became
    of each member, whose own logs are in `model.members`.

    Examples
    --------
    >>> from tastemap import synthetic
    >>> log = synthetic.taste_groups(seed=1)
    >>> both = Ensemble((ALS(factors=8), ALS(factors=8), ItemKNN()), weights=(1, 1, 0.5))
    >>> both.fit(log, seed=1).recommend([log.users.ids[0]], k=3).n_rows
    3
    """

    members: Sequence[Recipe] = (ALS(), ItemKNN())
    weights: Sequence[float] | None = None

    uses_validation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._require("members", len(self.members) >= 1, "a tuple of one recipe or more")
        self._require_plain(*self.members)
        weights = self.weights
        self._require(
            "weights",
            weights is None or (len(weights) == len(self.members) and min(weights) > 0),
            f"None, or {len(self.members)} numbers above 0, one a member",
        )

    def fit(
        self,
        train: Interactions,
        *,
        seed: int = 0,
        monitor: Monitor | None = None,
        validation: Interactions | None = None,
        checkpoint: str | Path | None = None,
    ) -> "EnsembleModel":
        """Fit all members on the same log, one after another; the monitor watches each.

        Parameters
        ----------
        validation
            What the users of `train` did next, for members that stop by it.
        checkpoint
            A folder for those of such members: "1", "2" and so on, by their places.
        """
        fitted: list[Model] = []
        notes: list[str] = []
        for place, member in enumerate(self.members):
            also: dict[str, Any] = {}
            if member.uses_validation:
                also["validation"] = validation
                also["checkpoint"] = checkpoint and Path(checkpoint) / str(place + 1)
            own = seed + self.members[:place].count(member)
            fitted.append(member.fit(train, seed=own, monitor=monitor, **also))
            said = (f"seed {own}", *fitted[-1].log.notes)
            notes.append(f"member {place + 1}, {member.name}: {'; '.join(said)}")
        return EnsembleModel(
            recipe=self,
            seed=seed,
            train=train,
            log=TrainingLog(notes=tuple(notes)),
            members=tuple(fitted),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class EnsembleModel(NestingModel):
    """The weighted mean of standardised scores.

    Parameters
    ----------
    members
        The fitted models, in the order of the recipe's.
    """

    members: tuple[Model, ...]

    @property
    def shares(self) -> Float32[np.ndarray, " members"]:
        """The members' weights, divided by their sum."""
        weights = cast("Ensemble", self.recipe).weights or np.ones(len(self.members))
        return (np.asarray(weights) / np.sum(weights)).astype(np.float32)

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Standardised scores, weighed and added up."""
        total = np.zeros((len(histories), len(self.items)), dtype=np.float32)
        for share, member in zip(self.shares, self.members, strict=True):
            total += share * standardised(member.score(histories))
        return total

    def similarity(self, items: Int32[np.ndarray, " n"]) -> Float32[np.ndarray, "n items"]:
        """The weighted mean of the members' likenesses."""
        found = [member.similarity(items) for member in self.members]
        return np.asarray(np.tensordot(self.shares, found, axes=1), dtype=np.float32)

    def _parts(self) -> dict[str, Model]:
        return {f"member{place + 1}": one for place, one in enumerate(self.members)}

    @classmethod
    def _joined(
        cls, parts: dict[str, Model], manifest: dict[str, Any], arrays: Arrays
    ) -> dict[str, Any]:
        return {"members": tuple(parts[f"member{n + 1}"] for n in range(len(parts)))}


def standardised(
    scores: Float32[np.ndarray, "rows items"],
) -> Float32[np.ndarray, "rows items"]:
    """Each row less its mean, divided by its standard deviation; zeros where all are equal.

    >>> standardised(np.float32([[1, 3, 1, 3], [5, 5, 5, 5]]))
    array([[-1.,  1., -1.,  1.],
           [ 0.,  0.,  0.,  0.]], dtype=float32)
    """
    if not scores.size:
        return scores.copy()
    found = scores - scores.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ri,ri->r", found, found)[:, None] / max(scores.shape[1], 1))
    return np.divide(found, spread, out=np.zeros_like(found), where=spread > 0)

"""What a case of the doctor's is: a run by name, and what must be found in it."""

from collections.abc import Callable
from dataclasses import dataclass

import damage
import tastemap as tm
from tastemap.contracts import Recipe
from tastemap.diagnosis.evidence import Evidence


@dataclass(frozen=True)
class Case:
    """A run by name; `expects` are the codes of which at least the first must be found."""

    name: str
    make: Callable[[], Evidence]
    expects: tuple[str, ...] = ()


def healthy(recipe: Recipe, split: Callable[[], tm.Split], seed: int = 1) -> Case:
    return Case(
        f"{recipe.name}, {split.__name__}, seed {seed}",
        lambda: damage.run_of(recipe, split(), seed),
    )

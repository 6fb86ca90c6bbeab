"""Recipes that hold recipes, and models that hold models, as plain values and arrays."""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from tastemap.contracts import Model, Recipe
from tastemap.errors import InputError, UsageError
from tastemap.storage import Arrays, unpack_log
from tastemap.training import TrainingLog


class Nesting(Recipe):
    """A recipe that holds other recipes."""

    def _require_plain(self, *held: Any) -> None:
        """Refuse what is no recipe, and recipes that hold others themselves."""
        for one in held:
            if not isinstance(one, Recipe) or isinstance(one, Nesting):
                raise UsageError(
                    f"{self.name} that holds {one!r}",
                    "recipes of one stage, such as ALS()",
                    f"put one in its place: {self.name}() shows how",
                )


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NestingModel(Model):
    """A model that holds other models of the same log, which is saved once."""

    @abstractmethod
    def _parts(self) -> dict[str, Model]:
        """The models within, by name."""

    @classmethod
    @abstractmethod
    def _joined(
        cls, parts: dict[str, Model], manifest: dict[str, Any], arrays: Arrays
    ) -> dict[str, Any]:
        """The fields of the model, from what `_parts` named and what else was saved."""

    def packed(self) -> tuple[dict[str, Any], Arrays]:
        """The manifest and the arrays, those of the parts among them."""
        manifest, arrays = super().packed()
        parts = {name: _part_manifest(part) for name, part in self._parts().items()}
        return manifest | {"recipe": written(self.recipe), "parts": parts}, arrays

    def _learned(self) -> Arrays:
        arrays: Arrays = {}
        for name, part in self._parts().items():
            arrays |= prefixed(name, part._learned())
        return arrays

    @classmethod
    def restore(cls, recipe: Recipe, manifest: dict[str, Any], arrays: Arrays) -> "NestingModel":
        """The model that `save` wrote; `manifest["parts"]` holds the models within, restored."""
        train = unpack_log(arrays)
        parts = manifest["parts"].items()
        shared = {name: dataclasses.replace(part, train=train) for name, part in parts}
        return cls(
            recipe=recipe,
            seed=manifest["seed"],
            train=train,
            log=TrainingLog.from_json(manifest["training"]),
            **cls._joined(shared, manifest, arrays),
        )


def written(value: Any) -> Any:
    """A hyper-parameter as JSON knows it; a recipe becomes its name and its fields.

    >>> from tastemap.models.popularity import Popularity
    >>> written((Popularity(days=2.0), 3))
    [{'name': 'Popularity', 'fields': {'days': 2.0}}, 3]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: written(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"name": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return [written(one) for one in value]
    return value


def read(value: Any, kinds: Mapping[str, type]) -> Any:
    """The hyper-parameter that `written` wrote; lists come back as tuples.

    >>> from tastemap.models.popularity import Popularity
    >>> read([{"name": "Popularity", "fields": {"days": 2.0}}, 3], {"Popularity": Popularity})
    (Popularity(days=2.0), 3)
    """
    if isinstance(value, list):
        return tuple(read(one, kinds) for one in value)
    if not isinstance(value, dict):
        return value
    if value.get("name") not in kinds:
        raise InputError(
            f"a recipe called {value.get('name')!r}",
            ", ".join(kinds),
            "load it with the version of tastemap that saved it",
        )
    kind = kinds[value["name"]]
    known = [one.name for one in dataclasses.fields(kind)]
    for name in value["fields"]:
        if name not in known:
            raise InputError(
                f"a recipe {value['name']} with a field called {name!r}",
                f"the fields that this version of tastemap knows: {', '.join(known)}",
                "load it with the version of tastemap that saved it",
            )
    return kind(**{name: read(one, kinds) for name, one in value["fields"].items()})


def _part_manifest(model: Model) -> dict[str, Any]:
    """What a manifest says of a model within another one; both share their log."""
    return {
        "model": type(model).__name__,
        "recipe": written(model.recipe),
        "seed": model.seed,
        "training": model.log.to_json(),
    }


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays under `prefix.name`."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def below(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays that `prefixed` named."""
    head = f"{prefix}."
    return {n.removeprefix(head): a for n, a in arrays.items() if n.startswith(head)}


def read_part(
    name: str,
    manifest: dict[str, Any],
    arrays: Arrays,
    recipes: Mapping[str, type],
    models: Mapping[str, type[Model]],
) -> Model:
    """The model called `name` within a saved one."""
    part = manifest["parts"][name]
    recipe: Recipe = read(part["recipe"], recipes)
    # The log is stored once; a part's own arrays come after it.
    return models[part["model"]].restore(recipe, part, arrays | below(name, arrays))

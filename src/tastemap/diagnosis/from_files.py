"""The evidence of a run that other software made: one JSON object, and tables beside it.

docs/diagnose-format.md describes the form, with a complete example.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.diagnosis.columns import Columns, columns_of, plain_id
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.facts import (
    array,
    claims,
    searched,
    seeds,
    sequences,
    stages,
    training,
    yardsticks,
)
from tastemap.diagnosis.vocabularies import Codes, lookalikes
from tastemap.errors import InputError

KEYS = (
    "name",
    "seed",
    "recipe",
    "how",
    "lists",
    "scores",
    "users",
    "truth",
    "train",
    "validation",
    "seen",
    "exclude_seen",
    "catalogue",
    "n_items",
    "metrics",
    "validation_metrics",
    "training",
    "yardsticks",
    "references",
    "item_vectors",
    "user_vectors",
    "other_item_vectors",
    "searched",
    "seeds",
    "sequences",
    "stages",
)
"""What the object may hold; nothing is obligatory."""

OTHER_NAMES = {
    "recommendations": "lists",
    "ground_truth": "truth",
    "test": "truth",
    "claims": "metrics",
    "log": "training",
    "curve": "training",
    "items": "catalogue",
    "catalog": "catalogue",
    "validation_claims": "validation_metrics",
}
"""Other names by which parts are known."""


def evidence_from(what: str | Path | Mapping[str, Any]) -> Evidence:
    """Evidence from a JSON file, or from the mapping in it.

    Parameters
    ----------
    what
        The path of a JSON file; or a mapping, whose tables may be objects in memory too.

    Errors
    ------
    InputError
        For a file that is missing or no JSON object, for unknown keys, and for parts that cannot
        be read; the message names the part.

    Examples
    --------
    >>> lists = {"ann": ["tea", "rum"], "bob": ["rum"]}
    >>> found = evidence_from({"lists": lists, "truth": {"ann": ["rum"], "bob": ["milk", "milk"]}})
    >>> found.lists.tolist(), found.truth.items.tolist()          # milk, rum, tea
    ([[2, 1], [1, -1]], [1, 0, 0])
    """
    folder, written = _object(what)
    given = _known(written)
    tables = {
        part: columns_of(part, given[part], folder, given.get("users", ()))
        for part in ("lists", "truth", "train", "validation", "seen")
        if given.get(part) is not None
    }
    if "scores" in given and "lists" in tables:
        tables["lists"] = _with_scores(tables["lists"], given["scores"], folder, given)
    catalogue = given.get("catalogue")
    if isinstance(catalogue, str):
        catalogue = columns_of_items(catalogue, folder)
    codes = Codes.of(tables, catalogue)
    parts = codes.parts(tables)
    vectors = {
        name: array(name, given[name], folder, np.float32, 2)
        for name in ("item_vectors", "user_vectors", "other_item_vectors")
        if given.get(name) is not None
    }
    _require_one_width(vectors)
    depth = parts["lists"].shape[1] if "lists" in parts else None
    size = given.get("n_items")
    if size is None and codes.complete:
        size = len(codes.items)
    return Evidence(
        name=str(given.get("name", "run")),
        seed=given.get("seed"),
        recipe=_mapping("recipe", given.get("recipe", {})),
        how=str(given.get("how", "")),
        n_items=None if size is None else max(int(size), len(codes.items)),
        exclude_seen=given.get("exclude_seen"),
        claims=claims("metrics", given.get("metrics", {}), depth),
        validation_claims=claims("validation_metrics", given.get("validation_metrics", {}), depth),
        curve=None if given.get("training") is None else training(given["training"], folder),
        yardsticks=yardsticks(given.get("yardsticks", {}), depth, codes.rows_of(tables)),
        references=_references(given.get("references", ()), folder),
        searched=searched(given.get("searched", ())),
        seeds=seeds(given.get("seeds", {}), depth),
        sequences=sequences(given.get("sequences")),
        stages=stages(given.get("stages"), folder, codes),
        lookalikes=lookalikes(tables, codes),
        **parts,
        **vectors,
    )


def _object(what: str | Path | Mapping[str, Any]) -> tuple[Path, Mapping[str, Any]]:
    """The folder that paths are relative to, and the object."""
    if isinstance(what, Mapping):
        return Path(), what
    path = Path(what)
    if not path.is_file():
        raise InputError(
            f"there is no file {path}",
            "a JSON file, or the folder of a saved run",
            "check the path",
        )
    try:
        written = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(
            f"{path} is no JSON: {error}",
            'one JSON object, {"lists": ..., "truth": ..., "metrics": ...}',
            "see docs/diagnose-format.md; tables go into files of their own, named in the object",
        ) from error
    if not isinstance(written, dict):
        raise InputError(
            f"{path} holds a {type(written).__name__}",
            'one JSON object, {"lists": ..., "truth": ..., "metrics": ...}',
            'put the lists under the key "lists"',
        )
    return path.parent, written


def _known(written: Mapping[str, Any]) -> dict[str, Any]:
    """The object under the names that are used here."""
    given: dict[str, Any] = {}
    for key, value in written.items():
        name = OTHER_NAMES.get(key, key)
        if name not in KEYS:
            near = get_close_matches(str(key), (*KEYS, *OTHER_NAMES), n=1, cutoff=0.5)
            raise InputError(
                f"the key {key!r}",
                ", ".join(KEYS),
                f"did you mean {near[0]!r}?" if near else "leave it out",
            )
        if name in given:
            raise InputError(f"{name!r} twice, once as {key!r}", "each part once", "drop one")
        given[name] = value
    _require_exclude_seen(given.get("exclude_seen"))
    return given


def _require_exclude_seen(given: Any) -> None:
    if given not in (None, True, False):
        raise InputError(
            f"exclude_seen: {given!r}",
            "true where seen items were to be left out of the lists, false where not",
            "leave it out where it is not known",
        )


def _require_one_width(vectors: Mapping[str, Any]) -> None:
    widths = {name: one.shape[1] for name, one in vectors.items()}
    if len(set(widths.values())) > 1:
        raise InputError(
            "vectors of different widths: " + ", ".join(f"{n} {w}" for n, w in widths.items()),
            "one number of factors for users and items",
            "check that rows are users or items and columns are factors",
        )


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: {value!r}", "names and values", f'write "{name}": {{...}}')
    return value


def _with_scores(lists: Columns, scores: Any, folder: Path, given: Mapping[str, Any]) -> Columns:
    """The lists with scores that are written beside them, in the same form."""
    flat: list[float] = []
    values = scores.tolist() if isinstance(scores, np.ndarray) else scores
    rows = values.items() if isinstance(values, Mapping) else enumerate(values)
    by_user = {
        plain_id("scores", name if isinstance(values, Mapping) else _named(given, name)): row
        for name, row in rows
    }
    counts = {name: 0 for name in lists.users}
    for name in lists.user:
        row = by_user.get(name, ())
        place = counts[name]
        if place >= len(row):
            raise InputError(
                f"scores: {len(row)} for user {name!r}, who has a longer list",
                "one score for every listed item, in the same order",
                'write the lists as [[item, score], ...] instead, or leave "scores" out',
            )
        flat.append(float("nan") if row[place] is None else float(row[place]))
        counts[name] = place + 1
    return Columns(lists.user, lists.item, lists.rank, flat, users=lists.users)


def _named(given: Mapping[str, Any], place: int) -> Any:
    names = given.get("users")
    return place if names is None else names[place]


def columns_of_items(path: str, folder: Path) -> list[Any]:
    """The ids in the first column of a table."""
    file = folder / path
    if not file.exists():
        raise InputError(f"catalogue: there is no file {file}", "a file of ids", "check the path")
    lines = file.read_text(encoding="utf-8").split()
    return [line.split(",")[0].split("\t")[0] for line in lines]


def _references(given: Any, folder: Path) -> tuple[Evidence, ...]:
    every = [given] if isinstance(given, Mapping | str) else list(given)
    return tuple(evidence_from(folder / one if isinstance(one, str) else one) for one in every)

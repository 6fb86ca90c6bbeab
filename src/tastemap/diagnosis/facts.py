"""The smaller parts of a run that other software made: metrics, training log, search, vectors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.data.interactions import Id
from tastemap.diagnosis.claims import metric_of
from tastemap.diagnosis.columns import columns_of, plain_id
from tastemap.diagnosis.evidence import Claim, Searched, Sequences, Stages
from tastemap.diagnosis.vocabularies import Codes
from tastemap.errors import InputError
from tastemap.training import Epoch, TrainingLog

NUMBER = ("epoch", "number", "iteration", "iter", "step")
SECONDS = ("seconds", "time", "duration")


def claims(part: str, given: Any, k: int | None) -> dict[str, Claim]:
    """Stated metrics under the names that are used here; k is the length of the lists."""
    if not isinstance(given, Mapping):
        raise InputError(
            f"{part}: {given!r}",
            "metrics by name",
            f'write "{part}": {{"ndcg@10": 0.31}}',
        )
    found = {}
    for name, value in given.items():
        called, sampled = metric_of(str(name), k)
        found[called] = _claim(part, str(name), value, sampled)
    return found


def _claim(part: str, name: str, value: Any, sampled: int | None) -> Claim:
    if hasattr(value, "item"):
        value = value.item()
    if value is None:
        return Claim(float("nan"), sampled=sampled)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Claim(float(value), sampled=sampled)
    fields = ("mean", "stderr", "users", "sampled")
    if not isinstance(value, Mapping) or "mean" not in value or set(value) - set(fields):
        raise InputError(
            f"{part}: {name} is {value!r}",
            "a number, or an object with mean and perhaps stderr, users, sampled",
            f'write "{name}": {{"mean": 0.31, "users": 943}}',
        )
    mean = value["mean"]
    return Claim(
        mean=float("nan") if mean is None else float(mean),
        stderr=None if value.get("stderr") is None else float(value["stderr"]),
        users=None if value.get("users") is None else int(value["users"]),
        sampled=sampled if value.get("sampled") is None else int(value["sampled"]),
    )


def yardsticks(given: Any, k: int | None, rows: Sequence[Id]) -> dict[str, dict[str, Any]]:
    """Values of other models on the same test part: means, or one value a user."""
    if not isinstance(given, Mapping) or not all(isinstance(v, Mapping) for v in given.values()):
        raise InputError(
            f"yardsticks: {given!r}",
            "metrics by the model's name",
            'write "yardsticks": {"Popularity": {"ndcg@10": 0.08}}',
        )
    found: dict[str, dict[str, Any]] = {}
    for model, values in given.items():
        found[str(model)] = {}
        for name, value in values.items():
            called, sampled = metric_of(str(name), k)
            by_user = isinstance(value, list | tuple | np.ndarray) or (
                isinstance(value, Mapping) and "mean" not in value
            )
            found[str(model)][called] = (
                _per_user(f"yardsticks: {model}: {name}", value, rows)
                if by_user
                else _claim("yardsticks", str(name), value, sampled)
            )
    return found


def _per_user(part: str, value: Any, rows: Sequence[Id]) -> np.ndarray:
    """One value a row: by user, or in the order of the users' ids."""
    if isinstance(value, Mapping):
        by_user = {plain_id(part, name): one for name, one in value.items()}
        return np.array([by_user.get(row, np.nan) for row in rows], dtype=np.float64)
    if len(value) != len(rows):
        raise InputError(
            f"{part} has {len(value)} values, and there are {len(rows)} users",
            "one value a user, or their mean",
            'write {"user": value}',
        )
    return np.array(value, dtype=np.float64)


def training(given: Any, folder: Path) -> TrainingLog:
    """A training log: rows with an epoch and values, curves by name, or a table's path."""
    if isinstance(given, str):
        given = _table(folder / given)
    notes: Sequence[str] = ()
    if isinstance(given, Mapping) and isinstance(given.get("epochs"), list):
        notes, given = tuple(map(str, given.get("notes", ()))), given["epochs"]
    if isinstance(given, Mapping):
        curves = {str(name): list(values) for name, values in given.items()}
        length = max(map(len, curves.values()), default=0)
        given = [{n: v[at] for n, v in curves.items() if at < len(v)} for at in range(length)]
    if not isinstance(given, list | tuple) or not all(isinstance(row, Mapping) for row in given):
        raise InputError(
            "training: neither rows nor curves",
            '[{"epoch": 1, "loss": 0.7, "train_auc": 0.81}, ...], {"loss": [0.7, ...]}, or the '
            "path of such a table",
            "see docs/diagnose-format.md for a complete example",
        )
    return TrainingLog(tuple(_epoch(at, row) for at, row in enumerate(given, 1)), tuple(notes))


def _epoch(at: int, row: Mapping[str, Any]) -> Epoch:
    flat = {**row, **row["values"]} if isinstance(row.get("values"), Mapping) else dict(row)
    flat.pop("values", None)
    number = next((flat.pop(name) for name in NUMBER if name in flat), at)
    seconds = next((flat.pop(name) for name in SECONDS if name in flat), 0.0)
    values = {}
    for name, value in flat.items():
        try:
            values[str(name)] = float("nan") if value in (None, "") else float(value)
        except (TypeError, ValueError):
            continue  # a remark in the log, not a measurement
    return Epoch(int(number), float(seconds or 0), values)


def _table(path: Path) -> list[dict[str, Any]]:
    """The rows of a table of measurements."""
    import duckdb

    from tastemap.data.engine import connect, quoted

    if not path.exists():
        raise InputError(f"training: there is no file {path}", "the path of a table", "check it")
    readers = {".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}
    reader = readers.get(path.suffix, "read_csv")
    with connect() as connection:
        try:
            rows = connection.execute(f"select * from {reader}({quoted(str(path))})")
            names = [column[0] for column in rows.description]
            return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
        except duckdb.Error as error:
            raise InputError(
                f"training: {path} cannot be read: {str(error).splitlines()[0]}",
                "a table with a line of names and one line an epoch",
                "write it as CSV",
            ) from error


def searched(given: Any) -> tuple[Searched, ...]:
    """Hyper-parameters that were tuned: rows, or objects by the name."""
    rows = (
        [{"name": name, **one} for name, one in given.items()]
        if isinstance(given, Mapping)
        else list(given)
    )
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or {"name", "tried", "best"} - set(row):
            raise InputError(
                f"searched: {row!r}",
                "name, tried (a list of values) and best",
                'write {"name": "reg", "tried": [0.001, 0.01], "best": 0.01}',
            )
        tried = tuple(float(value) for value in row["tried"])
        found.append(Searched(str(row["name"]), tried, float(row["best"])))
    return tuple(found)


def seeds(given: Any, k: int | None) -> dict[str, tuple[float, ...]]:
    """Values of a metric for each seed."""
    if not isinstance(given, Mapping):
        raise InputError(
            f"seeds: {given!r}",
            "values by metric",
            'write "seeds": {"ndcg@10": [0.31, 0.32]}',
        )
    return {metric_of(str(n), k)[0]: tuple(float(v) for v in values) for n, values in given.items()}


def sequences(given: Any) -> Sequences | None:
    """What a sequential model was fed."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or "inputs" not in given:
        raise InputError(
            "sequences without inputs",
            "inputs (padded rows of item code + 1), and perhaps targets, times, padding_vector",
            'write "sequences": {"inputs": [[0, 3, 7]], "targets": [9]}',
        )
    return Sequences(
        inputs=array("sequences.inputs", given["inputs"], Path(), np.int32, 2),
        targets=_optional(given, "targets", np.int32, 1),
        times=_optional(given, "times", np.int64, 2),
        padding_vector=_optional(given, "padding_vector", np.float32, 1),
    )


def _optional(given: Mapping[str, Any], name: str, kind: Any, axes: int) -> Any:
    value = given.get(name)
    return None if value is None else array(f"sequences.{name}", value, Path(), kind, axes)


def stages(given: Any, folder: Path, codes: Codes) -> Stages | None:
    """What the two stages of a retrieve-then-rank model were fitted on."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InputError(f"stages: {given!r}", "first, labels, ...", "write an object")
    pairs = {}
    for name in ("first", "labels"):
        if given.get(name) is not None:
            columns = columns_of(f"stages.{name}", given[name], folder)
            both = codes.users.encode(columns.user), codes.items.encode(columns.item)
            pairs[name] = np.stack(both, axis=1)
    recall, n = given.get("candidate_recall"), given.get("candidates")
    return Stages(
        **pairs,
        candidate_recall=None if recall is None else float(recall),
        candidates=None if n is None else int(n),
    )


def array(part: str, given: Any, folder: Path, kind: Any, axes: int) -> Any:
    """An array from nested lists or the path of a .npy file."""
    try:
        loaded = np.load(folder / given, allow_pickle=False) if isinstance(given, str) else given
        found = np.asarray(loaded, dtype=kind)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{part} cannot be read: {error}",
            f"nested lists of numbers with {axes} ax{'i' if axes == 1 else 'e'}s, or a .npy file",
            "write rows of equal length",
        ) from error
    if found.ndim != axes:
        raise InputError(
            f"{part} of shape {found.shape}",
            f"an array with {axes} ax{'i' if axes == 1 else 'e'}s",
            "check how it was written",
        )
    return found

"""Read back what a report says, from the data in its page; or from folders of saved runs."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.data.shown import shown
from tastemap.errors import InputError, UsageError
from tastemap.report.page import FORMAT
from tastemap.report.per_user import key_of, shuffled, unpacked
from tastemap.report.reproduce import ENVIRONMENT
from tastemap.shapes import Float32

LARGEST = 1e12
"""No metric and no time is larger."""
MEAN = ("mean", "stderr")
DATA = re.compile(r'<script\b[^>]*\bid="data-json"[^>]*>(.*?)(</script>|\Z)', flags=re.S)


@dataclass(frozen=True)
class Mean:
    """A mean over users, its standard error and the number of users; None where undefined."""

    mean: float | None
    stderr: float | None
    n: int


@dataclass(frozen=True)
class Judged:
    """One model of a report: how it was made, what it was worth, what it took."""

    name: str
    recipe: str
    seed: int | None
    role: str
    test: Mapping[str, Mean]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Flaw:
    """One of the doctor's findings."""

    code: str
    severity: str
    title: str


@dataclass(frozen=True, eq=False)
class Results:
    """What a report or a saved run says, as far as it can be compared.

    Parameters
    ----------
    path
        What was read, as it was given.
    title, date, metric, chosen
        Heading, day, main metric and the name of the model chosen ("" where unknown).
    models
        By name, yardsticks among them.
    how, fingerprint
        The split in words and the hex digits of the data; None where it is not told.
    key, values
        What `per_user.key_of` says of the users, and each model's values; empty where not kept.
    judged
        Users judged.
    counts
        Numbers of the data passport.
    environment
        Python, libraries, cores and so on.
    memory
        The most bytes held; None where it is not told.
    flaws
        Findings; None where the doctor was not asked.
    lacks
        What this file does not hold, in words.
    """

    path: str
    title: str
    date: str
    metric: str
    chosen: str
    models: Mapping[str, Judged]
    how: str
    fingerprint: str | None
    key: str | None
    values: Mapping[str, Float32[np.ndarray, " n"]]
    judged: int
    counts: Mapping[str, float]
    environment: Mapping[str, str]
    memory: int | None
    flaws: tuple[Flaw, ...] | None
    lacks: tuple[str, ...]

    @property
    def best(self) -> str:
        """The chosen model or, where none is named, the first by the main metric."""
        if self.chosen in self.models:
            return self.chosen
        return max(self.models, key=lambda name: self.models[name].test[self.metric].mean or 0.0)


def reread(path: str | Path) -> Results:
    """What is said by a report (the file, or the folder that holds report.html) or by saved runs.

    Errors
    ------
    UsageError
        For a path where nothing is, or a folder with neither report.html nor saved runs.
    InputError
        For a file that is no report, is cut, or was written by a later version.
    """
    given, path = str(path), Path(path)
    if path.is_dir():
        if (path / "report.html").is_file():
            return _page(given, path / "report.html")
        folders = [path, *sorted(path.iterdir()), *sorted(path.glob("runs/*"))]
        found = [one for one in folders if (one / "manifest.json").is_file()]
        if found:
            return _runs(given, found)
        raise UsageError(
            f"{given} holds neither report.html nor a saved run",
            "a report, its folder, or a folder written by run.save(...)",
            "make one: tastemap run log.csv",
        )
    if not path.is_file():
        raise UsageError(
            f"{given} does not exist", "a report, or the folder that holds it", "check the path"
        )
    return _page(given, path)


def _page(given: str, path: Path) -> Results:
    text = path.read_bytes().decode("utf-8", errors="replace")
    found = DATA.search(text)
    if found is None:
        what = "is cut: it ends before its data" if "tastemap" in text else "is no report"
        raise _unusable(given, what)
    if not found[2]:
        raise _unusable(given, "is cut: it ends within its data")
    try:
        data = json.loads(found[1], parse_constant=_no_constant)
        version = data["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unusable(given, "holds data that cannot be read") from error
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(
            f"{given} is a report in format {version!r}",
            f"formats up to {FORMAT}, which this version of tastemap knows",
            "pip install --upgrade tastemap",
        )
    try:
        return _results(given, data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise _unusable(given, f"lacks what can be compared ({type(error).__name__})") from error


def _results(given: str, data: Mapping[str, Any]) -> Results:
    models = {}
    for row in data["rows"]:
        seconds = {
            what: _finite(value)
            for what, value in row.items()
            if what.endswith("_seconds") and value is not None
        }
        name = str(row["name"])
        models[name] = Judged(
            name=name,
            recipe=str(row.get("recipe", "")),
            seed=row.get("seed"),
            role=str(row.get("role", "model")),
            test={metric: _mean(one) for metric, one in row["test"].items()},
            seconds=seconds,
        )
    origin, metric = data["origin"], str(data["metric"])
    if any(metric not in one.test for one in models.values()) or not models:
        raise KeyError(metric)
    kept = data.get("per_user") or {}
    values = _values(kept) if kept and kept["metric"] == metric else {}
    flaws = _flaws(data.get("findings"))
    lacks = []
    if not values:
        lacks.append("the values of each user")
    if flaws is None:
        lacks.append("the doctor's findings")
    return Results(
        path=given,
        title=shown(str(data.get("title", "")), 100),
        date=shown(str(data.get("date", "")), 20),
        metric=metric,
        chosen=str((data.get("verdict") or {}).get("model", "")),
        models=models,
        how=shown(str(origin["split"]), 300),
        fingerprint=shown(str(origin["fingerprint"]), 64),
        key=str(kept["key"]) if values else None,
        values=values,
        judged=int(kept["users"]) if values else max(m.test[metric].n for m in models.values()),
        counts=_numbers((data.get("data") or {}).get("passport") or {}),
        environment=_flat(origin.get("environment") or {}),
        memory=None if origin.get("peak_memory") is None else int(origin["peak_memory"]),
        flaws=flaws,
        lacks=tuple(lacks),
    )


def _runs(given: str, folders: list[Path]) -> Results:
    """What saved runs say: all of one split."""
    from tastemap.runs import Run

    runs = [Run.load(folder) for folder in folders]
    first = runs[0]
    key = key_of(first.split.test.user, first.split.test.item, first.evaluation.users)
    metrics = list(first.evaluation.per_user)
    metric = "ndcg@10" if "ndcg@10" in metrics else metrics[0]
    parts: dict[str, Any] = dict(first.yardsticks)
    models = {
        name: Judged(name, name, None, "yardstick", _means(one), {}) for name, one in parts.items()
    }
    for run in runs:
        other = key_of(run.split.test.user, run.split.test.item, run.evaluation.users)
        if run.how != first.how or other != key:
            raise InputError(
                f"{given} holds runs on different splits: {first.how}; {run.how}",
                "runs on one split",
                "compare the folders of single runs",
            )
        name, number = run.name, 1
        while name in models:
            number += 1
            name = f"{run.name} #{number}"
        took = {"fit_seconds": run.seconds["fit"]}
        recipe = repr(run.model.recipe)
        tests = _means(run.evaluation)
        models[name] = Judged(name, recipe, run.model.seed, "model", tests, took)
        parts[name] = run.evaluation
    rows = shuffled(len(first.evaluation.users))
    return Results(
        path=given,
        title="saved run" if len(runs) == 1 else f"{len(runs)} saved runs",
        date="",
        metric=metric,
        chosen=next(name for name, one in models.items() if one.role == "model")
        if len(runs) == 1
        else "",
        models=models,
        how=first.how,
        fingerprint=None,
        key=key,
        values={n: one.per_user[metric][rows].astype(np.float32) for n, one in parts.items()},
        judged=len(first.evaluation.users),
        counts={},
        environment=_flat({n: first.environment[n] for n in ENVIRONMENT if n in first.environment}),
        memory=None,
        flaws=None,
        lacks=("the doctor's findings",),
    )


def _mean(one: Mapping[str, Any]) -> Mean:
    mean, stderr = (None if one[side] is None else _finite(one[side]) for side in MEAN)
    return Mean(mean, stderr, int(one["n"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(value)
    return number


def _means(evaluation: Any) -> dict[str, Mean]:
    known = evaluation.means()
    return {n: Mean(known[n], one.stderr, one.n) for n, one in evaluation.estimates.items()}


def _values(kept: Mapping[str, Any]) -> dict[str, Float32[np.ndarray, " n"]]:
    found = {str(name): unpacked(text) for name, text in kept["values"].items()}
    lengths = {len(values) for values in found.values()}
    if len(lengths) > 1 or any(length > int(kept["users"]) for length in lengths):
        raise ValueError("values of other users")
    return found


def _flaws(found: Any) -> tuple[Flaw, ...] | None:
    if isinstance(found, Mapping):
        found = found.get("noted")
    if found is None:
        return None
    return tuple(
        Flaw(shown(one["code"], 40), shown(one["severity"], 20), shown(one["title"], 120))
        for one in found
    )


def _numbers(passport: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: value
        for name, value in passport.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    }


def _flat(environment: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Names and values of nested mappings in one: "libraries numpy" is "2.4.6"."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        called = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{called} ")
        else:
            found[shown(called, 60)] = shown(str(value), 60)
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _unusable(given: str, what: str) -> InputError:
    return InputError(
        f"{given} {what}",
        "a whole report.html as tastemap writes it, or the folder that holds it",
        "write the report again: tastemap run log.csv",
    )

"""The whole job in one call: from a log to a compared line-up, lists for everybody and a report."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tastemap.contracts import HasVectors, Model, Recipe
from tastemap.data.interactions import Interactions
from tastemap.data.passport import describe
from tastemap.data.prepare import k_core
from tastemap.data.split import Split
from tastemap.data.splits import leave_last_out
from tastemap.data.table import Table
from tastemap.errors import InputError
from tastemap.kernels.ahead import compiled_ahead
from tastemap.maps.draw import item_map
from tastemap.maps.item_map import ItemMap
from tastemap.maps.travel import with_users
from tastemap.metrics.evaluate import DEFAULT_METRICS, Evaluation
from tastemap.models import ALS, BPR, EASE, SVD, ItemKNN, Popularity, Random
from tastemap.report import Person, Report, build_report, choose_people, person, save_report
from tastemap.report.page import Row
from tastemap.runs import Run, execute
from tastemap.training import Convergence

LINE_UP: tuple[Recipe, ...] = (
    Random(),
    Popularity(),
    ItemKNN(),
    EASE(),
    SVD(),
    ALS(show_loss=True),
    BPR(),
)
"""The recipes that are compared, yardsticks first."""

METRICS = (*DEFAULT_METRICS, "ndcg@20")
"""What is measured; the lists are 20 long, so that the report can show metrics against k."""

TRAVELLERS = 5
"""Users who are drawn on the map."""

Say = Callable[[str], None]


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, eq=False)
class Story:
    """What the job made: the runs, their report, and the files.

    Parameters
    ----------
    log
        What was read.
    split
        How its core was cut.
    runs
        One a recipe that could be trained.
    report
        All numbers as plain data.
    model
        The chosen recipe fitted once more, on all of the core: the one to use.
    files
        Name of a result -> where it was written.
    """

    log: Interactions
    split: Split
    runs: tuple[Run, ...]
    report: Report
    model: Model
    files: Mapping[str, Path]

    def person(self, user: int | None = None) -> Person:
        """A user as a person, seen by the chosen run (default: one of usual activity)."""
        chosen = next(r for r in self.runs if r.name == self.report.verdict.model)
        if user is None:
            people = choose_people(chosen.evaluation, self.split, n=10)
            user = int(people[len(people) // 2])
        return person(chosen.model, self.split, user)


@compiled_ahead()
def tell(
    log: Interactions,
    out: str | Path,
    *,
    core: int = 5,
    seed: int = 42,
    k: int = 10,
    recipes: Sequence[Recipe] = LINE_UP,
    title: str = "tastemap",
    command: str | None = None,
    say: Say = _silent,
    show: Callable[[str, str], None] = lambda heading, text: None,
) -> Story:
    """Describe, filter, split, train, compare, explain, and write everything to a folder.

    The recipe that is best on each user's last but one event (validation) is chosen; what is said
    of it is measured on the last event (test). It is then fitted again on all events, saved as
    `model`, and asked for everybody's list.

    Parameters
    ----------
    out
        Folder for report.html, map.html, recommendations.parquet, model/ and runs/.
    core
        Keep users and items with at least so many partners (k-core); 1 keeps all.
    say
        Called with a line whenever a step begins.
    show
        Called with a heading and a text whenever a result is ready.

    Examples
    --------
    >>> import tastemap as tm, tempfile
    >>> world = tm.synthetic.taste_groups(users=60, items=40, seed=1)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     story = tell(world, out, recipes=[Random(), Popularity(), ItemKNN()])
    ...     sorted(story.files)
    ['model', 'recommendations', 'report', 'runs']
    """
    out = Path(out)
    show("The log", str(describe(log)))
    prepared = k_core(log, core) if core > 1 else log
    split = leave_last_out(prepared)
    show("Prepared and split", _prepared(log, prepared, split))
    runs = _line_up(recipes, split, seed, say)
    drawn = _drawn(runs, split, seed, say)
    report = build_report(
        runs,
        split,
        log,
        title=title,
        command=command,
        prepared_notes=prepared.notes,
        item_map=drawn,
    )
    show("Compared on the last event of every user", comparison(report))
    chosen = next(run for run in runs if run.name == report.verdict.model)
    say(f"{chosen.name}: fitting again on all events, and listing {k} items for everybody")
    final = chosen.model.recipe.fit(prepared, seed=seed)
    files = {
        "report": save_report(report, out / "report.html"),
        "model": final.save(out / "model", chosen.evaluation.means()),
        "recommendations": final.recommend(k=k).write(out / "recommendations.parquet"),
        "runs": out / "runs",
    }
    if drawn is not None:
        files["map"] = drawn.save(out / "map.html")
    for run in runs:
        run.save(out / "runs" / run.name)
    return Story(log, split, tuple(runs), report, final, files)


def comparison(report: Report, metrics: Sequence[str] = ("ndcg@10", "recall@10")) -> str:
    """The models in a table under 80 columns, best first, and the verdict below it."""
    columns: dict[str, list[str]] = {"model": [_brief(row.name) for row in report.rows]}
    for metric in metrics:
        columns[metric] = [_measured(row, metric) for row in report.rows]
    for metric, heading in (("auc", "auc"), ("coverage@10", "cover")):
        means = [row.test[metric].mean for row in report.rows]
        columns[heading] = ["" if m is None else f"{m:.3f}" for m in means]
    columns["vs Popularity"] = [_against_popularity(row) for row in report.rows]
    reading = "± is one standard error over users, [ ] a 95 % interval (paired bootstrap)"
    recent = [row.name for row in report.rows if _brief(row.name) != row.name]
    reading += "".join(f"\n{_brief(name)} is {name}: what was used last" for name in recent)
    return f"{Table(columns)}\n{reading}\n\n{report.verdict.sentence}"


def nearest(model: Model, item: int, k: int = 10) -> str:
    """The nearest items of an item code, with titles where known, as text."""
    table = model.similar_items(model.items.decode(np.array([item])).tolist(), k=k)
    names = table["title"] if "title" in table else table["item"]
    return "\n".join(
        f"{place:>3}  {score:.3f}  {name}"
        for place, score, name in zip(table["rank"], table["score"], names, strict=True)
    )


def _line_up(recipes: Sequence[Recipe], split: Split, seed: int, say: Say) -> list[Run]:
    """Execute every recipe; one that cannot be trained on this log is left out, and it is said."""
    runs: list[Run] = []
    yardsticks: Mapping[str, Evaluation] | None = None
    for recipe in recipes:
        say(f"{recipe.name}: training and judging")
        monitor = Convergence() if isinstance(recipe, BPR) else None
        try:
            run = execute(
                recipe, split, seed, metrics=METRICS, monitor=monitor, yardsticks=yardsticks
            )
        except InputError as error:
            say(f"{recipe.name} is left out: {error}")
            continue
        yardsticks = run.yardsticks
        runs.append(run)
    return runs


def _drawn(runs: Sequence[Run], split: Split, seed: int, say: Say) -> ItemMap | None:
    """The items as the best model with vectors sees them, and some users among them."""
    able = [run for run in runs if isinstance(run.model, HasVectors)]
    if not able:
        return None
    best = max(able, key=lambda run: (run.validation or run.evaluation)["ndcg@10"].mean)
    say(f"{best.name}: drawing its items")
    try:
        found = item_map(best, title=f"Items as {best.name} sees them", seed=seed)
    except InputError as error:
        say(f"the map is left out: {error}")
        return None
    people = choose_people(best.evaluation, split, n=TRAVELLERS)
    return with_users(found, best.model, split.train.users.decode(people).tolist())


def _prepared(log: Interactions, prepared: Interactions, split: Split) -> str:
    notes = prepared.notes[len(log.notes) :]
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in split.parts().items())
    return "\n".join([*notes, f"{split.how}: {sizes} events"])


def _brief(name: str) -> str:
    """The name of a yardstick in a narrow table.

    >>> _brief("Popularity (30 days)"), _brief("Popularity")
    ('Pop. 30 d', 'Popularity')
    """
    return re.sub(r"^Popularity \((\d+ .)\w*\)$", r"Pop. \1", name)


def _measured(row: Row, metric: str) -> str:
    one = row.test[metric]
    if one.mean is None:
        return "undefined"
    return f"{one.mean:.4f}" + ("" if one.stderr is None else f" ± {one.stderr:.4f}")


def _against_popularity(row: Row) -> str:
    gap = row.gap
    if gap is None or gap.relative is None:
        return ""
    if gap.relative_low is None or gap.relative_high is None:
        return f"{gap.relative:+.0f} %"
    return f"{gap.relative:+.0f} % [{gap.relative_low:.0f}, {gap.relative_high:.0f}]"

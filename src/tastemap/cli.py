"""The command line: thin, every verb is a call that a Python user could make.

Results go to stdout, progress and remarks to stderr. Exit codes: 0 all well, 1 a failure or a
finding of the doctor, 2 wrong usage. Heavy modules are imported inside the verbs, so that --help
answers at once.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemap.errors import InputError, UsageError

if TYPE_CHECKING:
    from tastemap.contracts import Model
    from tastemap.data.interactions import Interactions
    from tastemap.data.table import Table
    from tastemap.story import Story

app = typer.Typer(
    name="tastemap",
    help="From an interaction log to recommendations that can be trusted and explained.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Column = Annotated[str | None, typer.Option(help="Name or number of the column.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]
Core = Annotated[int, typer.Option(help="Keep users and items with so many partners; 1 = all.")]
ListLength = Annotated[int, typer.Option("-k", help="Length of each list.")]
Ignore = Annotated[
    list[str] | None, typer.Option(help="Code of a rule to leave out; may be repeated.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 on a warning too.")]


def main() -> None:
    """Run the command line and exit."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        _say(f"error: {error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        sys.exit(0)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("tastemap-demo"),
    seed: Seed = 42,
    as_json: Json = False,
) -> None:
    """The whole story on MovieLens-100K."""
    from tastemap.data import datasets, synthetic

    try:
        log, title = datasets.load("ml-100k"), "MovieLens-100K"
    except datasets.DataUnavailable as error:
        _say(f"{error}\nMovieLens-100K cannot be had: the demo goes on with an invented world.")
        log, title = synthetic.demo_world(seed=0), "An invented world (no network)"
    _tell(log, out, title=title, core=5, seed=seed, k=10, as_json=as_json, similar=None)


@app.command()
def run(
    log: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or JSON-lines file.")],
    user: Column = None,
    item: Column = None,
    time: Column = None,
    weight: Column = None,
    items: Annotated[Path | None, typer.Option(help="File with item, title, genres.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Only events with this weight or more count, as 1.")
    ] = None,
    repeats: Annotated[
        str | None, typer.Option(help="Repeated pairs become one: sum, last or max.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option(help="Leave unreadable rows out.")] = False,
    core: Core = 5,
    similar: Annotated[
        str | None, typer.Option(help="Show the nearest items of this title or id.")
    ] = None,
    k: ListLength = 10,
    seed: Seed = 42,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("tastemap-out"),
    as_json: Json = False,
) -> None:
    """Train, compare and explain on your own log."""
    from tastemap.data.read import read

    table = read(
        log,
        user=user,
        item=item,
        time=time,
        weight=weight,
        items=items,
        threshold=threshold,
        repeats=repeats,
        skip_bad=skip_bad,
    )
    _tell(table, out, title=log.name, core=core, seed=seed, k=k, as_json=as_json, similar=similar)


@app.command()
def check(
    log: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or JSON-lines file.")],
    user: Column = None,
    item: Column = None,
    time: Column = None,
    weight: Column = None,
    items: Annotated[Path | None, typer.Option(help="File with item, title, genres.")] = None,
    ignore: Ignore = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """What is in a log and what is wrong with it, before any model."""
    from tastemap.diagnosis import check as examine

    found = examine(
        log, user=user, item=item, time=time, weight=weight, items=items, ignore=ignore or ()
    )
    _print_json(found.to_json()) if as_json else _print(str(found))
    raise typer.Exit(found.diagnosis.exit_code(strict))


@app.command()
def diagnose(
    run: Annotated[Path, typer.Argument(help="A saved run, or a JSON file of any software.")],
    against: Annotated[
        list[Path] | None, typer.Option(help="Another run on the same test; may be repeated.")
    ] = None,
    ignore: Ignore = None,
    strict: Strict = False,
    fast: Annotated[bool, typer.Option(help="Leave slow rules out.")] = False,
    as_json: Json = False,
) -> None:
    """What is wrong with a run, why, and what to try."""
    from tastemap.diagnosis import diagnose as examine

    found = examine(run, against=against or (), ignore=ignore or (), slow=not fast)
    _print_json(found.to_json()) if as_json else _print(str(found))
    raise typer.Exit(found.exit_code(strict))


@app.command()
def recommend(
    model: Annotated[Path, typer.Argument(help="A saved model.")],
    user: Annotated[list[str] | None, typer.Option(help="User id; may be repeated.")] = None,
    basket: Annotated[
        list[str] | None,
        typer.Option(help="Instead of a user: an item id or title used before; repeat it."),
    ] = None,
    k: ListLength = 10,
    why: Annotated[bool, typer.Option(help="Say which past items speak for each.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write .parquet, .csv or .json.")] = None,
    as_json: Json = False,
) -> None:
    """Lists for users or baskets, by a saved model."""
    from tastemap.models import load

    fitted = load(model)
    if not user and not basket and out is None:
        raise UsageError(
            "no --user, no --basket and no --out",
            "--user ID (repeatable), --basket ITEM (repeatable), or --out FILE for all users",
            f"tastemap recommend {model} --user {fitted.users.ids[0]}",
        )
    strangers = [one for one in user or [] if fitted.users.encode([one])[0] < 0]
    for one in strangers:
        _say(f"user {one} is not in the model: listing what suits somebody without a history")
    if basket:
        found = fitted.recommend(baskets=[[_item(fitted, one) for one in basket]], k=k)
    else:
        found = fitted.recommend(user, k=k)
    if out is not None:
        _say(f"written to {found.write(out)}")
    if as_json:
        _print_json(_with_reasons(fitted, found, why and not basket))
    elif user or basket:
        _print_lists(fitted, found, why and not basket, named=not basket)


@app.command()
def similar(
    model: Annotated[Path, typer.Argument(help="A saved model.")],
    items: Annotated[list[str], typer.Argument(help="Item ids or titles.")],
    k: ListLength = 10,
    as_json: Json = False,
) -> None:
    """The items most like these, by id or title."""
    from tastemap.models import load

    fitted = load(model)
    found = fitted.similar_items([_item(fitted, one) for one in items], k=k)
    _print_json(found.rows()) if as_json else _print(str(found))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, threads, cores, memory, extras."""
    from tastemap.environment import EXTRAS, environment

    facts = environment()
    if as_json:
        return _print_json(facts)
    extras = facts.pop("extras")
    lines = {
        **{name: value or "missing" for name, value in facts.pop("libraries").items()},
        **facts,
    }
    for name, value in lines.items():
        _print(f"{name:22} {', '.join(value) if isinstance(value, list) else value}")
    _print("optional")
    for name, found in extras.items():
        _print(f"  {name:20} {found or 'not installed':14} {EXTRAS[name]}")


def _tell(
    log: "Interactions",
    out: Path,
    *,
    title: str,
    core: int,
    seed: int,
    k: int,
    as_json: bool,
    similar: str | None,
) -> None:
    """Run the whole job and print it as it goes, or as one JSON object at the end."""
    from tastemap.story import nearest, tell

    def show(heading: str, text: str) -> None:
        if not as_json:
            _print(f"\n{heading}\n{'-' * len(heading)}\n{text}")

    command = " ".join(["tastemap", *sys.argv[1:]])
    story = tell(
        log, out, core=core, seed=seed, k=k, title=title, command=command, say=_say, show=show
    )
    if as_json:
        files = {name: str(path) for name, path in story.files.items()}
        return _print_json({"files": files, "report": story.report.to_json()})
    show("One user as a person", str(story.person()))
    item = _famous(story) if similar is None else _item_code(story.model, similar)
    show(f"Nearest to {_name(story.model, item)}", nearest(story.model, item, k))
    show(f"Written to {out}", "\n".join(f"{name:16} {path}" for name, path in story.files.items()))


def _famous(story: "Story") -> int:
    """Toy Story where it is in the catalogue, else the most popular item."""
    table = story.model.train.table
    code = -1 if table is None else table.find("Toy Story (1995)")
    return code if code >= 0 else int(story.model.train.item_counts().argmax())


def _name(model: "Model", code: int) -> str:
    table = model.train.table
    title = "" if table is None else str(table.titles[code])
    return title or str(model.items.ids[code])


def _item_code(model: "Model", text: str) -> int:
    code = int(model.items.encode([text])[0])
    if code < 0 and model.train.table is not None:
        code = model.train.table.find(text)
    if code < 0:
        kind = "ids and titles" if model.train.table is not None else "ids"
        raise UsageError(
            f"no item called {text!r}",
            f"{kind} of this model, such as {_name(model, 0)!r}",
            "check the spelling; titles must be complete",
        )
    return code


def _item(model: "Model", text: str) -> Any:
    return model.items.ids[_item_code(model, text)]


def _with_reasons(model: "Model", found: "Table", why: bool) -> list[dict[str, Any]]:
    rows = found.rows()
    if why:
        for row in rows:
            row["because"] = model.explain(row["user"], row["item"]).rows()
    return rows


def _print_lists(model: "Model", found: "Table", why: bool, named: bool) -> None:
    whose = None
    for row in _with_reasons(model, found, why):
        if row["user"] != whose:
            whose = row["user"]
            _print(f"for {whose}" if named else "for this basket")
        _print(f"{row['rank']:>4}  {row.get('title') or row['item']}  ({row['score']:.4g})")
        reasons = [
            f"{one.get('title') or one['item']} ({one['share']:.0%})"
            for one in row.get("because", [])
        ]
        if reasons:
            _print(f"      because of {', '.join(reasons)}")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _print_json(value: Any) -> None:
    _print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()

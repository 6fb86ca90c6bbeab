"""tastemap demo, run: the whole job on a log."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tastemap.cli.app import Column, Core, Json, ListLength, Seed, app
from tastemap.cli.output import item_code, name_of, put, put_json, say

if TYPE_CHECKING:
    from tastemap.data.interactions import Interactions
    from tastemap.story import Story


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
        say(f"{error}\nMovieLens-100K cannot be had: the demo goes on with an invented world.")
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
            put(f"\n{heading}\n{'-' * len(heading)}\n{text}")

    command = " ".join(["tastemap", *sys.argv[1:]])
    story = tell(
        log, out, core=core, seed=seed, k=k, title=title, command=command, say=say, show=show
    )
    if as_json:
        files = {name: str(path) for name, path in story.files.items()}
        return put_json({"files": files, "report": story.report.to_json()})
    show("One user as a person", str(story.person()))
    item = _famous(story) if similar is None else item_code(story.model, similar)
    show(f"Nearest to {name_of(story.model, item)}", nearest(story.model, item, k))
    show(f"Written to {out}", "\n".join(f"{name:16} {path}" for name, path in story.files.items()))


def _famous(story: "Story") -> int:
    """Toy Story where it is in the catalogue, else the most popular item."""
    table = story.model.train.table
    code = -1 if table is None else table.find("Toy Story (1995)")
    return code if code >= 0 else int(story.model.train.item_counts().argmax())

"""tastemap check, diagnose, compare, doctor: what is wrong, and what changed."""

from pathlib import Path
from typing import Annotated

import typer

from tastemap.cli.app import Column, Ignore, Json, Strict, app
from tastemap.cli.output import put, put_json


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
    put_json(found.to_json()) if as_json else put(str(found))
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
    put_json(found.to_json()) if as_json else put(str(found))
    raise typer.Exit(found.exit_code(strict))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="A report.html, or a folder that holds one.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: Json = False,
) -> None:
    """What changed between two reports, and whether it matters.

    Exits with 1 where the second is worse, and with 3 where they cannot be compared.
    """
    from tastemap.report.compare import compare_reports

    found = compare_reports(before, after)
    put_json(found.to_json()) if as_json else put(str(found))
    raise typer.Exit(found.exit_code)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, threads, cores, memory, extras."""
    from tastemap.environment import EXTRAS, environment

    facts = environment()
    if as_json:
        return put_json(facts)
    extras = facts.pop("extras")
    lines = {
        **{name: value or "missing" for name, value in facts.pop("libraries").items()},
        **facts,
    }
    for name, value in lines.items():
        put(f"{name:22} {', '.join(value) if isinstance(value, list) else value}")
    put("optional")
    for name, found in extras.items():
        put(f"  {name:20} {found or 'not installed':14} {EXTRAS[name]}")

"""tastemap recommend, similar, map: what a saved model says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tastemap.cli.app import Json, ListLength, Seed, app
from tastemap.cli.output import item_id, put, put_json, say
from tastemap.errors import UsageError

if TYPE_CHECKING:
    from tastemap.contracts import Model
    from tastemap.data.table import Table
    from tastemap.maps.draw import Method


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
        say(f"user {one} is not in the model: listing what suits somebody without a history")
    if basket:
        found = fitted.recommend(baskets=[[item_id(fitted, one) for one in basket]], k=k)
    else:
        found = fitted.recommend(user, k=k)
    if out is not None:
        say(f"written to {found.write(out)}")
    if as_json:
        put_json(_with_reasons(fitted, found, why and not basket))
    elif user or basket:
        _put_lists(fitted, found, why and not basket, named=not basket)


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
    found = fitted.similar_items([item_id(fitted, one) for one in items], k=k)
    put_json(found.rows()) if as_json else put(str(found))


@app.command("map")
def draw(
    model: Annotated[Path, typer.Argument(help="A saved model, or a saved run.")],
    out: Annotated[
        list[Path], typer.Option(help="map.html, .png, .svg, .parquet or a folder/; repeat it.")
    ] = [Path("map.html")],  # noqa: B006 - typer copies it
    method: Annotated[
        list[str] | None, typer.Option(help="auto, tsne, umap or pca; may be repeated.")
    ] = None,
    user: Annotated[list[str] | None, typer.Option(help="Draw this user too; repeat it.")] = None,
    near: Annotated[
        list[str] | None, typer.Option(help="List what is near this title or id; repeat it.")
    ] = None,
    perplexity: Annotated[float | None, typer.Option(help="Of t-SNE.")] = None,
    most_items: Annotated[int | None, typer.Option(help="Only the most used items.")] = None,
    seed: Seed = 42,
    as_json: Json = False,
) -> None:
    """Draw the items of a model, and say how far the map can be believed."""
    from tastemap.maps.draw import item_map
    from tastemap.maps.travel import with_users
    from tastemap.models import load
    from tastemap.runs import Run, is_run

    judged = Run.load(model) if is_run(model) else load(model)
    fitted = judged.model if isinstance(judged, Run) else judged
    drawn = item_map(
        judged,
        method=cast("list[Method]", method) or "auto",
        perplexity=perplexity,
        most_items=most_items,
        seed=seed,
    )
    if user:
        drawn = with_users(drawn, fitted, user)
    files = [str(drawn.save(path)) for path in out]
    lists = {one: drawn.neighbours(one) for one in near or []}
    if as_json:
        layouts = {
            one.name: {"shape": one.shape.form, **vars(one.fidelity)} for one in drawn.layouts
        }
        found = {one: table.rows() for one, table in lists.items()}
        return put_json({"files": files, "layouts": layouts, "neighbours": found})
    put(str(drawn))
    for one, table in lists.items():
        put(f"\nNear {one}\n{table}")
    say("written to " + ", ".join(files))


def _with_reasons(model: "Model", found: "Table", why: bool) -> list[dict[str, Any]]:
    rows = found.rows()
    if why:
        for row in rows:
            row["because"] = model.explain(row["user"], row["item"]).rows()
    return rows


def _put_lists(model: "Model", found: "Table", why: bool, named: bool) -> None:
    whose = None
    for row in _with_reasons(model, found, why):
        if row["user"] != whose:
            whose = row["user"]
            put(f"for {whose}" if named else "for this basket")
        put(f"{row['rank']:>4}  {row.get('title') or row['item']}  ({row['score']:.4g})")
        reasons = [
            f"{one.get('title') or one['item']} ({one['share']:.0%})"
            for one in row.get("because", [])
        ]
        if reasons:
            put(f"      because of {', '.join(reasons)}")

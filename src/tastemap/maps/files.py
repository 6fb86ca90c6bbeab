"""Save a map: what is written depends on the name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tastemap.errors import UsageError
from tastemap.maps.export import write_parquet, write_projector
from tastemap.maps.item_map import ItemMap
from tastemap.maps.picture import map_picture

FORMS = {
    ".html": "the interactive map, one offline file",
    ".png": "a picture",
    ".svg": "a picture whose text stays text",
    ".pdf": "a picture for print",
    ".parquet": "a table for Embedding Atlas",
    ".tsv or a name that ends in /": "a folder for the TensorBoard projector",
}


def save_map(item_map: ItemMap, path: str | Path, **options: Any) -> Path:
    """Write a map in the form that the name asks for, whole or not at all; returns the path.

    Parameters
    ----------
    item_map
        What to write.
    path
        A name that ends in .html, .png, .svg, .pdf, .parquet, or in .tsv or / for a folder for the
        TensorBoard projector (its name is that without .tsv).
    options
        Of pictures: see `picture.map_picture`. The other forms have none.

    Errors
    ------
    UsageError
        For a name that ends in nothing of these, and for options that the form does not have.
    """
    suffix = "/" if str(path).endswith(("/", "\\")) else Path(path).suffix.lower()
    if suffix not in _WRITERS:
        listed = "; ".join(f"{form}: {meaning}" for form, meaning in FORMS.items())
        given = f"ends in {suffix!r}" if suffix else "has no ending"
        raise UsageError(f"a map to be saved as {str(path)!r}, which {given}", listed, REMEDY)
    known = PICTURE_OPTIONS if suffix in (".png", ".svg", ".pdf") else ()
    unknown = [name for name in options if name not in known]
    if unknown:
        raise UsageError(
            f"option {unknown[0]!r} of a map saved as {str(path)!r}",
            ", ".join(known) or "no options in this form",
            "leave it out, or save a picture: map.png",
        )
    if Path(path).is_dir() and suffix not in ("/", ".tsv"):
        raise UsageError(f"{path} is a folder", "the name of a file", REMEDY)
    return _WRITERS[suffix](item_map, Path(path), **options)


REMEDY = "save it as map.html, say"
PICTURE_OPTIONS = ("layout", "colour", "labels", "size")


def _html(item_map: ItemMap, path: Path) -> Path:
    from tastemap.maps.viewer import page

    written = page(item_map)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(written, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _picture(item_map: ItemMap, path: Path, **options: Any) -> Path:
    map_picture(item_map, path, **options)
    return path


def _folder(item_map: ItemMap, path: Path) -> Path:
    return write_projector(item_map, path)


def _tsv(item_map: ItemMap, path: Path) -> Path:
    return write_projector(item_map, path.with_suffix(""))


_WRITERS: dict[str, Callable[..., Path]] = {
    ".html": _html,
    ".png": _picture,
    ".svg": _picture,
    ".pdf": _picture,
    ".parquet": write_parquet,
    ".tsv": _tsv,
    "/": _folder,
}

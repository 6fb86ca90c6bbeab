"""A map for other tools: Parquet for Embedding Atlas, a folder for the TensorBoard projector."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from tastemap.errors import UsageError
from tastemap.maps.item_map import Colour, ItemMap
from tastemap.shapes import Float32

VECTORS, METADATA = "vectors.tsv", "metadata.tsv"
CONFIG, TEXT_CONFIG = "projector_config.json", "projector_config.pbtxt"
"""The same names as a page with the projector reads them, and as TensorBoard does."""
FILES = (VECTORS, METADATA, CONFIG, TEXT_CONFIG)


def write_parquet(item_map: ItemMap, path: str | Path) -> Path:
    """Write a row an item, whole or not at all: names, places in every layout, colours, neighbours.

    Columns: `id`, `title`; `x` and `y` of the first layout; `x_pca`, `y_pca` and so on for each;
    one for each colour, by its name (a category as text; empty where unknown); `users` where it is
    known; `neighbors`, a struct of `ids` (row numbers from 0, nearest first) and `distances`: 1
    less the cosine, or how far an inner product stays behind the highest of the map.

    Embedding Atlas opens it with `embedding-atlas map.parquet --x x --y y --text title
    --neighbors neighbors`.

    Errors
    ------
    UsageError
        For a name that does not end in .parquet, or that is a folder's.
    """
    import duckdb

    path = Path(path)
    if path.suffix.lower() != ".parquet" or path.is_dir():
        raise UsageError(
            f"a table to be written to {str(path)!r}",
            "the name of a file that ends in .parquet",
            "write to map.parquet, say",
        )
    columns = parquet_columns(item_map)
    items = {f"c{number}": values for number, values in enumerate(columns.values())}
    items["place"] = np.arange(len(item_map))
    near = _long(item_map)  # noqa: F841 - DuckDB finds the variables by their names
    names = ", ".join(f'c{number} as "{_quoted(name)}"' for number, name in enumerate(columns))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"""
                copy (
                    select {names}, {{
                        'ids': coalesce(ids, []), 'distances': coalesce(distances, [])
                    }} as neighbors
                    from items left join (
                        select place, list(neighbour order by rank) as ids,
                            list(distance order by rank) as distances
                        from near group by place
                    ) using (place)
                    order by place
                ) to '{str(part).replace("'", "''")}' (format parquet)
            """)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def parquet_columns(item_map: ItemMap) -> dict[str, np.ndarray]:
    """The columns of the table by name, without the neighbours; no two alike but for capitals."""
    first = item_map.layouts[0].xy if item_map.layouts else np.empty((len(item_map), 0))
    found: dict[str, np.ndarray] = {"id": _ids(item_map), "title": _texts(item_map.titles)}
    found |= {name: first[:, axis] for axis, name in enumerate("xy") if axis < first.shape[1]}
    for layout in item_map.layouts:
        called = "".join(filter(str.isalnum, layout.name)).lower()
        found |= {f"{name}_{called}": layout.xy[:, axis] for axis, name in enumerate("xy")}
    for colour in item_map.colours:
        found[_free(colour.name, found)] = column(colour)
    if item_map.users is not None and not any(one.name == "users" for one in item_map.colours):
        found[_free("users", found)] = item_map.users
    return found


def column(colour: Colour) -> np.ndarray:
    """The values of a colour as a table has them: names of categories, None or NaN if unknown."""
    if colour.kind != "category":
        values = np.asarray(colour.values, dtype=np.float32)
        whole = colour.kind == "count" and np.array_equal(values, np.rint(values))
        return values.astype(np.int64) if whole else values
    names = np.array([*(clean(one) for one in colour.categories), None], dtype=object)
    return names[np.asarray(colour.values)]  # -1 is the last: None


def write_projector(item_map: ItemMap, folder: str | Path) -> Path:
    """Write a folder for the TensorBoard projector, whole or not at all; an earlier one goes.

    `vectors.tsv`: a row an item, its vector in the model. `metadata.tsv`: id, title, users and
    colours, with a line of names if there is more than one column. `projector_config.json` names
    both for a page with the projector, `projector_config.pbtxt` for `tensorboard --logdir folder`.

    Errors
    ------
    UsageError
        For a folder that holds anything else, or a file of that name.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - {*FILES}):
        raise UsageError(
            f"{folder} exists and is no folder that an earlier export made",
            f"a new folder, or one that holds nothing but {', '.join(FILES)}",
            f"write to {folder.with_name(folder.name + '-projector')}",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    previous = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.previous")
    part.mkdir()
    try:
        _write_vectors(item_map.vectors, part / VECTORS)
        _write_metadata(item_map, part / METADATA)
        _write_configs(item_map, part)
        if folder.exists():
            os.rename(folder, previous)
        os.rename(part, folder)
    except BaseException:
        if previous.exists() and not folder.exists():
            os.rename(previous, folder)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)
    return folder


def clean(text: Any) -> str:
    """Text that every file can hold: halves of characters become U+FFFD; nothing else changes.

    >>> clean("Toy Story"), clean("\\ud800 half")
    ('Toy Story', '� half')
    """
    said = str(text)
    return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: Any) -> str:
    """Text for a cell between tabs: white space and control characters become single spaces.

    >>> one_line("Toy\\tStory\\n(1995)\\x00")
    'Toy Story (1995)'
    """
    said = clean(text)
    return " ".join("".join(one if one.isprintable() else " " for one in said).split())


def metadata(item_map: ItemMap) -> dict[str, list[str]]:
    """The columns of metadata.tsv by name; titles only where they say more than the ids."""
    ids = [one_line(one) or "\ufffd" for one in item_map.ids.tolist()]
    titles = [one_line(one) or key for one, key in zip(item_map.titles, ids, strict=True)]
    found = {"id": ids}
    if titles != ids:
        found = {"title": titles, "id": ids}
    if item_map.users is not None and not any(one.name == "users" for one in item_map.colours):
        found["users"] = [str(one) for one in item_map.users.tolist()]
    for colour in item_map.colours:
        found[_free(one_line(colour.name), found)] = [_cell(one) for one in column(colour)]
    return found


def _write_vectors(vectors: Float32[np.ndarray, "n d"], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in vectors.tolist():
            file.write("\t".join(f"{value:.7g}" for value in row) + "\n")


def _write_metadata(item_map: ItemMap, path: Path) -> None:
    columns = metadata(item_map)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if len(columns) > 1:  # the projector takes the only line of names for an item
            file.write("\t".join(columns) + "\n")
        for row in zip(*columns.values(), strict=True):
            file.write("\t".join(row) + "\n")


def _write_configs(item_map: ItemMap, folder: Path) -> None:
    name = one_line(item_map.title) or "item map"
    shape = [int(one) for one in item_map.vectors.shape]
    embedding: Mapping[str, Any] = {
        "tensorName": name,
        "tensorShape": shape,
        "tensorPath": VECTORS,
        "metadataPath": METADATA,
    }
    written = json.dumps({"embeddings": [embedding]}, indent=2, ensure_ascii=False)
    (folder / CONFIG).write_text(written + "\n", encoding="utf-8")
    # The text form of protocol buffers escapes as JSON does, in ASCII.
    lines = {"tensor_name": name, "tensor_path": VECTORS, "metadata_path": METADATA}
    said = "".join(f"  {key}: {_octal(value)}\n" for key, value in lines.items())
    (folder / TEXT_CONFIG).write_text(f"embeddings {{\n{said}}}\n", encoding="utf-8")


def _octal(text: str) -> str:
    """A quoted text of protocol buffers: bytes that are no plain letters as octal numbers."""
    plain = "".join(
        chr(one) if 32 <= one < 127 and chr(one) not in "\"\\'" else f"\\{one:03o}"
        for one in text.encode("utf-8")
    )
    return f'"{plain}"'


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN: unknown
        return ""
    return one_line(value) if isinstance(value, str) else f"{float(value):.7g}"


def _long(item_map: ItemMap) -> dict[str, np.ndarray]:
    """Neighbours as one row a pair: place, rank, neighbour, distance."""
    n, k = item_map.near.shape
    top = 1.0 if item_map.similarity == "cosine" else float(item_map.likeness.max(initial=0))
    pairs = {
        "place": np.repeat(np.arange(n), k),
        "rank": np.tile(np.arange(k), n),
        "neighbour": item_map.near.ravel().astype(np.int64),
        "distance": np.maximum(0, np.float32(top) - item_map.likeness.ravel()),
    }
    there = pairs["neighbour"] >= 0
    return {name: values[there] for name, values in pairs.items()}


def _ids(item_map: ItemMap) -> np.ndarray:
    return item_map.ids if item_map.ids.dtype.kind in "iu" else _texts(item_map.ids)


def _texts(values: np.ndarray) -> np.ndarray:
    return np.array([clean(one) for one in values.tolist()] or [], dtype=object)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or the name with a number where another column has it already."""
    name = one_line(name) or "colour"
    # DuckDB and spreadsheets do not tell capitals from small letters.
    used = {one.lower() for one in taken} | {"neighbors"}
    free = name
    number = 1
    while free.lower() in used:
        number += 1
        free = f"{name} {number}"
    return free


def _quoted(name: str) -> str:
    return name.replace('"', '""')

"""Known data sets by name: fetched from their makers, verified, kept in the user's cache folder.

The MovieLens data belong to GroupLens Research (University of Minnesota). They may be used for
research, not redistributed, and not sold; work that uses them cites F. Maxwell Harper and Joseph
A. Konstan, "The MovieLens Datasets: History and Context", ACM TiiS 5(4), 2015,
https://doi.org/10.1145/2827872. tastemap therefore ships no part of them: `load` fetches them
to your machine when you ask for them.
"""

import hashlib
import io
import json
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from uuid import uuid4

import numpy as np
import pooch

from tastemap.data.interactions import Interactions, ItemTable, Vocabulary
from tastemap.data.movielens import DATASETS
from tastemap.data.sources import Catalogue, DataSet, Source
from tastemap.errors import InputError, UsageError

FORMAT = 1
"""Version of the cached form; another one is obtained again."""


class DataUnavailable(InputError):
    """No source of a data set worked; the message names each one and why it failed."""


def load(name: str, *, quiet: bool = False) -> Interactions:
    """A known data set with item titles and genres, from the cache or from its maker.

    The sources of "ml-100k", in this order: the cache folder (`cache_folder()`), GroupLens'
    official archive, and the copy inside the wheel of recbole 1.2.1, which pip fetches. Whatever
    the source, the rating rows are compared with a known SHA-256. Once obtained, a data set loads
    without a network.

    Parameters
    ----------
    name
        A key of `DATASETS`: "ml-100k", "ml-1m", "ml-20m" or "ml-latest-small".
    quiet
        Say nothing on stderr while fetching.

    Returns
    -------
    Interactions
        Ids are integers as published, weight is the rating (.5 to 5), time is seconds since 1970
        (UTC), rows are in the order of the file and repeats are kept; `notes` says where it came
        from.

    Raises
    ------
    UsageError
        The name is not known.
    DataUnavailable
        No source worked. Says what to put where by hand.

    Examples
    --------
    >>> sorted(DATASETS)
    ['ml-100k', 'ml-1m', 'ml-20m', 'ml-latest-small']

    `load("ml-100k").table.find("Toy Story (1995)")` is the code of item 1.
    """
    if name not in DATASETS:
        near = get_close_matches(str(name), DATASETS, n=1) or ["ml-100k"]
        raise UsageError(
            f"no data set is called {name!r}",
            ", ".join(DATASETS),
            f"tm.datasets.load({near[0]!r}), or tm.read(path) for a file of your own",
        )
    dataset = DATASETS[name]
    folder = cache_folder()
    kept = folder / f"{name}.npz"
    say = _silent if quiet else _on_stderr
    if kept.exists():
        try:
            return _unpack(kept)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            say(f"{kept} cannot be read ({_words(error)}); obtaining {name} again")
    log = _obtain(dataset, folder, say)
    try:
        _pack(log, kept)
    except OSError as error:
        say(f"{name} could not be kept for the next time: {_words(error)}")
    return log


def cache_folder() -> Path:
    """Where data sets are kept: `TASTEMAP_DATA` if it is set, else the system's cache folder."""
    chosen = os.environ.get("TASTEMAP_DATA")
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("tastemap"))


def _obtain(dataset: DataSet, folder: Path, say: Callable[[str], None]) -> Interactions:
    """The data set from the first source that works; a file put into the folder comes first."""
    failures: list[str] = []
    for source in dataset.sources:
        by_hand = folder / source.archive
        if by_hand.exists():
            try:
                return _read_archive(dataset, source, by_hand, str(by_hand))
            except (OSError, ValueError) as error:
                failures.append(f"{by_hand}: {_words(error)}")
    if not failures:
        failures.append(f"{folder}: holds no copy")
    for source in dataset.sources:
        say(f"{dataset.name}: fetching {source.address}")
        try:
            with tempfile.TemporaryDirectory() as temporary:
                archive = source.fetch(source.address, Path(temporary))
                log = _read_archive(dataset, source, archive, source.address)
        except (OSError, ValueError) as error:
            failures.append(f"{source.address}: {_words(error)}")
            say(f"{dataset.name}: {failures[-1]}")
            continue
        say(f"{dataset.name}: {TERMS}")
        return log
    first = dataset.sources[0]
    raise DataUnavailable(
        f"{dataset.name} could not be obtained:\n" + "\n".join(f"    {one}" for one in failures),
        f"{' or '.join(source.archive for source in dataset.sources)} in {folder} "
        "(or in the folder that TASTEMAP_DATA names), or a network",
        f"download {first.address} where there is a network and put it into {folder}",
    )


TERMS = (
    "GroupLens' data are for research use and may not be redistributed; cite Harper & Konstan, "
    "The MovieLens Datasets (2015)"
)


def _read_archive(dataset: DataSet, source: Source, archive: Path, origin: str) -> Interactions:
    """Verify an archive and turn its two members into a log; `ValueError` where they are not it."""
    content = archive.read_bytes()
    _verify(archive.name, content, source.archive_sha256)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            ratings, items = members.read(source.ratings), members.read(source.items)
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise ValueError(f"{archive.name} is damaged: {_words(error)}") from error
    rows = ratings.partition(b"\n")[2] if source.header else ratings
    _verify(f"{source.ratings} (its rows)", rows, dataset.rows_sha256)
    _verify(source.items, items, source.items_sha256)
    known = source.archive_sha256 or dataset.rows_sha256
    checked = "checksum verified" if known else "this version has no published checksum"
    try:
        log = _log_of(rows.replace(source.separator.encode(), b"\t"), source.read_items(items))
    except (KeyError, IndexError) as error:
        raise ValueError(f"{source.items} has not the expected columns") from error
    return log.noted(
        f"{dataset.title} from {origin} ({checked}): {len(log):,} ratings, the rating is the weight"
    )


def _verify(what: str, content: bytes, expected: str | None) -> None:
    found = hashlib.sha256(content).hexdigest()
    if expected and found != expected:
        raise ValueError(
            f"{what} is not what was published: sha256 {found[:12]}..., not {expected[:12]}..."
        )


def _log_of(rows: bytes, catalogue: Catalogue) -> Interactions:
    """A log from tab-separated rows of user, item, rating, seconds."""
    fields = [("user", "i8"), ("item", "i8"), ("rating", "f4"), ("time", "i8")]
    table = np.loadtxt(io.BytesIO(rows), dtype=fields, delimiter="\t", ndmin=1)
    users, user = np.unique(table["user"], return_inverse=True)
    items, item = np.unique(table["item"], return_inverse=True)
    described = [catalogue.get(one, ("", ())) for one in items.tolist()]
    return Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        weight=table["rating"].copy(),
        time=table["time"].copy(),
        users=Vocabulary(users),
        items=Vocabulary(items),
        table=ItemTable(
            np.array([title for title, _ in described], dtype=object),
            tuple(labels for _, labels in described),
        ),
    )


def _pack(log: Interactions, path: Path) -> None:
    """Keep a log as one `.npz` file without pickled objects; whole or not at all."""
    assert log.table is not None
    assert log.time is not None
    words = {
        "format": FORMAT,
        "titles": log.table.titles.tolist(),
        "labels": log.table.labels,
        "notes": log.notes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            np.savez(
                file,
                user=log.user,
                item=log.item,
                weight=log.weight,
                time=log.time,
                users=log.users.ids,
                items=log.items.ids,
                words=np.frombuffer(json.dumps(words).encode(), dtype=np.uint8),
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _unpack(path: Path) -> Interactions:
    """The log that `_pack` wrote."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        words = json.loads(arrays["words"].tobytes())
        if words["format"] != FORMAT:
            raise ValueError(f"format {words['format']}, not {FORMAT}")
        return Interactions(
            user=arrays["user"],
            item=arrays["item"],
            weight=arrays["weight"],
            time=arrays["time"],
            users=Vocabulary(arrays["users"]),
            items=Vocabulary(arrays["items"]),
            table=ItemTable(
                np.array(words["titles"], dtype=object),
                tuple(tuple(labels) for labels in words["labels"]),
            ),
            notes=tuple(words["notes"]),
        )


def _words(error: Exception) -> str:
    """An exception as one short line: what went wrong at the bottom of it."""
    reason = getattr(error.args[0], "reason", error) if error.args else error
    text = " ".join(str(reason).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


def _on_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


def _silent(line: str) -> None:
    """Say nothing."""

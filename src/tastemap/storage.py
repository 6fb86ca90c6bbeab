"""Folders of `manifest.json` + `model.safetensors`: written whole or not at all, never pickled.

A save writes a complete folder beside the target, then swaps the names. Between the two renames
the old folder stands under its name with `.previous` added, and `read_folder` looks there too:
whenever a save is killed, reading finds the old content or the new one, never half of either.
"""

import glob
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from tastemap.data.interactions import Interactions, ItemTable, Vocabulary
from tastemap.errors import InputError, UsageError

FORMAT = 1
"""Version of the folder's layout; readers refuse a higher one."""

Arrays = dict[str, np.ndarray]


def write_folder(path: str | Path, manifest: Mapping[str, Any], arrays: Arrays) -> Path:
    """Write both files into the folder `path`, replacing an earlier save; returns the path."""
    path = Path(path)
    if path.exists() and not (path / "manifest.json").exists():
        raise UsageError(
            f"{path} exists and holds no saved model",
            "a new folder, or one that an earlier save made",
            "choose another path",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    part.mkdir()
    try:
        tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(tensors, part / "model.safetensors")
        manifest = {**manifest, "format": FORMAT, "sha256": _sha256(part / "model.safetensors")}
        text = _as_text(manifest)
        (part / "manifest.json").write_text(text + "\n", encoding="utf-8")
        for file in part.iterdir():
            _flush(file)
        previous = _previous(path)
        if path.exists():
            shutil.rmtree(previous, ignore_errors=True)
            os.rename(path, previous)
        os.rename(part, path)
        _flush(path.parent)
        shutil.rmtree(previous, ignore_errors=True)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if not path.exists() and _previous(path).exists():
            os.rename(_previous(path), path)
        raise
    return path


def read_folder(path: str | Path) -> tuple[dict[str, Any], Arrays]:
    """The manifest and the arrays of a saved folder; refuses damaged and newer ones."""
    for _ in range(10):
        try:
            return _read(Path(path))
        except _Replaced:  # somebody saved between our look at the manifest and at the tensors
            continue
    raise InputError(
        f"{path} is replaced faster than it can be read",
        "a folder that rests for a moment",
        "save less often, or to another folder",
    )


class _Replaced(Exception):
    """The folder that was being read is no longer the one in place."""


def is_saved(path: str | Path) -> bool:
    """Whether there is anything for `read_folder` to read, or to complain about."""
    return _place(Path(path)).exists()


def _place(given: Path) -> Path:
    """Where the folder stands: under its own name, or while a save swaps names under another."""
    return given if given.exists() or not _previous(given).exists() else _previous(given)


def _read(given: Path) -> tuple[dict[str, Any], Arrays]:
    path = _place(given)
    if not (path / "manifest.json").is_file():
        if _place(given) != path:
            raise _Replaced
        raise UsageError(
            f"{given} holds no saved model (no manifest.json)",
            "a folder written by model.save(...) or run.save(...)",
            "check the path",
        )
    try:
        text = (path / "manifest.json").read_text(encoding="utf-8")
        manifest = json.loads(text)
        version = manifest["format"]
    except FileNotFoundError:
        raise _Replaced from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(given, "manifest.json cannot be read") from error
    if version != FORMAT:
        raise InputError(
            f"{given} is written in format {version}",
            f"format {FORMAT}, the one that this version of tastemap knows",
            "pip install --upgrade tastemap",
        )
    try:
        tensors = (path / "model.safetensors").read_bytes()
        if hashlib.sha256(tensors).hexdigest() == manifest.get("sha256"):
            return manifest, load(tensors)
        problem = "model.safetensors is not the file that was saved"
    except (OSError, SafetensorError):
        problem = "model.safetensors cannot be read"
    now = path / "manifest.json"
    if not now.is_file() or now.read_text(encoding="utf-8") != text:
        raise _Replaced
    raise _damaged(given, problem)


def pack_ids(name: str, vocabulary: Vocabulary) -> Arrays:
    """A vocabulary as arrays: int64 ids as they are, text as utf-8 bytes and offsets."""
    if not vocabulary.is_text:
        return {name: vocabulary.ids}
    return pack_text(name, vocabulary.ids.tolist())


def unpack_ids(name: str, arrays: Arrays) -> Vocabulary:
    """The vocabulary that `pack_ids` packed."""
    if name in arrays:
        return Vocabulary(arrays[name])
    return Vocabulary(np.array(unpack_text(name, arrays), dtype=object))


def pack_text(name: str, texts: list[str]) -> Arrays:
    """A list of texts as utf-8 bytes and offsets."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in encoded])]).astype(np.int64)
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {f"{name}.utf8": data, f"{name}.offsets": offsets}


def unpack_text(name: str, arrays: Arrays) -> list[str]:
    """The list that `pack_text` packed."""
    data = arrays[f"{name}.utf8"].tobytes()
    cuts = arrays[f"{name}.offsets"].tolist()
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(cuts)]


def pack_log(log: Interactions) -> Arrays:
    """A whole log as arrays."""
    arrays = {"log.user": log.user, "log.item": log.item, "log.weight": log.weight}
    if log.time is not None:
        arrays["log.time"] = log.time
    arrays |= pack_ids("users", log.users) | pack_ids("items", log.items)
    if log.table is not None:
        arrays |= pack_text("titles", log.table.titles.tolist())
        arrays |= pack_text("labels", [json.dumps(labels) for labels in log.table.labels])
    return arrays


def unpack_log(arrays: Arrays) -> Interactions:
    """The log that `pack_log` packed (its notes are not kept)."""
    table = None
    if "titles.offsets" in arrays:
        titles = np.array(unpack_text("titles", arrays), dtype=object)
        labels = tuple(tuple(json.loads(one)) for one in unpack_text("labels", arrays))
        table = ItemTable(titles, labels)
    return Interactions(
        user=arrays["log.user"],
        item=arrays["log.item"],
        weight=arrays["log.weight"],
        time=arrays.get("log.time"),
        users=unpack_ids("users", arrays),
        items=unpack_ids("items", arrays),
        table=table,
    )


def as_json(value: Any) -> Any:
    """A number as JSON has it: NumPy's as Python's, None for one that is not finite."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _as_text(manifest: Mapping[str, Any]) -> str:
    try:
        return json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"something to save that JSON cannot hold ({error})",
            "text, finite numbers, None, lists and dicts of these",
            "turn it into one of them, or leave it out",
        ) from error


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} is damaged: {what}",
        "a complete folder as save(...) left it",
        "save the model again, or restore the folder from a copy",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what killed saves left behind an hour ago or earlier."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if time.time() - part.stat().st_mtime > 3600:
            shutil.rmtree(part, ignore_errors=True)

"""Folders are written whole or not at all, whatever happens in between."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap import storage
from tastemap.data.interactions import Interactions, ItemTable, Vocabulary
from tastemap.errors import InputError, UsageError
from tastemap.models import Popularity
from tastemap.storage import (
    pack_ids,
    pack_log,
    pack_text,
    read_folder,
    unpack_ids,
    unpack_log,
    unpack_text,
    write_folder,
)

SIZE = 50_000


def version(n):
    """Manifest and arrays of version n: every number says n."""
    return {"version": n, "title": "Café"}, {"a": np.full(SIZE, n, np.int64), "b": np.full(3, n)}


def version_in(path):
    """The version that a folder holds; fails unless all of it is of one version."""
    manifest, arrays = read_folder(path)
    n = manifest["version"]
    assert set(arrays) == {"a", "b"}
    assert arrays["a"].shape == (SIZE,)
    assert (arrays["a"] == n).all()
    assert (arrays["b"] == n).all()
    return n


def write(path, n):
    return write_folder(path, *version(n))


def test_what_is_written_is_read_again(tmp_path):
    arrays = {
        "float": np.arange(6, dtype=np.float32).reshape(2, 3),
        "strided": np.arange(10)[::2],
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "empty": np.empty((0, 4), dtype=np.int32),
        "flags": np.array([True, False]),
    }
    path = write_folder(tmp_path / "new" / "model", {"name": "Café", "n": [1, None]}, arrays)
    assert path == tmp_path / "new" / "model"
    assert sorted(file.name for file in path.iterdir()) == ["manifest.json", "model.safetensors"]
    manifest, found = read_folder(str(path))
    assert manifest["name"] == "Café"
    assert manifest["n"] == [1, None]
    assert manifest["format"] == storage.FORMAT
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_writing_changes_nothing_that_was_passed(tmp_path):
    manifest, arrays = {"a": 1}, {"x": np.arange(3)}
    write_folder(tmp_path / "m", manifest, arrays)
    assert manifest == {"a": 1}
    assert arrays["x"].tolist() == [0, 1, 2]


def test_a_second_save_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "m", 1)
    write(tmp_path / "m", 2)
    assert version_in(tmp_path / "m") == 2
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


@given(
    st.one_of(
        st.lists(st.integers(-(2**62), 2**62)),
        st.lists(st.text(st.characters(codec=None, exclude_categories=()))),
    )
)
def test_ids_come_back_as_they_were(ids):
    vocabulary = Vocabulary.of(ids)
    again = unpack_ids("x", pack_ids("x", vocabulary))
    assert again.ids.tolist() == vocabulary.ids.tolist()
    assert again.is_text == vocabulary.is_text


def test_text_is_packed_as_bytes_and_offsets():
    packed = pack_text("t", ["aé", "", "b"])
    assert packed["t.utf8"].tobytes() == "aéb".encode()
    assert packed["t.offsets"].tolist() == [0, 3, 3, 4]
    assert unpack_text("t", packed) == ["aé", "", "b"]


@pytest.mark.parametrize("titles", [True, False])
@pytest.mark.parametrize("times", [True, False])
def test_a_log_comes_back_as_it_was(tmp_path, titles, times):
    rows = [("ann", 7, 2.0, 50), ("bob", 9, 0.5, -3), ("ann", 9, 1.0, 2**40)]
    log = Interactions.of(rows if times else [row[:3] for row in rows])
    if titles:
        names = np.array(["Tea", "Café"], dtype=object)
        log = Interactions(**vars(log) | {"table": ItemTable(names, (("hot", "wet"), ()))})
    write_folder(tmp_path / "log", {}, pack_log(log))
    again = unpack_log(read_folder(tmp_path / "log")[1])
    assert again.fingerprint() == log.fingerprint()
    assert (again.time is None) == (not times)
    assert (again.table is None) == (not titles)
    if titles:
        assert again.table.titles.tolist() == ["Tea", "Café"]
        assert again.table.labels == (("hot", "wet"), ())


FAULTS = [(1, "rename"), (2, "rename"), (1, "fsync"), (2, "fsync"), (1, "save"), (1, "json")]


@pytest.mark.parametrize(("nth", "what"), FAULTS)
def test_a_save_that_fails_leaves_the_old_content(tmp_path, monkeypatch, nth, what):
    owner, name = {
        "rename": (os, "rename"),
        "fsync": (os, "fsync"),
        "save": (storage, "save_file"),
        "json": (json, "dumps"),
    }[what]
    write(tmp_path / "m", 1)
    real, calls = getattr(owner, name), []

    def failing(*given, **options):
        calls.append(given)
        if len(calls) == nth:
            raise OSError("No space left on device")
        return real(*given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, failing)
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path / "m", 2)
    assert len(calls) >= nth
    assert version_in(tmp_path / "m") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["m"]
    write(tmp_path / "m", 3)
    assert version_in(tmp_path / "m") == 3


# Forks of one small process die in the middle of a save: it starts once, and never in the threads
# of the test runner.
DYING = """
import os, random, signal, sys, time
import numpy as np
from tastemap.storage import write_folder

folder, size = sys.argv[2], int(sys.argv[3])

def save(name, n):
    arrays = {"a": np.full(size, n, np.int64), "b": np.full(3, n)}
    write_folder(os.path.join(folder, name), {"version": n}, arrays)

def dying(work):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child

def at_call(stop_at, after):
    # Die before or after the given call of the operating system.
    calls = 0
    def stop(name):
        real = getattr(os, name)
        def stopping(*given, **options):
            nonlocal calls
            calls += 1
            mine = calls == stop_at
            if mine and not after:
                os._exit(9)
            try:
                return real(*given, **options)
            finally:
                if mine:
                    os._exit(9)
        setattr(os, name, stopping)
    for name in ("mkdir", "fsync", "rename", "replace", "unlink", "rmdir", "open", "close"):
        stop(name)

def every_call():
    for stop_at in range(1, 60):
        for after in (0, 1):
            name = f"{stop_at}-{after}"
            save(name, 1)
            def work():
                at_call(stop_at, after)
                save(name, 2)
            code = os.waitstatus_to_exitcode(os.waitpid(dying(work), 0)[1])
            print(name, code)
        if code == 0:
            return
    sys.exit("the save never came to an end")

def any_moment():
    draw = random.Random(1)
    for kill in range(25):
        name = f"kill-{kill}"
        save(name, 0)
        read, write = os.pipe()
        def work():
            n = 0
            while True:
                n += 1
                save(name, n)
                os.write(write, b".")
        child = dying(work)
        os.read(read, 1)  # the first save is done, the second one under way
        time.sleep(draw.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(write)
        with open(read, "rb") as said:
            print(name, 1 + len(said.read()))

{"every_call": every_call, "any_moment": any_moment}[sys.argv[1]]()
"""


def run_dying(what, folder):
    """Name and number of each line that the dying process printed."""
    command = [sys.executable, "-W", "ignore", "-c", DYING, what, str(folder), str(SIZE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(folder / name, int(number)) for name, number in rows]


def test_a_process_that_dies_at_any_system_call_leaves_one_version_whole(tmp_path):
    found = []
    for path, code in run_dying("every_call", tmp_path):
        found.append(version_in(path))
        assert code in (0, 9)
        write(path, 3)  # what the dead process left behind is in nobody's way
        assert version_in(path) == 3
    assert len(found) > 12
    assert (found[0], found[-1]) == (1, 2)
    assert found == sorted(found)  # there is one moment at which the new version takes over


def test_a_process_killed_at_any_moment_leaves_the_old_model_or_the_new_one(tmp_path):
    runs = run_dying("any_moment", tmp_path)
    assert len(runs) == 25
    for path, finished in runs:
        assert version_in(path) in (finished, finished + 1)
        write(path, finished + 2)
        assert version_in(path) == finished + 2


def test_the_old_folder_is_found_between_the_two_renames(tmp_path):
    write(tmp_path / "m", 1)
    os.rename(tmp_path / "m", tmp_path / ".m.previous")
    assert version_in(tmp_path / "m") == 1
    write(tmp_path / "m", 2)
    assert version_in(tmp_path / "m") == 2
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_folder(path)
    return str(caught.value)


DAMAGED = (
    "\n  allowed: a complete folder as save(...) left it"
    "\n  to do:   save the model again, or restore the folder from a copy"
)


def flip_last_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [flip_last_byte, lambda file: file.write_bytes(b""), lambda file: os.truncate(file, 100)],
    ids=["one bit", "empty", "cut off"],
)
def test_damaged_tensors_are_refused(tmp_path, damage):
    path = write(tmp_path / "m", 1)
    damage(path / "model.safetensors")
    said = f"{path} is damaged: model.safetensors is not the file that was saved"
    assert refusal(path) == said + DAMAGED


def test_a_missing_tensor_file_is_refused(tmp_path):
    path = write(tmp_path / "m", 1)
    (path / "model.safetensors").unlink()
    assert refusal(path) == f"{path} is damaged: model.safetensors cannot be read" + DAMAGED


def test_tensors_that_are_no_safetensors_are_refused(tmp_path):
    path = write(tmp_path / "m", 1)
    (path / "model.safetensors").write_bytes(b"not tensors")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["sha256"] = sha256(b"not tensors").hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(path) == f"{path} is damaged: model.safetensors cannot be read" + DAMAGED


@pytest.mark.parametrize(
    "content",
    [b"", b'{"format": 1, "sha', b"[]", b"3", b"null", b"{}", b"\xff\xfe{}", b'"format"'],
)
def test_a_damaged_manifest_is_refused(tmp_path, content):
    path = write(tmp_path / "m", 1)
    (path / "manifest.json").write_bytes(content)
    assert refusal(path) == f"{path} is damaged: manifest.json cannot be read" + DAMAGED


def test_a_manifest_without_a_checksum_is_refused(tmp_path):
    path = write(tmp_path / "m", 1)
    (path / "manifest.json").write_text('{"format": 1}')
    assert "is damaged: model.safetensors is not the file that was saved" in refusal(path)


def test_a_newer_format_is_refused_by_name(tmp_path):
    path = write(tmp_path / "m", 1)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    assert refusal(path) == (
        f"{path} is written in format 2"
        "\n  allowed: format 1, the one that this version of tastemap knows"
        "\n  to do:   pip install --upgrade tastemap"
    )


@pytest.mark.parametrize("kind", ["missing", "file", "other folder"])
def test_reading_what_is_no_saved_model_is_a_usage_error(tmp_path, kind):
    path = tmp_path / "m"
    if kind == "file":
        path.write_text("x")
    if kind == "other folder":
        path.mkdir()
    with pytest.raises(UsageError) as caught:
        read_folder(path)
    assert str(caught.value) == (
        f"{path} holds no saved model (no manifest.json)"
        "\n  allowed: a folder written by model.save(...) or run.save(...)"
        "\n  to do:   check the path"
    )


@pytest.mark.parametrize("kind", ["file", "other folder"])
def test_saving_over_what_is_not_ours_is_refused_and_touches_nothing(tmp_path, kind):
    path = tmp_path / "m"
    if kind == "file":
        path.write_text("thesis")
    else:
        path.mkdir()
        (path / "thesis.txt").write_text("thesis")
    with pytest.raises(UsageError) as caught:
        write(path, 1)
    assert str(caught.value) == (
        f"{path} exists and holds no saved model"
        "\n  allowed: a new folder, or one that an earlier save made"
        "\n  to do:   choose another path"
    )
    kept = path if kind == "file" else path / "thesis.txt"
    assert kept.read_text() == "thesis"
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_a_number_that_json_has_not_is_refused_before_anything_is_replaced(tmp_path):
    path = write(tmp_path / "m", 1)
    for held, why in ((float("nan"), "Out of range float"), ({1}, "set is not JSON")):
        with pytest.raises(UsageError, match=rf"{why}.*\n.*finite numbers"):
            write_folder(path, {"version": held}, {})
    assert version_in(path) == 1


def test_metrics_beside_a_model_may_be_numpy_s_or_undefined(tmp_path):
    given = {"ndcg@10": np.float32(0.5), "hits": np.int64(3), "map": float("nan"), "said": "well"}
    path = Popularity().fit(Interactions.of([("ann", "tea")])).save(tmp_path / "m", given)
    written = json.loads((path / "manifest.json").read_text())["metrics"]
    assert written == {"ndcg@10": 0.5, "hits": 3, "map": None, "said": "well"}


def test_a_copied_folder_is_as_good_as_the_first(tmp_path):
    path = write(tmp_path / "m", 1)
    shutil.copytree(path, tmp_path / "copy")
    assert version_in(tmp_path / "copy") == 1
    assert Path(path) == path

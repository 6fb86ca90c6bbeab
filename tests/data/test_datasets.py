"""Fetching, verifying and keeping data sets. Nothing here touches a network."""

import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
import requests

from tastemap.data import datasets, sources
from tastemap.data.datasets import DATASETS, DataUnavailable, cache_folder, load
from tastemap.data.movielens import (
    read_atomic_item,
    read_movies_csv,
    read_movies_dat,
    read_u_item,
)
from tastemap.errors import UsageError

ROWS = b"196\t242\t3\t881250949\n186\t302\t4\t891717742\n196\t302\t5\t881250950\n196\t242\t1\t7\n"
FLAGS = "0|1|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"  # Action, Animation
U_ITEM = (
    f"242|Café au Lait, The (Un (1994)) (1993) |24-Jan-1997||http://x|{FLAGS}\n"
    f"302|unknown||||1{FLAGS[1:].replace('1', '0')}\n"
    f"999|Never Rated (2000)|01-Jan-2000||http://x|{FLAGS}\n"
).encode("latin-1")
INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + ROWS
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "242\tCafé au Lait, The (Un (1994))\t1993\tAction Animation\n"
    "302\tunkonwn\tunkonwn\tunknown\n"
    "999\tNever Rated\t2000\tAction Animation\n"
).encode()
TITLES = ["Café au Lait, The (Un (1994)) (1993)", "unknown"]


def archive_of(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


ZIP = archive_of({"ml-100k/u.data": ROWS, "ml-100k/u.item": U_ITEM})
FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
WHEEL = archive_of({f"{FOLDER}.inter": INTER, f"{FOLDER}.item": ITEM})


class Network:
    """Stands for the outside: what each address answers, and what was asked."""

    def __init__(self):
        self.answers = {}
        self.asked = []

    def fetch(self, address, folder):
        self.asked.append(address)
        answer = self.answers.get(address, OSError("the line is dead"))
        if isinstance(answer, Exception):
            raise answer
        path = folder / "fetched.zip"
        path.write_bytes(answer)
        return path


@pytest.fixture
def network(monkeypatch, tmp_path):
    """ml-100k with four ratings: the registry's entry with the checksums of small files."""
    network = Network()
    monkeypatch.setenv("TASTEMAP_DATA", str(tmp_path / "cache"))
    official, wheel = DATASETS["ml-100k"].sources
    small = replace(
        DATASETS["ml-100k"],
        sources=(
            replace(
                official,
                fetch=network.fetch,
                archive_sha256=sha256(ZIP),
                items_sha256=sha256(U_ITEM),
            ),
            replace(wheel, fetch=network.fetch, items_sha256=sha256(ITEM)),
        ),
        rows_sha256=sha256(ROWS),
    )
    monkeypatch.setitem(DATASETS, "ml-100k", small)
    network.official, network.wheel = official.address, wheel.address
    return network


def assert_is_the_small_log(log):
    assert log.users.ids.tolist() == [186, 196]
    assert log.items.ids.tolist() == [242, 302]
    assert log.users.decode(log.user).tolist() == [196, 186, 196, 196]
    assert log.items.decode(log.item).tolist() == [242, 302, 302, 242]  # the repeat is kept
    assert log.weight.tolist() == [3, 4, 5, 1]
    assert log.time.tolist() == [881250949, 891717742, 881250950, 7]
    assert log.table.titles.tolist() == TITLES
    assert log.table.labels == (("Action", "Animation"), ())
    assert (log.user.dtype, log.weight.dtype, log.time.dtype) == (np.int32, np.float32, np.int64)


def test_the_official_archive_comes_first(network, capsys):
    network.answers = {network.official: ZIP, network.wheel: WHEEL}
    log = load("ml-100k")
    assert_is_the_small_log(log)
    assert network.asked == [network.official]
    assert log.notes == (
        f"MovieLens 100K from {network.official} (checksum verified): 4 ratings, "
        "the rating is the weight",
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert "may not be redistributed" in err
    assert "Harper & Konstan" in err


def test_the_wheel_gives_the_same_log_where_the_site_is_unreachable(network):
    network.answers = {network.wheel: WHEEL}
    by_wheel = load("ml-100k")
    assert_is_the_small_log(by_wheel)
    assert network.asked == [network.official, network.wheel]
    assert "recbole==1.2.1" in by_wheel.notes[0]
    cache_folder().joinpath("ml-100k.npz").unlink()
    network.answers = {network.official: ZIP}
    assert load("ml-100k").fingerprint() == by_wheel.fingerprint()


def test_a_second_load_needs_no_network_and_is_silent(network, capsys):
    network.answers = {network.official: ZIP}
    first = load("ml-100k")
    network.answers = {}
    network.asked.clear()
    capsys.readouterr()
    second = load("ml-100k")
    assert_is_the_small_log(second)
    assert second.fingerprint() == first.fingerprint()
    assert second.notes == first.notes
    assert network.asked == []
    assert capsys.readouterr() == ("", "")
    assert [path.name for path in cache_folder().iterdir()] == ["ml-100k.npz"]


def test_quiet_says_nothing(network, capsys):
    network.answers = {network.wheel: WHEEL}
    load("ml-100k", quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"not an archive",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"unknown", b"unkn0wn"),
        lambda content: b"",
    ],
    ids=["other file", "cut off", "a letter", "empty"],
)
def test_a_damaged_cache_is_obtained_again(network, capsys, damage):
    network.answers = {network.official: ZIP}
    load("ml-100k")
    kept = cache_folder() / "ml-100k.npz"
    kept.write_bytes(damage(kept.read_bytes()))
    capsys.readouterr()
    assert_is_the_small_log(load("ml-100k"))
    assert "ml-100k.npz cannot be read" in capsys.readouterr().err
    assert network.asked == [network.official] * 2
    load("ml-100k")
    assert len(network.asked) == 2  # and it was repaired


def test_a_cache_of_another_format_is_obtained_again(network, monkeypatch, capsys):
    network.answers = {network.official: ZIP}
    load("ml-100k")
    monkeypatch.setattr(datasets, "FORMAT", 2)
    assert_is_the_small_log(load("ml-100k"))
    assert "ml-100k.npz cannot be read (format 1, not 2)" in capsys.readouterr().err
    assert len(network.asked) == 2


def test_a_file_put_into_the_cache_folder_by_hand_is_used_first(network):
    cache_folder().mkdir(parents=True)
    by_hand = cache_folder() / "ml-100k.zip"
    by_hand.write_bytes(ZIP)
    log = load("ml-100k")
    assert_is_the_small_log(log)
    assert network.asked == []
    assert str(by_hand) in log.notes[0]
    assert by_hand.read_bytes() == ZIP


def test_the_wheel_may_be_put_there_by_hand_as_well(network):
    cache_folder().mkdir(parents=True)
    (cache_folder() / "recbole-1.2.1-py3-none-any.whl").write_bytes(WHEEL)
    assert_is_the_small_log(load("ml-100k"))
    assert network.asked == []


def test_a_wrong_file_by_hand_is_named_and_the_sources_are_tried(network):
    cache_folder().mkdir(parents=True)
    (cache_folder() / "ml-100k.zip").write_bytes(b"<html>captive portal</html>")
    with pytest.raises(DataUnavailable, match=r"ml-100k\.zip is not what was published: sha256"):
        load("ml-100k")
    network.answers = {network.wheel: WHEEL}
    assert_is_the_small_log(load("ml-100k"))


OTHER_ROWS = ROWS.replace(b"881250949", b"881250948")


@pytest.mark.parametrize(
    ("which", "content", "said"),
    [
        ("official", b"<html>", "fetched.zip is not what was published"),
        ("official", ZIP[:-1], "fetched.zip is not what was published"),
        ("wheel", b"<html>", "fetched.zip is damaged: File is not a zip file"),
        ("wheel", archive_of({"recbole/x": b""}), "There is no item named"),
        (
            "wheel",
            archive_of(
                {f"{FOLDER}.inter": INTER.replace(ROWS, OTHER_ROWS), f"{FOLDER}.item": ITEM}
            ),
            "ml-100k.inter (its rows) is not what was published",
        ),
        (
            "wheel",
            archive_of({f"{FOLDER}.inter": INTER, f"{FOLDER}.item": ITEM + b"\n"}),
            "ml-100k.item is not what was published",
        ),
    ],
)
def test_a_download_that_is_not_the_data_is_refused(network, which, content, said):
    network.answers = {getattr(network, which): content}
    with pytest.raises(DataUnavailable) as caught:
        load("ml-100k")
    assert said in str(caught.value)
    assert not (cache_folder() / "ml-100k.npz").exists()


def test_the_failure_names_every_source_and_what_to_do_by_hand(network):
    network.answers = {
        network.official: requests.ConnectTimeout("no answer in 5 s"),
        network.wheel: OSError("No module named pip"),
    }
    with pytest.raises(DataUnavailable) as caught:
        load("ml-100k")
    folder = cache_folder()
    assert str(caught.value) == (
        "ml-100k could not be obtained:\n"
        f"    {folder}: holds no copy\n"
        "    https://files.grouplens.org/datasets/movielens/ml-100k.zip: no answer in 5 s\n"
        "    recbole==1.2.1: No module named pip\n"
        f"  allowed: ml-100k.zip or recbole-1.2.1-py3-none-any.whl in {folder} "
        "(or in the folder that TASTEMAP_DATA names), or a network\n"
        "  to do:   download https://files.grouplens.org/datasets/movielens/ml-100k.zip "
        f"where there is a network and put it into {folder}"
    )


def test_a_data_set_without_a_checksum_says_so_and_is_still_parsed_with_care(monkeypatch, tmp_path):
    network = Network()
    monkeypatch.setenv("TASTEMAP_DATA", str(tmp_path))
    small = DATASETS["ml-latest-small"]
    (source,) = small.sources
    small = replace(small, sources=(replace(source, fetch=network.fetch),))
    monkeypatch.setitem(DATASETS, "ml-latest-small", small)
    ratings = b"userId,movieId,rating,timestamp\r\n1,5,0.5,964982703\r\n"
    movies = b'movieId,title,genres\r\n5,"Postman, The (1994)",Comedy|Drama\r\n'

    def archive(ratings, movies):
        return archive_of(
            {"ml-latest-small/ratings.csv": ratings, "ml-latest-small/movies.csv": movies}
        )

    network.answers[source.address] = archive(ratings, b"a,b\r\n1,2\r\n")
    with pytest.raises(DataUnavailable, match=r"movies\.csv has not the expected columns"):
        load("ml-latest-small", quiet=True)
    network.answers[source.address] = archive(b"h\r\n1,5,x,9\r\n", movies)
    with pytest.raises(DataUnavailable, match="could not convert string"):
        load("ml-latest-small", quiet=True)
    network.answers[source.address] = archive(ratings, movies)
    log = load("ml-latest-small", quiet=True)
    assert "this version has no published checksum" in log.notes[0]
    assert (log.weight.tolist(), log.time.tolist()) == ([0.5], [964982703])
    assert log.table.titles.tolist() == ["Postman, The (1994)"]
    assert log.table.labels == (("Comedy", "Drama"),)


def test_ratings_with_double_colons(monkeypatch, tmp_path):
    network = Network()
    monkeypatch.setenv("TASTEMAP_DATA", str(tmp_path))
    one_m = DATASETS["ml-1m"]
    (source,) = one_m.sources
    members = {
        "ml-1m/ratings.dat": b"1::1193::5::978300760\n1::661::3::978302109\n",
        "ml-1m/movies.dat": b"661::Caf\xe9 (1996)::Children's|Musical\n1193::One (1975)::Drama\n",
    }
    content = archive_of(members)
    source = replace(source, fetch=network.fetch, archive_sha256=sha256(content))
    monkeypatch.setitem(DATASETS, "ml-1m", replace(one_m, sources=(source,)))
    network.answers = {source.address: content}
    log = load("ml-1m", quiet=True)
    assert log.items.decode(log.item).tolist() == [1193, 661]
    assert log.table.titles.tolist() == ["Café (1996)", "One (1975)"]
    assert "checksum verified" in log.notes[0]


def test_an_unknown_name_lists_the_known_ones_and_guesses():
    with pytest.raises(UsageError) as caught:
        load("ml100k")
    assert str(caught.value) == (
        "no data set is called 'ml100k'\n"
        "  allowed: ml-100k, ml-1m, ml-20m, ml-latest-small\n"
        "  to do:   tm.datasets.load('ml-100k'), or tm.read(path) for a file of your own"
    )


def test_a_cache_that_cannot_be_written_does_not_stop_the_load(
    network, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("TASTEMAP_DATA", str(file / "below"))
    network.answers = {network.official: ZIP}
    assert_is_the_small_log(load("ml-100k"))
    assert "could not be kept for the next time" in capsys.readouterr().err


def test_a_copy_appears_whole_or_not_at_all(network, monkeypatch):
    network.answers = {network.official: ZIP}

    def out_of_space(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(datasets.np, "savez", out_of_space)
    load("ml-100k", quiet=True)
    assert list(cache_folder().iterdir()) == []


def test_the_cache_folder_is_the_systems_unless_the_environment_names_one(monkeypatch):
    monkeypatch.setenv("TASTEMAP_DATA", "~/films")
    assert cache_folder() == Path.home() / "films"
    monkeypatch.delenv("TASTEMAP_DATA")
    assert cache_folder() == Path(pooch.os_cache("tastemap"))


def test_the_registry_pins_the_published_content():
    assert list(DATASETS) == ["ml-100k", "ml-1m", "ml-20m", "ml-latest-small"]
    assert DATASETS["ml-100k"].rows_sha256 == (
        "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
    )
    for name, dataset in DATASETS.items():
        assert dataset.name == name
        assert dataset.sources[0].address == (
            f"https://files.grouplens.org/datasets/movielens/{name}.zip"
        )
        assert dataset.sources[0].fetch is sources.download
    unpinned = [name for name, one in DATASETS.items() if one.sources[0].archive_sha256 is None]
    assert unpinned == ["ml-latest-small"]


def test_both_spellings_of_the_film_list_say_the_same():
    assert read_u_item(U_ITEM) == read_atomic_item(ITEM)


def test_titles_without_genres_have_no_labels():
    assert read_movies_csv(b"movieId,title,genres\n7,X (2000),(no genres listed)\n") == {
        7: ("X (2000)", ())
    }
    assert read_movies_dat(b"7::X: Y (2000)::Sci-Fi\r\n") == {7: ("X: Y (2000)", ("Sci-Fi",))}


def test_a_letter_that_looks_like_a_line_end_does_not_cut_a_title():
    assert read_movies_dat(b"7::A\x85B (2000)::War\n")[7][0] == "A\x85B (2000)"


def test_a_download_gives_up_soon(monkeypatch, tmp_path):
    asked = {}

    class Answer:
        headers = {"content-length": "3"}  # noqa: RUF012 - a stand-in of four lines

        def raise_for_status(self):
            pass

        def iter_content(self, chunk_size):
            return [b"abc"]

    def get(url, **options):
        asked.update(options, url=url)
        return Answer()

    monkeypatch.setattr(requests, "get", get)
    path = sources.download("https://example.invalid/a/b.zip", tmp_path)
    assert path == tmp_path / "b.zip"
    assert path.read_bytes() == b"abc"
    assert asked["url"] == "https://example.invalid/a/b.zip"
    assert asked["timeout"] == (5, 30)


class Pip:
    """Stands for `python -m pip download`."""

    def __init__(self, code=0, stderr="", wheel=b"", timeout=False):
        self.code, self.stderr, self.wheel, self.timeout = code, stderr, wheel, timeout

    def __call__(self, command, *, timeout, **options):
        if self.timeout:
            raise subprocess.TimeoutExpired(command, timeout)
        self.command = command
        if self.wheel:
            (Path(command[command.index("--dest") + 1]) / "some-1.0.whl").write_bytes(self.wheel)
        return subprocess.CompletedProcess(command, self.code, "", self.stderr)


def test_pip_fetches_one_wheel_and_installs_nothing(monkeypatch, tmp_path):
    pip = Pip(wheel=b"w")
    monkeypatch.setattr(subprocess, "run", pip)
    assert sources.pip_download("some==1.0", tmp_path).read_bytes() == b"w"
    assert pip.command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in pip.command
    assert pip.command[-1] == "some==1.0"


@pytest.mark.parametrize(
    ("pip", "said"),
    [
        (Pip(1, "/usr/bin/python3: No module named pip\n"), "No module named pip"),
        (
            Pip(1, "WARNING: retrying\nERROR: No matching distribution found\nWARNING: old pip\n"),
            "^ERROR: No matching distribution found$",
        ),
        (Pip(3), "pip gave exit code 3"),
        (Pip(timeout=True), "pip did not finish in 120 s"),
    ],
)
def test_a_pip_that_fails_says_why(monkeypatch, tmp_path, pip, said):
    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(OSError, match=said):
        sources.pip_download("some==1.0", tmp_path)

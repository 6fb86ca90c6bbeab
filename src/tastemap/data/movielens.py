"""MovieLens: where each edition is, and the four ways in which its files write titles and genres.

Each reader returns the same thing for the same films: titles such as "Toy Story (1995)", genres
in the order and the spelling of GroupLens' own files, none where the file says "unknown".
"""

import csv
import io
from collections.abc import Mapping

from tastemap.data.sources import Catalogue, DataSet, Source, download, pip_download

_FLAGS = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
).split("|")
_NO_GENRE = ("unknown", "(no genres listed)", "")


def read_u_item(content: bytes) -> Catalogue:
    """`id|title|release|video|address|` and 19 genre flags, latin-1."""
    catalogue: Catalogue = {}
    for line in _lines(content, "latin-1"):
        fields = line.split("|")
        if len(fields) > len(_FLAGS):
            flags = zip(_FLAGS, fields[-len(_FLAGS) :], strict=True)
            catalogue[int(fields[0])] = _described(fields[1], [g for g, f in flags if f == "1"])
    return catalogue


def read_atomic_item(content: bytes) -> Catalogue:
    """`id, title, year, genres` by tabs under a typed header, utf-8: title and year stand apart."""
    catalogue: Catalogue = {}
    for line in _lines(content, "utf-8")[1:]:
        number, title, year, genres = line.split("\t")
        # One row has neither title nor year, and spells both "unkonwn".
        title = "unknown" if title == year == "unkonwn" else f"{title} ({year})"
        catalogue[int(number)] = _described(title, genres.split(" "))
    return catalogue


def read_movies_dat(content: bytes) -> Catalogue:
    """`id::title::genre|genre`, latin-1."""
    rows = (line.split("::") for line in _lines(content, "latin-1"))
    return {int(row[0]): _described(row[1], row[2].split("|")) for row in rows}


def read_movies_csv(content: bytes) -> Catalogue:
    """`movieId,title,genres` with quotes where a title holds a comma, utf-8."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8")))
    return {int(r["movieId"]): _described(r["title"], r["genres"].split("|")) for r in rows}


def _described(title: str, genres: list[str]) -> tuple[str, tuple[str, ...]]:
    return title.strip(), tuple(genre for genre in genres if genre not in _NO_GENRE)


def _lines(content: bytes, encoding: str) -> list[str]:
    """Lines without their ends; `splitlines` would cut at a 0x85 as well, a letter to some."""
    return [line.rstrip("\r") for line in content.decode(encoding).split("\n") if line.strip()]


_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"


def _movielens_csv(name: str, sha256: str | None = None) -> Source:
    return Source(
        fetch=download,
        address=f"{_GROUPLENS}{name}.zip",
        archive=f"{name}.zip",
        ratings=f"{name}/ratings.csv",
        items=f"{name}/movies.csv",
        read_items=read_movies_csv,
        separator=",",
        header=True,
        archive_sha256=sha256,
    )


_ML_100K = Source(
    fetch=download,
    address=f"{_GROUPLENS}ml-100k.zip",
    archive="ml-100k.zip",
    ratings="ml-100k/u.data",
    items="ml-100k/u.item",
    read_items=read_u_item,
    separator="\t",
    archive_sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    items_sha256="553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
)
_ML_100K_IN_RECBOLE = Source(
    fetch=pip_download,
    address="recbole==1.2.1",
    archive="recbole-1.2.1-py3-none-any.whl",
    ratings="recbole/dataset_example/ml-100k/ml-100k.inter",
    items="recbole/dataset_example/ml-100k/ml-100k.item",
    read_items=read_atomic_item,
    separator="\t",
    header=True,
    items_sha256="51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
)
_ML_1M = Source(
    fetch=download,
    address=f"{_GROUPLENS}ml-1m.zip",
    archive="ml-1m.zip",
    ratings="ml-1m/ratings.dat",
    items="ml-1m/movies.dat",
    read_items=read_movies_dat,
    separator="::",
    archive_sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
)
_ML_20M = "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3"

DATASETS: Mapping[str, DataSet] = {
    one.name: one
    for one in (
        DataSet(
            "ml-100k",
            "MovieLens 100K",
            (_ML_100K, _ML_100K_IN_RECBOLE),
            "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
        ),
        DataSet("ml-1m", "MovieLens 1M", (_ML_1M,)),
        DataSet("ml-20m", "MovieLens 20M", (_movielens_csv("ml-20m", _ML_20M),)),
        DataSet("ml-latest-small", "MovieLens latest-small", (_movielens_csv("ml-latest-small"),)),
    )
}
"""The registry. "ml-latest-small" changes over time, so it has no checksum."""

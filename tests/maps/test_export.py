"""Files for other tools: read back by DuckDB, by split lines and by JSON."""

import json
import os
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from item_maps import HOSTILE, hand_map
from tastemap import UsageError
from tastemap.maps.export import write_parquet, write_projector
from tastemap.maps.item_map import Colour


def read(path):
    """Rows of a Parquet file as dictionaries."""
    with duckdb.connect() as connection:
        found = connection.execute(f"from '{path}'")
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_row_an_item_with_places_in_every_layout(tmp_path):
    made = hand_map()
    rows = read(write_parquet(made, tmp_path / "deep" / "map.parquet"))
    assert [row["id"] for row in rows] == made.ids.tolist()
    assert [row["title"] for row in rows] == made.titles.tolist()
    tsne, pca = (one.xy for one in made.layouts)
    np.testing.assert_array_equal([[r["x"], r["y"]] for r in rows], tsne)
    np.testing.assert_array_equal([[r["x_tsne"], r["y_tsne"]] for r in rows], tsne)
    np.testing.assert_array_equal([[r["x_pca"], r["y_pca"]] for r in rows], pca)
    assert [row["users"] for row in rows] == made.users.tolist()
    assert [row["genre"] for row in rows[:4]] == [None, "Drama", "Comedy", "War"]
    assert [row["year"] for row in rows[:2]] == [None, 1951.0]


def test_neighbours_are_row_numbers_and_distances_as_embedding_atlas_reads_them(tmp_path):
    made = hand_map()
    rows = read(write_parquet(made, tmp_path / "map.parquet"))
    assert [row["neighbors"]["ids"] for row in rows] == made.near.tolist()
    distances = [row["neighbors"]["distances"] for row in rows]
    np.testing.assert_allclose(distances, 60 * [[0.1, 0.2, 0.3]], atol=1e-6)
    dot = replace(made, similarity="dot", likeness=made.likeness * 10)
    rows = read(write_parquet(dot, tmp_path / "dot.parquet"))
    np.testing.assert_allclose(rows[0]["neighbors"]["distances"], [0, 1, 2], atol=1e-5)
    alone = hand_map(1, near=np.zeros((1, 0), np.int32), likeness=np.zeros((1, 0), np.float32))
    rows = read(write_parquet(alone, tmp_path / "one.parquet"))
    assert rows[0]["neighbors"] == {"ids": [], "distances": []}


def test_hostile_titles_come_back_whole(tmp_path):
    made = hand_map(22, titles=HOSTILE)
    path = write_parquet(made, tmp_path / "odd name.parquet")
    rows = read(path)
    for row, title in zip(rows, made.titles, strict=True):
        assert row["title"] == title.replace("\ud800", "\ufffd")


def test_a_quote_in_the_path_is_no_sql(tmp_path):
    path = write_parquet(hand_map(5), tmp_path / "it's.parquet")
    assert path.is_file()


def test_colours_of_any_name_get_columns_of_their_own(tmp_path):
    values = np.arange(5, dtype=np.float32)
    names = ("X", "id", 'a "b"', "line\nbreak", "", "neighbors", 'A "B"', "Q", "q")
    colours = tuple(Colour(name, "number", values + place) for place, name in enumerate(names))
    rows = read(write_parquet(hand_map(5, colours=colours), tmp_path / "map.parquet"))
    found = list(rows[0])
    own = ["X 2", "id 2", 'a "b"', "line break", "colour", "neighbors 2", 'A "B" 2', "Q", "q 2"]
    assert found[8:] == [*own, "users", "neighbors"]
    assert [rows[0][name] for name in own] == list(range(9))


def test_text_ids_stay_text(tmp_path):
    made = hand_map(3, ids=np.array(["a", "b\ud800", "c"], dtype=object))
    rows = read(write_parquet(made, tmp_path / "map.parquet"))
    assert [row["id"] for row in rows] == ["a", "b\ufffd", "c"]


@pytest.mark.parametrize("name", ["map.csv", "folder.parquet"])
def test_other_names_are_refused(tmp_path, name):
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(UsageError, match=r"ends in \.parquet"):
        write_parquet(hand_map(5), tmp_path / name)


def test_a_failed_export_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "map.parquet"
    path.write_bytes(b"old")
    folder = write_projector(hand_map(5), tmp_path / "projector")
    before = (folder / "vectors.tsv").read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
    monkeypatch.setattr(os, "rename", lambda *_: 1 / 0)
    for write, target in ((write_parquet, path), (write_projector, folder)):
        with pytest.raises(ZeroDivisionError):
            write(hand_map(9), target)
    assert path.read_bytes() == b"old"
    assert (folder / "vectors.tsv").read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["map.parquet", "projector"]


def table(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_the_projector_gets_vectors_and_names_line_by_line(tmp_path):
    made = hand_map()
    folder = write_projector(made, tmp_path / "projector")
    vectors = np.array(table(folder / "vectors.tsv"), dtype=np.float32)
    np.testing.assert_allclose(vectors, made.vectors, rtol=1e-6)
    head, *rows = table(folder / "metadata.tsv")
    assert head == ["title", "id", "users", "genre", "year"]
    assert rows[0] == ["Film 0", "100", "3600", "", ""]
    assert rows[1] == ["Film 1", "101", "3481", "Drama", "1951"]
    assert len(rows) == 60
    config = json.loads((folder / "projector_config.json").read_text(encoding="utf-8"))
    assert config["embeddings"] == [
        {
            "tensorName": "A map by hand",
            "tensorShape": [60, 6],
            "tensorPath": "vectors.tsv",
            "metadataPath": "metadata.tsv",
        }
    ]
    assert 'tensor_path: "vectors.tsv"' in (folder / "projector_config.pbtxt").read_text()


def test_one_column_of_names_has_no_head(tmp_path):
    bare = hand_map(4, colours=(), users=None, titles=["100"])
    bare = replace(bare, titles=np.array([str(one) for one in bare.ids], dtype=object))
    folder = write_projector(bare, tmp_path / "projector")
    assert table(folder / "metadata.tsv") == [["100"], ["101"], ["102"], ["103"]]


def test_hostile_titles_do_not_break_lines_of_the_projector(tmp_path):
    made = hand_map(22, titles=HOSTILE, title='"q" \\ é')
    folder = write_projector(made, tmp_path / "projector")
    head, *rows = table(folder / "metadata.tsv")
    assert {len(row) for row in rows} == {len(head)}
    assert len(rows) == 22
    assert rows[7][0] == "several lines [31m and a tab"
    assert rows[9][0] == "109"  # an empty title is the id
    assert r'tensor_name: "\042q\042 \134 \303\251"' in (
        folder / "projector_config.pbtxt"
    ).read_text(encoding="ascii")


def test_an_earlier_export_is_replaced_and_other_folders_are_not(tmp_path):
    folder = write_projector(hand_map(5), tmp_path / "projector")
    write_projector(hand_map(9), folder)
    assert len(table(folder / "vectors.tsv")) == 9
    (folder / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="no folder that an earlier export made"):
        write_projector(hand_map(5), folder)
    assert len(table(folder / "vectors.tsv")) == 9
    with pytest.raises(UsageError, match="no folder"):
        write_projector(hand_map(5), folder / "mine.txt")

import pandas as pd
import polars as pl
import pytest

import tastemap as tm
from tastemap.data.interactions import Vocabulary
from tastemap.data.titles import read_titles

LOG = pl.DataFrame({"user": [1, 2, 3], "item": [10, 20, 30]})


def table_of(source, log=LOG, **options):
    read = tm.read(log, items=source, quiet=True, **options)
    return read.table.titles.tolist(), list(read.table.labels), read


@pytest.fixture
def write(tmp_path):
    def write(text, name="items.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_titles_and_labels_stand_in_the_order_of_the_items(write):
    text = "movieId,title,genres\n30,Heat,Crime|Drama\n99,Other,X\n10,Toy Story,Comedy\n"
    titles, labels, log = table_of(write(text))
    assert titles == ["Toy Story", "", "Heat"]
    assert labels == [("Comedy",), (), ("Crime", "Drama")]
    note = "items.csv: item = movieId, title = title, labels = genres; it names 2 of 3 items"
    assert note in log.notes


def test_labels_may_be_separated_by_commas(write):
    _, labels, _ = table_of(write('id,name,tags\n10,A,"x, y,x"\n20,B,z\n'))
    assert labels == [("x", "y"), ("z",), ()]


def test_a_comma_is_part_of_a_label_where_bars_separate(write):
    _, labels, _ = table_of(write('id,name,tags\n10,A,"Food, Drink|x"\n20,B,"Food, Drink"\n'))
    assert labels[:2] == [("Food, Drink", "x"), ("Food, Drink",)]


def test_no_genres_listed_is_no_label(write):
    assert table_of(write("id,name,genres\n10,A,(no genres listed)\n"))[1][0] == ()


def test_a_table_without_header_has_ids_then_titles_then_labels(write):
    titles, labels, _ = table_of(write("10::Fantômas (1913)::Crime|Drama\n20::Up (2009)::Family\n"))
    assert titles[:2] == ["Fantômas (1913)", "Up (2009)"]
    assert labels[:2] == [("Crime", "Drama"), ("Family",)]


def test_latin_1_titles_are_read(write):
    text = "10|Les Misérables (1995)|01-Jan-1995||http://x|0|1\n20|Up|01-Jan-1995||http://y|1|0\n"
    assert table_of(write(text, "u.item", "latin-1"))[0] == ["Les Misérables (1995)", "Up", ""]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_tables_give_titles_and_lists_of_labels(make):
    labels = [["a", "b"], ["c,d"]]
    table = make({"item_id": [10, 20], "title": ["A", None], "genres": labels})
    titles, found, _ = table_of(table)
    assert titles == ["A", "", ""]
    assert found == [("a", "b"), ("c,d",), ()]


def test_ids_match_whatever_their_type(write):
    text = "item,title\n10,A\n20,B\n"
    log = pl.DataFrame({"user": ["a", "b"], "item": ["10", "20"]})
    assert table_of(write(text), log)[0] == ["A", "B"]
    floats = pd.DataFrame({"item": [10.0, 20.0], "title": ["A", "B"]})
    assert table_of(floats, log)[0] == ["A", "B"]


def test_the_first_of_repeated_items_names_it(write):
    assert table_of(write("item,title\n10,first\n10,second\n"))[0][0] == "first"


def test_a_table_of_other_items_is_refused(write):
    with pytest.raises(tm.InputError, match=r"holds none of the log's items: .* '008'.* '10'"):
        table_of(write("item,title\n007,Bond\n008,Nobody\n"))


def test_a_table_without_titles_is_refused(write):
    with pytest.raises(tm.UsageError, match=r"which column of items.csv holds the titles"):
        table_of(write("item,price\n10,3\n20,4\n"))


def test_bad_rows_of_the_table_are_shown_or_left_out(write):
    path = write("item,title\n10,A\n20\n30,C\n")
    with pytest.raises(tm.InputError, match="line 3: 1 field instead of 2"):
        table_of(path)
    titles, _, log = table_of(path, skip_bad=True)
    assert titles == ["A", "", "C"]
    assert any("items.csv: 1 row could not be read" in note for note in log.notes)


def test_a_title_column_of_the_log_is_used(write):
    text = "user,item,title\n1,10,Tea\n2,20,Milk\n3,10,Tea \n4,10,Thé\n"
    log = tm.read(write(text, "log.csv"), quiet=True)
    assert log.table.titles.tolist() == ["Tea", "Milk"]
    assert "titles come from column title" in log.notes


def test_a_name_that_belongs_to_users_is_no_title(write):
    text = "user,name,item\n" + "".join(f"{u},name{u},{i}\n" for u in range(6) for i in (1, 2))
    log = tm.read(write(text, "log.csv"), quiet=True)
    assert log.table is None
    assert any("column name is no title" in note for note in log.notes)


def test_titles_can_be_read_for_a_vocabulary_of_text():
    table, notes = read_titles(
        pl.DataFrame({"id": ["x"], "name": ["X"]}), Vocabulary.of(["w", "x"])
    )
    assert table.titles.tolist() == ["", "X"]
    assert len(notes) == 1

import pytest

from tastemap.data.sniff import Form, sniff
from tastemap.errors import InputError


@pytest.fixture
def form(tmp_path):
    def form(text, wanted=()):
        path = tmp_path / "log.csv"
        path.write_text(text, encoding="utf-8")
        return sniff(path, "log.csv", wanted)

    return form


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("1\t2\t3\n4\t5\t6\n", "\t"),
        ("1::a, b::x|y\n2::c, d::z\n", "::"),
        ("user;item;rating\n1;2;3,5\n2;3;4,5\n", ";"),
        ("1|Toy Story, The|a\n2|Heat|b\n3|Up, and, away|c\n", "|"),
        ('movieId,title,genres\n1,"A | B",x|y\n2,C,x|y\n', ","),
        ("1,2,Action|Comedy\n2,3,Action|Drama\n", ","),
        ("user,item\n1,2\n2\n3,4,5\n4,5\n5,6\n", ","),
        ('user,item\n"a\nb",c;d\n"e",f\n', ","),
        ("user,item,rating\n1;2\n3;4\n1,2,3\n", ","),
    ],
)
def test_the_separator_is_the_one_that_cuts_all_lines_alike(form, text, separator):
    assert form(text).separator == separator


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("user,item\nann,tea\n", True),
        ("foo,bar\n1,2\n", True),
        ("ann,tea\nbob,milk\n", False),
        ("1,2\n3,4\n", False),
        ("ann,2020-01-01\nbob,2020-01-02\n", False),
        ("ann,,3\nbob,x,4\n", False),
        ("Kunde;Datum;Menge\nAnn;2024-03-01;1,5\nBob;;2\n", True),
        ("Kunde;Datum\nAnn;01.03.2024 10:30\nBob;02.03.2024 11:00\n", True),
    ],
)
def test_a_header_is_told_from_a_first_row(form, text, header):
    assert form(text).header is header


def test_names_are_cleaned_numbered_and_told_apart(form):
    assert form("user, item ,,item\n1,2,3,4\n").names == ("user", "item", "column 2", "item (3)")


def test_a_file_without_header_has_numbers_for_names(form):
    assert form("1\t2\n3\t4\n") == Form(("0", "1"), header=False, separator="\t")


def test_a_wanted_name_makes_a_header(form):
    assert form("who,what\nann,tea\n", wanted=["what"]).header


def test_text_between_colons_has_no_quotes(form):
    assert form('1::"Heat"::x\n2::"Up::y\n').quote == ""


def test_lines_without_separator_are_refused(form):
    with pytest.raises(InputError, match=r"no separator that cuts its lines .* begins: '1 2 3'"):
        form("1 2 3\n4 5\n")

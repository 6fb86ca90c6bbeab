import subprocess
import sys

import pytest

from tastemap.data.engine import connect

GROUPED = """
import narwhals as nw
from tastemap.data.engine import connect

connection = connect()  # never closed, and numpy is loaded late: then DuckDB complains at exit
relation = connection.sql("select 1 as a, 2 as b")
counts = nw.from_native(relation).group_by("a").agg(nw.len().alias("n"))
assert nw.to_native(counts).fetchnumpy()["n"].tolist() == [1]
"""

READ = """
import tastemap as tm

log = tm.read("log.csv", quiet=True)
assert len(tm.k_core(log, 1)) == 2
"""


@pytest.mark.parametrize("script", [GROUPED, READ, READ + GROUPED])
def test_nothing_is_printed_when_the_process_ends(tmp_path, script):
    (tmp_path / "log.csv").write_text("user,item\n1,2\n2,1\n")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_connection_is_private_and_keeps_utc_and_order():
    with connect() as one, connect() as two:
        one.execute("create table t as select 1 as x")
        assert two.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]
        settings = ("TimeZone", "preserve_insertion_order", "autoinstall_known_extensions")
        selected = ", ".join(f"current_setting('{name}')" for name in settings)
        assert one.execute(f"select {selected}").fetchall() == [("UTC", True, False)]


def test_a_failing_try_cast_over_a_csv_file_is_null_and_no_lost_row(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("x\n1\nb\n3\n")
    with connect() as connection:
        counts = connection.execute(
            "select count(*), count(try_cast(x as double)), "
            f"count(*) filter (try_cast(x as double) is null) from read_csv('{path}', "
            "auto_detect = false, header = true, store_rejects = true, columns = {'x': 'VARCHAR'})"
        )
        assert counts.fetchall() == [(3, 2, 1)]

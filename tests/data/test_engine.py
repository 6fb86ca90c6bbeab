import subprocess
import sys

from tastemap.data.engine import connect

SCRIPT = """
import narwhals as nw
import tastemap as tm
from tastemap.data.engine import connect

log = tm.read({path!r}, quiet=True)
connection = connect()  # never closed: only then does DuckDB complain at exit
relation = connection.sql("select unnest([1, 1, 2]) as a")
counts = nw.from_native(relation).group_by("a").agg(nw.len().alias("n"))
assert sorted(nw.to_native(counts).fetchall()) == [(1, 2), (2, 1)]
"""


def test_nothing_is_printed_when_the_process_ends(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n1,2\n2,1\n")
    script = SCRIPT.format(path=str(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
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
            f"select count(*), count(try_cast(x as double)), "
            "count(*) filter (try_cast(x as double) is null) from read_csv('{path}', "
            "auto_detect = false, header = true, store_rejects = true, columns = {'x': 'VARCHAR'})"
        )
        assert counts.fetchall() == [(3, 2, 1)]

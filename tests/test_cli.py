"""The command line: exit codes, what goes to stdout and what to stderr, JSON, messages."""

import json
import subprocess
import sys

import pytest

import tastemap as tm
from tastemap import cli
from tastemap.data import datasets


def call(capsys, monkeypatch, *arguments):
    """Run `tastemap ARGUMENTS` in this process: (exit code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["tastemap", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    found = capsys.readouterr()
    return stop.value.code or 0, found.out, found.err


@pytest.fixture(scope="module")
def log_file(tmp_path_factory):
    world = tm.synthetic.taste_groups(users=80, items=50, seed=5)
    path = tmp_path_factory.mktemp("log") / "plays.csv"
    rows = zip(
        world.users.decode(world.user), world.items.decode(world.item), world.time, strict=True
    )
    path.write_text("user,track,ts\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    return path


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    world = tm.synthetic.taste_groups(users=80, items=50, seed=5)
    return tm.EASE(reg=20).fit(world).save(tmp_path_factory.mktemp("saved") / "ease")


def test_run_prints_results_on_stdout_and_progress_on_stderr(
    capsys, monkeypatch, log_file, tmp_path
):
    code, out, err = call(capsys, monkeypatch, "run", log_file, "--out", tmp_path / "o", "-k", 3)
    assert code == 0
    assert "vs Popularity" in out
    assert "recommends:" in out
    assert "Nearest to" in out
    assert str(tmp_path / "o" / "report.html") in out
    assert "EASE: training and judging" in err
    assert "training and judging" not in out
    assert "\x1b[" not in out + err
    assert (tmp_path / "o" / "recommendations.parquet").stat().st_size > 0
    assert max(map(len, out.splitlines())) <= max(80, len(str(tmp_path)) + 60)


def test_run_json_is_one_object(capsys, monkeypatch, log_file, tmp_path):
    code, out, _ = call(capsys, monkeypatch, "run", log_file, "--out", tmp_path / "o", "--json")
    assert code == 0
    found = json.loads(out)
    assert set(found) == {"files", "report"}
    assert found["report"]["verdict"]["sentence"]


def test_a_bad_log_ends_with_1_and_three_parts(capsys, monkeypatch, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("user,item,rating\n1,a,5\n2,b,NaN\n3,c,4\n")
    code, out, err = call(capsys, monkeypatch, "run", path, "--out", tmp_path / "o")
    assert code == 1
    assert out == ""
    assert "line 3" in err
    assert "allowed:" in err
    assert "to do:" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere.csv"], "nowhere.csv"),
        (["run"], "Missing argument"),
        (["frobnicate"], "No such command"),
        (["recommend", "nowhere", "--user", "1"], "holds no saved model"),
        (["run", "x.csv", "-k", "ten"], "-k"),
    ],
)
def test_wrong_usage_ends_with_2(capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, monkeypatch, *arguments)
    assert code == 2
    assert said in err
    assert out == ""


def test_recommend_lists_users_and_says_who_is_unknown(capsys, monkeypatch, model_folder):
    model = tm.load(model_folder)
    user = model.users.ids[0]
    code, out, err = call(
        capsys, monkeypatch, "recommend", model_folder, "--user", user, "--user", "nobody", "-k", 3
    )
    assert code == 0
    assert f"for {user}" in out
    assert "user nobody is not in the model" in err
    first = model.recommend([user], k=1)["title"][0]
    assert f"1  {first}" in out


def test_recommend_json_holds_reasons_when_asked_why(capsys, monkeypatch, model_folder):
    user = tm.load(model_folder).users.ids[0]
    code, out, _ = call(
        capsys, monkeypatch, "recommend", model_folder, "--user", user, "--why", "--json", "-k", 2
    )
    rows = json.loads(out)
    assert code == 0
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["because"][0]["share"] > 0


def test_recommend_takes_a_basket_of_titles_and_writes_a_file(
    capsys, monkeypatch, model_folder, tmp_path
):
    title = tm.load(model_folder).train.table.titles[3]
    file = tmp_path / "b.csv"
    code, out, err = call(
        capsys, monkeypatch, "recommend", model_folder, "--basket", title, "--out", file
    )
    assert code == 0
    assert "written to" in err
    assert len(file.read_text().splitlines()) == 11
    assert title not in out


def test_recommend_needs_somebody(capsys, monkeypatch, model_folder):
    code, _, err = call(capsys, monkeypatch, "recommend", model_folder)
    assert code == 2
    assert "no --user, no --basket and no --out" in err


def test_similar_takes_titles_and_ids_and_names_strangers(capsys, monkeypatch, model_folder):
    model = tm.load(model_folder)
    title, item = model.train.table.titles[3], model.items.ids[3]
    by_title = call(capsys, monkeypatch, "similar", model_folder, title, "--json")
    by_id = call(capsys, monkeypatch, "similar", model_folder, item, "--json")
    assert by_title == by_id
    assert len(json.loads(by_title[1])) == 10
    code, _, err = call(capsys, monkeypatch, "similar", model_folder, "Nothing (1901)")
    assert code == 2
    assert "no item called 'Nothing (1901)'" in err


def test_doctor_names_versions_threads_and_extras(capsys, monkeypatch):
    code, out, _ = call(capsys, monkeypatch, "doctor", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["libraries"]["tastemap"] == tm.__version__
    assert facts["threads"] >= 1
    assert facts["cores"] >= 1
    code, out, _ = call(capsys, monkeypatch, "doctor")
    assert "threads" in out
    assert "optional" in out


def test_the_demo_goes_on_without_a_network_and_says_so(capsys, monkeypatch, tmp_path):
    def unreachable(name, **_):
        raise datasets.DataUnavailable("ml-100k cannot be had", "a network", "try again later")

    small = tm.synthetic.taste_groups(users=60, items=40, seed=2)
    monkeypatch.setattr(datasets, "load", unreachable)
    monkeypatch.setattr(tm.synthetic, "demo_world", lambda seed: small)
    code, out, err = call(capsys, monkeypatch, "demo", "--out", tmp_path / "demo")
    assert code == 0
    assert "the demo goes on with an invented world" in err
    assert "Nearest to" in out


@pytest.fixture(scope="module")
def factor_folder(tmp_path_factory):
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=80, items=50, seed=5))
    run = tm.execute(tm.ALS(factors=8, epochs=3), split)
    return run.save(tmp_path_factory.mktemp("saved") / "als")


def test_map_draws_files_users_and_neighbours(capsys, monkeypatch, factor_folder, tmp_path):
    run = tm.Run.load(factor_folder)
    item, user = run.model.items.ids[0], run.model.users.ids[0]
    files = [tmp_path / "m.html", tmp_path / "m.parquet"]
    options = ["--out", files[0], "--out", files[1], "--user", user, "--near", item]
    code, out, err = call(capsys, monkeypatch, "map", factor_folder, "--method", "pca", *options)
    assert code == 0
    assert f"Near {item}" in out
    assert "Distances between groups" in out
    assert str(files[1]) in err
    assert all(file.stat().st_size > 1000 for file in files)
    code, out, _ = call(
        capsys, monkeypatch, "map", factor_folder, "--method", "pca", "--json", *options
    )
    found = json.loads(out)
    assert set(found) == {"files", "layouts", "neighbours"}
    assert found["layouts"]["PCA"]["k"] == 10


def test_map_of_a_model_without_vectors_says_what_can_be_drawn(capsys, monkeypatch, model_folder):
    code, _, err = call(capsys, monkeypatch, "map", model_folder)
    assert code == 2
    assert "EASE has no item vectors" in err


def test_compare_tells_whether_two_reports_differ(capsys, monkeypatch, log_file, tmp_path):
    for folder in ("a", "b"):
        call(capsys, monkeypatch, "run", log_file, "--out", tmp_path / folder)
    code, out, _ = call(
        capsys, monkeypatch, "compare", tmp_path / "a", tmp_path / "b" / "report.html"
    )
    assert code == 0
    assert out.startswith("Nothing that matters changed")
    assert max(map(len, out.splitlines())) <= max(80, len(str(tmp_path)) + 60)
    code, out, _ = call(capsys, monkeypatch, "compare", tmp_path / "a", tmp_path / "b", "--json")
    assert code == 0
    assert json.loads(out)


def test_help_loads_nothing_heavy_and_every_verb_has_one():
    code = (
        "import sys\nfrom tastemap.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'numba', 'duckdb', 'torch', 'scipy', 'narwhals'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for verb in cli.ORDER:
        assert verb in done.stdout


def test_the_module_runs_and_survives_a_closed_pipe():
    done = subprocess.run(
        f"'{sys.executable}' -m tastemap doctor --json | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "{\n"
    assert done.stderr == ""

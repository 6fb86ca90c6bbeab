"""Two reports side by side: verdicts against hand arithmetic, and files that are no reports."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from tastemap import InputError, UsageError
from tastemap.metrics.compare import paired_difference
from tastemap.report.compare import compare_reports
from tastemap.report.per_user import MOST_USERS, ROOM, per_user, shuffled, unpacked

HOW = "leave_last_out(validation=True)"


def row(name, mean, stderr=0.01, n=400, recipe=None, seed=1, fit=1.0, **more):
    test = {"ndcg@10": {"mean": mean, "stderr": stderr, "n": n}, **more}
    return {
        "name": name,
        "recipe": recipe or f"{name}()",
        "seed": seed,
        "role": "model",
        "test": test,
        "fit_seconds": fit,
        "judge_seconds": 0.1,
    }


def data_of(*rows, chosen=None, fingerprint="aa11", **more):
    return {
        "format": 1,
        "title": "A report",
        "date": "2026-01-02",
        "metric": "ndcg@10",
        "verdict": {"model": chosen or rows[0]["name"]},
        "rows": list(rows),
        "data": {"passport": {"users": 400, "items": 90}},
        "origin": {
            "split": HOW,
            "fingerprint": fingerprint,
            "environment": {"python": "3.11", "libraries": {"numpy": "2.4.1"}},
        },
        **more,
    }


@pytest.fixture
def compared(tmp_path):
    def both(a, b):
        paths = []
        for name, data in (("a", a), ("b", b)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            written = json.dumps(data).replace("<", "\\u003c")
            page = f'<html><script type="application/json" id="data-json">{written}</script></html>'
            (folder / "report.html").write_text(page, encoding="utf-8")
            paths.append(folder / "report.html")
        return compare_reports(*paths)

    return both


def packed_by_hand(values):
    """What a report embeds, made without the code under test."""
    import base64
    import zlib

    return base64.b64encode(zlib.compress(np.float16(values).tobytes())).decode()


def with_users(data, key="k1", **values):
    n = len(next(iter(values.values())))
    packed = {name: packed_by_hand(one) for name, one in values.items()}
    return data | {"per_user": {"metric": "ndcg@10", "key": key, "users": n, "values": packed}}


def test_means_without_users_are_compared_as_independent(compared):
    found = compared(data_of(row("ALS", 0.30)), data_of(row("ALS", 0.35)))
    # 0.05 ± 1.96 · sqrt(2) · 0.01 = 0.05 ± 0.0277
    assert (found.main.low, found.main.high) == pytest.approx((0.02228, 0.07772), abs=1e-5)
    assert found.main.outcome == "better"
    assert not found.main.paired
    assert found.sentence == (
        "ALS in b is better than ALS in a: nDCG@10 0.3000 → 0.3500, "
        "+17 % [+7, +26] over 400 users, not paired."
    )
    assert found.exit_code == 0
    assert "independent means" in " ".join(found.notes)


def test_a_difference_within_the_noise_is_left_open(compared):
    found = compared(data_of(row("ALS", 0.30)), data_of(row("ALS", 0.31)))
    assert found.main.outcome == "open"
    assert "cannot be told apart" in found.sentence
    # (1.96 + 0.8416) · sqrt(2) · 0.01
    assert "less than 0.0396 would not be seen" in found.sentence
    assert found.exit_code == 0


def test_a_worse_model_gives_exit_code_one(compared):
    found = compared(data_of(row("ALS", 0.35)), data_of(row("ALS", 0.30)))
    assert found.main.outcome == "worse"
    assert found.exit_code == 1


def test_the_same_users_show_a_difference_that_means_hide(compared):
    rng = np.random.default_rng(1)
    before = rng.random(400).astype(np.float32)
    after = (before + 0.01 + 0.02 * rng.standard_normal(400)).astype(np.float32)
    error = before.std() / 20
    a, b = (data_of(row("ALS", float(v.mean()), stderr=float(error))) for v in (before, after))
    assert compared(a, b).main.outcome == "open"
    found = compared(with_users(a, ALS=before), with_users(b, ALS=after))
    assert found.main.paired
    assert found.main.outcome == "better"
    gaps = after.astype(float) - before
    assert found.main.mean == pytest.approx(gaps.mean(), abs=1e-5)
    width = 1.96 * gaps.std(ddof=1) / 20
    assert found.main.high - found.main.mean == pytest.approx(width, rel=0.02)
    assert "over the same 400 users" in found.sentence


def test_other_held_out_events_are_not_comparable(compared):
    values = np.zeros(400)
    a, b = data_of(row("ALS", 0.3)), data_of(row("ALS", 0.4))
    found = compared(with_users(a, key="k1", ALS=values), with_users(b, key="k2", ALS=values))
    assert not found.comparable
    assert found.exit_code == 3


def test_other_data_and_other_splits_are_not_comparable(compared):
    found = compared(data_of(row("ALS", 0.3)), data_of(row("ALS", 0.4), fingerprint="bb22"))
    assert found.sentence == (
        "The two cannot be compared: other data: fingerprint aa11 in a, bb22 in b."
    )
    assert "better" not in found.sentence
    other = data_of(row("ALS", 0.4))
    other["origin"]["split"] = "random"
    found = compared(data_of(row("ALS", 0.3)), other)
    assert "another split" in found.sentence
    assert found.exit_code == 3


def test_a_report_and_itself_differ_in_nothing(compared):
    one = data_of(row("ALS", 0.3), row("Popularity", 0.2), findings={"noted": []})
    found = compared(one, copy.deepcopy(one))
    assert found.sentence == "Nothing that matters changed: nDCG@10 of ALS is 0.3000 in both."
    assert {shift.outcome for shift in found.shifts} == {"same"}
    assert found.changes == ()
    assert "Nothing else changed." in str(found)


def test_what_else_changed_is_listed(compared):
    a = data_of(
        row("ALS", 0.3, recipe="ALS(factors=8, reg=(1, 2))"), row("EASE", 0.2), row("SVD", 0.1)
    )
    b = data_of(
        row("ALS", 0.3, recipe="ALS(factors=16, reg=(1, 2))", seed=2, fit=4.0),
        row("EASE", 0.2),
        row("BPR", 0.4),
        chosen="BPR",
    )
    b["origin"]["environment"]["libraries"]["numpy"] = "2.4.2"
    b["data"]["passport"]["items"] = 91
    b["origin"]["peak_memory"], a["origin"]["peak_memory"] = 2 << 30, 1 << 30
    found = compared(a, b)
    assert (found.new, found.gone) == (("BPR",), ("SVD",))
    assert found.changes == (
        "chosen model: ALS → BPR",
        "recipe of ALS: factors=8 → factors=16",
        "seed of ALS: 1 → 2",
        "time of fitting ALS: 1 s → 4 s",
        "items of the data: 90 → 91",
        "libraries numpy: 2.4.1 → 2.4.2",
        "peak memory: 1,024 MB → 2,048 MB",
    )
    assert found.sentence.startswith("BPR, chosen in b, is better than ALS, chosen in a: ")


def test_small_changes_of_time_are_noise(compared):
    a, b = data_of(row("ALS", 0.3, fit=1.0)), data_of(row("ALS", 0.3, fit=1.4))
    assert compared(a, b).changes == ()
    a, b = data_of(row("ALS", 0.3, fit=0.1)), data_of(row("ALS", 0.3, fit=0.9))
    assert compared(a, b).changes == ()


def test_metrics_without_an_interval_or_a_better_side_only_differ(compared):
    def one(coverage, gini):
        more = {
            "coverage@10": {"mean": coverage, "stderr": None, "n": 400},
            "novelty@10": {"mean": gini, "stderr": 0.001, "n": 400},
        }
        return data_of(row("ALS", 0.3, **more))

    found = {shift.metric: shift for shift in compared(one(0.5, 3.0), one(0.6, 4.0)).shifts}
    assert found["coverage@10"].outcome == "changed"
    assert found["coverage@10"].low is None
    assert found["novelty@10"].outcome == "changed"
    assert found["novelty@10"].low is not None


def test_findings_come_and_go(compared):
    def noted(*codes):
        return {
            "noted": [{"code": c, "severity": "error", "title": f"flaw {c}"} for c in codes],
            "looked": [],
        }

    found = compared(
        data_of(row("ALS", 0.3), findings=noted("A1", "A2")),
        data_of(row("ALS", 0.4), findings=noted("A2", "A3")),
    )
    assert [one.code for one in found.found] == ["A3"]
    assert [one.code for one in found.mended] == ["A1"]
    assert found.sentence.endswith("; the doctor found a new error: A3.")
    assert found.exit_code == 1
    assert "A3 (error): flaw A3" in str(found)


def test_an_older_report_says_what_it_lacks(compared):
    found = compared(data_of(row("ALS", 0.3), findings={"noted": []}), data_of(row("ALS", 0.4)))
    assert found.found is None
    assert any(
        note.endswith(
            "b/report.html does not hold the values of each user or the doctor's findings."
        )
        for note in found.notes
    )


def test_the_text_fits_a_terminal_and_json_is_json(compared):
    long = "X" * 300 + "\u202e<b>\n\x1b[31m"
    a = data_of(row(long, 0.3, recipe=long), row("ALS", 0.2), row("P", None, None, 0))
    b = data_of(row(long, 0.3, recipe=long + "2"), row("ALS", 0.4), row("P", None, None, 0))
    b["title"] = long
    found = compared(a, b)
    # Words longer than a line (paths, too) are broken, nothing is wider.
    assert max(map(len, str(found).splitlines())) <= 80
    assert not set("\x1b\u202e") & set(str(found))
    again = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert again["verdict"] == found.sentence
    assert again["shifts"][0]["metric"] == "ndcg@10"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two folders with a run each, on one split, and one on another split."""
    folder = tmp_path_factory.mktemp("saved")
    log = tm.synthetic.taste_groups(users=120, items=60, seed=1)
    split = tm.leave_last_out(log)
    good, poor = (tm.execute(recipe, split, seed=1) for recipe in (tm.EASE(), tm.Random()))
    other = tm.execute(tm.EASE(), tm.leave_last_out(log, validation=False), seed=1)
    for name, run in (("good", good), ("poor", poor), ("other", other)):
        run.save(folder / name)
    return folder, good, poor, split


def test_saved_runs_are_compared_user_by_user(saved):
    folder, good, poor, _ = saved
    found = compare_reports(folder / "good", folder / "poor")
    assert found.main.paired
    assert found.exit_code == 1
    truth = paired_difference(poor.evaluation, good.evaluation)
    assert found.main.mean == pytest.approx(truth.mean, abs=1e-5)
    assert found.main.high - found.main.mean == pytest.approx(1.96 * truth.stderr, rel=0.01)
    assert found.main.low < truth.mean < found.main.high
    assert compare_reports(folder / "good", folder / "other").exit_code == 3


def test_folders_of_runs_on_two_splits_are_refused(saved):
    with pytest.raises(InputError, match="runs on different splits"):
        compare_reports(saved[0], saved[0] / "good")


def test_values_of_users_survive_in_three_digits(saved):
    _, good, poor, split = saved
    kept = per_user({"EASE": good.evaluation, "Random": poor.evaluation}, "ndcg@10", split.test)
    assert kept.users == len(good.evaluation.users)
    values = unpacked(kept.values["EASE"])
    truth = np.sort(good.evaluation.per_user["ndcg@10"])
    np.testing.assert_allclose(np.sort(values), truth, atol=5e-4)
    assert len(json.dumps(kept.values)) < 1000
    other = tm.leave_last_out(tm.synthetic.taste_groups(users=120, items=60, seed=2))
    assert per_user({"EASE": good.evaluation}, "ndcg@10", other.test).key != kept.key


def test_of_many_users_and_models_only_what_has_room_is_kept(saved):
    _, good, _, split = saved
    n = 3 * MOST_USERS
    noise = np.random.default_rng(0).random(n)
    large = replace(
        good.evaluation, users=np.arange(n, dtype=np.int32), per_user={"ndcg@10": noise}
    )
    for models in (1, 12):
        kept = per_user(dict.fromkeys(map(str, range(models)), large), "ndcg@10", split.test)
        assert sum(map(len, kept.values.values())) <= ROOM
        values = unpacked(kept.values["0"])
        assert kept.users == n
        np.testing.assert_allclose(values, noise[shuffled(n)[: len(values)]], atol=5e-4)
    assert sorted(shuffled(7)) == list(range(7))


def test_a_sample_of_users_gives_the_interval_of_all(compared):
    n = 40_000
    rng = np.random.default_rng(2)
    before = rng.random(n)
    after = before + 0.002 + 0.1 * rng.standard_normal(n)
    pages = []
    for values in (before, after):
        data = data_of(row("ALS", float(values.mean()), stderr=0.005, n=n))
        # One report had room for fewer of the same users.
        room = MOST_USERS - 3000 * len(pages)
        kept = with_users(data, ALS=values[shuffled(n)[:room]])
        kept["per_user"]["users"] = n
        pages.append(kept)
    shift = compared(*pages).main
    assert shift.users == n
    assert shift.high - shift.mean == pytest.approx(1.96 * 0.1 / 200, rel=0.03)


def damaged(tmp_path, text):
    path = tmp_path / "x.html"
    path.write_text(text, encoding="utf-8")
    return path


START = '<!doctype html><title>tastemap</title><script type="application/json" id="data-json">'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>hello</html>", "is no report"),
        ("<!doctype html><title>tastemap</title><p>", "is cut: it ends before its data"),
        (START + '{"format": 1, "ro', "is cut: it ends within its data"),
        (START + '{"format": 1</script>', "holds data that cannot be read"),
        (START + "[NaN]</script>", "holds data that cannot be read"),
        (START + "[" * 100_000 + "</script>", "holds data that cannot be read"),
        (START + '{"format": 1}</script>', "lacks what can be compared"),
        (START + '{"format": 1, "rows": [], "metric": "x", "origin": {}}</script>', "lacks what"),
        (START + '{"format": 1000}</script>', "format 1000"),
    ],
)
def test_files_that_are_no_reports_are_refused_in_three_parts(tmp_path, text, said):
    path = damaged(tmp_path, text)
    with pytest.raises(InputError, match=said) as caught:
        compare_reports(path, path)
    assert caught.value.allowed
    assert caught.value.remedy


def test_paths_where_nothing_is_are_refused(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        compare_reports(tmp_path / "none", tmp_path)
    with pytest.raises(UsageError, match=r"neither report\.html nor a saved run"):
        compare_reports(tmp_path, tmp_path)


def test_values_of_users_that_were_tampered_with_are_refused(compared):
    data = with_users(data_of(row("ALS", 0.3)), ALS=np.zeros(400))
    data["per_user"]["values"]["ALS"] = "%%%"
    with pytest.raises(InputError, match="cannot be unpacked"):
        compared(data, data)
    data = with_users(data_of(row("ALS", 0.3)), ALS=np.zeros(400))
    data["per_user"]["users"] = 5
    with pytest.raises(InputError, match="lacks what can be compared"):
        compared(data, data)


def test_a_real_report_is_read_back(page, report, tmp_path):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    found = compare_reports(tmp_path, tmp_path / "report.html")
    assert found.main.a == report.row(report.verdict.model).test["ndcg@10"].mean
    assert found.main.outcome == "same"
    assert found.exit_code == 0

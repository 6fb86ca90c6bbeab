from dataclasses import replace

import pytest

import tastemap as tm
from tastemap.diagnosis.diagnose import Diagnosis
from tastemap.diagnosis.finding import Finding, Outcome
from tastemap.report.findings import Findings, Looked, Noted, findings_of, pictures
from tastemap.report.render import render


def noted(severity, code="E301", **more):
    told = {
        "title": "A title",
        "means": "What it means.",
        "about": "run",
        "seen": "n 1",
        "allowed": "n 2",
        "causes": ("a cause",),
        "remedies": ("try this",),
    }
    return Noted(code=code, severity=severity, **(told | more))


def all_of(*severities):
    found = tuple(noted(one, f"E{300 + n}") for n, one in enumerate(severities))
    return Findings("EASE", found, (Looked("run", 30, 56),))


def test_what_the_doctor_says_of_run_and_log_is_told_worst_first(world):
    runs, _, log = world
    run = runs[1]
    told = findings_of(run, run.name, log, None)
    of_run, of_log = tm.diagnose(run), tm.check(log).diagnosis
    assert {(one.code, one.about) for one in told.noted} == {
        *((one.code, "run") for one in of_run),
        *((one.code, "log") for one in of_log),
    }
    order = ["error", "warning", "tip"]
    places = [order.index(one.severity) for one in told.noted]
    assert places == sorted(places)
    judged = sum(one.state in ("ok", "found") for one in of_run.outcomes)
    assert told.looked[0] == Looked("run", judged, len(of_run.outcomes), told.looked[0].crashed)
    assert f"{judged} of {len(of_run.outcomes)} rules could judge the run of EASE" in told.basis


def test_a_checkup_at_hand_is_not_made_again(world):
    runs, _, log = world
    finding = Finding(
        "D999", "error", "Planted", {"share": 0.123456, "ids": ("a",) * 9}, "none", "Bad.", (), ()
    )
    planted = Diagnosis("log", (Outcome("D999", "Planted", "found", finding),))
    first = findings_of(runs[1], "EASE", log, planted).noted[0]
    assert (first.code, first.about) == ("D999", "log")
    assert first.seen == "share 0.1235, ids a; a; a; a; a; …"


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        ((), "The doctor found nothing"),
        (("tip",), "The doctor found 1 tip"),
        (("error", "error", "tip"), "The doctor found 2 errors and 1 tip"),
        (
            ("error", "warning", "tip", "tip"),
            "The doctor found 1 error, 1 warning and 2 tips",
        ),
    ],
)
def test_the_heading_counts(severities, said):
    assert all_of(*severities).sentence == said


def test_five_are_shown_and_the_rest_is_folded(report):
    drawn = pictures(all_of(*["warning"] * 7))
    assert [len(drawn["first"]), len(drawn["folded"])] == [5, 2]
    page = render(replace(report, findings=all_of(*["warning"] * 7)))
    section = page.partition('<section id="findings">')[2].partition("</section>")[0]
    assert "2 more findings: E305, E306" in section
    assert section.count('<span class="badge">Warning</span>') == 7
    before, _, folded = section.partition('<details class="folded">')
    assert [before.count("<article"), folded.count("<article")] == [5, 2]


def test_finding_nothing_is_said_with_the_number_of_rules(report):
    page = render(replace(report, findings=all_of()))
    assert "The doctor found nothing" in page
    assert "30 of 56 rules could judge the run of EASE" in page


def test_rules_that_crashed_are_named_and_words_from_data_stay_text(report):
    crashed = Looked("run", 3, 4, ("E301: ValueError: <b>",))
    nasty = noted("error", title="<script>alert(1)</script>", remedies=("<img src=x>",))
    page = render(replace(report, findings=Findings("EASE", (nasty,), (crashed,))))
    assert "Rules that crashed and judged nothing: <bdi>E301: ValueError: &lt;b&gt;" in page
    assert "<script>alert(1)" not in page
    assert "<img" not in page

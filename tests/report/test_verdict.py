import pytest

from tastemap.report.page import Gap, Measured, Row
from tastemap.report.verdict import compared, judge, outcome_of, plus_minus


def gap(relative, low, high, mean=0.1):
    scale = mean / relative if relative else 0.001
    return Gap(relative * scale, low * scale, high * scale, relative, low, high, 200)


def row(name, mean, role="model", validation=0.3, against=None, **more):
    test = {"ndcg@10": Measured(mean, 0.01, 200)} | more
    on_validation = None if validation is None else Measured(validation, 0.01, 200)
    return Row(name, f"{name}()", 0, role, test, on_validation, against, 1.0, 1.0)


POPULARITY = row("Popularity", 0.2, "yardstick")
WIN = gap(41.3, 33.2, 48.8)


def test_a_win_is_told_with_its_interval():
    assert compared("EASE", WIN) == "EASE beats Popularity by 41 % [33, 49]"


def test_a_tie_is_not_called_a_win():
    said = compared("BPR", gap(12.0, -3.0, 26.0))
    assert said == ("BPR cannot be told apart from Popularity: the difference is +12 % [−3, +26]")
    assert outcome_of(gap(12.0, -3.0, 26.0)) == "open"


def test_an_interval_that_touches_zero_is_a_tie():
    assert outcome_of(Gap(0.1, 0.0, 0.2, 10, 0, 20, 9)) == "open"
    assert outcome_of(Gap(-0.1, -0.2, 0.0, 10, 0, 20, 9)) == "open"


def test_a_loss_is_told_as_one_with_the_ends_the_right_way_round():
    said = compared("SVD", gap(-12.3, -16.1, -8.4, mean=-0.02))
    assert said == "SVD is worse than Popularity by 12 % [8, 16]"


def test_without_a_relative_difference_the_absolute_one_is_told():
    nothing = Gap(0.0123, 0.01, 0.0149, None, None, None, 9)
    assert compared("EASE", nothing) == (
        "EASE beats Popularity by 0.0123 [0.0100, 0.0149] in nDCG@10"
    )


def test_the_verdict_says_who_was_measured_how_and_on_whom():
    chosen = row("EASE", 0.28, "chosen", 0.31, WIN)
    rows = (chosen, row("SVD", 0.25, validation=0.30), POPULARITY)
    verdict = judge(rows, "ndcg@10", "leave_last_out: test part", ("SVD", gap(3.0, -7.0, 14.0)))
    assert verdict.outcome == "better"
    said = " ".join(verdict.details)
    assert "0.2800 ± 0.0100 for EASE and 0.2000 ± 0.0100 for Popularity" in said
    assert "200 test users" in said
    assert "best of 2 models by nDCG@10 on the validation part" in said
    assert "cannot be told apart from SVD: the difference is +3 % [−7, +14]" in said
    assert "numbers of the test users (leave_last_out: test part)" in said
    assert "higher mean" not in said


def test_a_model_that_is_higher_on_test_is_named_but_not_chosen():
    rows = (row("SVD", 0.30), row("EASE", 0.28, "chosen", 0.31, WIN), POPULARITY)
    verdict = judge(rows, "ndcg@10", "", None)
    assert verdict.model == "EASE"
    assert "On the test part SVD has the higher mean, 0.3000 ± 0.0100" in " ".join(verdict.details)


def test_beating_popularity_but_not_chance_is_no_victory():
    rows = (row("EASE", 0.28, "chosen", 0.31, WIN), POPULARITY, row("Random", 0.26, "yardstick"))
    verdict = judge(rows, "ndcg@10", "", None)
    assert verdict.outcome == "open"
    assert verdict.sentence == "EASE cannot be told apart from Random, which knows nothing"
    far = (rows[0], POPULARITY, row("Random", 0.25, "yardstick"))
    assert judge(far, "ndcg@10", "", None).outcome == "better"


def test_a_choice_on_the_test_part_is_admitted():
    rows = (
        row("EASE", 0.28, "chosen", None, WIN),
        row("SVD", 0.25, validation=None),
        POPULARITY,
    )
    said = " ".join(judge(rows, "ndcg@10", "", None).details)
    assert "on the test part itself" in said
    assert "looks a little too good" in said


def test_yardsticks_alone_get_no_verdict():
    verdict = judge((POPULARITY, row("Random", 0.01, "yardstick")), "ndcg@10", "", None)
    assert verdict.outcome == "none"
    assert verdict.gap is None


def test_the_numbers_beside_the_verdict_are_three_different_ones():
    same, other = Measured(0.14, 0.01, 200), Measured(0.05, 0.01, 200)
    more = {
        "recall@10": same,
        "hit_rate@10": same,
        "coverage@10": Measured(0.5, None, 200),
        "mrr@10": other,
    }
    chosen = row("EASE", 0.28, "chosen", against=WIN, **more)
    verdict = judge((chosen, row("Popularity", 0.2, "yardstick", **more)), "ndcg@10", "", None)
    assert [one.metric for one in verdict.numbers] == ["ndcg@10", "hit_rate@10", "mrr@10"]


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Measured(None, None, 0), "undefined"),
        (Measured(0.5, None, 1), "0.5000"),
        (Measured(11.123, 0.456, 9), "11.12 ± 0.46"),
    ],
)
def test_means_are_written_with_as_many_decimals_as_their_errors(measured, said):
    assert plus_minus(measured) == said

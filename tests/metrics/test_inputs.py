import numpy as np
import pytest

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError
from tastemap.metrics.evaluate import evaluate_histories, evaluate_lists
from tastemap.recommend import Ranking


def zeros(asked):
    return np.zeros((len(asked), 4), dtype=np.float32)


@pytest.mark.parametrize(
    ("history", "held", "said"),
    [
        ([[0]], [[1], [2]], r"1 histories and 2 rows of held-out items\n.*row by row"),
        ([[0], [1]], [[], []], r"2 users, and nothing is held out for any of them\n.*at least one"),
        ([], [], r"0 users, and nothing is held out"),
        ([[0], [1]], [[3], [2, 1]], r"row 1: item 1 is held out and in the history \(1 such"),
        ([[4]], [[1]], r"item code 4 in the history\n.*0 to 3: this catalogue has 4 items\n"),
        ([[0]], [[-1]], r"item code -1 in the truth"),
    ],
)
def test_histories_and_truth_that_do_not_fit_are_refused(history, held, said):
    with pytest.raises(InputError, match=said):
        evaluate_histories(zeros, Histories.of_items(history), Histories.of_items(held), 4, ["auc"])


def test_a_shared_pair_is_fine_where_seen_items_stay():
    one = Histories.of_items([[1]])
    found = evaluate_histories(zeros, one, one, 4, ["recall@4"], exclude_seen=False)
    assert found["recall@4"].mean == 1


def test_rows_of_different_users_are_refused():
    with pytest.raises(InputError, match=r"row 1: history of user 5, truth of user 6\n"):
        evaluate_histories(
            zeros,
            Histories.of_items([[0], [0]], [4, 5]),
            Histories.of_items([[1], [1]], [4, 6]),
            4,
            ["auc"],
        )


@pytest.mark.parametrize("metric", ["ndcg@2", "auc_global"])
@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.zeros((2, 3), np.float32), r"shape \(2, 3\) for 2 histories\n.*shape \(2, 4\)"),
        (np.zeros((1, 4), np.float32), r"shape \(1, 4\) for 2 histories"),
        (np.zeros(4, np.float32), r"shape \(4,\) for 2 histories"),
        (np.float32([[0, 0, 0, 0], [0, np.nan, 0, 0]]), r"not finite, first in history 1\n"),
        (np.float32([[0, 0, np.inf, 0], [0, 0, 0, 0]]), r"not finite, first in history 0\n"),
    ],
)
def test_unusable_scores_are_refused(metric, scores, said):
    histories, truth = Histories.of_items([[0], [1]]), Histories.of_items([[1], [2]])
    with pytest.raises(InputError, match=said):
        evaluate_histories(lambda asked: scores, histories, truth, 4, [metric])


def test_metrics_of_the_catalogue_need_an_audience():
    histories, truth = Histories.of_items([[0]]), Histories.of_items([[1]])
    said = r"'gini@2' without an audience\n.*\n.*audience=Audience.of\(train\)"
    with pytest.raises(UsageError, match=said):
        evaluate_histories(zeros, histories, truth, 4, ["mrr@1", "gini@2"])
    ranking = Ranking.of(np.int32([[1]]), truth)
    with pytest.raises(UsageError, match="'gini@1' without an audience"):
        evaluate_lists(ranking, ["gini@1"])


def test_lists_that_cannot_be_measured_are_refused():
    ranking = Ranking.of(np.int32([[1, 2], [3, 3]]), Histories.of_items([[1], [3]]))
    with pytest.raises(InputError, match=r"list 1: item 3 stands in it twice\n"):
        evaluate_lists(ranking, ["recall@2"])
    nothing = Ranking.of(np.int32([[1, -1, -1]]), Histories.of_items([[]]))
    with pytest.raises(InputError, match="1 users, and nothing is held out"):
        evaluate_lists(nothing, ["recall@2"])
    with pytest.raises(UsageError, match=r"metric 'auc' for lists\n.*precision@k.*\n.*scores"):
        evaluate_lists(nothing, ["auc"])

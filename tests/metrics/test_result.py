import numpy as np
import pytest

from tastemap.data.interactions import Histories
from tastemap.metrics.evaluate import evaluate_histories
from tastemap.metrics.result import Estimate


def test_an_estimate_is_a_mean_with_its_standard_error():
    one = Estimate.of(np.array([1.0, 2.0, 3.0, 4.0]))
    # The squares of the distances add up to 5; sqrt(5 / 3 / 4).
    assert (one.mean, one.n) == (2.5, 4)
    assert one.stderr == pytest.approx((5 / 3 / 4) ** 0.5)
    assert str(one) == "2.5000 ± 0.6455"


def test_a_single_user_has_no_standard_error():
    assert Estimate.of(np.array([0.25, np.nan])) == Estimate(0.25, None, 1)
    assert str(Estimate(0.25, None, 1)) == "0.2500"


def test_sums_are_exact_whatever_the_order():
    values = np.array([1e16, 1.0, -1e16, 1.0])
    assert Estimate.of(values).mean == Estimate.of(values[[0, 2, 1, 3]]).mean == 0.5


def test_where_nothing_is_defined_the_mean_is_undefined():
    def scores(asked):
        return np.zeros((len(asked), 2), dtype=np.float32)

    found = evaluate_histories(
        scores, Histories.of_items([[0]]), Histories.of_items([[1]]), 2, ["auc", "auc_global"]
    )
    assert str(found["auc"]) == str(found["auc_global"]) == "undefined"
    assert found["auc"].n == 0
    assert found.to_json()["estimates"]["auc"] == {
        "mean": None,
        "stderr": None,
        "n": 0,
        "ceiling": None,
    }
    assert str(found).splitlines()[-1].split() == ["auc_global", "undefined", "1"]

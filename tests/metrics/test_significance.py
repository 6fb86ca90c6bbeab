import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.errors import UsageError
from tastemap.metrics.significance import detectable, holm


def test_holm_by_hand():
    # In order: .005 · 4, .01 · 3, .03 · 2, .04 · 1, which may not be less than .06.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.6])).tolist() == [1, 1]
    assert holm(np.array([0.02])).tolist() == [0.02]


def test_what_is_no_comparison_does_not_count_as_one():
    adjusted = holm(np.array([0.01, np.nan, 0.03]))
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.03])
    assert np.isnan(adjusted[1])


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_rejects_what_the_step_down_rule_rejects(p):
    adjusted = holm(np.array(p))
    assert (adjusted >= np.array(p)).all()
    for level in (0.01, 0.05, 0.3):
        rejected, m = set(), len(p)
        for step, at in enumerate(sorted(range(m), key=lambda one: p[one])):
            if p[at] * (m - step) > level:
                break
            rejected.add(at)
        assert set(np.flatnonzero(adjusted <= level)) == rejected


def test_the_detectable_difference_is_2_8_standard_errors():
    # 1.9600 + 0.8416, from a table of the normal law.
    assert detectable(0.01) == pytest.approx(0.028016, abs=1e-6)
    assert detectable(0.01, level=0.01, power=0.9) == pytest.approx(0.01 * (2.5758 + 1.2816), 1e-4)
    assert np.isnan(detectable(float("nan")))


def test_a_difference_of_that_size_is_found_four_times_in_five():
    rng = np.random.default_rng(1)
    means = rng.normal(detectable(1.0), 1.0, 40_000)
    assert (np.abs(means) > 1.96).mean() == pytest.approx(0.8, abs=0.01)


def test_wrong_numbers_are_refused():
    with pytest.raises(UsageError, match=r"p value 1\.5\n.*from 0 to 1"):
        holm(np.array([0.1, 1.5]))
    with pytest.raises(UsageError, match=r"level=0\.05, power=1\.0\n.*between 0 and 1"):
        detectable(0.1, power=1.0)

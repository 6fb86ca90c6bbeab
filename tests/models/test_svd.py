import numpy as np
import pytest

from tastemap import UsageError
from tastemap.data.interactions import Histories
from tastemap.models import SVD
from worlds import noise


def test_scores_are_the_row_projected_on_numpy_s_leading_singular_vectors():
    log, _ = noise()
    x = log.matrix().toarray().astype(np.float64)
    _, _, v = np.linalg.svd(x)
    expected = x @ v[:6].T @ v[:6]
    found = SVD(factors=6).fit(log, seed=1)
    np.testing.assert_allclose(found.score(log.histories()), expected, atol=1e-4)
    np.testing.assert_allclose(found.score(log.histories().as_strangers()), expected, atol=1e-4)


def test_components_come_by_size_and_their_strongest_entry_is_positive():
    log, _ = noise()
    vectors = SVD(factors=6).fit(log, seed=1).item_vectors
    sizes = np.linalg.norm(log.matrix() @ vectors, axis=0)
    assert (np.diff(sizes) <= 1e-4).all()
    strongest = np.abs(vectors).argmax(axis=0)
    assert (vectors[strongest, np.arange(6)] > 0).all()


def test_contributions_add_up_to_the_score():
    log, _ = noise()
    model = SVD(factors=6).fit(log, seed=1)
    history = Histories.of_items([[4, 11, 4, 60, 11]])
    assert model.contributions(history, 9).sum() == pytest.approx(
        float(model.score(history)[0, 9]), abs=1e-5
    )


def test_refuses_a_rank_that_the_matrix_cannot_have():
    log, _ = noise()
    with pytest.raises(UsageError, match=r"SVD\(factors=80\) for 150 users x 80 items\n.*1 to 79"):
        SVD(factors=80).fit(log)

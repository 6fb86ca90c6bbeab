import numpy as np
import pytest

from tastemap import memory
from tastemap.errors import InputError
from tastemap.models import EASE
from worlds import noise


def strength(reg):
    log, _ = noise()
    return log.matrix().toarray().astype(np.float64), EASE(reg=reg).fit(log).strength


def test_equals_the_closed_form_computed_densely():
    x, found = strength(reg=7.0)
    p = np.linalg.inv(x.T @ x + 7.0 * np.eye(80))
    b = np.eye(80) - p / np.diag(p)
    np.testing.assert_allclose(found, b, atol=1e-6)
    assert np.diag(found).tolist() == [0.0] * 80


def test_no_other_zero_diagonal_matrix_does_better():
    x, found = strength(reg=7.0)

    def objective(b):
        return ((x - x @ b) ** 2).sum() + 7.0 * (b**2).sum()

    nudges = np.random.default_rng(0).normal(size=(20, 80, 80)) * 1e-3
    best = objective(found.astype(np.float64))
    for nudge in nudges:
        np.fill_diagonal(nudge, 0)
        assert objective(found + nudge) > best


def test_a_catalogue_too_big_for_the_memory_is_refused_before_the_start(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000)
    log, _ = noise()
    with pytest.raises(InputError, match=r"EASE on 80 items needs .* GB of memory"):
        EASE().fit(log)

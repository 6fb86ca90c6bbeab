"""The spectrum against closed forms, NumPy's SVD and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from tastemap.maps import spectrum as module
from tastemap.maps.spectrum import entropy_rank, principal, spectrum
from tastemap.seeding import stream


def with_values(values, n=200, seed=0):
    """Centred vectors whose singular values are exactly these."""
    rng = stream(seed, "spectrum")
    d = len(values)
    raw = rng.standard_normal((n, d))
    left, _ = np.linalg.qr(raw - raw.mean(axis=0))
    right, _ = np.linalg.qr(rng.standard_normal((d, d)))
    return left * np.asarray(values, float) @ right.T


def test_a_round_cloud_uses_every_direction():
    found = spectrum(with_values([3, 3, 3, 3, 3]))
    assert found.evr1 == pytest.approx(1 / 5)
    for rank in (
        found.participation_ratio,
        found.variance_rank,
        found.effective_rank,
        found.rankme,
        found.information_abundance,
    ):
        assert rank == pytest.approx(5)


def test_a_line_uses_one_direction():
    line = np.outer(np.arange(50.0) - 24.5, [1.0, 2.0, -1.0])
    found = spectrum(line)
    assert found.shares == pytest.approx((1, 0, 0), abs=1e-9)
    for rank in (found.participation_ratio, found.variance_rank, found.effective_rank):
        assert rank == pytest.approx(1)
    assert found.rankme == pytest.approx(1, abs=1e-6)
    assert found.information_abundance == pytest.approx(1, abs=1e-6)


def test_known_singular_values_give_the_numbers_worked_out_by_hand():
    found = spectrum(with_values([2, 1, 1]))  # s = 2, 1, 1; l = 4, 1, 1
    assert found.shares == pytest.approx((4 / 6, 1 / 6, 1 / 6))
    assert found.participation_ratio == pytest.approx(36 / 18)
    assert found.effective_rank == pytest.approx(2**1.5)  # p = 1/2, 1/4, 1/4: 1.5 bits
    assert found.variance_rank == pytest.approx(1.5 * 4 ** (1 / 3))  # p = 2/3, 1/6, 1/6
    assert found.information_abundance == pytest.approx(4 / 2)


def test_the_centred_spectrum_misses_a_common_offset_and_the_uncentred_one_shows_it():
    vectors = stream(1, "offset").standard_normal((500, 16))
    moved = vectors + 30
    assert spectrum(moved).effective_rank == pytest.approx(spectrum(vectors).effective_rank)
    assert spectrum(moved).rankme < 0.5 * spectrum(vectors).rankme
    assert spectrum(moved).information_abundance < 3


def test_shares_are_those_of_scikit_learn_and_ranks_those_of_an_svd():
    vectors = stream(2, "truth").standard_normal((300, 12)) * np.linspace(1, 4, 12) + 2
    found = spectrum(vectors.astype(np.float32))
    truth = PCA().fit(vectors).explained_variance_ratio_
    np.testing.assert_allclose(found.shares, truth, rtol=1e-4)
    sizes = np.linalg.svd(vectors, compute_uv=False)
    shares = sizes / sizes.sum()
    assert found.rankme == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-5)
    assert found.information_abundance == pytest.approx(sizes.sum() / sizes[0], rel=1e-5)


def test_equal_vectors_have_no_centred_spectrum_and_zeros_have_none_at_all():
    equal = spectrum(np.full((20, 4), 0.3, dtype=np.float32))
    assert equal.shares == ()
    assert (equal.evr1, equal.participation_ratio, equal.effective_rank) == (None, None, None)
    assert equal.rankme == pytest.approx(1, abs=1e-5)
    nothing = spectrum(np.zeros((20, 4)))
    assert (nothing.rankme, nothing.information_abundance, nothing.variance_rank) == (None,) * 3


def test_a_random_table_looks_perfect():
    found = spectrum(stream(3, "noise").standard_normal((5000, 64)))
    assert found.effective_rank > 0.98 * 64
    assert found.evr1 < 0.03


def test_principal_directions_rebuild_the_covariance():
    vectors = with_values([5, 2, 1], seed=4)
    values, directions = principal(vectors)
    assert values == pytest.approx([25, 4, 1])
    np.testing.assert_allclose((directions * values) @ directions.T, vectors.T @ vectors, atol=1e-9)


def test_blocks_of_rows_change_nothing(monkeypatch):
    vectors = stream(5, "blocks").standard_normal((100, 5))
    whole = spectrum(vectors)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    assert spectrum(vectors).shares == pytest.approx(whole.shares)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.integers(1, 5))
def test_the_rank_lies_between_one_and_the_number_of_sizes(sizes, copies):
    rank = entropy_rank(np.array(sizes * copies))
    if sum(sizes) == 0:
        assert rank is None
    elif min(s for s in sizes if s) > 1e-6:
        assert 1 - 1e-9 <= rank <= len(sizes) * copies + 1e-9
        assert rank == pytest.approx(copies * entropy_rank(np.array(sizes)))

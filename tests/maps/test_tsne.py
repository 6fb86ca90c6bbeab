"""t-SNE against planted groups, openTSNE's own affinities, and itself."""

import sys

import numpy as np
import pytest

import tastemap as tm
from tastemap.maps import tsne as module
from tastemap.maps.neighbours import nearest
from tastemap.maps.tsne import begin, most_perplexity, tsne
from tastemap.seeding import stream


def grouped(n=150, groups=5, d=8, seed=0):
    rng = stream(seed, "test", "tsne")
    centres = 3 * rng.standard_normal((groups, d))
    return (centres[np.arange(n) % groups] + rng.standard_normal((n, d))).astype(np.float32)


VECTORS = grouped()


@pytest.fixture(scope="module")
def xy():
    return tsne(VECTORS, perplexity=10, iterations=300)


def test_planted_groups_stand_together(xy):
    apart = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    beside = apart.argmin(axis=1)
    assert (beside % 5 == np.arange(150) % 5).mean() > 0.95


def test_the_same_seed_gives_the_same_bits_on_one_thread_or_two(xy):
    with tm.threads(1):
        again = tsne(VECTORS, perplexity=10, iterations=300)
    assert xy.dtype == np.float32
    assert np.array_equal(xy, again)


def test_interpolated_forces_give_the_same_bits_on_one_thread_or_two(monkeypatch):
    monkeypatch.setattr(module, "EXACT_TO", 10)
    together = tsne(VECTORS, perplexity=10, iterations=3)
    with tm.threads(1):
        assert np.array_equal(together, tsne(VECTORS, perplexity=10, iterations=3))


def test_exact_and_interpolated_forces_begin_alike(monkeypatch):
    exact = tsne(VECTORS, perplexity=10, iterations=3)
    monkeypatch.setattr(module, "EXACT_TO", 10)
    approximate = tsne(VECTORS, perplexity=10, iterations=3)
    assert np.corrcoef(exact.ravel(), approximate.ravel())[0, 1] > 0.999


def test_another_seed_gives_another_map(xy):
    assert not np.array_equal(xy, tsne(VECTORS, perplexity=10, iterations=300, seed=1))


def test_length_counts_for_products_and_not_for_cosines():
    longer = VECTORS * np.linspace(1, 4, 150, dtype=np.float32)[:, None]
    asked = {"perplexity": 10, "iterations": 30}
    cosine = [tsne(one, **asked) for one in (VECTORS, longer)]
    dot = [tsne(one, **asked, similarity="dot") for one in (VECTORS, longer)]
    np.testing.assert_allclose(*cosine, rtol=0.1, atol=0.1 * np.abs(cosine[0]).max())
    assert np.abs(dot[0] - dot[1]).max() > 0.2 * np.abs(dot[0]).max()


def test_neighbours_that_are_known_are_used():
    asked = {"perplexity": 10, "iterations": 20}
    near = nearest(VECTORS, 40)
    assert np.array_equal(tsne(VECTORS, near=near, **asked), tsne(VECTORS, **asked))


def test_too_few_known_neighbours_are_refused():
    with pytest.raises(tm.UsageError, match=r"12 neighbours .* perplexity 10\n.*30 or more"):
        tsne(VECTORS, near=nearest(VECTORS, 12), perplexity=10)


def test_a_start_keeps_the_map_from_turning(xy):
    turned = np.ascontiguousarray(xy[:, ::-1] * [1, -1], dtype=np.float32)
    again = tsne(VECTORS, perplexity=10, iterations=100, start=turned)
    for axis in (0, 1):
        assert np.corrcoef(again[:, axis], turned[:, axis])[0, 1] > 0.9


def test_the_start_is_the_first_two_components_at_the_scale_of_openTSNE():
    found = begin(VECTORS, "dot", None, 0)
    centred = VECTORS - VECTORS.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred.astype(float), full_matrices=False)
    assert found[:, 0].std() == pytest.approx(1e-4, rel=0.01)
    for axis in (0, 1):
        assert abs(np.corrcoef(found[:, axis], left[:, axis])[0, 1]) > 0.999
    assert found[:, 1].std() / found[:, 0].std() == pytest.approx(sizes[1] / sizes[0], rel=0.02)


def test_an_older_map_is_taken_up_at_a_tenth_of_its_size(xy):
    expected = (xy - xy.mean(axis=0)) / 10
    np.testing.assert_allclose(begin(VECTORS, "dot", xy, 0), expected, atol=1e-4)


def test_equal_items_are_parted():
    found = tsne(np.ones((40, 3), dtype=np.float32), perplexity=5, iterations=60)
    assert np.isfinite(found).all()
    assert len(np.unique(found, axis=0)) == 40


def test_progress_is_told_to_whoever_asks():
    told = []
    asked = {"perplexity": 10, "iterations": 130}
    tsne(VECTORS, **asked, progress=lambda done, of: told.append((done, of)))
    assert told[0] == (25, 130)
    assert told[-1] == (130, 130)
    assert told == sorted(told)


def test_nothing_is_printed_unless_stderr_is_a_terminal(capfd):
    tsne(VECTORS, perplexity=10, iterations=30)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tsne(VECTORS, perplexity=10, iterations=60)
    assert "t-SNE: 100%" in capsys.readouterr().err


def test_a_perplexity_too_large_is_refused_with_the_range():
    with pytest.raises(
        tm.UsageError,
        match=r"perplexity=50 for 150 items\n.*from 1 to 49\.6, a third.*\n.*pass perplexity=30",
    ):
        tsne(VECTORS, perplexity=50)
    assert most_perplexity(151) == 50


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"perplexity": 0.5}, r"perplexity=0\.5 for 150 items\n.*from 1 to"),
        ({"perplexity": float("nan")}, "perplexity=nan"),
        ({"iterations": 0}, "iterations=0\n.*from 1 on"),
        ({"learning_rate": 0}, "learning_rate=0\n.*'auto', or a number above 0"),
    ],
)
def test_impossible_arguments_are_refused(asked, said):
    with pytest.raises(tm.UsageError, match=said):
        tsne(VECTORS, **asked)


def test_three_items_are_no_map():
    with pytest.raises(tm.UsageError, match=r"t-SNE of 3 items\n.*4 items or more"):
        tsne(VECTORS[:3])


def test_a_start_of_another_shape_is_refused():
    with pytest.raises(tm.InputError, match=r"a start of shape \(3, 2\) for 150 items"):
        begin(VECTORS, "cosine", np.zeros((3, 2), np.float32), 0)


def test_without_the_extra_its_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(tm.MissingExtra, match=r"pip install 'tastemap\[maps\]'"):
        tsne(VECTORS)

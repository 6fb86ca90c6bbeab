"""Rows that are masked, ranked and compared in one go, against sorting and counting pairs."""

import numpy as np
import pytest

from reference import ranked_row
from tastemap.kernels.auc import edge_table
from tastemap.kernels.ranking import count_rows, rank_rows

LEVELS = {"ties": 4, "many levels": 10_000}


def flat(rows):
    starts = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return starts, np.array([i for row in rows for i in row], dtype=np.int32)


def case(rng, rows, items, levels, most_held=6):
    """Scores, and seen and held-out items of each row that do not meet; some rows have none."""
    scores = rng.integers(-levels, levels, size=(rows, items)).astype(np.float32)
    seen, held = [], []
    for r in range(rows):
        order = rng.permutation(items).tolist()
        n_seen = int(rng.integers(items // 2 + 1)) * (r % 3 > 0)
        n_held = int(rng.integers(min(most_held, items - n_seen) + 1)) * (r % 4 > 0)
        seen.append(order[:n_seen])
        held.append(order[n_seen : n_seen + n_held])
    ties = rng.permutation(items).astype(np.int32)
    return scores, seen, held, ties


def ranked(scores, seen, held, ties, k, *, barred=(), pairs=True):
    """Everything that `rank_rows` returns and writes."""
    rows = len(scores)
    lists = np.full((rows, k), -1, np.int32), np.full((rows, k), -np.inf, np.float32)
    counts = tuple(np.full(rows if pairs else 0, -7, np.int64) for _ in range(2))
    starts, items = flat(held)
    positives = np.full(len(items), np.nan, np.float32)
    given = (flat(seen), (starts, items), np.array(barred, np.int32), ties)
    first_bad = rank_rows(scores, *given, lists, counts, positives)
    return first_bad, lists, counts, positives


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize(("items", "k"), [(1, 1), (9, 4), (70, 10), (300, 7), (20, 30)])
def test_lists_are_what_sorting_unseen_items_gives_without_those_held_out(items, k, levels):
    # Held-out items are listed, too: they are what the list should find.
    rng = np.random.default_rng(items + levels)
    scores, seen, _, ties = case(rng, 16, items, levels)
    barred = rng.permutation(items)[: items // 5].tolist()
    nobody = [[] for _ in seen]
    bad, (picked, values), _, _ = ranked(scores, seen, nobody, ties, k, barred=barred)
    assert bad == -1
    for r, row in enumerate(scores.tolist()):
        expected, _, _ = ranked_row(row, seen[r], [], barred, ties.tolist(), k)
        assert picked[r].tolist() == expected
        assert values[r].tolist() == [row[i] if i >= 0 else -np.inf for i in expected]


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize(("items", "most_held"), [(1, 1), (9, 3), (70, 6), (300, 120)])
def test_pairs_are_those_of_every_positive_with_every_negative(items, most_held, levels):
    rng = np.random.default_rng(7 * items + levels)
    scores, seen, held, ties = case(rng, 16, items, levels, most_held)
    bad, (picked, _), (won, met), positives = ranked(scores, seen, held, ties, 5)
    assert bad == -1
    for r, row in enumerate(scores.tolist()):
        listed, twice_won, negatives = ranked_row(row, seen[r], held[r], [], ties.tolist(), 5)
        assert picked[r].tolist() == listed  # what is held out may be listed
        assert met[r] == negatives
        assert won[r] == twice_won
    assert positives.tolist() == [scores[r, i] for r, items in enumerate(held) for i in items]


def test_a_barred_item_that_was_seen_too_is_taken_off_once():
    scores = np.float32([[5, 4, 3, 2, 1]])
    _, (picked, _), (won, met), _ = ranked(
        scores, [[0, 1]], [[3]], np.arange(5, dtype=np.int32), 5, barred=[1, 2]
    )
    assert picked.tolist() == [[3, 4, -1, -1, -1]]
    assert (won.tolist(), met.tolist()) == ([2], [1])


def test_an_item_that_was_seen_twice_is_taken_off_once():
    _, _, (won, met), _ = ranked(
        np.float32([[1, 2, 3]]), [[0, 0]], [[2]], np.arange(3, dtype=np.int32), 1
    )
    assert (won.tolist(), met.tolist()) == ([2], [1])


def test_pairs_are_left_out_where_nobody_asks_for_them():
    scores, seen, held, ties = case(np.random.default_rng(3), 8, 40, 5)
    asked = ranked(scores, seen, held, ties, 6)
    not_asked = ranked(scores, seen, held, ties, 6, pairs=False)
    np.testing.assert_array_equal(asked[1][0], not_asked[1][0])
    np.testing.assert_array_equal(asked[3], not_asked[3])
    assert [len(counts) for counts in not_asked[2]] == [0, 0]


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 17, 39])
def test_the_first_row_with_a_score_that_is_not_finite_is_named(bad, place):
    scores, seen, held, ties = case(np.random.default_rng(4), 6, 40, 5)
    good = ranked(scores, seen, held, ties, 3)
    scores[[2, 4], place] = bad
    first_bad, (picked, values), (won, met), _ = ranked(scores, seen, held, ties, 3)
    assert first_bad == 2
    np.testing.assert_array_equal(picked[:2], good[1][0][:2])
    assert (picked[2:] == -1).all()  # nothing is written from there on
    assert (values[2:] == -np.inf).all()
    assert (won[2:] == -7).all()
    assert (met[2:] == -7).all()


def test_the_largest_and_smallest_floats_are_finite():
    top, tiny = np.finfo(np.float32).max, np.float32(1e-45)
    scores = np.float32([[-top, 0.0, tiny, top, -tiny]])
    bad, (picked, _), (won, met), _ = ranked(
        scores, [[]], [[2, 0]], np.arange(5, dtype=np.int32), 5
    )
    assert bad == -1
    assert picked.tolist() == [[3, 2, 1, 4, 0]]
    assert (won.tolist(), met.tolist()) == ([2 * 2], [3])


def test_a_score_that_is_not_finite_is_found_even_where_the_item_was_seen():
    scores = np.float32([[1, np.nan, 2]])
    assert ranked(scores, [[1]], [[]], np.arange(3, dtype=np.int32), 2)[0] == 0


def test_scores_are_left_as_they_were():
    scores, seen, held, ties = case(np.random.default_rng(5), 8, 40, 5)
    before = scores.copy()
    ranked(scores, seen, held, ties, 6, barred=[1, 2])
    counted(scores, seen, held, np.float32([0, 1]))
    np.testing.assert_array_equal(scores, before)


def test_no_rows_have_nothing_to_rank():
    nothing = np.empty((0, 5), np.float32)
    bad, (picked, _), (won, _), _ = ranked(nothing, [], [], np.arange(5, dtype=np.int32), 2)
    assert (bad, picked.shape, won.shape) == (-1, (0, 2), (0,))


def counted(scores, seen, held, edges):
    counts = np.full(2 * len(edges) + 1, 100, np.int64)  # what stands there is added to
    count_rows(scores, flat(seen), flat(held), *edge_table(edges), counts)
    return (counts - 100).tolist()


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("n_edges", [0, 1, 2, 30])
def test_counts_are_of_all_negatives_below_on_and_between_the_edges(n_edges, levels):
    rng = np.random.default_rng(n_edges)
    scores, seen, held, _ = case(rng, 12, 90, levels)
    edges = np.unique(rng.choice(scores.ravel(), n_edges)).astype(np.float32)
    expected = [0] * (2 * len(edges) + 1)
    for r, row in enumerate(scores.tolist()):
        for i in set(range(90)) - {*seen[r], *held[r]}:
            below = sum(edge < row[i] for edge in edges.tolist())
            expected[2 * below + (row[i] in edges.tolist())] += 1
    assert counted(scores, seen, held, edges) == expected

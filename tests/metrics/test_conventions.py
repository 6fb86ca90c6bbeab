"""Other libraries' numbers: recorded from runs of these libraries, in peers.json."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError
from tastemap.metrics.conventions import CONVENTIONS, measure
from tastemap.metrics.evaluate import evaluate_lists
from tastemap.metrics.ranking import TOPK
from tastemap.recommend import Ranking

HERE = Path(__file__).parent
PEERS = json.loads((HERE / "peers.json").read_text(encoding="utf-8"))
K = PEERS["k"]
GOLDEN = [
    (library, word, part, number)
    for library, one in PEERS["numbers"].items()
    for word, numbers in one["metrics"].items()
    for part, number in numbers.items()
]


def ranking_of(lists, relevant, k=K):
    padded = np.array([(list(one) + [-1] * k)[:k] for one in lists], dtype=np.int32)
    return Ranking.of(padded, Histories.of_items(relevant))


@pytest.fixture(scope="module")
def parts():
    users = {"A": PEERS["complete"], "B": len(PEERS["lists"])}
    return {
        name: ranking_of(PEERS["lists"][:n], PEERS["relevant"][:n]) for name, n in users.items()
    }


@pytest.mark.parametrize(("library", "word", "part", "number"), GOLDEN)
def test_the_numbers_are_those_that_the_library_printed(parts, library, word, part, number):
    name = f"{word}@{K}"
    found = measure(parts[part], [name], conventions=library)[name]
    assert found.mean == pytest.approx(number, rel=0, abs=1e-9)


def test_every_definition_has_a_number_of_its_library():
    tested = {(library, word) for library, word, _, _ in GOLDEN}
    defined = {(library, word) for library, one in CONVENTIONS.items() for word in one}
    assert defined - tested == {("tastemap", word) for word in CONVENTIONS["tastemap"]}


def test_the_numbers_are_those_of_the_table_in_print(parts):
    # Three digits of a table that was made independently of peers.json.
    table = {
        ("implicit", "precision"): ".750",
        ("rectools", "ndcg"): ".454 .340",
        ("rectools", "ndcg_achievable"): ".701 .543",
        ("rectools", "map_by_k"): ".307 .224",
        ("lenskit", "precision"): ".400 .383",
        ("lenskit", "recall"): ".867 .620",
        ("lenskit", "ndcg"): ".710 .526",
        ("microsoft", "precision"): ".400 .350",
        ("microsoft", "recall"): ".792 .719",
        ("microsoft", "ndcg"): ".701 .543",
        ("microsoft", "map"): ".497 .498",
        ("microsoft", "map_at_k"): ".562 .547",
        ("replay", "map"): ".562 .437",
        ("trec", "map"): ".497 .398",
        ("tastemap", "precision"): ".400 .280",
        ("tastemap", "recall"): ".792 .575",
    }
    for (library, word), said in table.items():
        for part, number in zip(parts.values(), said.split(), strict=False):
            found = measure(part, [f"{word}@{K}"], library)[f"{word}@{K}"]
            assert f"{found.mean:.3f}".removeprefix("0") == number, (library, word)


ANY_LISTS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 12), max_size=K, unique=True),
        st.lists(st.integers(0, 12), min_size=1, max_size=8, unique=True),
    ),
    min_size=1,
    max_size=6,
)


@given(users=ANY_LISTS)
def test_what_is_said_to_be_the_same_is_the_same_and_the_rest_gives_a_reason(users):
    ranking = ranking_of(*zip(*users, strict=True))
    for library, definitions in CONVENTIONS.items():
        for word, one in definitions.items():
            found = measure(ranking, [f"{word}@{K}"], library)[f"{word}@{K}"]
            if one.ours:
                name = f"{one.ours}@{K}"
                assert found == evaluate_lists(ranking, [name])[name]
            assert one.why or one.ours in (word, word.removesuffix("_achievable"))
    own = measure(ranking, [f"{word}@{K}" for word in CONVENTIONS["tastemap"]])
    for name, found in own.items():
        assert found.mean == pytest.approx(TOPK[name.split("@")[0]](ranking, K).mean())


def test_a_perfect_list_of_one_item_stays_far_below_1_by_rectools_ndcg():
    # Leave-one-out and k = 10: 1 / Σ 1 / log2(rank + 1) over ten ranks.
    ranking = ranking_of([[3]], [[3]], k=10)
    found = measure(ranking, ["ndcg@10"], "rectools")["ndcg@10"].mean
    assert found == pytest.approx(0.220, abs=5e-4)
    assert measure(ranking, ["ndcg@10"])["ndcg@10"].mean == 1


def test_users_without_held_out_items_are_left_out_and_pooled_numbers_have_no_error():
    ranking = ranking_of([[1, 2], [3]], [[], [3]])
    assert measure(ranking, ["precision@2"], "lenskit")["precision@2"].n == 1
    pooled = measure(ranking, ["precision@2"], "implicit")["precision@2"]
    assert (pooled.mean, pooled.stderr, pooled.n) == (1, None, 1)


def test_what_a_library_does_not_have_is_refused(parts):
    with pytest.raises(
        UsageError, match=r"unknown metric 'recall@5'\n.*precision@k, ndcg@k, map@k"
    ):
        measure(parts["A"], ["recall@5"], "implicit")
    with pytest.raises(UsageError, match=r"conventions='Cornac'\n.*trec, implicit.*\n.*leave it"):
        measure(parts["A"], ["recall@5"], "Cornac")
    with pytest.raises(UsageError, match=r"'recall@0' with k = '0'\n.*from 1 on"):
        measure(parts["A"], ["recall@0"])
    for library in CONVENTIONS:
        with pytest.raises(UsageError, match=r"k is 6, and the lists hold 5 places\n"):
            measure(parts["A"], ["ndcg@6", "precision@6"], library)


def test_lists_that_cannot_be_measured_are_refused():
    with pytest.raises(InputError, match=r"list 0: item 1 stands in it twice\n"):
        measure(ranking_of([[1, 1]], [[1]]), ["recall@5"], "trec")
    with pytest.raises(InputError, match=r"1 users, and nothing is held out for any of them\n"):
        measure(ranking_of([[1]], [[]]), ["recall@5"], "trec")


def test_the_page_of_parity_is_what_the_code_says():
    file = HERE.parents[1] / "docs" / "parity.py"
    spec = importlib.util.spec_from_file_location("parity_page", file)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = generator.PAGE.read_text(encoding="utf-8")
    assert written == generator.page(), "run: python docs/parity.py"

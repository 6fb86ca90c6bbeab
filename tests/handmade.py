"""Runs that are written down, not trained: lists whose hits stand where the test says."""

from dataclasses import replace

import numpy as np

from tastemap.data.interactions import Histories
from tastemap.diagnosis.evidence import Claim, Evidence
from tastemap.diagnosis.finding import NotApplicable
from tastemap.seeding import stream

K = 10


def lists_with(places, n_items=100, k=K, seed=0, held=1):
    """Evidence in which user r's first held-out item stands at place places[r] (None: nowhere).

    Other listed items are drawn at random and are not held out; `held - 1` more held-out items are
    not listed.
    """
    rng = stream(seed, "handmade")
    lists = np.empty((len(places), k), dtype=np.int32)
    truth = []
    for r, place in enumerate(places):
        drawn = rng.permutation(n_items).astype(np.int32)
        lists[r] = drawn[:k]
        rest = drawn[k : k + held].tolist()
        truth.append(rest if place is None else [int(drawn[place]), *rest[1:]])
    return Evidence(
        name="Handmade",
        n_items=n_items,
        users=np.arange(len(places), dtype=np.int32),
        lists=lists,
        truth=Histories.of_items(truth, user=range(len(places))),
        seen=Histories.of_items([[]] * len(places), user=range(len(places))),
        exclude_seen=True,
    )


def healthy(users=240, **more):
    """Half of the lists hit, at places 0, 0, 0, 1, 1, 2, ...: early more often than late."""
    falling = [place for place in range(4) for _ in range(4 - place)]  # 0000111223
    places = [falling[(r // 2) % 10] if r % 2 else None for r in range(users)]
    return lists_with(places, **more)


def claimed(evidence, **means):
    """The same with claims; ndcg_10 stands for ndcg@10."""
    named = {name.replace("_at_", "@"): value for name, value in means.items()}
    claims = {n: v if isinstance(v, Claim) else Claim(v) for n, v in named.items()}
    return replace(evidence, claims=claims)


def with_truth(evidence, change):
    """The same with change(row, items) as each row's truth."""
    rows = [change(r, evidence.truth.row(r).tolist()) for r in range(len(evidence.truth))]
    return replace(evidence, truth=Histories.of_items(rows, user=evidence.truth.user.tolist()))


def why_not(check, evidence):
    """The reason why a rule does not apply."""
    try:
        found = check(evidence)
    except NotApplicable as reason:
        return str(reason)
    raise AssertionError(f"the rule judged: {found}")

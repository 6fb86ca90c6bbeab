"""Runs that really are broken, one disease each, and runs that are healthy.

A disease is put in where it would happen: a wrong sign in training, rows of a table shifted, a
list turned round, a metric averaged over the wrong users. Nothing is made up in the findings:
`docs/doctor.py` and tests/diagnosis/test_sick.py ask the doctor about every one.
"""

from dataclasses import replace

import numpy as np

import damage
import sick_networks
import tastemap as tm
from sick_case import Case, healthy
from tastemap.diagnosis.evidence import Claim, Searched, Stages

TRAINING = (
    Case(
        "BPR: sign of the gradient flipped",
        lambda: damage.run_of(damage.bpr(learning_rate=-0.05), damage.crowd()),
        ("M403", "M415"),
    ),
    Case(
        "BPR: learning rate x 20, stopped before it overflows",
        lambda: damage.run_of(damage.bpr(learning_rate=1.0, epochs=6), damage.crowd()),
        ("M406",),
    ),
    Case(
        "BPR: learning rate / 1000",
        lambda: damage.run_of(damage.bpr(learning_rate=5e-5), damage.crowd()),
        ("M403",),
    ),
    Case(
        "BPR: epochs / 50", lambda: damage.run_of(damage.bpr(epochs=2), damage.crowd()), ("M403",)
    ),
    Case(
        "BPR: regularisation x 1000",
        lambda: damage.run_of(
            damage.bpr(reg_user=30.0, reg_liked=3.0, reg_other=30.0, learning_rate=0.02),
            damage.crowd(),
        ),
        ("M403", "M401"),
    ),
    Case(
        "BPR: embeddings frozen",
        lambda: damage.run_of(damage.Broken(damage.bpr(), damage.frozen), damage.crowd()),
        ("M403", "V501"),
    ),
    Case(
        "ALS: far too many factors, no regularisation",
        lambda: damage.run_of(
            tm.ALS(factors=256, reg=1e-6, alpha=40),
            tm.leave_last_out(tm.synthetic.popularity_only(400, 200, 12, seed=1)),
        ),
        ("M404",),
    ),
    Case(
        "ALS: item rows shuffled",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.items_changed(damage.shuffled)), damage.crowd()
        ),
        ("V501", "M403"),
    ),
    Case(
        "ALS: item ids off by one",
        lambda: damage.run_of(
            damage.Broken(
                tm.ALS(factors=16), damage.items_changed(lambda v: np.roll(v, 1, axis=0))
            ),
            damage.movies(),
        ),
        ("V501", "M403"),
    ),
    Case(
        "ALS: user ids off by one",
        lambda: damage.run_of(
            damage.Broken(
                tm.ALS(factors=16), damage.users_changed(lambda v: np.roll(v, 1, axis=0))
            ),
            damage.crowd(),
        ),
        ("M403", "M401"),
    ),
    Case(
        "ALS: everybody scored with the mean user",
        lambda: damage.run_of(
            damage.Broken(
                tm.ALS(factors=16),
                damage.users_changed(lambda v: np.tile(v.mean(axis=0), (len(v), 1))),
            ),
            damage.movies(),
        ),
        ("M410",),
    ),
    Case(
        "ALS: item vectors collapsed to one point",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.items_changed(damage.collapsed)),
            damage.crowd(),
        ),
        ("V503",),
    ),
    Case(
        "ALS: item vectors collapsed to two directions",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=32), damage.items_changed(damage.flat)), damage.movies()
        ),
        ("V502",),
    ),
    Case(
        "ALS: the tail of the items is noise",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.noisy_tail), damage.movies()
        ),
        ("V507",),
    ),
    Case(
        "ALS: a distance used as a score",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.scored_by(np.negative)), damage.crowd()
        ),
        ("M415",),
    ),
    Case(
        "ALS: BatchNorm over users while scoring",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.scored_by(damage.over_batch)), damage.movies()
        ),
        ("E312",),
    ),
    Case(
        "ALS: dropout left on while scoring",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.scored_by(damage.dropped_out)), damage.crowd()
        ),
        ("E313",),
    ),
    Case(
        "ALS: scores of a constant",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.scored_by(np.zeros_like)), damage.crowd()
        ),
        ("E317",),
    ),
    Case(
        "ALS: scores rounded to one digit",
        lambda: damage.run_of(
            damage.Broken(tm.ALS(factors=16), damage.scored_by(lambda s: np.round(s, 1))),
            damage.movies(),
        ),
        ("E308",),
    ),
    Case(
        "ALS: scores become NaN",
        lambda: replace(
            damage.good(),
            score=lambda h: np.where(
                h.user[:, None] % 7 == 0, np.float32(np.nan), damage.good().score(h)
            ),
        ),
        ("E314",),
    ),
    Case(
        "loss is NaN from epoch 5 on",
        lambda: damage.with_curve([1, 0.9, 0.8, 0.7, *[float("nan")] * 5], "loss"),
        ("M406",),
    ),
    Case(
        "train_auc falls in the second half",
        lambda: damage.with_curve(
            [*np.linspace(0.6, 0.95, 10), *np.linspace(0.94, 0.8, 10)], "train_auc"
        ),
        ("M417",),
    ),
)


LISTS = (
    Case("lists reversed", lambda: damage.listed(lambda x: x[:, ::-1]), ("E302",)),
    Case(
        "lists reversed, many held out",
        lambda: damage.listed(lambda x: x[:, ::-1], damage.many_held_out),
        ("E302",),
    ),
    Case(
        "lists in random order",
        lambda: replace(damage.listed(damage.in_random_order, damage.many_held_out), claims={}),
        ("E315", "E301"),
    ),
    Case(
        "best items in the order of the catalogue",
        lambda: damage.unsorted_scores(damage.good(damage.many_held_out)),
        ("E301",),
    ),
    Case("an item twice in every list", lambda: damage.listed(damage.repeating), ("E307",)),
    Case("a quarter of the lists cut short", lambda: damage.listed(damage.cut_short), ("E307",)),
    Case("seen items recommended", lambda: damage.with_seen(damage.good()), ("E306",)),
    Case(
        "mask of the next user",
        lambda: damage.masked_by_neighbour(damage.good(damage.many_held_out)),
        ("E306",),
    ),
    Case(
        "mask takes the answers away",
        lambda: damage.masked_truth(damage.good(damage.many_held_out)),
        ("E321", "M415"),
    ),
    Case(
        "the worst items are listed",
        lambda: damage.bottom(damage.good(damage.many_held_out)),
        ("M415",),
    ),
    Case(
        "listed item codes off by one",
        lambda: replace(
            damage.listed(lambda x: (x + 1) % 400, damage.many_held_out), claims={}, score=None
        ),
        ("E322",),
    ),
    Case(
        "order spoiled against a reference run",
        lambda: replace(
            damage.listed(damage.in_random_order, damage.many_held_out),
            claims={},
            list_scores=None,
            score=None,
            references=(damage.good(damage.many_held_out),),
        ),
        ("E318",),
    ),
)


TRUTH = (
    Case(
        "truth counted twice",
        lambda: damage.changed_truth(lambda row, _: np.repeat(row, 2)),
        ("E304",),
    ),
    Case(
        "a third of the truth is not in the catalogue",
        lambda: damage.changed_truth(
            lambda row, _: np.where(np.arange(len(row)) % 3 == 0, -1, row)
        ),
        ("E304",),
    ),
    Case(
        "training pairs in the truth",
        lambda: damage.with_train_pairs(damage.good(damage.many_held_out)),
        ("S201", "E321", "E304"),
    ),
    Case(
        "truth item ids off by one",
        lambda: damage.changed_truth(lambda row, _: (row + 1) % 400),
        ("E322",),
    ),
    Case("nDCG over users with hits only", damage.over_hit_users, ("E311",)),
    Case("users without truth count as 0", damage.over_all_users, ("E311",)),
    Case("metrics over other users", damage.over_other_users, ("E320",)),
    Case("recall above 1", lambda: damage.claiming(recall_20=1.2), ("E310",)),
    Case(
        "precision above its ceiling",
        lambda: damage.claiming(damage.crowd, precision_10=0.4),
        ("E310",),
    ),
    Case("precision divided by the truth", damage.precision_by_list_length, ("E316",)),
    Case("nDCG with an ideal list longer than k", damage.ideal_untruncated, ("E316",)),
    Case(
        "hit rate falls with k", lambda: damage.claiming(damage.crowd, hit_rate_20=0.05), ("E303",)
    ),
    Case(
        "nDCG falls with k, one held-out item",
        lambda: damage.claiming(damage.crowd, ndcg_20=0.01),
        ("E305",),
    ),
    Case(
        "nDCG among 99 sampled items against full ranking",
        lambda: replace(
            damage.claiming(damage.crowd, ndcg_10=Claim(0.55, sampled=99)),
            references=(damage.good(),),
        ),
        ("E309",),
    ),
)


SPLITS = (
    Case("fitted on train and test", damage.fitted_on_everything, ("S201",)),
    Case("events after the cut in train", damage.later_events_in_train, ("S202",)),
    Case(
        "validation is test",
        lambda: replace(damage.good(), validation=damage.good().test),
        ("S205",),
    ),
    Case("a feature that is the answer", damage.knows_the_answer, ("M409",)),
    Case(
        "second stage labelled with the first stage's log",
        lambda: replace(
            damage.good(),
            stages=Stages(
                damage.pairs_of(damage.crowd().train), damage.pairs_of(damage.crowd().train)[::3]
            ),
        ),
        ("M412",),
    ),
    Case(
        "best value at the edge of the search",
        lambda: replace(damage.good(), searched=(Searched("factors", (8, 16, 32, 64), 64),)),
        ("M407",),
    ),
    Case(
        "seeds disagree more than models",
        lambda: replace(
            damage.good(),
            seeds={"ndcg@10": (0.10, 0.14, 0.18)},
            references=(replace(damage.good(), claims={"ndcg@10": Claim(0.15)}),),
        ),
        ("M408",),
    ),
    Case(
        "padding row not zero",
        lambda: damage.fed(padding_vector=np.full(8, 0.3, np.float32)),
        ("Q601",),
    ),
    Case("padded on the right", lambda: damage.fed(damage.padded_at_the_end), ("Q602",)),
    Case("histories newest first", damage.newest_first, ("Q603",)),
    Case("inputs not shifted against targets", damage.not_shifted, ("Q604",)),
)

DISEASES = (*TRAINING, *sick_networks.DISEASES, *LISTS, *TRUTH, *SPLITS)


# --- healthy runs --------------------------------------------------------------------------------


HEALTHY = (
    *(
        healthy(r, damage.crowd)
        for r in (
            tm.Random(),
            tm.Popularity(),
            tm.ItemKNN(),
            tm.RP3beta(),
            tm.EASE(),
            tm.SVD(factors=8),
            tm.ALS(factors=16),
            tm.BPR(factors=16),
        )
    ),
    *(
        healthy(r, damage.many_held_out, seed=2)
        for r in (tm.ItemKNN(), tm.EASE(), tm.ALS(), tm.BPR())
    ),
    *(
        healthy(r, damage.movies, seed=3)
        for r in (tm.Popularity(), tm.ItemKNN(), tm.ALS(factors=32), tm.BPR(factors=32), tm.SVD())
    ),
    *(healthy(r, damage.small) for r in (tm.ItemKNN(), tm.ALS(factors=8), tm.Popularity())),
    *(healthy(r, damage.dense) for r in (tm.Random(), tm.EASE(), tm.ALS(factors=16))),
    *(
        healthy(r, damage.strangers)
        for r in (tm.ItemKNN(), tm.EASE(), tm.ALS(factors=16), tm.SVD(factors=8))
    ),
    *(healthy(r, damage.chain) for r in (tm.ItemKNN(), tm.ALS(factors=32))),
    *(
        healthy(r, damage.movies_last, seed=4)
        for r in (tm.ItemKNN(), tm.EASE(), tm.BPR(factors=32))
    ),
    *(
        healthy(r, damage.movies_random, seed=5)
        for r in (tm.ItemKNN(), tm.ALS(factors=8), tm.BPR(factors=32))
    ),
    *sick_networks.HEALTHY,
)

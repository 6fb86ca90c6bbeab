"""One contestant of benchmarks/speed.py, in an interpreter of its own.

Reads a job a line (JSON) from stdin, does it, writes the result as a line to stdout:
{"what": "als", "factors": 64, "solver": "cg", "epochs": 15, "seed": 1, "save": "x.npz"}.
"""

import json
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # what implicit asks for

import numpy as np
from scipy.sparse import csr_matrix

ALPHA, REG = 3.0, 0.01


class Tastemap:
    """tastemap's side."""

    def __init__(self, user, item, shape):
        import tastemap as tm

        self.tm = tm
        self.log = tm.Interactions(
            user=user,
            item=item,
            weight=np.ones(len(user), dtype=np.float32),
            time=None,
            users=tm.Vocabulary(np.arange(shape[0])),
            items=tm.Vocabulary(np.arange(shape[1])),
        )
        self.version = f"tastemap {tm.__version__}"

    def als(self, factors, epochs, seed, solver):
        recipe = self.tm.ALS(
            factors=factors, alpha=ALPHA, reg=REG, alpha0=None, reg_power=0, epochs=epochs,
            solver=solver,
        )  # fmt: skip
        self.model = recipe.fit(self.log, seed=seed)
        return [epoch.seconds for epoch in self.model.log.epochs]

    def bpr(self, factors, epochs, seed):
        self.model = self.tm.BPR(factors=factors, epochs=epochs).fit(self.log, seed=seed)
        return [epoch.seconds for epoch in self.model.log.epochs]

    def lists(self):
        from tastemap.recommend import top_items

        histories = self.log.histories()
        return top_items(self.model.score, histories, len(self.log.items), 10)[0]

    def vectors(self):
        bias = self.model.item_bias
        return self.model.user_vectors, self.model.item_vectors, 0 if bias is None else bias


class Implicit:
    """implicit's side."""

    def __init__(self, user, item, shape):
        import implicit

        self.implicit = implicit
        self.matrix = csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=shape)
        self.version = f"implicit {implicit.__version__}"

    def als(self, factors, epochs, seed, solver):
        seconds = []
        self.model = self.implicit.als.AlternatingLeastSquares(
            factors=factors, alpha=ALPHA, regularization=REG, iterations=epochs, random_state=seed,
            use_cg=solver == "cg", num_threads=2,
        )  # fmt: skip
        self.model.fit(
            self.matrix, show_progress=False, callback=lambda _, s, *rest: seconds.append(s)
        )
        return seconds

    def bpr(self, factors, epochs, seed):
        self.model = self.implicit.bpr.BayesianPersonalizedRanking(
            factors=factors, iterations=epochs, random_state=seed, num_threads=2,
            learning_rate=0.01, regularization=0.01, verify_negative_samples=True,
        )  # fmt: skip
        start = time.perf_counter()
        self.model.fit(self.matrix, show_progress=False)
        return [(time.perf_counter() - start) / epochs]

    def lists(self):
        users = np.arange(self.matrix.shape[0])
        return self.model.recommend(users, self.matrix, N=10, filter_already_liked_items=True)[0]

    def vectors(self):
        return self.model.user_factors, self.model.item_factors, 0


def main(side, data):
    """Serve jobs until stdin ends."""
    with np.load(data) as log:
        contestant = side(log["user"], log["item"], tuple(log["shape"].tolist()))
    print(json.dumps({"version": contestant.version}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        what = job.pop("what")
        save = job.pop("save", None)
        if what == "lists":
            start = time.perf_counter()
            contestant.lists()
            seconds = time.perf_counter() - start
        else:
            seconds = float(np.median(getattr(contestant, what)(**job)))
        if save:
            users, items, bias = contestant.vectors()
            np.savez(save, users=users, items=items, bias=bias)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main({"tastemap": Tastemap, "implicit": Implicit}[sys.argv[1]], sys.argv[2])

"""One contestant of the tables about metrics, in an interpreter of its own (see contest.serve).

python judge.py tastemap|numpy|rectools|ranx|scikit-learn JUDGED.npz        (see logs.judged)
"""

import sys
import time
from importlib.metadata import version

import numpy as np
from contest import serve

NAMES = ("precision", "recall", "ndcg", "map_full", "mrr")
CUTS = (5, 10, 20)
ASKED = [f"{name}@{k}" for name in NAMES for k in CUTS]


class Judge:
    """A side: `build` makes its own kind of input once, `lists` measures."""

    def __init__(self, file):
        with np.load(file) as kept:
            self.all = {name: kept[name] for name in kept}
        self.few = len(self.all["lists"])

    def of(self, name, rows=None):
        """Some rows of an array, or of a ragged one (starts, items)."""
        rows = rows or self.few
        if name in self.all:
            return self.all[name][:rows]
        starts = self.all[f"{name}.starts"][: rows + 1]
        return starts, self.all[f"{name}.items"][: starts[-1]]

    def pairs(self, name, rows=None):
        """A ragged array as two columns."""
        starts, items = self.of(name, rows)
        return np.repeat(np.arange(len(starts) - 1), np.diff(starts)), items

    def build(self, rows=None):
        start = time.perf_counter()
        self.input = self.make(rows)
        return {"seconds": time.perf_counter() - start}

    def lists(self):
        start = time.perf_counter()
        values = self.measure(self.input)
        return {"seconds": time.perf_counter() - start, "values": values}


class Tastemap(Judge):
    def ragged(self, name, rows=None):
        import tastemap as tm

        starts, items = self.of(name, rows)
        user = np.full(len(starts) - 1, -1, dtype=np.int32)
        return tm.Histories(user, starts, items, np.ones(len(items), dtype=np.float32))

    def make(self, rows):
        return self.of("lists", rows), self.ragged("truth", rows)

    def measure(self, given):
        from tastemap.metrics.evaluate import evaluate_lists
        from tastemap.recommend import Ranking

        found = evaluate_lists(Ranking.of(*given), ASKED)
        return {name: found[name].mean for name in ASKED}

    def asked(self, rows):
        """Histories, and what a factor model scores them by: known users by their row number."""
        import tastemap as tm
        from tastemap.kernels.product import panels, product

        seen = self.ragged("seen", rows)
        who = np.arange(len(seen), dtype=np.int32)
        known = tm.Histories(who, seen.starts, seen.items, seen.weight)
        users, items = self.all["users"], self.all["items"]
        laid = panels(items)
        return known, lambda some: product(users[some.user], laid, len(items))

    def auc(self, rows):
        """Exact AUC of each user, from vectors; scoring included."""
        from tastemap.metrics.evaluate import evaluate_histories

        histories, score = self.asked(rows)
        truth, n_items = self.ragged("truth", rows), len(self.all["items"])
        start = time.perf_counter()
        found = evaluate_histories(score, histories, truth, n_items, ["auc"])
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "rows": len(truth), "values": found.per_user["auc"].tolist()}

    def evaluation(self, rows=None, auc=True):
        """Twelve metrics at three cut-offs, and the exact AUC of each user."""
        from tastemap.metrics.catalogue import CATALOGUE, Audience
        from tastemap.metrics.evaluate import evaluate_histories
        from tastemap.metrics.ranking import TOPK

        histories, score = self.asked(rows)
        truth, n_items = self.ragged("truth", rows), len(self.all["items"])
        counts = np.bincount(histories.items, minlength=n_items)
        audience = Audience(counts, len(histories))
        twelve = [*TOPK, *CATALOGUE][:12]
        names = [f"{name}@{k}" for name in twelve for k in CUTS] + ["auc"] * auc
        start = time.perf_counter()
        evaluate_histories(score, histories, truth, n_items, names, audience=audience)
        return {"seconds": time.perf_counter() - start, "metrics": len(names)}

    def scoring(self, rows=None, block=512):
        """All scores, a block of users at a time, into the same memory: what cannot be avoided."""
        users, turned = self.of("users", rows), np.ascontiguousarray(self.all["items"].T)
        out = np.empty((block, turned.shape[1]), dtype=np.float32)
        start = time.perf_counter()
        for first in range(0, len(users), block):
            part = users[first : first + block]
            np.matmul(part, turned, out=out[: len(part)])
        return {"seconds": time.perf_counter() - start}


class NumPy(Judge):
    def make(self, rows):
        return self.of("lists", rows), *self.of("truth", rows)

    def measure(self, given):
        from numpy_metrics import metrics

        return metrics(*given)


class RecTools(Judge):
    def make(self, rows):
        import pandas as pd

        lists = self.of("lists", rows)
        users, k = lists.shape
        listed = {
            "user_id": np.repeat(np.arange(users), k),
            "item_id": lists.ravel(),
            "rank": np.tile(np.arange(1, k + 1), users),
        }
        user, item = self.pairs("truth", rows)
        return pd.DataFrame(listed), pd.DataFrame({"user_id": user, "item_id": item})

    def measure(self, given):
        from rectools.metrics import MAP, MRR, NDCG, Precision, Recall, calc_metrics

        made = {}
        for k in CUTS:
            made[f"precision@{k}"] = Precision(k=k)
            made[f"recall@{k}"] = Recall(k=k)
            made[f"ndcg@{k}"] = NDCG(k=k, divide_by_achievable=True)
            made[f"map_full@{k}"] = MAP(k=k)
            made[f"mrr@{k}"] = MRR(k=k)
        return {name: float(value) for name, value in calc_metrics(made, *given).items()}


class Ranx(Judge):
    def make(self, rows):
        from ranx import Qrels, Run

        lists = self.of("lists", rows).tolist()
        # A list's order is told by falling scores.
        run = {
            str(user): {str(item): float(-place) for place, item in enumerate(row)}
            for user, row in enumerate(lists)
        }
        starts, items = self.of("truth", rows)
        starts, items = starts.tolist(), items.tolist()
        truth = {
            str(user): dict.fromkeys(map(str, items[starts[user] : starts[user + 1]]), 1)
            for user in range(len(lists))
        }
        return Qrels(truth), Run(run)

    def measure(self, given):
        from ranx import evaluate

        theirs = {name: name.replace("map_full", "map") for name in ASKED}
        found = evaluate(*given, list(theirs.values()), make_comparable=False, threads=2)
        return {name: float(found[theirs[name]]) for name in ASKED}


class ScikitLearn(Judge):
    def auc(self, rows):
        """roc_auc_score of one user after the other; scoring included."""
        from sklearn.metrics import roc_auc_score

        users, turned = self.of("users", rows), np.ascontiguousarray(self.all["items"].T)
        seen, truth = self.of("seen", rows), self.of("truth", rows)
        values = []
        start = time.perf_counter()
        for user, vector in enumerate(users):
            relevant = np.zeros(turned.shape[1], dtype=bool)
            relevant[truth[1][truth[0][user] : truth[0][user + 1]]] = True
            asked = np.ones(turned.shape[1], dtype=bool)
            asked[seen[1][seen[0][user] : seen[0][user + 1]]] = False
            values.append(float(roc_auc_score(relevant[asked], (vector @ turned)[asked])))
        return {"seconds": time.perf_counter() - start, "rows": len(users), "values": values}


SIDES = {
    "tastemap": (Tastemap, "tastemap"),
    "numpy": (NumPy, "numpy"),
    "rectools": (RecTools, "rectools"),
    "ranx": (Ranx, "ranx"),
    "scikit-learn": (ScikitLearn, "scikit-learn"),
}

if __name__ == "__main__":
    side, package = SIDES[sys.argv[1]]
    serve(side(sys.argv[2]), f"{package} {version(package)}")

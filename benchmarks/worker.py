"""One contestant of the tables about models, in an interpreter of its own (see contest.serve).

python worker.py tastemap|implicit TRAIN.npz
"""

import ctypes
import gc
import time

import numpy as np
from contest import THREADS, serve
from scipy.sparse import csr_matrix

K = 10


class Contestant:
    """What both sides do alike: a job is a fit or lists, timed; vectors are saved on demand."""

    def __init__(self, file):
        with np.load(file) as log:
            self.user, self.item = log["user"], log["item"]
            self.shape = tuple(log["shape"].tolist())
        self.full = self.log_of(len(self.user), self.shape)
        few = int(np.searchsorted(self.user, 200))  # warms everything up in no time
        self.tiny = self.log_of(few, (200, self.shape[1]))

    def fit(self, model, warm=False, save=None, **settings):
        """Fit and report seconds of an epoch (median) and of the whole."""
        log = self.tiny if warm else self.full
        start = time.perf_counter()
        epochs = getattr(self, model)(log, **settings)
        whole = time.perf_counter() - start
        if save:
            users, items, bias = self.vectors()
            np.savez(save, users=users, items=items, bias=bias)
        return {"seconds": float(np.median(epochs or [whole / settings["epochs"]])), "fit": whole}

    def lists(self, rows=None):
        """Lists for all users, or some."""
        start = time.perf_counter()
        self.top(np.arange(rows or self.shape[0]))
        return {"seconds": time.perf_counter() - start}

    def memory(self, model, **settings):
        """Bytes that a fit adds, at its highest, to what the process held with the log loaded."""
        self.fit(model, warm=True, **settings | {"epochs": 1})
        self.model = None
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        before = _status("VmRSS")
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the highest mark starts again from here
        self.fit(model, **settings)
        peak = _status("VmHWM")
        return {"added": peak - before, "before": before, "peak": peak}


class Tastemap(Contestant):
    def __init__(self, file):
        import tastemap as tm

        self.tm = tm
        self.name = f"tastemap {tm.__version__}"
        super().__init__(file)

    def log_of(self, n, shape):
        return self.tm.Interactions(
            user=self.user[:n],
            item=self.item[:n],
            weight=np.ones(n, dtype=np.float32),
            time=None,
            users=self.tm.Vocabulary(np.arange(shape[0])),
            items=self.tm.Vocabulary(np.arange(shape[1])),
        )

    def als(self, log, seed=0, ials=False, **settings):
        settings |= {"alpha0": 0.1, "reg_power": 1} if ials else {"alpha0": None, "reg_power": 0}
        return self._fit(self.tm.ALS(**settings), log, seed)

    def bpr(self, log, reg, seed=0, popularity_power=1.0, **settings):
        settings |= {"reg_user": reg, "reg_liked": reg, "reg_other": reg}
        settings |= {"popularity_power": popularity_power}
        return self._fit(self.tm.BPR(**settings), log, seed)

    def _fit(self, recipe, log, seed):
        self.model = recipe.fit(log, seed=seed)
        return [epoch.seconds for epoch in self.model.log.epochs]

    def top(self, users):
        from tastemap.recommend import top_items

        return top_items(self.model.score, self.full.histories(users), self.shape[1], K)

    def product(self, rows):
        """The bare matrix product of all users and all items, so many rows at a time."""
        users, items, _ = self.vectors()
        turned = np.ascontiguousarray(items.T)
        out = np.empty((rows, len(items)), dtype=np.float32)
        start = time.perf_counter()
        for first in range(0, len(users), rows):
            part = users[first : first + rows]
            np.matmul(part, turned, out=out[: len(part)])
        return {"seconds": time.perf_counter() - start}

    def vectors(self):
        bias = self.model.item_bias
        return self.model.user_vectors, self.model.item_vectors, 0 if bias is None else bias


class Implicit(Contestant):
    def __init__(self, file):
        import implicit

        self.implicit = implicit
        self.name = f"implicit {implicit.__version__}"
        super().__init__(file)

    def log_of(self, n, shape):
        ones = np.ones(n, dtype=np.float32)
        return csr_matrix((ones, (self.user[:n], self.item[:n])), shape=shape)

    def als(self, log, factors, epochs, alpha, reg, solver, seed=0):
        # Its weight of an observed pair is alpha, tastemap's 1 + alpha.
        self.model = self.implicit.als.AlternatingLeastSquares(
            factors=factors, alpha=alpha + 1, regularization=reg, iterations=epochs,
            use_cg=solver == "cg", random_state=seed, num_threads=THREADS,
        )  # fmt: skip
        return self._fit(log)

    def bpr(self, log, factors, epochs, learning_rate, reg, seed=0):
        self.model = self.implicit.bpr.BayesianPersonalizedRanking(
            factors=factors, learning_rate=learning_rate, regularization=reg, iterations=epochs,
            verify_negative_samples=True, random_state=seed, num_threads=THREADS,
        )  # fmt: skip
        return self._fit(log)

    def _fit(self, log):
        seconds = []
        self.model.fit(
            log, show_progress=False, callback=lambda _, took, *rest: seconds.append(took)
        )
        return seconds

    def top(self, users):
        return self.model.recommend(users, self.full[users], N=K, filter_already_liked_items=True)

    def vectors(self):
        return self.model.user_factors, self.model.item_factors, 0


def _status(name):
    """A line of this process's memory figures, in bytes."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


if __name__ == "__main__":
    import sys

    contestant = {"tastemap": Tastemap, "implicit": Implicit}[sys.argv[1]](sys.argv[2])
    serve(contestant, contestant.name)

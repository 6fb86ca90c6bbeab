"""One contestant of the table about sequence models (see contest.serve).

python sequence_worker.py tastemap|rectools-torch TRAIN.npz
"""

import sys
import time
from pathlib import Path

import numpy as np
from contest import THREADS, serve

K = 10
HIDDEN, BLOCKS, HEADS, RATE, DROPOUT = 64, 2, 2, 1e-3, 0.2


def peak() -> int:
    """The highest memory of this process since `reset`, in bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def reset() -> None:
    """Let the highest mark start again from here."""
    Path("/proc/self/clear_refs").write_text("5")


class Contestant:
    """A job is a fit; lists for all users follow it and are saved on demand."""

    def __init__(self, file):
        with np.load(file) as log:
            self.user, self.item, self.items = log["user"], log["item"], int(log["items"])

    def fit(self, epochs, save=None, **settings):
        """Seconds of an epoch (the median, the first left out), memory, seconds of all lists.

        And of those of a factor model of the same size, where a side has one.
        """
        reset()
        seconds = self.train(epochs, **settings)
        memory = peak()
        self.lists()
        start = time.perf_counter()
        lists = self.lists()
        found = {"lists": time.perf_counter() - start, "memory": memory, **self.beside()}
        if save:
            np.save(save, lists)
        return found | {"seconds": float(np.median(seconds[1:] or seconds))}

    def beside(self):
        """What else is measured."""
        return {}


class Tastemap(Contestant):
    def __init__(self, file):
        import tastemap as tm

        super().__init__(file)
        self.tm, self.name = tm, f"tastemap {tm.__version__}"
        self.log = tm.Interactions(
            user=self.user,
            item=self.item,
            weight=np.ones(len(self.user), dtype=np.float32),
            time=None,
            users=tm.Vocabulary(np.arange(self.user.max() + 1)),
            items=tm.Vocabulary(np.arange(self.items)),
        )

    def train(self, epochs, loss, max_len, batch_size):
        from tastemap.neural.sasrec import SASRec

        recipe = SASRec(
            factors=HIDDEN,
            blocks=BLOCKS,
            heads=HEADS,
            max_len=max_len,
            dropout=DROPOUT,
            feed_forward="relu",
            expansion=1,
            loss=loss,
            negatives=1 if loss == "bce" else 0,
            shared=False,
            batch_size=batch_size,
            learning_rate=RATE,
            epochs=epochs,
            patience=0,
        )
        self.model = recipe.fit(self.log, seed=1)
        return [epoch.seconds for epoch in self.model.log.epochs]

    def lists(self, model=None, histories=None):
        from tastemap.recommend import top_items

        asked = self.log.histories() if histories is None else histories
        return top_items((model or self.model).score, asked, self.items, K)[0]

    def beside(self):
        model = self.tm.ALS(factors=HIDDEN, epochs=1).fit(self.log, seed=1)
        self.lists(model)
        start = time.perf_counter()
        self.lists(model)
        middle = time.perf_counter()
        self.lists(histories=self.log.histories().as_strangers())
        return {"factor lists": middle - start, "read anew": time.perf_counter() - middle}


class RecTools(Contestant):
    def __init__(self, file):
        import logging
        import warnings
        from importlib.metadata import version

        import pandas as pd
        import torch
        from rectools import Columns
        from rectools.dataset import Dataset

        warnings.simplefilter("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        torch.set_num_threads(THREADS)
        super().__init__(file)
        self.name = f"RecTools {version('rectools')}, torch {version('torch')}"
        frame = pd.DataFrame(
            {Columns.User: self.user, Columns.Item: self.item, Columns.Weight: 1.0}
        )
        # A second for each event keeps the order of the rows.
        moments = np.arange(len(frame)).astype("datetime64[s]")
        frame[Columns.Datetime] = moments.astype("datetime64[ns]")
        self.data = Dataset.construct(frame)

    def train(self, epochs, loss, max_len, batch_size):
        from pytorch_lightning import Callback, Trainer
        from rectools.models import SASRecModel

        seconds = []

        class Clock(Callback):
            def on_train_epoch_start(self, *_):
                self.start = time.perf_counter()

            def on_train_epoch_end(self, *_):
                seconds.append(time.perf_counter() - self.start)

        def trainer():
            return Trainer(
                accelerator="cpu",
                max_epochs=epochs,
                min_epochs=epochs,
                enable_progress_bar=False,
                enable_model_summary=False,
                enable_checkpointing=False,
                logger=False,
                callbacks=[Clock()],
            )

        self.model = SASRecModel(
            n_blocks=BLOCKS,
            n_heads=HEADS,
            n_factors=HIDDEN,
            dropout_rate=DROPOUT,
            session_max_len=max_len,
            loss={"softmax": "softmax", "bce": "BCE"}[loss],
            n_negatives=1,
            lr=RATE,
            batch_size=batch_size,
            epochs=epochs,
            get_trainer_func=trainer,
        )
        self.model.fit(self.data)
        return seconds

    def lists(self):
        from rectools import Columns

        users = np.arange(self.user.max() + 1)
        found = self.model.recommend(users, self.data, k=K, filter_viewed=True)
        lists = np.full((len(users), K), -1, dtype=np.int32)
        lists[found[Columns.User], found[Columns.Rank] - 1] = found[Columns.Item]
        return lists


SIDES = {"tastemap": Tastemap, "rectools-torch": RecTools}

if __name__ == "__main__":
    contestant = SIDES[sys.argv[1]](sys.argv[2])
    serve(contestant, contestant.name)

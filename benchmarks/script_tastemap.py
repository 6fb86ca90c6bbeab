"""From a Parquet file to everybody's ten recommendations, with tastemap."""

import sys

import tastemap as tm

source, target, epochs = sys.argv[1:]
log = tm.read(source, quiet=True)
model = tm.ALS(
    factors=64, alpha=2, reg=0.01, alpha0=None, reg_power=0, epochs=int(epochs)
).fit(log, seed=1)  # fmt: skip
model.recommend(k=10).write(target)

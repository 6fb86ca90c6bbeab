"""From a Parquet file to everybody's ten recommendations, with pandas and implicit."""

import sys

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

source, target, epochs = sys.argv[1:]
log = pd.read_parquet(source, columns=["user", "item"]).drop_duplicates()
user, users = pd.factorize(log["user"])
item, items = pd.factorize(log["item"])
matrix = csr_matrix((np.ones(len(log), dtype=np.float32), (user, item)))
model = AlternatingLeastSquares(
    factors=64, alpha=3, regularization=0.01, iterations=int(epochs), random_state=1, num_threads=2
)
model.fit(matrix, show_progress=False)
codes, scores = model.recommend(np.arange(len(users)), matrix, N=10)
pd.DataFrame(
    {
        "user": np.repeat(users, 10),
        "rank": np.tile(np.arange(1, 11), len(users)),
        "item": items.to_numpy()[codes.ravel()],
        "score": scores.ravel(),
    }
).to_parquet(target)

"""One contestant of the table about maps, in an interpreter of its own (see contest.serve).

python layout.py tastemap|sklearn|bh|fft FOLDER                  (a saved model; see maps.py)
"""

import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from contest import THREADS, serve


class Tastemap:
    """A whole map: PCA, t-SNE, fidelity, shape, colours, health and the file."""

    def __init__(self, folder):
        import tastemap as tm

        self.model = tm.load(folder)

    def draw(self, to):
        from tastemap.maps.draw import item_map
        from tastemap.maps.health import health

        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            found = item_map(self.model, min_events=1)
            health(self.model, min_events=1)
            found.save(Path(folder) / "map.html")
            seconds = time.perf_counter() - start
        np.save(to, next(one.xy for one in found.layouts if one.name == "t-SNE"))
        return {"seconds": seconds}

    def pca(self, n, d):
        from tastemap.maps.pca import pca

        vectors = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
        start = time.perf_counter()
        pca(vectors)
        return {"seconds": time.perf_counter() - start}


class Rival:
    """A layout alone, of the same vectors by the same likeness, with its own defaults."""

    def __init__(self, folder):
        import tastemap as tm

        self.vectors = tm.load(folder).item_vectors

    def draw(self, to):
        fit = self.layout()
        start = time.perf_counter()
        xy = fit(self.vectors)
        seconds = time.perf_counter() - start
        np.save(to, np.asarray(xy, dtype=np.float32))
        return {"seconds": seconds}


class Sklearn(Rival):
    def layout(self):
        from sklearn.manifold import TSNE

        return TSNE(metric="cosine", init="pca", n_jobs=THREADS, random_state=0).fit_transform


class BarnesHut(Rival):
    method = "bh"

    def layout(self):
        from openTSNE import TSNE

        options = {"metric": "cosine", "n_jobs": THREADS, "random_state": 0}
        return TSNE(negative_gradient_method=self.method, **options).fit


class Interpolation(BarnesHut):
    method = "fft"


SIDES = {
    "tastemap": (Tastemap, "tastemap"),
    "sklearn": (Sklearn, "scikit-learn"),
    "bh": (BarnesHut, "openTSNE"),
    "fft": (Interpolation, "openTSNE"),
}

if __name__ == "__main__":
    side, package = SIDES[sys.argv[1]]
    serve(side(sys.argv[2]), f"{package} {version(package)}")

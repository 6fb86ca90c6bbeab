"""Quality on MovieLens-100K in the Microsoft Recommenders protocol, written to docs/quality.md.

    python benchmarks/quality.py            about two minutes on two cores

75 % of each item's ratings train, 25 % test (seed 42, their stratified splitter); every rating
counts as relevant; all items are ranked, those of the training part removed; k = 10.
Hyper-parameters are chosen by nDCG@10 on an inner split of the training part, made by the same
splitter, and the test part is looked at once, by the recipe that was chosen.
"""

import argparse
import itertools
import platform
import sys
import time
from dataclasses import replace

import quality_page

import tastemap as tm
from tastemap.environment import environment

METRICS = ["ndcg@10", "map_full@10", "precision@10", "recall@10", "auc"]
SECTION = "MovieLens-100K, Microsoft Recommenders protocol"
HEADINGS = [
    *("recipe", "nDCG@10", "MAP (full)", "precision@10", "recall@10", "AUC"),
    *("tried", "fit", "chosen"),
]


def grid(recipe: tm.Recipe, **values: list) -> list[tm.Recipe]:
    """The recipe with every combination of these values."""
    names = list(values)
    combinations = itertools.product(*values.values())
    return [replace(recipe, **dict(zip(names, one, strict=True))) for one in combinations]


GRIDS = [
    [tm.Random()],
    [tm.Popularity()],
    grid(
        tm.ItemKNN(),
        neighbours=[50, 100, 200, 400],
        weighting=["cosine", "tfidf", "bm25"],
        shrink=[0.0, 10.0, 50.0],
    ),
    grid(tm.RP3beta(), alpha=[0.8, 1.0, 1.2], beta=[0.0, 0.2, 0.4, 0.6], neighbours=[100, 400]),
    grid(tm.SVD(), factors=[8, 12, 16, 24, 32]),
    grid(tm.EASE(), reg=[100.0, 200.0, 300.0, 400.0, 500.0, 700.0, 1000.0]),
    grid(
        tm.ALS(alpha0=None, reg_power=0.0),
        factors=[16, 24, 32, 48, 64],
        alpha=[2.0, 4.0, 8.0],
        reg=[20.0, 40.0, 80.0],
    ),
    grid(
        tm.BPR(learning_rate=0.02),
        factors=[64, 128],
        reg_user=[0.03, 0.08],
        reg_liked=[0.001, 0.003],
        reg_other=[0.03, 0.05, 0.08],
        epochs=[200, 300],
    ),
]

PUBLISHED = """\
Published on the same protocol (README and benchmark notebook of Microsoft Recommenders): BiVAE
.4751 nDCG@10 / .1461 MAP, BPR of Cornac .4450 / .1340, LightGCN .4198 / .0885, NCF .3961 / .1077,
SAR .3938 / .1140. Their MAP divides by all relevant items (`map_full@10` here)."""


def main() -> None:
    """Choose, judge, print, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    log = tm.datasets.load("ml-100k")
    outer = tm.random_split(log, test=0.25, by="item", seed=42, variant="microsoft")
    inner = tm.random_split(outer.train, test=0.25, by="item", seed=42, variant="microsoft")
    rows = [row(recipes, inner, outer) for recipes in GRIDS]
    rows.sort(key=lambda found: -found[0])
    facts = environment()
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    about = f"""\
Written by `python benchmarks/quality.py`. {" ".join(__doc__.split("cores")[1].split())}
Train {len(outer.train):,} events, test {len(outer.test):,}, fitted with seed 42; ± is one standard
error over the test users. Seconds are for one fit of the chosen recipe. {PUBLISHED}

{facts["cores"]} cores, Python {platform.python_version()}, {libraries}."""
    quality_page.replace(SECTION, about, HEADINGS, [cells for _, cells in rows])


def row(recipes: list[tm.Recipe], inner: tm.Split, outer: tm.Split) -> tuple[float, list[str]]:
    """Choose among recipes on the inner split, judge the chosen one on the outer: a table row."""
    tried = []
    for recipe in recipes:
        found = tm.evaluate(recipe.fit(inner.train, seed=42), inner, ["ndcg@10"])
        tried.append((found["ndcg@10"].mean, recipe))
    chosen = max(tried, key=lambda one: one[0])[1]
    start = time.perf_counter()
    model = chosen.fit(outer.train, seed=42)
    seconds = time.perf_counter() - start
    found = tm.evaluate(model, outer, METRICS)
    values = [str(found[metric]) for metric in METRICS]
    settings = ", ".join(
        f"{name}={value}" for name, value in chosen.fields().items() if name in changed(recipes)
    )
    cells = [chosen.name, *values, str(len(recipes)), f"{seconds:.2f} s", settings]
    sys.stderr.write(f"{cells}\n")
    return found["ndcg@10"].mean, cells


def changed(recipes: list[tm.Recipe]) -> set[str]:
    """Names of the hyper-parameters that differ within a grid, or from the defaults."""
    plain = type(recipes[0])().fields()
    return {n for r in recipes for n, value in r.fields().items() if value != plain[n]} | {
        n for n in plain if len({repr(r.fields()[n]) for r in recipes}) > 1
    }


if __name__ == "__main__":
    main()

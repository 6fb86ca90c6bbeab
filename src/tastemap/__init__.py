"""From an interaction log to recommendations that can be trusted, explained and looked at.

A recipe turns interactions into a model; a model turns histories into scores; everything else is
a function of those. `import tastemap` loads nothing but this table of names.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tastemap.data import datasets as datasets
    from tastemap.data import synthetic as synthetic

__version__ = "0.1.0"

_HOME = {
    "tastemap.data.interactions": ["Interactions", "Histories", "Vocabulary", "ItemTable"],
    "tastemap.data.table": ["Table"],
    "tastemap.data.read": ["read"],
    "tastemap.data.passport": ["describe"],
    "tastemap.data.prepare": ["k_core"],
    "tastemap.data.repeats": ["dedupe", "positives"],
    "tastemap.data.splits": [
        "Split",
        "leave_last_out",
        "split_by_time",
        "random_split",
        "holdout_users",
        "k_fold",
    ],
    "tastemap.data.windows": ["rolling_windows"],
    "tastemap.kernels.jit": ["threads"],
    "tastemap.seeding": ["seed_everything", "stream"],
    "tastemap.training": ["Convergence", "Epoch", "TrainingLog"],
    "tastemap.contracts": ["Recipe", "Model", "HasVectors"],
    "tastemap.models": [
        "RECIPES",
        "Random",
        "Popularity",
        "ItemKNN",
        "RP3beta",
        "EASE",
        "SVD",
        "ALS",
        "BPR",
        "TwoStage",
        "Lambdarank",
        "Ensemble",
        "load",
    ],
    "tastemap.neural.ncf": ["MF", "GMF", "MLP", "NeuMF"],
    "tastemap.neural.sasrec": ["SASRec", "gsasrec", "esasrec", "hstu", "bsarec"],
    "tastemap.metrics.evaluate": ["evaluate", "Evaluation"],
    "tastemap.metrics.compare": ["compare", "minimum_detectable_effect"],
    "tastemap.metrics.slices": ["slices"],
    "tastemap.metrics.beyond": ["beyond_accuracy"],
    "tastemap.metrics.sampled": ["evaluate_sampled"],
    "tastemap.metrics.conventions": ["measure"],
    "tastemap.metrics.two_stage": ["two_stage_report"],
    "tastemap.maps.health": ["health"],
    "tastemap.maps.stability": ["stability"],
    "tastemap.maps.pca": ["pca"],
    "tastemap.maps.draw": ["item_map"],
    "tastemap.maps.travel": ["with_users"],
    "tastemap.maps.align": ["compare_maps"],
    "tastemap.maps.sweep": ["perplexity_sweep"],
    "tastemap.runs": ["Run", "execute"],
    "tastemap.diagnosis": ["check", "diagnose"],
    "tastemap.diagnosis.learning": ["learning_curve"],
    "tastemap.report.build": ["build_report"],
    "tastemap.report.render": ["save_report"],
    "tastemap.report.compare": ["compare_reports"],
    "tastemap.errors": ["InputError", "UsageError", "MissingExtra"],
}
_MODULES = {
    "datasets": "tastemap.data.datasets",
    "synthetic": "tastemap.data.synthetic",
    "pictures": "tastemap.report.pictures",
}
_NAMES = {name: module for module, names in _HOME.items() for name in names}

__all__ = [*_NAMES, *_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'tastemap' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

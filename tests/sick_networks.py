"""Networks that really are broken, and healthy ones (see sick.py)."""

from typing import Any

import damage
from sick_case import Case, healthy
from tastemap.neural.ncf import GMF, MF, NeuMF
from tastemap.neural.sasrec import SASRec, bsarec


def sequential(**changed: Any) -> SASRec:
    """A small transformer that learns the chain within seconds."""
    return SASRec(**{"factors": 16, "blocks": 1, "max_len": 20, "epochs": 12} | changed)


DISEASES = (
    Case(
        "SASRec: learning rate / 10,000",
        lambda: damage.run_of(sequential(learning_rate=1e-7), damage.chain()),
        ("M403",),
    ),
    Case(
        "SASRec: learning rate x 1000",
        lambda: damage.run_of(sequential(learning_rate=1.0), damage.chain()),
        ("M403",),
    ),
    Case(
        "gSASRec: stopped after 2 steps",
        lambda: damage.run_of(
            sequential(loss="gbce", negatives=16, epochs=1, patience=0), damage.chain()
        ),
        ("M403",),
    ),
    Case(
        "NeuMF: learning rate / 1000",
        lambda: damage.run_of(NeuMF(factors=16, epochs=15, learning_rate=5e-6), damage.crowd()),
        ("V501", "M403"),
    ),
    Case(
        "GMF: decay of weights x 10,000",
        lambda: damage.run_of(GMF(factors=16, epochs=15, reg=1000.0), damage.crowd()),
        ("V507", "M403"),
    ),
)

HEALTHY = (
    *(
        healthy(recipe(factors=16, epochs=60, learning_rate=0.01), damage.crowd)
        for recipe in (MF, GMF)
    ),
    healthy(NeuMF(factors=16, epochs=60, learning_rate=0.005), damage.crowd),
    *(
        Case(f"{name}, chain, seed 1", lambda recipe=recipe: damage.run_of(recipe, damage.chain()))
        for name, recipe in (
            ("SASRec", sequential()),
            ("BSARec", bsarec(factors=16, blocks=1, max_len=20, epochs=12)),
            (
                "gSASRec",
                sequential(
                    loss="gbce",
                    negatives=16,
                    batch_size=8,
                    learning_rate=5e-3,
                    epochs=60,
                    patience=0,
                ),
            ),
        )
    ),
)

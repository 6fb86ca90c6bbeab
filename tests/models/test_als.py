"""ALS against dense algebra: exact row solutions, a gradient of zero, the objective itself."""

from itertools import pairwise

import numpy as np
import pytest

from tastemap.data.interactions import Histories
from tastemap.models import ALS
from worlds import noise, withheld

OBJECTIVES = {
    "hu": ALS(factors=5, reg=0.7, alpha=3.0, alpha0=None, reg_power=0.0),
    "ials": ALS(factors=5, reg=0.02, alpha=1.0, alpha0=0.2, reg_power=1.0),
    "weighted": ALS(factors=5, reg=0.02, alpha=0.5, alpha0=0.2, reg_power=0.5, use_weights=True),
}


def objective(recipe, w, users, items):
    """The sum of the class docstring, pair by pair, in float64."""
    observed = w > 0
    score = users @ items.T
    if recipe.alpha0 is None:
        confidence = 1 + recipe.alpha * w
        total = (confidence * (observed - score) ** 2).sum()
        unobserved = 1.0
    else:
        unobserved = recipe.alpha0
        total = (recipe.alpha * w * (1 - score) ** 2)[observed].sum() + unobserved * (
            score**2
        ).sum()
    for side, counts, others in (
        (users, observed.sum(1), w.shape[1]),
        (items, observed.sum(0), w.shape[0]),
    ):
        scale = recipe.reg * (counts + unobserved * others) ** recipe.reg_power
        total += (scale * (side**2).sum(1)).sum()
    return total


def world(recipe):
    log, _ = noise()
    w = log.matrix().toarray().astype(np.float64)
    if recipe.use_weights:
        weight = (1 + log.item % 4).astype(np.float32)
        log = type(log)(log.user, log.item, weight, log.time, log.users, log.items)
        w = log.matrix().toarray().astype(np.float64)
    return log, w


@pytest.mark.parametrize("recipe", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_after_the_last_half_step_the_gradient_of_the_items_is_zero(recipe, solver):
    log, w = world(recipe)
    model = ALS(**recipe.fields() | {"solver": solver, "cg_steps": 30, "epochs": 3}).fit(
        log, seed=1
    )
    users, items = model.user_vectors.astype(np.float64), model.item_vectors.astype(np.float64)
    rng = np.random.default_rng(0)
    here = objective(recipe, w, users, items)
    for _ in range(10):
        direction = rng.normal(size=items.shape)
        direction /= np.linalg.norm(direction)
        ahead = objective(recipe, w, users, items + 1e-4 * direction)
        behind = objective(recipe, w, users, items - 1e-4 * direction)
        curvature = (ahead - 2 * here + behind) / 1e-8
        assert abs(ahead - behind) / 2e-4 < 2e-3 * curvature


@pytest.mark.parametrize("recipe", OBJECTIVES.values(), ids=OBJECTIVES)
def test_the_loss_shown_is_the_objective_per_event_and_never_rises(recipe):
    log, w = world(recipe)
    model = ALS(**recipe.fields() | {"show_loss": True, "solver": "cholesky"}).fit(log, seed=1)
    expected = objective(
        recipe, w, model.user_vectors.astype(float), model.item_vectors.astype(float)
    )
    curve = model.log.curve("loss")
    assert curve[-1] == pytest.approx(expected / len(log), rel=1e-5)
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(curve))


def test_a_stranger_with_a_known_history_gets_the_exact_vector_of_that_user():
    log, _ = noise()
    recipe = ALS(factors=6, solver="cholesky", epochs=30, alpha0=0.2, reg=0.02)
    model = recipe.fit(log, seed=1)
    folded = model.vectors(log.histories().as_strangers())
    x = log.matrix().toarray()
    y = model.item_vectors.astype(np.float64)
    reg = recipe.reg * (x.sum(1) + 0.2 * 80)
    for u in (0, 77):
        a = 0.2 * y.T @ y + (y.T * x[u]) @ y + reg[u] * np.eye(6)
        np.testing.assert_allclose(folded[u], np.linalg.solve(a, y.T @ x[u]), atol=1e-5)


@pytest.mark.parametrize("recipe", OBJECTIVES.values(), ids=OBJECTIVES)
def test_contributions_add_up_to_the_folded_in_score(recipe):
    log, _ = withheld()
    model = recipe.fit(log, seed=1)
    history = Histories.of_items([[3, 7, 8, 3]])  # an item twice
    parts = model.contributions(history, 5)
    assert parts.shape == (4,)
    assert parts.sum() == pytest.approx(float(model.score(history)[0, 5]), rel=1e-3)

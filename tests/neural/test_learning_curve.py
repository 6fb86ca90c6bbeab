"""The learning curve of networks: what stands on its training side."""

import numpy as np

import tastemap as tm
from tastemap.diagnosis.learning import learning_curve
from tastemap.neural.ncf import GMF
from tastemap.neural.sasrec import SASRec


def test_a_sequence_model_is_asked_on_both_sides_for_what_comes_next():
    split = tm.leave_last_out(tm.synthetic.markov_chain(seed=1))
    curve = learning_curve(SASRec(factors=16, blocks=1, epochs=12, patience=0), split, every=6)
    # In that world the next item follows from the last one: both sides rise together, far above
    # what the items of a whole history would reach, most of which do not come next.
    assert curve.epochs.tolist() == [6, 12]
    assert curve.train[-1] > 0.85
    assert curve.held_out[-1] > 0.85
    assert abs(curve.train[-1] - curve.held_out[-1]) < 0.1
    assert np.all(np.diff(curve.train) > 0)


def test_a_user_item_network_over_fits_on_noise_and_the_curve_shows_it():
    rng = np.random.default_rng(1)
    pairs = {(int(u), int(i)) for u, i in rng.integers(0, 40, (600, 2))}
    split = tm.random_split(tm.Interactions.of(sorted(pairs)), test=0.2, seed=1)
    recipe = GMF(factors=32, epochs=60, patience=0, batch_size=64, learning_rate=0.01)
    curve = learning_curve(recipe, split, every=60)
    assert curve.train[-1] > 0.9
    assert curve.held_out[-1] < 0.65

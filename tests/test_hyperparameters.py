"""Recipes take NumPy's numbers and lists like plain ones, and refuse other kinds when made."""

import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from tastemap import Recipe, UsageError

ODD = {
    "ALS(factors=64.0)": "factors: a whole number",
    "ALS(factors=None)": "factors: a whole number",
    "ALS(reg='1')": "reg: a finite number",
    "ALS(alpha0=inf)": "alpha0: None, or a finite number",
    "SASRec(epochs=100.0)": "epochs: a whole number",
    "NeuMF(layers=(8.0, 4))": "layers: a tuple of whole numbers",
    "Lambdarank(trees=9.5)": "trees: a whole number",
    "Lambdarank(others=7)": "others: a tuple of recipes",
    "Ensemble(weights=2)": "weights: None, or a tuple of finite numbers",
    "Popularity().fit(log, seed=1.5)": "a whole number from 0 on",
}
"""Python that must be refused, and what the message calls allowed."""

PLAIN = """
import json, sys
from math import inf
import numpy as np
import tastemap as tm
from tastemap.models import ALS, Ensemble, Popularity
from tastemap.models.lambdarank import Lambdarank
from tastemap.models.nested import written
from tastemap.neural import SASRec, NeuMF

def of_numpy(value):
    if isinstance(value, tuple):
        plain = any(isinstance(one, tm.Recipe) for one in value)
        return list(value) if plain else np.array(value)
    kind = {int: np.int64, float: np.float64, bool: np.bool_}.get(type(value))
    return value if kind is None else kind(value)

odd, folder = json.loads(sys.argv[1]), sys.argv[2]
for kind in tm.RECIPES.values():
    recipe = kind()
    again = kind(**{name: of_numpy(value) for name, value in recipe.fields().items()})
    assert again == recipe
    assert repr(again) == repr(recipe)  # np.int64(8) is equal to 8, and printed otherwise
    assert json.dumps(written(again)) == json.dumps(written(recipe))
log = tm.synthetic.taste_groups(users=40, items=20, seed=1)
factors = np.int64(4), np.float32(0.5), np.True_
model = tm.ALS(factors[0], reg=factors[1], use_weights=factors[2]).fit(log)
assert tm.load(model.save(folder)).recipe == tm.ALS(4, reg=0.5, use_weights=True)
said = {}
for code in odd:
    try:
        eval(code)
    except tm.UsageError as error:
        said[code] = [error.given, error.allowed]
print(json.dumps(said))
"""


def test_numbers_of_numpy_s_are_like_plain_ones_and_other_kinds_are_refused(tmp_path):
    # In a process of its own, whose arguments nobody else checks.
    command = [sys.executable, "-c", PLAIN]
    asked = [*command, json.dumps(list(ODD)), str(tmp_path / "model")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {code: allowed for code, (_, allowed) in said.items()} == ODD
    for code, (given, _) in said.items():
        assert given == ("seed 1.5" if "seed" in code else code)


@dataclass(frozen=True)
class Own(Recipe):
    """A recipe that somebody else wrote, with no check of its own."""

    n: int = 1
    x: float | None = None
    widths: tuple[int, ...] = ()
    anything: object = None

    def fit(self, train, *, seed=7, monitor=None):
        return seed


def test_recipes_that_others_write_are_settled_too():
    one = Own(np.int8(3), np.float32(0.5), [np.int64(2)], np.float64(1.5))
    assert repr(one) == "Own(n=3, x=0.5, widths=(2,), anything=1.5)"
    assert repr(Own(x=2)) == "Own(n=1, x=2, widths=(), anything=None)"
    with pytest.raises(UsageError, match=r"Own\(n=1.5\)\n.*n: a whole number"):
        Own(1.5)
    found = one.fit(None, seed=np.int64(4))
    assert (found, type(found)) == (4, int)
    assert one.fit(None) == 7

"""Release years, read from titles such as "Toy Story (1995)"."""

import re

import numpy as np

from tastemap.shapes import Float32

YEAR = re.compile(r"\((1[89][0-9]{2}|20[0-9]{2})\)")
"""Four digits from 1800 to 2099 in brackets of their own; of several the last one counts."""


def years_of(titles: np.ndarray) -> Float32[np.ndarray, " n"]:
    """The year in each of n titles; NaN where a title names none.

    >>> years_of(np.array(["Toy Story (1995)", "2001 (1968)", "Tea"], dtype=object))
    array([1995., 1968.,   nan], dtype=float32)
    """
    found = (YEAR.findall(title) for title in titles)
    return np.array([float(years[-1]) if years else np.nan for years in found], dtype=np.float32)

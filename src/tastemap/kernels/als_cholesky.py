"""The systems of ALS (see `als.py`) solved exactly: A built, factorised, solved.

One row of the log at a time on each thread. `symmetric.py` builds A, LAPACK and BLAS solve: numba's
own `np.linalg.cholesky` copies.
"""

import numpy as np
from llvmlite import binding
from numba import types
from numba.extending import get_cython_function_address

from tastemap.kernels.als import PARTS, Side, gather, gram
from tastemap.kernels.jit import serial
from tastemap.kernels.symmetric import add_products, whole_panels
from tastemap.kernels.workers import deal
from tastemap.shapes import Float32


def _fortran(module: str, name: str, arguments: int) -> types.ExternalFunction:
    """A routine of SciPy's BLAS or LAPACK; each argument is an address.

    Kernels refer to it by its name, not its address: so machine code that was kept in a file is
    still right in the next process.
    """
    symbol = f"tastemap_{name}"
    binding.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.{module}", name))
    return types.ExternalFunction(symbol, types.void(*[types.intp] * arguments))


_spotrf = _fortran("cython_lapack", "spotrf", 5)
_strsv = _fortran("cython_blas", "strsv", 8)

STRIP = 4096
"""So many events are added to A at a time: longer rows are walked through in strips, so that the
room for their vectors stays small."""

_WORDS = np.frombuffer(b"LNT", dtype=np.uint8).copy()
"""What the routines are asked for: the lower triangle; a matrix as it is, or turned."""


def solve_cholesky(
    side: Side,
    weights: tuple[float, float, float],
    fixed: Float32[np.ndarray, "columns d"],
    rows: Float32[np.ndarray, "rows d"],
) -> None:
    """Overwrite `rows` with the exact solutions; `weights` are as in `solve_cg`."""
    alpha, base, unobserved = weights
    d = fixed.shape[1]
    width = whole_panels(d)
    g = np.zeros((width, width), dtype=np.float32)
    g[:d, :d] = np.float32(unobserved) * gram(fixed)
    scalars = (np.float32(alpha), np.float32(base), g)
    deal(lambda part: _cholesky_part(part, *side, *scalars, fixed, rows, _WORDS), range(PARTS))


@serial
def _cholesky_part(part, starts, items, weights, order, reg, alpha, base, g, fixed, rows, words):  # type: ignore[no-untyped-def]
    """Every PARTS-th row of `order`, from `part` on; rows are listed longest first."""
    d, width = fixed.shape[1], g.shape[1]
    longest = starts[order[part] + 1] - starts[order[part]] if part < len(order) else 0
    block = np.zeros((min(longest, STRIP), width), dtype=np.float32)  # 0 to the right of d
    target = np.full(min(longest, STRIP), alpha + base, dtype=np.float32)
    a = np.empty((width, width), dtype=np.float32)
    scale = alpha if len(weights) == 0 else np.float32(1)
    for place in range(part, len(order), PARTS):
        u = order[place]
        x = rows[u]
        x[:] = 0
        if starts[u] == starts[u + 1]:
            continue
        built = g
        for first in range(starts[u], starts[u + 1], STRIP):
            n = min(STRIP, starts[u + 1] - first)
            used = block[:n]
            gather(fixed, items[first : first + n], used)
            if len(weights) > 0:
                for e in range(n):
                    target[e] = alpha * weights[first + e] + base
            _add_scaled(target[:n], used, x)
            if len(weights) > 0:
                for e in range(n):
                    root = np.sqrt(alpha * weights[first + e])
                    for f in range(d):
                        used[e, f] *= root
            add_products(scale, used, built, a)
            built = a
        for f in range(d):
            a[f, f] += reg[u]
        _solve(a, x, words)


@serial
def _add_scaled(scale, vectors, out):  # type: ignore[no-untyped-def]
    """out += sum over e of scale_e vectors_e, four at a time; vectors may be wider than out."""
    n, d = len(vectors), len(out)
    whole = n - n % 4
    for e in range(0, whole, 4):
        a, b, c, h = scale[e], scale[e + 1], scale[e + 2], scale[e + 3]
        for f in range(d):
            out[f] += (
                a * vectors[e, f]
                + b * vectors[e + 1, f]
                + c * vectors[e + 2, f]
                + h * vectors[e + 3, f]
            )
    for e in range(whole, n):
        for f in range(d):
            out[f] += scale[e] * vectors[e, f]


@serial
def _solve(a, b, words):  # type: ignore[no-untyped-def]
    """Overwrite b with the solution of a x = b, and the upper triangle of a with its factor.

    b may be shorter than a is wide. Fortran reads an array column by column, so that our upper
    triangle is its lower one.
    One right-hand side is solved faster by strsv than by LAPACK's spotrs (128 factors: 29
    against 37 microseconds with the factorisation, which is faster for this triangle, too).
    """
    sizes = np.array([len(b), a.shape[1], 1, 0], dtype=np.int32)
    lower, plain, turned = words.ctypes.data, words.ctypes.data + 1, words.ctypes.data + 2
    size, apart, one = sizes.ctypes.data, sizes.ctypes.data + 4, sizes.ctypes.data + 8
    matrix, vector = a.ctypes.data, b.ctypes.data
    _spotrf(lower, size, matrix, apart, sizes.ctypes.data + 12)
    _strsv(lower, plain, plain, size, matrix, apart, vector, one)
    _strsv(lower, turned, plain, size, matrix, apart, vector, one)

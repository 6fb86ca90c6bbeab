"""The systems of ALS (see `als.py`) solved exactly: A built, factorised, solved.

BLAS and LAPACK do the work, one row of the log at a time on each thread. numba knows `np.dot` and
`np.linalg.cholesky`, but the first computes both halves of a symmetric matrix (128 factors,
MovieLens-1M: 780 ms an iteration against 565), and the second copies.
"""

import numpy as np
from jaxtyping import Float32
from llvmlite import binding
from numba import types
from numba.extending import get_cython_function_address

from tastemap.kernels.als import PARTS, STRIP, Side, gather, gram
from tastemap.kernels.jit import serial
from tastemap.kernels.workers import deal


def _fortran(module: str, name: str, arguments: int) -> types.ExternalFunction:
    """A routine of SciPy's BLAS or LAPACK; each argument is an address.

    Kernels refer to it by its name, not its address: so machine code that was kept in a file is
    still right in the next process.
    """
    symbol = f"tastemap_{name}"
    binding.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.{module}", name))
    return types.ExternalFunction(symbol, types.void(*[types.intp] * arguments))


_ssyrk = _fortran("cython_blas", "ssyrk", 10)
_spotrf = _fortran("cython_lapack", "spotrf", 5)
_strsv = _fortran("cython_blas", "strsv", 8)

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
    g = np.float32(unobserved) * gram(fixed)
    scalars = (np.float32(alpha), np.float32(base), g)
    deal(lambda part: _cholesky_part(part, *side, *scalars, fixed, rows, _WORDS), range(PARTS))


@serial
def _cholesky_part(part, starts, items, weights, order, reg, alpha, base, g, fixed, rows, words):  # type: ignore[no-untyped-def]
    """Every PARTS-th row of `order`, from `part` on; rows are listed longest first."""
    d = fixed.shape[1]
    longest = starts[order[part] + 1] - starts[order[part]] if part < len(order) else 0
    block = np.empty((min(longest, STRIP), d), dtype=np.float32)
    target = np.full(min(longest, STRIP), alpha + base, dtype=np.float32)
    a = np.empty((d, d), dtype=np.float32)
    scale = alpha if len(weights) == 0 else np.float32(1)
    for place in range(part, len(order), PARTS):
        u = order[place]
        x = rows[u]
        x[:] = 0
        if starts[u] == starts[u + 1]:
            continue
        a[:, :] = g
        for f in range(d):
            a[f, f] += reg[u]
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
            _add_products(scale, used, a, words)
        _solve(a, x, words)


@serial
def _add_scaled(scale, vectors, out):  # type: ignore[no-untyped-def]
    """out += sum over e of scale_e vectors_e, four at a time."""
    n, d = vectors.shape
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
def _add_products(scale, vectors, a, words):  # type: ignore[no-untyped-def]
    """a += scale times the sum of y y' over all vectors y; the upper triangle only.

    Fortran reads an array column by column, so that our upper triangle is its lower one.
    """
    n, d = vectors.shape
    sizes = np.array([d, n], dtype=np.int32)
    factors = np.array([scale, 1], dtype=np.float32)
    lower, plain = words.ctypes.data, words.ctypes.data + 1
    width, count = sizes.ctypes.data, sizes.ctypes.data + 4
    of_new, of_old = factors.ctypes.data, factors.ctypes.data + 4
    _ssyrk(
        lower, plain, width, count, of_new, vectors.ctypes.data, width, of_old, a.ctypes.data, width
    )


@serial
def _solve(a, b, words):  # type: ignore[no-untyped-def]
    """Overwrite b with the solution of a x = b, and the upper triangle of a with its factor.

    One right-hand side is solved faster by strsv than by LAPACK's spotrs (128 factors: 29
    against 37 microseconds with the factorisation, which is faster for this triangle, too).
    """
    sizes = np.array([len(b), 1, 0], dtype=np.int32)
    lower, plain, turned = words.ctypes.data, words.ctypes.data + 1, words.ctypes.data + 2
    width, one, failed = sizes.ctypes.data, sizes.ctypes.data + 4, sizes.ctypes.data + 8
    matrix, vector = a.ctypes.data, b.ctypes.data
    _spotrf(lower, width, matrix, width, failed)
    _strsv(lower, plain, plain, width, matrix, width, vector, one)
    _strsv(lower, turned, plain, width, matrix, width, vector, one)

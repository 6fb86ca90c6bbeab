"""Half an iteration of ALS: with one side fixed, solve a small linear system for each row.

For row u with events (i, e_i, t_i) the vector x minimises a quadratic whose normal equations are

    A x = b,   A = G + sum_i e_i y_i y_i' + reg_u I,   b = sum_i t_i y_i

G is the Gram matrix of all fixed vectors, already scaled by the weight of unobserved pairs; e_i
is what an observed pair weighs beyond that; t_i is its weight times its target. Both objectives
(Hu, Koren & Volinsky 2008; Rendle et al. 2021) differ only in e, t and reg_u.
Rows do not depend on each other, so the result is the same for any number of threads.
"""

import numpy as np

from tastemap.kernels.jit import parallel, prange, serial


@serial
def _times(gram, reg, fixed, items, extra, first, last, p, out):  # type: ignore[no-untyped-def]
    """out = A p, without ever building A."""
    d = len(p)
    for f in range(d):
        total = reg * p[f]
        for g in range(d):
            total += gram[f, g] * p[g]
        out[f] = total
    for e in range(first, last):
        y = fixed[items[e]]
        dot = np.float32(0)
        for f in range(d):
            dot += y[f] * p[f]
        dot *= extra[e]
        for f in range(d):
            out[f] += dot * y[f]


@parallel
def solve_cg(starts, items, extra, target, gram, reg, fixed, rows, steps):  # type: ignore[no-untyped-def]
    """Improve `rows` (float32 (rows, d)) in place by `steps` of conjugate gradient.

    Three steps from the last iteration's vector lose nothing against the exact solution and cost
    O(n d + d^2) a row instead of O(n d^2 + d^3) (Takács, Pilászy & Tikk 2011).
    """
    d = fixed.shape[1]
    for u in prange(len(rows)):
        first, last = starts[u], starts[u + 1]
        x = rows[u]
        if first == last:
            x[:] = 0
            continue
        residual = np.zeros(d, dtype=np.float32)
        product = np.empty(d, dtype=np.float32)
        _times(gram, reg[u], fixed, items, extra, first, last, x, product)
        for e in range(first, last):
            y = fixed[items[e]]
            for f in range(d):
                residual[f] += target[e] * y[f]
        for f in range(d):
            residual[f] -= product[f]
        direction = residual.copy()
        before = np.float32(0)
        for f in range(d):
            before += residual[f] * residual[f]
        for _ in range(steps):
            if before < 1e-20:
                break
            _times(gram, reg[u], fixed, items, extra, first, last, direction, product)
            curvature = np.float32(0)
            for f in range(d):
                curvature += direction[f] * product[f]
            step = before / curvature
            now = np.float32(0)
            for f in range(d):
                x[f] += step * direction[f]
                residual[f] -= step * product[f]
                now += residual[f] * residual[f]
            for f in range(d):
                direction[f] = residual[f] + now / before * direction[f]
            before = now


@serial
def _cholesky_solve(a, b):  # type: ignore[no-untyped-def]
    """Overwrite b with the solution of a x = b for a symmetric positive definite a (changed)."""
    d = len(b)
    for j in range(d):
        for k in range(j):
            for i in range(j, d):
                a[j, i] -= a[k, i] * a[k, j]
        root = np.sqrt(a[j, j])
        for i in range(j, d):
            a[j, i] /= root
    for j in range(d):
        b[j] /= a[j, j]
        for i in range(j + 1, d):
            b[i] -= a[j, i] * b[j]
    for j in range(d - 1, -1, -1):
        total = b[j]
        for i in range(j + 1, d):
            total -= a[j, i] * b[i]
        b[j] = total / a[j, j]


@parallel
def solve_cholesky(starts, items, extra, target, gram, reg, fixed, rows):  # type: ignore[no-untyped-def]
    """Overwrite `rows` (float32 (rows, d)) with the exact solutions."""
    d = fixed.shape[1]
    for u in prange(len(rows)):
        first, last = starts[u], starts[u + 1]
        x = rows[u]
        x[:] = 0
        if first == last:
            continue
        a = gram.copy()
        for f in range(d):
            a[f, f] += reg[u]
        for e in range(first, last):
            y = fixed[items[e]]
            for f in range(d):
                x[f] += target[e] * y[f]
                scaled = extra[e] * y[f]
                for g in range(f, d):  # the upper triangle is all that the solver reads
                    a[f, g] += scaled * y[g]
        _cholesky_solve(a, x)

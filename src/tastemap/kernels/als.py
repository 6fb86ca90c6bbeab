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

PARTS = 64
"""Rows are dealt out to so many parts, whatever the number of threads."""


@serial
def _add_scaled(scale, rows, out):  # type: ignore[no-untyped-def]
    """out += sum over e of scale[e] rows[e].

    Four rows at a time: `out` is then loaded and stored once for four of them.
    """
    n, d = rows.shape
    whole = n - n % 4
    for e in range(0, whole, 4):
        a, b, c, h = scale[e], scale[e + 1], scale[e + 2], scale[e + 3]
        for f in range(d):
            out[f] += a * rows[e, f] + b * rows[e + 1, f] + c * rows[e + 2, f] + h * rows[e + 3, f]
    for e in range(whole, n):
        for f in range(d):
            out[f] += scale[e] * rows[e, f]


@serial
def _times(gram, reg, used, extra, target, shift, p, out):  # type: ignore[no-untyped-def]
    """out = A p - shift b without ever building A; `used` holds the vectors y_i, one row an event.

    With shift 1 this is the negative residual in one pass over the events, with 0 it is A p.

    Four events at a time, and both uses of a vector in one go: it is still in the nearest cache
    when it is added (one iteration on ML-1M with 64 factors: 46 ms against 52 ms in two passes).
    """
    n, d = used.shape
    for f in range(d):
        out[f] = reg * p[f]
    _add_scaled(p, gram, out)  # G is symmetric
    whole = n - n % 4
    for e in range(0, whole, 4):
        a = b = c = h = np.float32(0)
        for f in range(d):
            a += used[e, f] * p[f]
            b += used[e + 1, f] * p[f]
            c += used[e + 2, f] * p[f]
            h += used[e + 3, f] * p[f]
        a = a * extra[e] - shift * target[e]
        b = b * extra[e + 1] - shift * target[e + 1]
        c = c * extra[e + 2] - shift * target[e + 2]
        h = h * extra[e + 3] - shift * target[e + 3]
        for f in range(d):
            out[f] += a * used[e, f] + b * used[e + 1, f] + c * used[e + 2, f] + h * used[e + 3, f]
    for e in range(whole, n):
        a = np.float32(0)
        for f in range(d):
            a += used[e, f] * p[f]
        a = a * extra[e] - shift * target[e]
        for f in range(d):
            out[f] += a * used[e, f]


@serial
def _gather(fixed, items, used):  # type: ignore[no-untyped-def]
    """Copy the vectors of `items` side by side into `used`."""
    d = fixed.shape[1]
    for e in range(len(items)):
        i = np.uint32(items[e])  # unsigned: a sign test in the loop would keep it from vectorising
        for f in range(d):
            used[e, f] = fixed[i, f]


@serial
def _longest(starts, order, part):  # type: ignore[no-untyped-def]
    """Events of the longest row of one part; rows are dealt out in turn, longest first."""
    return starts[order[part] + 1] - starts[order[part]] if part < len(order) else 0


@serial
def _conjugate_gradient(gram, reg, used, extra, target, x, steps):  # type: ignore[no-untyped-def]
    """Improve x, a guess at the solution of A x = b, in place."""
    d = len(x)
    product = np.empty(d, dtype=np.float32)
    residual = np.empty(d, dtype=np.float32)
    direction = np.empty(d, dtype=np.float32)
    _times(gram, reg, used, extra, target, np.float32(1), x, product)
    before = np.float32(0)
    for f in range(d):
        residual[f] = -product[f]
        direction[f] = residual[f]
        before += residual[f] * residual[f]
    for _ in range(steps):
        if before < 1e-20:
            break
        _times(gram, reg, used, extra, target, np.float32(0), direction, product)
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


@parallel
def solve_cg(starts, items, extra, target, order, gram, reg, fixed, rows, steps):  # type: ignore[no-untyped-def]
    """Improve `rows` (float32 (rows, d)) in place by `steps` of conjugate gradient.

    Three steps from the last iteration's vector lose nothing against the exact solution and cost
    O(n d + d^2) a row instead of O(n d^2 + d^3) (Takács, Pilászy & Tikk 2011). A row's vectors
    are gathered once into a block that stays in the cache for all steps.

    `order` (int64 (rows,)) lists the rows by falling length; they are dealt out in turn, so that
    all parts have equal work.
    """
    d = fixed.shape[1]
    for part in prange(PARTS):
        block = np.empty((_longest(starts, order, part), d), dtype=np.float32)
        for place in range(part, len(order), PARTS):
            u = order[place]
            first, last = starts[u], starts[u + 1]
            if first == last:
                rows[u, :] = 0
                continue
            used = block[: last - first]
            _gather(fixed, items[first:last], used)
            own = (extra[first:last], target[first:last])
            _conjugate_gradient(gram, reg[u], used, own[0], own[1], rows[u], steps)


@serial
def _cholesky_solve(a, b):  # type: ignore[no-untyped-def]
    """Overwrite b with the solution of a x = b for a symmetric positive definite a."""
    low = np.linalg.cholesky(a)  # LAPACK's: a textbook loop took four times as long at 128
    d = len(b)
    for i in range(d):
        total = b[i]
        for j in range(i):
            total -= low[i, j] * b[j]
        b[i] = total / low[i, i]
    for i in range(d - 1, -1, -1):
        b[i] /= low[i, i]
        for j in range(i):
            b[j] -= low[i, j] * b[i]


@parallel
def solve_cholesky(starts, items, extra, target, order, gram, reg, fixed, rows):  # type: ignore[no-untyped-def]
    """Overwrite `rows` (float32 (rows, d)) with the exact solutions.

    Each A is built by one matrix product of BLAS, which must run on one thread here: the rows
    are what is spread over threads.
    """
    d = fixed.shape[1]
    for part in prange(PARTS):
        longest = _longest(starts, order, part)
        block = np.empty((longest, d), dtype=np.float32)
        scaled = np.empty((longest, d), dtype=np.float32)
        for place in range(part, len(order), PARTS):
            u = order[place]
            first, last = starts[u], starts[u + 1]
            x = rows[u]
            x[:] = 0
            if first == last:
                continue
            used = block[: last - first]
            weighted = scaled[: last - first]
            _gather(fixed, items[first:last], used)
            for e in range(last - first):
                t, w = target[first + e], extra[first + e]
                for f in range(d):
                    x[f] += t * used[e, f]
                    weighted[e, f] = w * used[e, f]
            a = np.dot(weighted.T, used)
            for f in range(d):
                for g in range(d):
                    a[f, g] += gram[f, g]
                a[f, f] += reg[u]
            _cholesky_solve(a, x)

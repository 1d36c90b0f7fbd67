r"""Rows of :math:`f(M)` for a sparse matrix M, by Chebyshev polynomials and without an n x n matrix.

M is similar to a symmetric matrix with spectrum in [-1, 1], where :math:`|T_k| \le 1`. All functions here
have positive coefficients, so the sum of those left out of :math:`f = \sum_k c_k T_k` bounds the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import ive

BLOCK_ENTRIES = 2**19  # of a dense float64 work block (4 MiB, three at a time); one column always fits
SPARSE_SHARE = 0.08  # of non-zero entries up to which a work block stays sparse
SPARSE_ENTRIES = 2**20  # of a sparse work block of a large graph (12 MiB, five at a time); one row always fits


def restart_coefficients(continue_prob: float, tol: float) -> Any:
    r"""Chebyshev coefficients of :math:`(1 - p) / (1 - p x)`, cut where the rest sums to `tol` or less.

    .. math::
        \frac{1 - p}{1 - p x} = \frac{1 - \rho}{1 + \rho} \left(1 + 2 \sum_{k \ge 1} \rho^k T_k(x)\right),
        \quad \rho = \frac{p}{1 + \sqrt{1 - p^2}}

    >>> restart_coefficients(0.1, 1e-3).round(4)
    array([0.9045, 0.0907, 0.0045])
    """
    rho = continue_prob / (1 + np.sqrt(1 - continue_prob**2))
    count = 2
    while 2 * rho**count / (1 + rho) > tol:
        count += 1
    coefficients = 2 * (1 - rho) / (1 + rho) * rho ** np.arange(count)
    coefficients[0] /= 2
    return coefficients


def heat_coefficients(time: float, tol: float) -> Any:
    r"""Chebyshev coefficients of :math:`e^{-t (1 - x)}`, cut where the rest sums to `tol` or less.

    .. math::
        e^{-t (1 - x)} = e^{-t} \left(I_0(t) + 2 \sum_{k \ge 1} I_k(t) T_k(x)\right)

    >>> heat_coefficients(0.1, 1e-3).round(4)
    array([0.9071, 0.0906, 0.0023])
    """
    coefficients = 2 * ive(np.arange(int(time) + 100), time)  # the last ones underflow
    coefficients[0] /= 2
    rest = coefficients[::-1].cumsum()[::-1]
    return coefficients[: max(2, np.count_nonzero(rest > tol))]


def function_rows(
    matrix: Any, sizes: Any, bounds: Any, coefficients: Callable[[float], Any], wanted: Any
) -> Iterator[tuple[Any, Any]]:
    r"""Rows of :math:`f(M)` for a block-diagonal M, some nodes at a time.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix
        Block-diagonal matrix of shape :math:`(N, N)`.
    sizes : numpy.ndarray
        Number of nodes of each block, in order.
    bounds : numpy.ndarray
        A number for each block, of a few values, that its coefficients depend on.
    coefficients : callable
        Gives the coefficients of f from such a number.
    wanted : numpy.ndarray
        Mask of shape :math:`(N,)`: whose rows to give.

    Yields
    ------
    numpy.ndarray
        Nodes, of shape :math:`(n,)`.
    numpy.ndarray or scipy.sparse.csr_matrix
        Their rows, of shape :math:`(n, m)`, zero-padded to the largest block at hand. Columns are nodes of
        the same block.

    Examples
    --------
    >>> from scipy import sparse
    >>> cycles = sparse.csr_matrix([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    >>> sizes, terms = np.array([2, 1]), lambda bound: np.array([0.5, 0.25])
    >>> for nodes, rows in function_rows(cycles, sizes, np.ones(2), terms, np.ones(3, bool)):
    ...     print(nodes, rows.tolist())
    [2] [[0.75]]
    [0 1] [[0.5, 0.25], [0.25, 0.5]]
    """
    order = np.lexsort((sizes, bounds, _num_digits(sizes)))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    nodes = np.repeat(place, sizes).argsort(kind="stable")  # keeps the nodes of a block together
    matrix, wanted = matrix[nodes][:, nodes], wanted[nodes]
    order = order[sizes[order] > 0]
    for start, run in _similar_runs(sizes[order], bounds[order]):
        stop = start + sizes[order[run]].sum()
        block, terms = matrix[start:stop, start:stop], coefficients(bounds[order[run.start]])
        for row, rows in _run_rows(block, sizes[order[run]], terms, wanted[start:stop]):
            yield nodes[start + row], rows


def _num_digits(sizes: Any) -> Any:
    """Number of binary digits."""
    return np.frexp(sizes)[1]


def _similar_runs(sizes: Any, bounds: Any) -> Iterator[tuple[int, slice]]:
    """Cut blocks into runs that fit a work block, and share their bound and their number of binary digits."""
    digits = _num_digits(sizes)
    first = start = stop = 0
    for last, size in enumerate(sizes):
        full = (stop - start + size) * size > BLOCK_ENTRIES
        if last > first and (full or digits[last] > digits[first] or bounds[last] != bounds[first]):
            yield start, slice(first, last)
            first, start = last, stop
        stop += size
    if len(sizes):
        yield start, slice(first, len(sizes))


def _run_rows(matrix: Any, sizes: Any, coefficients: Any, wanted: Any) -> Iterator[tuple[Any, Any]]:
    count, width = matrix.shape[0], sizes[-1]
    if count * width > BLOCK_ENTRIES:
        yield from _LargeBlock(matrix, coefficients).rows(np.flatnonzero(wanted))
        return
    row = np.arange(count)
    column = row - np.repeat(sizes.cumsum() - sizes, sizes)
    yield row[wanted], _function_columns(matrix, coefficients, row, column, width)[wanted]


def _function_columns(matrix: Any, coefficients: Any, row: Any, column: Any, width: int) -> Any:
    """Clenshaw's recurrence for f(M) X; X has `width` columns, and ones at (`row`, `column`)."""
    twice = 2 * matrix
    count = matrix.shape[0]
    seeds = sparse.csr_matrix((np.ones(len(row)), (row, column)), (count, width))
    older, newer = 0 * seeds, coefficients[-1] * seeds
    left = len(coefficients) - 1
    while left and newer.nnz <= SPARSE_SHARE * count * width:
        left -= 1
        older, newer = newer, (twice if left else matrix) @ newer - (older - coefficients[left] * seeds)
    if not left:
        return newer
    return _dense_columns(matrix, twice, coefficients[:left], (row, column), older.toarray(), newer.toarray())


def _dense_columns(matrix: Any, twice: Any, coefficients: Any, seeds: Any, older: Any, newer: Any) -> Any:
    for left in range(len(coefficients) - 1, -1, -1):
        older[seeds] -= coefficients[left]
        older, newer = newer, np.subtract((twice if left else matrix) @ newer, older, out=older)
    return newer


class _LargeBlock:
    """Rows of f(M) for a block too large for all of them at a time, by Clenshaw's recurrence for X f(M).

    X selects some rows. They stay sparse while walks reach few nodes, so that the time is that of the nodes
    reached; and they are halved where the next step might give more than a sparse block may have.
    """

    def __init__(self, matrix: Any, coefficients: Any) -> None:
        self.matrix, self.twice = matrix, 2 * matrix
        self.transposed = matrix.T.tocsr()
        self.coefficients = coefficients
        self.count = matrix.shape[0]
        self.degree = np.diff(matrix.indptr)

    def rows(self, wanted: Any) -> Iterator[tuple[Any, Any]]:
        """Some nodes and their rows at a time."""
        step = max(1, SPARSE_ENTRIES // 16)
        for first in range(0, len(wanted), step):
            row = wanted[first : first + step]
            seeds = self._seeds(row)
            yield from self._continued(row, 0 * seeds, self.coefficients[-1] * seeds, len(self.coefficients) - 1)

    def _seeds(self, row: Any) -> Any:
        return sparse.csr_matrix((np.ones(len(row)), (np.arange(len(row)), row)), (len(row), self.count))

    def _continued(self, row: Any, older: Any, newer: Any, left: int) -> Iterator[tuple[Any, Any]]:
        """The recurrence from where `left` terms are left."""
        seeds = self._seeds(row)
        while left:
            if newer.nnz > SPARSE_SHARE * len(row) * self.count:
                yield from self._dense(row, older, newer, left)
                return
            if self.degree[newer.indices].sum() > SPARSE_ENTRIES:
                yield from (self._halved if len(row) > 1 else self._dense)(row, older, newer, left)
                return
            left -= 1
            step = newer @ (self.twice if left else self.matrix)
            older, newer = newer, step - (older - self.coefficients[left] * seeds)
        if len(row) > 1 and len(row) * np.diff(newer.indptr).max() > SPARSE_ENTRIES:  # padded, they would not fit
            yield from self._halved(row, older, newer, left)
        else:
            yield row, newer

    def _halved(self, row: Any, older: Any, newer: Any, left: int) -> Iterator[tuple[Any, Any]]:
        half = len(row) // 2
        for part in (slice(half), slice(half, None)):
            yield from self._continued(row[part], older[part], newer[part], left)

    def _dense(self, row: Any, older: Any, newer: Any, left: int) -> Iterator[tuple[Any, Any]]:
        twice = 2 * self.transposed
        step = max(1, BLOCK_ENTRIES // self.count)
        for first in range(0, len(row), step):
            part = slice(first, first + step)
            seeds = row[part], np.arange(len(row[part]))
            start = (np.ascontiguousarray(each[part].toarray().T) for each in (older, newer))
            yield row[part], _dense_columns(self.transposed, twice, self.coefficients[:left], seeds, *start).T

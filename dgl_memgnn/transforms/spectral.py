r"""Rows of :math:`f(M)` for a sparse matrix M, by Chebyshev polynomials and without an n x n matrix.

M is similar to a symmetric matrix with spectrum in [-1, 1], where :math:`|T_k| \le 1`. All functions here
have positive coefficients, so the sum of those left out of :math:`f = \sum_k c_k T_k` bounds the error.
"""

import numpy as np
from scipy import sparse
from scipy.special import ive

BLOCK_ENTRIES = 2**19  # of a dense float64 work block (4 MiB, three at a time); one column always fits
SPARSE_SHARE = 0.08  # of non-zero entries up to which a work block stays sparse; it has the columns of four


def restart_coefficients(continue_prob, tol):
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


def heat_coefficients(time, tol):
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


def function_rows(matrix, sizes, coefficients, wanted):
    r"""Rows of :math:`f(M)` for a block-diagonal M, some nodes at a time.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix
        Block-diagonal matrix of shape :math:`(N, N)`.
    sizes : numpy.ndarray
        Number of nodes of each block, in order.
    coefficients : callable
        Gives the coefficients of f from an upper bound, a power of two, of the number of nodes of a block.
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
    >>> blocks = function_rows(cycles, np.array([2, 1]), lambda size: np.array([0.5, 0.25]), np.ones(3, bool))
    >>> for nodes, rows in blocks:
    ...     print(nodes, rows.tolist())
    [2] [[0.75]]
    [0 1] [[0.5, 0.25], [0.25, 0.5]]
    """
    # A stable sort by block size keeps the nodes of a block together.
    nodes = np.repeat(sizes, sizes).argsort(kind="stable")
    matrix, wanted = matrix[nodes][:, nodes], wanted[nodes]
    for start, run in _similar_runs(np.sort(sizes[sizes > 0])):
        stop = start + run.sum()
        terms = coefficients(2 ** int(run[0]).bit_length())
        for row, rows in _run_rows(matrix[start:stop, start:stop], run, terms, wanted[start:stop]):
            yield nodes[start + row], rows


def _similar_runs(sizes):
    """Cut ascending sizes into runs that fit a work block and share their number of binary digits."""
    first = start = stop = 0
    for last, size in enumerate(sizes):
        full = (stop - start + size) * size > BLOCK_ENTRIES
        if last > first and (full or int(size).bit_length() > int(sizes[first]).bit_length()):
            yield start, sizes[first:last]
            first, start = last, stop
        stop += size
    if len(sizes):
        yield start, sizes[first:]


def _run_rows(matrix, sizes, coefficients, wanted):
    count, width = matrix.shape[0], sizes[-1]
    if count * width <= BLOCK_ENTRIES:
        row = np.arange(count)
        column = row - np.repeat(sizes.cumsum() - sizes, sizes)
        for _, rows in _function_columns(matrix, coefficients, row, column, width):
            yield row[wanted], rows[wanted]
        return
    transposed = matrix.T.tocsr()
    wanted = np.flatnonzero(wanted)
    step = max(1, 4 * BLOCK_ENTRIES // count)
    for first in range(0, len(wanted), step):
        row = wanted[first : first + step]
        for column, columns in _function_columns(transposed, coefficients, row, np.arange(len(row)), len(row)):
            yield row[column : column + columns.shape[1]], columns.T


def _function_columns(matrix, coefficients, row, column, width):
    """Clenshaw's recurrence for f(M) X; X has `width` columns, and ones at (`row`, `column`).

    Yields columns of the result, and which is the first of them: all at once if they are sparse.
    """
    twice = 2 * matrix
    count = matrix.shape[0]
    seeds = sparse.csr_matrix((np.ones(len(row)), (row, column)), (count, width))
    older, newer = 0 * seeds, coefficients[-1] * seeds
    left = len(coefficients) - 1
    while left and newer.nnz <= SPARSE_SHARE * count * width:
        left -= 1
        older, newer = newer, (twice if left else matrix) @ newer - (older - coefficients[left] * seeds)
    if not left:
        yield 0, newer
        return
    step = max(1, BLOCK_ENTRIES // count)
    for first in range(0, width, step):
        block = slice(first, first + step)
        start = (each[:, block].toarray() for each in (older, newer))
        yield first, _dense_columns(matrix, twice, coefficients[:left], seeds[:, block].nonzero(), *start)


def _dense_columns(matrix, twice, coefficients, seeds, older, newer):
    for left in range(len(coefficients) - 1, -1, -1):
        older[seeds] -= coefficients[left]
        older, newer = newer, np.subtract((twice if left else matrix) @ newer, older, out=older)
    return newer

"""How many rows the nodes of one graph share with those of another whose rows are reordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError

Floats = NDArray[np.float64]

_MANY_ROWS = 50_000


def shared_rows(left: sparse.csr_matrix, right: sparse.csr_matrix, orders: NDArray[np.int64]) -> Iterator[Floats]:
    r"""For each order :math:`\pi` the counts :math:`|c_k \cap \pi c_l| = \sum_i B_{ik} C_{\pi(i) l}`, (left, right).

    `left` and `right` are incidences B, (rows, left nodes), and C, (rows, right nodes), with entries 1; `orders` is
    (draws, rows). Counts are whole numbers, whichever way they come about. A compiled loop goes through the pairs of
    nodes of each row; a single short order is not worth compiling for.

    Raises GeomsimError for an order with a row that does not exist.

    >>> left = sparse.csr_matrix([[1.0, 0], [1, 1]])
    >>> right = sparse.csr_matrix([[1.0], [0]])
    >>> [counts.tolist() for counts in shared_rows(left, right, np.array([[0, 1], [1, 0]]))]
    [[[1.0], [0.0]], [[1.0], [1.0]]]
    """
    rows = left.shape[0]
    if orders.ndim != 2 or orders.shape[1] != rows or right.shape[0] != rows:
        raise GeomsimError(
            f"an order names one right row for each left row: there are {rows} left rows, {right.shape[0]} right rows, "
            f"and orders of shape {orders.shape}"
        )
    if orders.size and not (orders.min() >= 0 and orders.max() < rows):  # the loop would read beyond the matrix
        raise GeomsimError(f"the orders name rows {orders.min()} to {orders.max()}, and there are {rows}")
    if len(orders) <= 1 and orders.size < _MANY_ROWS:
        across: Any = left.T.tocsr()
        yield from (np.asarray((across @ right[order]).toarray(), dtype=np.float64) for order in orders)
        return
    count = _compiled()
    for order in orders:
        counts = np.zeros((left.shape[1], right.shape[1]))
        count(left.indptr, left.indices, right.indptr, right.indices, order, counts)
        yield counts


def _count_pairs(
    left_starts: NDArray[np.int32],
    left_nodes: NDArray[np.int32],
    right_starts: NDArray[np.int32],
    right_nodes: NDArray[np.int32],
    order: NDArray[np.int64],
    counts: Floats,
) -> None:
    """Add 1 for each pair of a node of left row i and a node of right row ``order[i]``."""
    for row in range(order.shape[0]):
        met = order[row]
        for place in range(left_starts[row], left_starts[row + 1]):
            line = counts[left_nodes[place]]
            for other in range(right_starts[met], right_starts[met + 1]):
                line[right_nodes[other]] += 1.0


@cache
def _compiled() -> Callable[..., None]:
    """The loop as machine code; it lets go of the interpreter."""
    from geomsim_topological.kernels.compiled import compiled

    return compiled(_count_pairs)

"""The nerve of a Mapper graph: which sets of nodes share rows, from the sparse incidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError

Numbers = NDArray[np.int64]

_MOST = 30_000_000  # products of a row's simplices with its nodes: some seconds, and a gigabyte


def extended(
    simplices: Numbers, shared: sparse.csr_matrix, incidence: sparse.csr_matrix, min_intersection: int, last: bool
) -> tuple[Numbers, sparse.csr_matrix]:
    r"""The simplices with one node more, and the rows that all nodes of each share.

    `simplices` are (count, k + 1) node numbers, each row ascending, and `shared` (rows, count) says which rows all
    nodes of each share. With the incidence B, :math:`S^T B` counts the rows that a simplex shares with one node more;
    where they are `min_intersection` or more, and the node comes after those of the simplex, there is a simplex of the
    next dimension. No other sets of nodes are looked at. Where this step is the `last`, the rows are left out.

    Raises GeomsimError where rows are in so many nodes that there is no end to the simplices.
    """
    work = float(np.diff(shared.indptr).astype(np.float64) @ np.diff(incidence.indptr))
    if work > _MOST:
        raise GeomsimError(
            f"simplices of dimension {simplices.shape[1]} ask for {work:.3g} products, since rows are in up to "
            f"{np.diff(incidence.indptr).max()} nodes; at most {_MOST:g} are accepted: use a lower dimension, a larger "
            "min_intersection, or a cover that overlaps less"
        )
    counts: Any = (shared.T.tocsr() @ incidence).tocoo()
    kept = (counts.col > simplices[counts.row, -1]) & (counts.data >= min_intersection)
    which, node = counts.row[kept].astype(np.int64), counts.col[kept].astype(np.int64)
    order = np.lexsort((node, which))
    which, node = which[order], node[order]
    larger = np.column_stack([simplices[which], node])
    if last:
        return larger, shared[:, :0]
    columns = shared.tocsc()
    both: Any = columns[:, which].multiply(incidence.tocsc()[:, node])
    return larger, both.tocsr()


def nerve(incidence: sparse.csr_matrix, max_dimension: int, min_intersection: int = 1) -> list[Numbers]:
    """The simplices of each dimension up to `max_dimension`, (count, dimension + 1) node numbers in ascending order.

    `incidence` is (rows, nodes) with entries 1. A set of k + 1 nodes that share at least `min_intersection` rows is a
    simplex of dimension k. The list ends where a dimension has none.

    >>> rows = sparse.csr_matrix([[1, 1, 1, 0], [0, 0, 1, 1]])
    >>> [each.tolist() for each in nerve(rows, 5)]
    [[[0], [1], [2], [3]], [[0, 1], [0, 2], [1, 2], [2, 3]], [[0, 1, 2]]]
    """
    if max_dimension < 0:
        raise GeomsimError(f"a simplex has dimension 0 or more, got {max_dimension}")
    if min_intersection < 1:
        raise GeomsimError(f"min_intersection is at least 1 row, got {min_intersection}")
    sizes = np.bincount(incidence.indices, minlength=incidence.shape[1])
    nodes = np.flatnonzero(sizes >= min_intersection)
    found = [nodes[:, None]]
    shared = incidence[:, nodes].tocsr()
    for dimension in range(1, max_dimension + 1):
        larger, shared = extended(found[-1], shared, incidence, min_intersection, last=dimension == max_dimension)
        if not len(larger):
            break
        found.append(larger)
    return found if len(nodes) else []

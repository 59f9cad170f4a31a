"""What the nodes of a graph are: labels that their rows bear more often than those of other nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.comparison.enrichment import false_discovery, hypergeometric_tail
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import membership
from geomsim_topological.plans.plan_tables import Table
from geomsim_topological.plans.saved_tables import frame_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class NodeLabels:
    """Over-represented labels, a line each, by node in the graph's order and then by p-value."""

    table: Table
    """node, label, rows with it in the node, rows in the node, rows with it anywhere, expected, log-odds, p, q (BH),
    q (BY)."""
    tests: int
    """How many pairs of a node and a label were tried, which the corrections count."""

    def of(self, node: str) -> list[str]:
        """The labels of a node, the most surprising first."""
        return [label for name, label in zip(self.table["node"], self.table["label"], strict=True) if name == node]

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame."""
        return frame_of(self.table)

    def __repr__(self) -> str:
        sure = sum(q <= 0.05 for q in self.table["q (BH)"])
        return f"NodeLabels({len(self.table['node'])} labels shown, {sure} with q <= 0.05, of {self.tests} tests)"


def node_labels(graph: MapperGraph, labels: Sequence[Any], top: int | None = 5) -> NodeLabels:
    r"""Which labels (token strings, parts of speech, documents) the rows of each node bear more often than others.

    The rows in any node are the population; a row in no node says nothing. p is the hypergeometric tail of
    :func:`geomsim_topological.comparison.enrichment.hypergeometric_tail`, q the same corrected over all pairs of a node
    and a label, by Benjamini and Hochberg and, since overlapping nodes and labels of one row depend on each other, by
    Benjamini and Yekutieli. The effect size is the logarithm of the odds ratio with 1/2 added to each count (Haldane
    1956),

    .. math:: \ln \frac{(a + \tfrac12) (d + \tfrac12)}{(b + \tfrac12) (c + \tfrac12)}

    where a rows in the node bear the label and b do not, and c rows outside bear it and d do not.

    Rows that come in documents depend on each other and p is then too small: a label that belongs to one document
    stands out wherever that document does. Read q there as a way to sort.

    Parameters
    ----------
    graph
        a Mapper graph.
    labels
        one label per row, or a list, tuple or set of labels where a row bears several or none; None is no label.
    top
        how many labels of a node are kept, those with the smallest p (of equals the largest log-odds); None all that
        are more frequent than expected.

    Raises GeomsimError where labels are not one per row.

    >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1, 2], "b": [3, 4, 5]}}, n_rows=6)
    >>> node_labels(graph, ["cat", "cat", "cat", "dog", "dog", "cat"]).of("b")
    ['dog']
    """
    if len(labels) != graph.n_rows:
        raise GeomsimError(
            f"labels are one per row: the graph was made of {graph.n_rows} rows, got {len(labels)} labels"
        )
    if top is not None and top < 1:
        raise GeomsimError(f"top is at least 1, or None for all, got {top}")
    state = membership(graph, merged=False)
    covered = np.flatnonzero(state.covered)
    borne, names = _indicators([labels[row] for row in covered.tolist()])
    counts = sparse.csr_matrix(state.incidence[covered].T @ borne).tocoo()
    sizes, totals = state.sizes.astype(np.int64), np.asarray(borne.sum(axis=0), dtype=np.int64).ravel()
    n, tests = len(covered), int((sizes > 0).sum()) * len(names)
    a = counts.data.astype(np.int64)
    inside, anywhere = sizes[counts.row], totals[counts.col]
    p = hypergeometric_tail(a, inside, anywhere, n)
    hochberg, yekutieli = false_discovery(p, tests)
    expected = inside * anywhere / n
    b, c = inside - a, anywhere - a
    odds = np.log((a + 0.5) * (n - a - b - c + 0.5) / ((b + 0.5) * (c + 0.5)))
    order = np.lexsort([counts.col, -odds, p, counts.row])
    order = order[a[order] > expected[order]]
    if top is not None:
        starts = np.searchsorted(counts.row[order], counts.row[order])
        order = order[np.arange(len(order)) - starts < top]
    return NodeLabels(
        {
            "node": [graph.names[node] for node in counts.row[order]],
            "label": [names[label] for label in counts.col[order]],
            "rows": a[order].tolist(),
            "rows in node": inside[order].tolist(),
            "rows with label": anywhere[order].tolist(),
            "expected": expected[order].tolist(),
            "log-odds": odds[order].tolist(),
            "p": p[order].tolist(),
            "q (BH)": hochberg[order].tolist(),
            "q (BY)": yekutieli[order].tolist(),
        },
        tests,
    )


def _indicators(labels: Sequence[Any]) -> tuple[sparse.csr_matrix, list[str]]:
    """(rows, labels), 1 where the row bears the label; labels in the order in which they are first met."""
    number_of: dict[str, int] = {}
    rows, columns = [], []
    for row, label in enumerate(labels):
        borne = label if isinstance(label, list | tuple | set | frozenset) else [label]
        for name in sorted({str(one) for one in borne if one is not None}):
            rows.append(row)
            columns.append(number_of.setdefault(name, len(number_of)))
    shape = (len(labels), len(number_of))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape), list(number_of)

"""The rows behind a pair of nodes: which ones both hold, their texts, and how surprising their number is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import geomsim
from geomsim import GeomsimError, PairedMetric
from geomsim_topological.comparison.enrichment import SMALLEST, false_discovery, hypergeometric_tail
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import Membership, membership
from geomsim_topological.graphs.shared_rows import shared_rows
from geomsim_topological.plans.plan_tables import Table
from geomsim_topological.plans.saved_tables import frame_of
from geomsim_topological.rows.row_groups import group_numbers

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Texts = Sequence[str] | Callable[[int], str]

_SHOWN = 5
_TIE = 1e-9  # of one standard deviation


@dataclass(frozen=True, eq=False)
class CellEvidence:
    """The rows that a left and a right node share, with their texts where those were given."""

    left_node: str
    right_node: str
    rows: NDArray[np.int64]
    texts: tuple[str, ...] | None
    left_rows: int
    right_rows: int
    population: int
    """Rows that are in a node on both sides; `left_rows` and `right_rows` count among these."""
    p_value: float
    """The hypergeometric tail, of this cell alone; :func:`enrichment` corrects over all."""

    @property
    def expected(self) -> float:
        """How many rows they would share by chance."""
        return self.left_rows * self.right_rows / self.population if self.population else 0.0

    def to_frame(self) -> pd.DataFrame:
        """A line for each shared row, with its text where there are texts."""
        table: Table = {"row": self.rows.tolist()}
        return frame_of(table if self.texts is None else {**table, "text": list(self.texts)})

    def __repr__(self) -> str:
        some = "" if not self.texts else ": " + ", ".join(map(repr, self.texts[:_SHOWN]))
        more = ", ..." if self.texts and len(self.texts) > _SHOWN else ""
        sign = "<" if self.p_value <= SMALLEST else "="
        return (
            f"CellEvidence({self.left_node} and {self.right_node} share {len(self.rows)} rows, "
            f"{self.expected:.1f} expected, p {sign} {self.p_value:.2g}{some}{more})"
        )


def cell_evidence(
    left: MapperGraph, right: MapperGraph, left_node: int, right_node: int, texts: Texts | None = None
) -> CellEvidence:
    """The rows that two nodes, by number, share.

    `texts` is one string per row, or a function of a row's number that gives its string and is asked for the shared
    rows alone. Raises GeomsimError where texts are not one per row.
    """
    if texts is not None and not callable(texts) and len(texts) != left.n_rows:
        raise GeomsimError(f"texts are one per row: the graphs were made of {left.n_rows} rows, got {len(texts)} texts")
    both = _in_both(left, right)
    first, second = (graph.nodes[graph.names[node]] for graph, node in ((left, left_node), (right, right_node)))
    rows = np.intersect1d(first, second)
    sizes = int(both[first].sum()), int(both[second].sum())
    found = None
    if texts is not None:
        found = tuple(str(texts(int(row)) if callable(texts) else texts[row]) for row in rows)
    return CellEvidence(
        left_node=left.names[left_node],
        right_node=right.names[right_node],
        rows=rows,
        texts=found,
        left_rows=sizes[0],
        right_rows=sizes[1],
        population=int(both.sum()),
        p_value=float(hypergeometric_tail([len(rows)], [sizes[0]], [sizes[1]], int(both.sum()))[0]),
    )


@dataclass(frozen=True, eq=False)
class Enrichment:
    """All pairs of nodes that share any row, the most surprising first."""

    table: Table
    """left node, right node, shared rows, left rows, right rows, expected, fold, p, q (BH), q (BY), and with draws also
    p (shuffled) and p (family-wise)."""
    tests: int
    """How many pairs of nodes there are, which the corrections count."""
    population: int
    """Rows that are in a node on both sides."""
    draws: int | None

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame."""
        return frame_of(self.table)

    def __repr__(self) -> str:
        sure = sum(q <= 0.05 for q in self.table["q (BH)"])
        drawn = ""
        if self.draws:
            drawn = f", {sum(p <= 0.05 for p in self.table['p (family-wise)'])} family-wise in {self.draws} draws"
        return f"Enrichment({len(self.table['p'])} of {self.tests} pairs share rows, {sure} with q <= 0.05{drawn})"


def enrichment(
    left: MapperGraph,
    right: MapperGraph,
    *,
    draws: int | None = None,
    seed: int = 0,
    groups: Sequence[Any] | NDArray[Any] | None = None,
) -> Enrichment:
    """How surprising it is that a left and a right node share so many rows, for all pairs that share any.

    *p* is the hypergeometric tail: of the rows that are in a node on both sides, so many are in the left node and so
    many in the right one. It takes rows for exchangeable one by one. Where they come in documents, whose tokens go
    together on both sides, it is too small, and so are the values corrected from it.

    *q (BH)* and *q (BY)* are corrected over all pairs of nodes, also those that share nothing (p = 1; to leave those
    out would be to choose the tests by their outcome). Pairs of overlapping nodes depend on each other positively,
    pairs with disjoint ones negatively: Benjamini-Yekutieli holds whatever the dependence, Benjamini-Hochberg is
    sharper and in practice close to its level.

    With `draws`, rows of the right graph are shuffled, all rows or, with one label per row in `groups`, whole blocks of
    one size (see :func:`geomsim.compare`). *p (shuffled)* is the share of draws in which the two nodes share as many
    rows, *p (family-wise)* that in which any pair is as surprising, in standard deviations of the hypergeometric
    law: the chance of even one false alarm among all pairs. Both count the observed order in, and hold for documents.
    Here rows in no node are shuffled, too.

    Raises GeomsimError where the numbers of rows differ, InapplicableNull where groups leave nothing to move.
    """
    if left.n_rows != right.n_rows:
        raise GeomsimError(f"the graphs were made of {left.n_rows} and {right.n_rows} rows: they must be the same rows")
    both = _in_both(left, right)
    first, second = membership(left, merged=False), membership(right, merged=False)
    identity = np.arange(left.n_rows)
    shared = next(shared_rows(first.incidence, second.incidence, identity[None]))
    sizes = [np.asarray(side.incidence[both].sum(axis=0)).ravel().astype(np.int64) for side in (first, second)]
    k, m = np.nonzero(shared)
    counts, population = shared[k, m].astype(np.int64), int(both.sum())
    p = hypergeometric_tail(counts, sizes[0][k], sizes[1][m], population)
    hochberg, yekutieli = false_discovery(p, shared.size)
    expected = sizes[0][k] * sizes[1][m] / max(population, 1)
    columns = {
        "shared rows": counts,
        "left rows": sizes[0][k],
        "right rows": sizes[1][m],
        "expected": expected,
        "fold": counts / expected,
        "p": p,
        "q (BH)": hochberg,
        "q (BY)": yekutieli,
    }
    if draws is not None:
        cellwise, familywise = _by_shuffling(first, second, shared, draws, seed, groups)
        columns |= {"p (shuffled)": cellwise[k, m], "p (family-wise)": familywise[k, m]}
    order = np.lexsort([m, k, -counts / expected, p])
    table: Table = {
        "left node": [left.names[node] for node in k[order]],
        "right node": [right.names[node] for node in m[order]],
    }
    table |= {name: values[order].tolist() for name, values in columns.items()}
    return Enrichment(table, int(shared.size), population, draws)


class _Tally:
    """How many draws reach the observed count, cell by cell; threads add to it in any order."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.reached = np.zeros(shape, dtype=np.int64)
        self.draws = 0
        self.lock = threading.Lock()

    def add(self, reached: NDArray[np.int64], draws: int) -> None:
        with self.lock:
            self.reached += reached
            self.draws += draws


@dataclass(frozen=True)
class _LargestSurprise(PairedMetric[Membership]):
    """The largest surprise of any pair of nodes; counts beside it which pairs reach what was observed."""

    observed: Floats = field(compare=False)
    mean: Floats = field(compare=False)
    deviation: Floats = field(compare=False)
    tally: _Tally = field(compare=False)

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Membership:
        raise GeomsimError("the states are given")

    def score(self, left: Membership, right: Membership, order: Tensor) -> Tensor:
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Membership, right: Membership, orders: Tensor) -> Tensor:
        reached = np.zeros(self.observed.shape, dtype=np.int64)
        largest = []
        for shared in shared_rows(left.incidence, right.incidence, orders.numpy()):
            reached += shared >= self.observed
            largest.append(float(((shared - self.mean) / self.deviation).max()))
        self.tally.add(reached, len(orders))
        return torch.tensor(largest, dtype=torch.float64)

    def bytes_per_order(self, left: Membership, right: Membership) -> int:
        return 8 * (int(right.incidence.shape[0]) + 1)


def _by_shuffling(
    left: Membership,
    right: Membership,
    shared: Floats,
    draws: int,
    seed: int,
    groups: Sequence[Any] | NDArray[Any] | None,
) -> tuple[Floats, Floats]:
    """For each pair of nodes the share of draws in which it, and in which any pair, is as surprising."""
    n = left.graph.n_rows
    a, b = left.sizes[:, None], right.sizes[None, :]
    mean = a * b / n
    variance = mean * (1.0 - a / n) * (n - b) / max(n - 1, 1)
    still = variance <= 0.0  # a node with all rows, or none, shares the same in every order
    deviation = np.where(still, np.inf, np.sqrt(np.where(still, 1.0, variance)))
    surprise = (shared - mean) / deviation
    tally = _Tally(shared.shape)
    rows = torch.zeros(n, 1, dtype=torch.float64)
    trial = geomsim.nulls.Trial(
        _LargestSurprise(shared, mean, deviation, tally),
        rows,
        rows,
        left,
        right,
        float(surprise.max()),
        groups=None if groups is None else group_numbers(groups, n),
        draws=draws,
        seed=seed,
    )
    largest = geomsim.nulls.Shuffle().judge(trial).draws
    if largest is None or tally.draws != draws:
        raise GeomsimError(
            f"{tally.draws} of {draws} draws were counted: the shuffled p-values of single pairs are counted in this "
            "process, so call enrichment() where no cluster is in use"
        )
    ranked = np.sort(largest)
    as_surprising = draws - np.searchsorted(ranked, surprise - _TIE, side="left")
    return (tally.reached + 1) / (draws + 1), (as_surprising + 1) / (draws + 1)


def _in_both(left: MapperGraph, right: MapperGraph) -> NDArray[np.bool_]:
    found = np.ones(left.n_rows, dtype=bool)
    for graph in (left, right):
        found[graph.noise] = False
    return found

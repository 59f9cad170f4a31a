"""Representation Topology Divergence (Barannikov et al. 2022): components and loops one side has before the other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import Explanation, GeomsimWarning, InvalidConfig, PairedMetric
from geomsim_topological.rows.distance_scale import Scale, ScaledCloud, check_scale, scaled_cloud
from geomsim_topological.rows.plain_distances import distances_of

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_BARS_SHOWN = 20
_MOST_ROWS = 5_000  # beyond, triangles have no whole numbers of 64 bits; far beyond what is done in a day


@dataclass(frozen=True, eq=False)
class SideDistances:
    """A cloud with its unit of distance, and all distances in that unit where there are few enough rows."""

    cloud: ScaledCloud
    matrix: Floats | None  # (rows, rows); None where a part of the rows is used

    def of(self, rows: Numbers) -> Floats:
        """The distances of some rows, (rows, rows)."""
        if self.matrix is None:
            return distances_of(self.cloud.rows[rows]) / self.cloud.length
        return self.matrix[rows][:, rows]


@dataclass(frozen=True)
class RTD(PairedMetric[SideDistances]):
    r"""How long components and loops last that one side has got rid of, or formed, before the other.

    .. math:: \tfrac12 \bigl( B(d, d') + B(d', d) \bigr), \qquad
        B(d, d') = \sum_{(b, e)} (e - b) \quad \text{over the bars of } H_1(\mathrm{VR}(\min(d, d')), \mathrm{VR}(d))

    d (rows, rows) are the Euclidean distances of the left side and d' those of the right, each divided by a length of
    its own side, see ``scale``. VR(d) joins rows at most r apart as r grows, and min(d, d') joins those that are close
    on either side. A bar of the R-Cross-Barcode (b, e) is a difference: rows that hang together at b where the right
    side is looked at too, and on the left only from e on; or a loop that is in VR(min(d, d')) and is none of the left
    side. The part of the components is half of ``rtd-lite``; loops add to it.

    Range from 0; larger is farther. 0 if both sides have equal scaled distances (and whenever no component or loop
    tells them apart). It grows with the number of rows that are used: compare scores of as many. Unchanged by rotation,
    scaling and translation.

    Parameters
    ----------
    rows
        use at most so many rows: left rows at even steps, the first among them, and the right rows that belong to
        them. So a score of more rows is one of a sample; where rows come in an order of their own (by document, by
        class), reordering both sides alike draws another sample. A warning says so, and the facts say how many.
        Time grows with about its third power: of 200 rows, a draw takes hundredths of a second, and 999 draws half a
        minute; of 100 rows a few seconds. Memory O(rows^2).
    scale
        the unit of distance, of all rows: "quantile", the distance that nine tenths of all pairs do not exceed (the
        paper's), or "root-mean-square", the root of the mean squared distance.

    Raises DegenerateSpace for a single row, equal rows, and with "quantile" where nine tenths of the pairs of rows are
    equal; InvalidConfig for parameters that do not exist.

    Barannikov, Trofimov, Balabin and Burnaev (2022), "Representation topology divergence: a method for comparing neural
    network representations".

    >>> import geomsim
    >>> left, right = [[0.0], [1.0], [3.0]], [[0.0], [3.0], [4.0]]
    >>> round(geomsim.compare(left, right, RTD(), null=None).score, 12)  # no loops: half of rtd-lite
    0.416666666667
    """

    rows: int = 200
    scale: Scale = "quantile"

    larger_means = "farther"
    score_range = (0.0, inf)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or not 2 <= self.rows <= _MOST_ROWS:
            raise InvalidConfig(
                f"rows is how many rows to use at most, from 2 to {_MOST_ROWS:,}; got {self.rows!r}. rtd-lite takes "
                "any number"
            )
        check_scale(self.scale)

    def prepare(self, points: Tensor) -> SideDistances:
        """The unit of distance of all rows; the distances where all rows are used."""
        cloud = scaled_cloud(points, self.scale)
        if len(points) > self.rows:
            warnings.warn(
                f"rtd looks at {self.rows} of {len(points)} rows, taken at even steps; use rows={len(points)} for all "
                "(slow; 5,000 at most), or rtd-lite, which takes any number",
                GeomsimWarning,
                stacklevel=2,
            )
            return SideDistances(cloud, None)
        return SideDistances(cloud, distances_of(cloud.rows) / cloud.length)

    def score(self, left: SideDistances, right: SideDistances, order: Tensor) -> Tensor:
        """The mean of both directions."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: SideDistances, right: SideDistances, orders: Tensor) -> Tensor:
        """Two reductions for each order; distances are ranked once where all rows are used."""
        found = [
            (_lengths(there).sum() + _lengths(back).sum()) / 2.0
            for there, back in self._barcodes(left, right, orders.cpu().numpy())
        ]
        return torch.tensor(found, dtype=torch.float64, device=orders.device)

    def bytes_per_order(self, left: SideDistances, right: SideDistances) -> int:
        """The order, and the ranks and triangles that are worked on: draws are worked through one by one."""
        return 8 * (len(left.cloud.rows) + 12 * min(self.rows, len(left.cloud.rows)) ** 2)

    def explain(self, left: SideDistances, right: SideDistances) -> Explanation:
        """Both directions, the part of the components in each, and the longest bars.

        "right ahead" are bars of components and loops that the right side brings about before the left does. Lengths
        are in units of the side's own distances, which are among the facts.
        """
        chosen = self._chosen(len(left.cloud.rows))
        there, back = next(self._barcodes(left, right, np.arange(len(left.cloud.rows))[None]))
        sides = {"left": left.of(chosen), "right": right.of(chosen)}
        both = _tree_length(np.minimum(sides["left"], sides["right"]))
        facts: dict[str, float | int | str] = {
            "rows": len(left.cloud.rows),
            "rows used": len(chosen),
            "unit of distance left": left.cloud.length_of_points,
            "unit of distance right": right.cloud.length_of_points,
        }
        tables: dict[str, dict[str, list[Any]]] = {}
        for ahead, behind, bars in (("right", "left", there), ("left", "right", back)):
            facts[f"{ahead} ahead"] = float(_lengths(bars).sum())
            facts[f"{ahead} ahead, of components"] = max(_tree_length(sides[behind]) - both, 0.0)
            longest = bars[np.argsort(-_lengths(bars), kind="stable")[:_BARS_SHOWN]]
            tables[f"longest bars, {ahead} ahead"] = {"birth": longest[:, 0].tolist(), "death": longest[:, 1].tolist()}
        return Explanation(facts, tables)

    def _chosen(self, n_rows: int) -> Numbers:
        """The left rows that are used."""
        used = min(self.rows, n_rows)
        return np.arange(used) * n_rows // used

    def _barcodes(self, left: SideDistances, right: SideDistances, orders: Numbers) -> Iterator[tuple[Floats, Floats]]:
        """For each order, the bars where the right side is ahead, and those where the left is."""
        from geomsim_topological.kernels.cross_kernels import cross_bars

        chosen = self._chosen(orders.shape[1])
        own = left.of(chosen)
        if right.matrix is not None:
            values, of_left, of_right = _ranks(own, right.matrix)
        for order in orders:
            if right.matrix is not None:
                other = of_right[order][:, order]
            else:
                values, of_left, other = _ranks(own, right.of(order[chosen]))
            least = np.minimum(of_left, other)
            yield values[cross_bars(of_left, least)], values[cross_bars(other, least)]


def _ranks(first: Floats, second: Floats) -> tuple[Floats, Numbers, Numbers]:
    """The different distances of two matrices, rising, and the place of each distance among them."""
    from scipy.spatial.distance import squareform

    pairs = [squareform(distances, checks=False) for distances in (first, second)]
    values, places = np.unique(np.concatenate(pairs), return_inverse=True)
    of_first, of_second = (squareform(half.astype(np.int64)) for half in np.split(places, 2))
    return values, of_first, of_second


def _lengths(bars: Floats) -> Floats:
    return np.asarray(bars[:, 1] - bars[:, 0])


def _tree_length(distances: Floats) -> float:
    """The length of a minimum spanning tree, where distances of 0 count: the heights of single linkage."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    return float(linkage(squareform(distances, checks=False), "single")[:, 2].sum())

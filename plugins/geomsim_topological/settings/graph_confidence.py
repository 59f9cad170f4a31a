"""How surely the nodes and loops of a Mapper graph would be found again on a part of the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError, Space
from geomsim.progress import tracked
from geomsim_topological.graphs.graph_features import GraphFeatures, graph_features
from geomsim_topological.lenses.lens import lens_values
from geomsim_topological.mapper import Cover, Cubes, Dbscan, Lens, MapperGraph, PrincipalComponents, mapper_graph
from geomsim_topological.rows.row_groups import group_numbers
from geomsim_topological.settings.feature_matching import jaccard_matrix
from geomsim_topological.whole_numbers import check_whole

Integers = NDArray[np.int64]

_TWO_COMPONENTS = PrincipalComponents(2)
_TEN_CUBES = Cubes()
_DBSCAN = Dbscan()
_DISTINCT = 1.0 - math.exp(-1.0)


@dataclass(frozen=True, eq=False)
class GraphConfidence:
    """In how many draws each node and each loop of a graph was found again."""

    graph: MapperGraph
    features: GraphFeatures
    node_hits: Integers
    """(nodes,) draws that confirm each node, in the order of `graph.names`."""
    loop_hits: Integers
    """(loops,) draws that confirm each loop, in the order of `features.loops`."""
    draws: int
    threshold: float

    def to_frame(self, kind: Literal["nodes", "loops"] = "nodes", level: float = 0.95) -> Any:
        """A pandas table of all nodes or loops: id, rows, confidence, and its interval `low` to `high`."""
        import pandas as pd

        ids: list[str]
        if kind == "nodes":
            ids, rows, hits = list(self.graph.names), list(self.graph.nodes.values()), self.node_hits
        else:
            rows, hits = list(self.features.loops), self.loop_hits
            ids = [f"loop {number}" for number in range(len(rows))]
        low, high = jeffreys_interval(hits, self.draws, level)
        sizes = [len(each) for each in rows]
        return pd.DataFrame({"id": ids, "rows": sizes, "confidence": hits / self.draws, "low": low, "high": high})


def bootstrap_confidence(
    points: Any,
    lens: Lens | None = _TWO_COMPONENTS,
    cover: Cover = _TEN_CUBES,
    clusterer: Any = _DBSCAN,
    *,
    draws: int = 100,
    seed: int = 0,
    share: float = _DISTINCT,
    groups: ArrayLike | None = None,
    threshold: float = 0.5,
) -> GraphConfidence:
    r"""The share of draws of rows in which each node and each loop of a Mapper graph is found again.

    A draw keeps a `share` of the rows, each at most once, and makes the graph anew. A node is confirmed where some
    node of the new graph has a Jaccard index of at least `threshold` with those rows of it that were drawn; a loop
    likewise with the rows of some loop (see :func:`~geomsim_topological.graphs.graph_features.graph_features`).

    *Why no row twice*: in a bootstrap with replacement copies of a row lie at distance 0 of each other, and DBSCAN
    counts them: a row drawn `min_samples` times is a dense place all by itself, and noise would become nodes. The
    distinct rows of such a draw are :math:`1 - 1/e` of all on average, which is the share kept here (Politis and Romano
    1994 on subsampling). There are fewer neighbours within eps than in the whole, so the confidence is that of finding
    a thing on as thin a sample: what hangs together by single rows is not confirmed, and at the knee, where rows hang
    together only just, little may be. It is no guard against the luck of this sample: a place that happens to hold no
    row holds none in any part of it, so a small hole in a cloud of noise can be found again and again. Such holes live
    at few settings: read the confidence of a loop beside its stability.

    *What stays*: the lens values of the rows; the eps of :class:`Dbscan`, at the number that the whole graph had; and
    cubes: of each lens dimension the rows with the least and the largest value are in every draw, so that its ends stay
    where they are. Covers that cut by counts or by the points themselves are laid anew over the rows of each draw.

    Parameters
    ----------
    points, lens, cover, clusterer
        as for :func:`geomsim_topological.mapper.mapper_graph`; a lens that is a function is called once, on all rows.
    draws
        at least 1.
    share
        of the rows in a draw, above 0 and below 1.
    groups
        (rows,) labels: groups are drawn whole (documents, whose tokens hang together). Those of the space otherwise.
    threshold
        above 0, at most 1.

    Raises GeomsimError for parameters outside their range and for fewer than two rows or groups.
    """
    _check(draws, share, threshold)
    space = points if isinstance(points, Space) else Space(points)
    cloud = space.numpy()
    values = None if lens is None or getattr(cover, "uses", "lens") == "points" else lens_values(lens, cloud)
    graph = mapper_graph(cloud, values, cover, clusterer)
    if isinstance(clusterer, Dbscan) and graph.eps is not None:
        clusterer = Dbscan(graph.eps, clusterer.min_samples)
    features = graph_features(graph)
    node_rows = tuple(graph.nodes.values())
    node_hits, loop_hits = np.zeros(len(node_rows), dtype=np.int64), np.zeros(len(features.loops), dtype=np.int64)
    labels = space.groups if groups is None else np.asarray(groups)
    units = _units(len(cloud), labels)
    ends = [] if values is None else [*values.argmin(axis=0), *values.argmax(axis=0)]
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    for _ in tracked(range(draws), draws, "graphs of drawn rows"):
        kept = random.permutation(len(units))[: max(1, round(share * len(units)))]
        rows = np.unique(np.concatenate([*(units[unit] for unit in kept), np.array(ends, dtype=np.int64)]))
        again = mapper_graph(cloud[rows], None if values is None else values[rows], cover, clusterer)
        number = np.full(len(cloud), -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        node_hits += _likeness(node_rows, tuple(again.nodes.values()), number) >= threshold
        if features.loops:
            loop_hits += _likeness(features.loops, graph_features(again).loops, number) >= threshold
    return GraphConfidence(graph, features, node_hits, loop_hits, draws, threshold)


def jeffreys_interval(
    hits: ArrayLike, draws: int, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Low and high end of Jeffreys' interval of a share of which `hits` of `draws` were seen.

    .. math:: B_{\alpha/2}(k + 1/2, m - k + 1/2) \text{ to } B_{1 - \alpha/2}(k + 1/2, m - k + 1/2)

    with the low end 0 for k = 0 and the high end 1 for k = m (Brown, Cai and DasGupta 2001). B is a quantile of the
    beta distribution, k are the hits, m the draws, and :math:`1 - \alpha` is the level. It tells how well so many draws
    know the share; all draws are from the same rows, and what other rows would give is not in it.

    Raises GeomsimError for a level outside (0, 1).

    >>> [end.round(3).tolist() for end in jeffreys_interval([0, 9, 10], draws=10)]
    [[0.0, 0.619, 0.783], [0.217, 0.989, 1.0]]
    """
    from scipy.stats import beta

    if not 0 < level < 1:
        raise GeomsimError(f"level is between 0 and 1, got {level}")
    seen = np.asarray(hits, dtype=np.float64)
    low, high = (beta.ppf(end, seen + 0.5, draws - seen + 0.5) for end in ((1 - level) / 2, (1 + level) / 2))
    return np.where(seen == 0, 0.0, low), np.where(seen == draws, 1.0, high)


def _likeness(old: tuple[Integers, ...], new: tuple[Integers, ...], number: Integers) -> NDArray[np.float64]:
    """For each old set the largest Jaccard index of its drawn rows with any new set; 0 where there is none.

    `number` is that of each row among those drawn, as new sets have them, -1 for the others.
    """
    if not old or not new:
        return np.zeros(len(old))
    drawn = [number[rows][number[rows] >= 0] for rows in old]
    return np.asarray(jaccard_matrix(drawn, new, len(number)).max(axis=1).toarray().ravel())


def _units(n_rows: int, labels: NDArray[Any] | None) -> list[Integers]:
    """The rows that are drawn together."""
    if labels is None:
        units = [np.array([row]) for row in range(n_rows)]
    else:
        member = group_numbers(labels, n_rows)
        units = np.split(np.argsort(member, kind="stable"), np.cumsum(np.bincount(member))[:-1])
    if len(units) < 2:
        raise GeomsimError(
            f"a part is drawn of at least 2 rows or groups, got {len(units)}: give more rows, or no groups"
        )
    return units


def _check(draws: int, share: float, threshold: float) -> None:
    check_whole("draws", draws, 1)
    if not 0 < share < 1:
        raise GeomsimError(f"share is the part of the rows in a draw, above 0 and below 1, got {share}")
    if not 0 < threshold <= 1:
        raise GeomsimError(f"threshold is a Jaccard index above 0 and at most 1, got {threshold}")

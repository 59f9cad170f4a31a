"""Groups of rows that lie close together in the space itself, as a colour for its map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim.parallel import one_thread
from geomsim.report.page.contents import Column
from geomsim.report.views.layouts import scaled_points
from geomsim.space import Space

CLUSTERS = 8
_ROWS_PER_CLUSTER = 4  # different rows, below which groups are not worth a colour
_LARGE, _STARTS = 10_000, (4, 1)  # beginnings of k-means up to so many rows, and beyond


def cluster_column(space: Space, seed: int = 0, k: int = CLUSTERS) -> Column | None:
    """The k-means group of each row by direction (rows at length one), largest group first; None for few rows.

    Groups are sought in all dimensions: those that one sees on a map may be the map's own. k is a choice for colours
    and no finding. Lloyd's algorithm from seeded beginnings, by scikit-learn.
    """
    from sklearn.cluster import KMeans

    points = scaled_points(space, directions=True).astype(np.float32)
    if len(np.unique(points, axis=0)) < k * _ROWS_PER_CLUSTER:
        return None
    with one_thread():
        found = KMeans(k, n_init=_STARTS[len(points) > _LARGE], random_state=seed).fit(points).labels_
    sizes = np.bincount(found, minlength=k)
    order = np.lexsort((np.arange(k), -sizes))
    place = np.empty(k, dtype=np.int64)
    place[order] = np.arange(k)
    values: NDArray[np.int64] = place[found]
    return Column(f"cluster (k-means, {k})", values, tuple(f"cluster {number + 1}" for number in range(k)))

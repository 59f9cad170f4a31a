"""Clusterers of other makers, used the way kmapper uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.clusters.density_clusters import SetClusters

Numbers = NDArray[np.int64]


def cluster_by_fitting(clusterer: Any, points: NDArray[Any], sets: Sequence[Numbers]) -> SetClusters:
    """The labels that a clusterer gives to the rows of each set; below 0 and not a number mean noise.

    It has ``fit_predict``, or ``fit`` and then ``labels_``. As in kmapper, a set of fewer rows than the first whole
    number among its parameters n_clusters, min_cluster_size and min_samples, or else 2, is left out.

    Raises GeomsimError for what has no such method or gives other than one number per row.
    """
    fewest = _fewest_rows(clusterer)
    labels, given = [], []
    for rows in sets:
        found = _labels(clusterer, points, rows) if len(rows) >= fewest else np.full(len(rows), -1)
        clusters, renamed = np.unique(found[found >= 0], return_inverse=True)
        found[found >= 0] = renamed.ravel()
        labels.append(found.astype(np.int32))
        given.append(clusters)
    return SetClusters(
        np.concatenate([*sets, np.empty(0, dtype=np.int64)]).astype(np.int32),
        np.concatenate([*labels, np.empty(0, dtype=np.int32)]),
        np.concatenate([[0], np.cumsum([len(rows) for rows in sets])]).astype(np.int64),
        np.array([len(clusters) for clusters in given], dtype=np.int64),
        np.concatenate([*given, np.empty(0, dtype=np.int64)]),
    )


def _fewest_rows(clusterer: Any) -> int:
    parameters = clusterer.get_params() if hasattr(clusterer, "get_params") else {}
    for name in ("n_clusters", "min_cluster_size", "min_samples"):
        value = parameters.get(name)
        if value and isinstance(value, int):
            return int(value)
    return 2


def _labels(clusterer: Any, points: NDArray[Any], rows: Numbers) -> Numbers:
    if hasattr(clusterer, "fit_predict"):
        found = clusterer.fit_predict(points[rows])
    elif hasattr(clusterer, "fit"):
        found = clusterer.fit(points[rows]).labels_
    else:
        raise GeomsimError(
            f"{clusterer!r} is no clusterer: it needs fit_predict(points), or fit(points) and labels_, as those of "
            "scikit-learn have; or use Dbscan or SingleLinkage"
        )
    labels = np.asarray(found, dtype=np.float64)
    if labels.shape != (len(rows),):
        raise GeomsimError(
            f"{clusterer!r} gave labels of shape {labels.shape} for {len(rows)} rows: a clusterer gives one to each"
        )
    return np.where(np.isnan(labels), -1, labels).astype(np.int64)

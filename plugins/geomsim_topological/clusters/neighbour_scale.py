"""A scale read off the data: the knee of the distances to the k-th nearest row of the same set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.clusters.density_clusters import compilable, in_near_order, near_order, run_pieces

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Distances below this share of the cloud's radius are those of equal rows after rounding.
_COPY = 1e-9
# In a larger set every row is compared with so many only, and others speak for the rest.
LARGEST_EXACT_SET = 20_000
_SAMPLE = 10_000
_CHUNK_BYTES = 16 << 20


def knee(distances: Floats) -> float:
    """The value that lies farthest below the chord of the sorted curve; the last one of equals.

    The formula is that of :class:`geomsim_topological.clusters.clusterer.Dbscan`.

    >>> knee(np.array([1.0, 1.1, 1.2, 1.3, 4.0]))
    1.3
    """
    curve = np.sort(distances)
    span = curve[-1] - curve[0]
    if span <= 1e-9 * curve[-1]:
        return float(curve[-1])
    below = np.linspace(0.0, 1.0, len(curve)) - (curve - curve[0]) / span
    return float(curve[np.flatnonzero(below >= below.max() - 1e-9)[-1]])


def neighbour_curve(points: NDArray[Any], sets: Sequence[Numbers], k: int) -> Floats:
    """Distances of the rows of each set to their k-th nearest other row of that set, in no order.

    Copies of a row are not counted as others, and rows without k others are left out. In a set of more than
    LARGEST_EXACT_SET rows the distance is taken for 10,000 rows, those whose coordinates have the smallest hashes, so
    that the order of the rows plays no part; each then stands for as many rows as there are to one of the sample.
    """
    from geomsim_topological.kernels.neighbour_kernels import neighbour_distances

    cloud = compilable(points)
    sizes = np.array([len(rows) for rows in sets], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = in_near_order(sets, near_order(cloud, sizes))
    sampled = sizes > LARGEST_EXACT_SET
    hashes = _hashes(cloud) if sampled.any() else np.zeros(1, dtype=np.uint64)
    limits = np.zeros(len(sets), dtype=np.uint64)
    for number in np.flatnonzero(sampled).tolist():
        limits[number] = np.partition(hashes[sets[number]], _SAMPLE - 1)[_SAMPLE - 1]
    found = np.full(len(members), np.inf)
    copy = _COPY * cloud_radius(cloud)

    def work(piece: tuple[int, int]) -> None:
        neighbour_distances(cloud, members, starts, *piece, k, copy, hashes, limits, sampled, found)

    run_pieces(work, sizes)
    if not sampled.any():
        return np.asarray(found[np.isfinite(found)])
    pieces = [found[starts[number] : starts[number + 1]] for number in range(len(sets))]
    return np.concatenate([_stretched(piece) if big else piece[np.isfinite(piece)]
                           for piece, big in zip(pieces, sampled, strict=True)])  # fmt: skip


def cloud_radius(cloud: NDArray[Any]) -> float:
    """Root mean square distance of the rows to their mean, in float64, a few rows at a time."""
    step = max(1, _CHUNK_BYTES // (8 * cloud.shape[1]))
    mean = sum(cloud[start : start + step].sum(axis=0, dtype=np.float64) for start in range(0, len(cloud), step))
    mean = mean / len(cloud)
    total = sum(float(np.square(cloud[start : start + step] - mean).sum()) for start in range(0, len(cloud), step))
    return float(np.sqrt(total / len(cloud)))


def _stretched(found: Floats) -> Floats:
    """The curve of a sample as that of the whole set, nan where a row was not asked."""
    asked = found[~np.isnan(found)]
    curve = np.sort(asked[np.isfinite(asked)])
    if not len(curve):
        return curve
    whole = round(len(found) * len(curve) / len(asked))
    return np.asarray(curve[((np.arange(whole) + 0.5) * len(curve) / whole).astype(np.int64)])


def _hashes(cloud: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each row that depends on its coordinates alone."""
    words = np.uint32 if cloud.dtype.itemsize == 4 else np.uint64
    factors = np.random.Generator(np.random.PCG64(0)).integers(1 << 63, size=cloud.shape[1], dtype=np.uint64) * 2 + 1
    hashes = np.empty(len(cloud), dtype=np.uint64)
    step = max(1, _CHUNK_BYTES // (8 * cloud.shape[1]))
    for start in range(0, len(cloud), step):
        # Adding zero makes one zero of the two.
        bits = (cloud[start : start + step] + cloud.dtype.type(0)).view(words).astype(np.uint64)
        # Low bits of a product know nothing of high bits of its factors: fold, and multiply again.
        mixed = bits * factors
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed = mixed.sum(axis=1, dtype=np.uint64)
        mixed ^= mixed >> np.uint64(31)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        hashes[start : start + step] = mixed ^ (mixed >> np.uint64(32))
    return hashes

"""Denoising before persistence: fewer dimensions or the mean of near rows, so that landmarks cover more closely.

In many dimensions noise alone keeps every row far from every other, landmarks cover badly, and no loop is certified.
What is denoised is other data, though: a loop certified after it is a loop of the denoised rows.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimWarning, InvalidConfig, Space

Floats = NDArray[np.float64]

_TILE = 1 << 22  # distances at once
_RANK = 1e-12  # singular values below this share of the first are rounding
_TIE = 1e-6


def knn_mean(points: Any, k: int) -> Floats:
    """Each row replaced by the mean of its `k` nearest rows, itself the first of them; (rows, width), float64.

    Noise across a curve shrinks by about the root of `k`, while the curve is kept where its bends are wide against the
    k nearest rows; corners and small loops are smoothed away. The data changes: whatever is certified or significant
    of the result is so of these means, not of the points. Rows that are equally far count in the order of their
    numbers. All pairs are measured, to some 1e-8 of the size of the cloud: rows nearer than that to each other are as
    good as equal. Time O(rows^2 x width), memory that of a tile.

    Raises InvalidSpace for points that cannot be read and InvalidConfig for `k` below 1 or above the number of rows.

    >>> knn_mean([[0.0], [1.0], [3.0], [10.0]], k=2).ravel().tolist()
    [0.5, 0.5, 2.0, 6.5]
    """
    cloud = _points(points)
    _check_count(k, len(cloud), "k", "how many rows are averaged, itself among them", "rows")
    centre = cloud.mean(axis=0)
    centred = cloud - centre
    squares = np.einsum("ij,ij->i", centred, centred)
    means = np.empty_like(centred)
    height = max(1, _TILE // len(cloud))
    for start in range(0, len(cloud), height):
        rows = np.arange(start, min(start + height, len(cloud)))
        apart = squares - 2.0 * (centred[rows] @ centred.T)
        apart[np.arange(len(rows)), rows] = -np.inf
        if k < len(cloud):
            border = np.partition(apart, k - 1, axis=1)[:, k - 1 : k]
            near, tied = apart < border, apart == border
            # Of rows at the border, so many as are missing, in the order of their numbers.
            near |= tied & (tied.cumsum(axis=1) <= k - near.sum(axis=1, keepdims=True))
        else:
            near = np.ones_like(apart, dtype=bool)
        means[rows] = near.astype(np.float64) @ centred / k
    return np.asarray(means + centre)


def reduce_by_pca(points: Any, components: int) -> Floats:
    """Rows on their first `components` principal components, (rows, components), float64, with mean zero.

    No distance grows, and noise in the directions left out is gone. The data changes: whatever is certified or
    significant of the result is so of these projections, not of the points. Columns are in falling order of variance,
    each signed so that its largest loading is positive.

    Raises InvalidSpace for points that cannot be read and InvalidConfig for `components` below 1 or above the width.
    Warns where the last component kept and the first left out have equal variance, so that chance divides them.

    >>> reduce_by_pca([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], components=1).round(9).ravel().tolist()
    [-5.0, 0.0, 5.0]
    """
    cloud = _points(points)
    _check_count(components, cloud.shape[1], "components", "how many directions are kept", "columns")
    centred = cloud - cloud.mean(axis=0)
    # Directions from the triangular factor, which is small; squares of the points would lose half of the digits.
    singular, directions = np.linalg.svd(np.linalg.qr(centred, mode="r"))[1:]
    singular = np.concatenate([singular, np.zeros(cloud.shape[1] - len(singular))])
    if components < len(singular):
        last, following = singular[components - 1 : components + 1]
        if last > _RANK * singular[0] and last - following <= _TIE * singular[0]:
            warnings.warn(
                f"principal components {components} and {components + 1} have equal variance, so which of them is kept "
                "depends on rounding: use another number of components",
                GeomsimWarning,
                stacklevel=2,
            )
    kept = directions[:components]
    signs = np.sign(kept[np.arange(components), np.abs(kept).argmax(axis=1)])
    return np.asarray(centred @ (kept * signs[:, None]).T)


def _points(points: Any) -> Floats:
    return np.asarray((points if isinstance(points, Space) else Space(points)).numpy(), dtype=np.float64)


def _check_count(count: int, most: int, name: str, what: str, things: str) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InvalidConfig(f"{name} is {what}, from 1 to {most} as there are {most} {things}; got {count!r}")

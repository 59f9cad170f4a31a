"""Labels of rows that go together, such as the documents of tokens, as whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError


def group_numbers(groups: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    """(rows,): a number from 0 for each label, in the order of the labels. Raises GeomsimError unless one per row.

    >>> group_numbers(["b", "a", "b"], n_rows=3).tolist()
    [1, 0, 1]
    """
    labels = np.asarray(groups)
    if labels.shape != (n_rows,):
        raise GeomsimError(f"groups is one label for each of {n_rows} rows, got an array of shape {labels.shape}")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

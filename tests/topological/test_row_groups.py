"""Labels of rows as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.rows.row_groups import group_numbers


def test_equal_labels_have_equal_numbers():
    labels = np.random.default_rng(0).choice(["x", "yy", "z"], size=50)
    found = group_numbers(labels, 50)
    assert np.array_equal(found[:, None] == found, labels[:, None] == labels)
    assert set(found.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("groups", [[0, 1], [[0], [1], [2]], []])
def test_it_takes_one_label_for_each_row(groups):
    with pytest.raises(GeomsimError, match="groups is one label for each of 3 rows, got an array of shape"):
        group_numbers(groups, 3)

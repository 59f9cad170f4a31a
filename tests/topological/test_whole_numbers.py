"""Parameters that are counts."""

from __future__ import annotations

import pytest

from geomsim import InvalidConfig
from geomsim_topological.whole_numbers import check_whole


@pytest.mark.parametrize("value", [1, 2, 10**20])
def test_counts_from_the_least_on_pass(value):
    check_whole("draws", value, 1)


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_all_else_is_refused_by_name(value):
    with pytest.raises(InvalidConfig, match="draws is a whole number, at least 1; got "):
        check_whole("draws", value, 1)

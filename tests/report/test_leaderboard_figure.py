"""The leaderboard as a picture shows every number of the records, and nothing where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from geomsim.errors import GeomsimError
from geomsim.report.leaderboard_figure import leaderboard_figure
from geomsim.report.saving import svg

FULL: dict[str, Any] = {
    "metric": "cka", "rows": "paired", "false positives": 0.05, "false positives low": 0.03,
    "false positives high": 0.08, "smallest share, 200 rows": 0.25, "smallest share, 1000 rows": None,
    "tau": -0.2, "tau low": -0.5, "tau high": 0.1, "loop, rows paired": 1.0, "loop, rows unpaired": 0.5,
}  # fmt: skip
EMPTY = {"metric": "mmcs", "rows": "unpaired", "smallest share, 200 rows": None, "smallest share, 1000 rows": None}


def points(axes: Any) -> list[tuple[float, float]]:
    """Every marker that is drawn."""
    return [
        (x, y)
        for line in axes.lines
        if line.get_marker() in ("o", "s")
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def test_every_number_is_a_point_in_the_line_of_its_metric():
    figure = leaderboard_figure([FULL, EMPTY])
    assert [points(axes) for axes in figure.axes] == [[(0.05, 0)], [(0.25, 0)], [(-0.2, 0)], [(1.0, 0), (0.5, 0)]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["cka", "mmcs"]
    assert figure.axes[2].get_xlim()[0] < -0.5  # the whole interval


def test_a_line_parts_paired_from_unpaired():
    figure = leaderboard_figure([FULL, EMPTY])
    for axes in figure.axes:
        assert [0.5, 0.5] in [list(line.get_ydata()) for line in axes.lines]


def test_the_same_records_give_the_same_bytes():
    assert svg(leaderboard_figure([FULL, EMPTY])) == svg(leaderboard_figure([FULL, EMPTY]))


def test_nothing_to_draw_is_an_error():
    with pytest.raises(GeomsimError, match="no cards to draw"):
        leaderboard_figure([])

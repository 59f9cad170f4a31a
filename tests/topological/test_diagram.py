"""The diagram as data: order, certificate, JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.homology.diagram import Diagram, as_bars, power_of_two_above


def some(**changes):
    values = {"bars": [[0.0, 1.0], [0.0, np.inf], [0.25, 1.25], [1.0, 1.5]], "dimension": 0, "covering_radius": 0.25}
    return Diagram(**{**values, **changes})


def test_bars_are_sorted_and_read_only():
    given = np.array([[1.0, 1.5], [0.25, 1.25], [0.0, np.inf], [0.0, 1.0]])
    found = some(bars=given)
    assert found.bars.tolist() == [[0.0, np.inf], [0.0, 1.0], [0.25, 1.25], [1.0, 1.5]]
    assert found.persistence.tolist() == [np.inf, 1.0, 1.0, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        found.bars[0, 0] = 1.0
    assert given[0].tolist() == [1.0, 1.5]
    given[0] = 7.0
    assert found.bars.max(initial=0, where=np.isfinite(found.bars)) == 1.5


def test_certified_bars_are_longer_than_four_radii():
    assert some().certified.tolist() == [True, False, False, False]
    assert some(covering_radius=0.2499).certified.tolist() == [True, True, True, False]
    assert some(covering_radius=0.0).certified.all()
    assert some().bars[some().certified].tolist() == [[0.0, np.inf]]


def test_finite_bars():
    assert some().finite.tolist() == [[0.0, 1.0], [0.25, 1.25], [1.0, 1.5]]


def test_a_diagram_through_json():
    whole = some(diameter=2.0, n_points=9, n_landmarks=5, field=3)
    text = json.dumps(whole.to_dict(), allow_nan=False)
    again = Diagram.from_dict(json.loads(text))
    assert again.to_dict() == whole.to_dict()
    assert again.bars.tolist() == whole.bars.tolist()
    assert (again.n_points, again.n_landmarks, again.field, again.diameter) == (9, 5, 3, 2.0)
    empty = Diagram.from_dict(some(bars=[]).to_dict())
    assert empty.bars.shape == (0, 2)
    with pytest.raises(GeomsimError, match=r"missing or unknown: \['field'\]"):
        Diagram.from_dict({key: value for key, value in whole.to_dict().items() if key != "field"})


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ([1.0, 2.0], r"got an array of shape \(2,\)"),
        ([[0.0, 1.0, 2.0]], r"shape \(1, 3\)"),
        (
            [[0.0, 1.0], [2.0, 1.0]],
            r"1 of 2 bars have no finite birth or die before it, the first is bar 1: \(2.0, 1.0\)",
        ),
        ([[0.0, np.nan]], "die before it"),
        ([[-np.inf, 0.0]], "no finite birth"),
    ],
)
def test_what_is_no_bar_is_refused(bars, message):
    with pytest.raises(GeomsimError, match=message):
        as_bars(bars)
    with pytest.raises(GeomsimError, match=message):
        some(bars=bars)


def test_powers_of_two():
    assert power_of_two_above(np.array([1.0])) == 2.0
    assert power_of_two_above(np.array([0.9, -0.1]), np.array([])) == 1.0
    assert power_of_two_above(np.zeros(3)) == 1.0

from __future__ import annotations

import numpy as np
import pytest

from geomsim import Pairing
from geomsim.errors import InvalidPairing
from geomsim.report.page.contents import SpaceRows
from geomsim.report.views.alignment import align
from geomsim.report.views.pairs import space_pair

PLACES = np.random.default_rng(0).normal(size=(12, 2))


def rows(n, places=True, name="some"):
    return SpaceRows(name, n, places=PLACES[:n] if places else None)


def test_links_are_those_of_the_pairing():
    pairing = Pairing([0, 3, 3, 5], [1, 2, 4, 0], [0.9, 0.8, 0.1, 0.5], provenance={"method": "mutual"})
    pair = space_pair("name", {"kind": "features"}, 4, 2, rows(6), rows(8), pairing)
    assert (pair.name, pair.left, pair.right, dict(pair.labels)) == ("name", 4, 2, {"kind": "features"})
    assert pair.links.left.tolist() == [0, 3, 3, 5]
    assert pair.links.right.tolist() == [1, 2, 4, 0]
    assert pair.links.weight.tolist() == [0.9, 0.8, 0.1, 0.5]
    assert (pair.links.weight_name, list(pair.links.columns)) == ("correlation", [])
    assert (pair.align, pair.alignment) == align(PLACES[:6], PLACES[:8], pairing.left, pairing.right, pairing.weight)


def test_mass_is_a_column_and_decides_the_alignment():
    pairing = Pairing([0, 1, 2, 3], [1, 2, 0, 3], [0.9, 0.9, 0.9, 0.1], mass=[0.0, 0.5, 0.2, 0.3])
    pair = space_pair("name", {}, 0, 1, rows(4), rows(4), pairing)
    assert [(column.name, column.values.tolist()) for column in pair.links.columns] == [("mass", [0.0, 0.5, 0.2, 0.3])]
    assert (pair.align, pair.alignment) == align(PLACES[:4], PLACES[:4], pairing.left, pairing.right, pairing.mass)


@pytest.mark.parametrize(
    ("provenance", "named"),
    [({"method": "mutual", "measure": "jaccard"}, "jaccard"), ({"measure": "pearson"}, "correlation"), ({}, "weight")],
)
def test_the_weight_has_the_name_of_its_measure(provenance, named):
    pairing = Pairing([0, 1], [1, 0], [1, 2], provenance=provenance)
    assert space_pair("name", {}, 0, 1, rows(2), rows(2), pairing).links.weight_name == named


def test_without_a_pairing_rows_belong_together_in_their_order():
    pair = space_pair("name", {}, 0, 1, rows(9), rows(9), None)
    assert pair.links.left.tolist() == pair.links.right.tolist() == list(range(9))
    assert pair.links.weight is None
    assert pair.align == pytest.approx((1, 0, 0, 1, 0, 0), abs=1e-9)
    unlike = space_pair("name", {}, 0, 1, rows(9), rows(8), None)
    assert unlike.links is None
    assert "0 pairs cannot say" in unlike.alignment


def test_spaces_without_places_are_not_aligned():
    pair = space_pair("name", {}, 0, 1, rows(3), rows(3, places=False), Pairing([0], [1]))
    assert (pair.align, pair.alignment, pair.links.left.tolist()) == (None, "", [0])
    assert space_pair("name", {}, 0, 1, SpaceRows("a", 0), SpaceRows("b", 0), None).links is None


def test_a_pairing_of_other_spaces_is_refused():
    with pytest.raises(InvalidPairing, match="names right row 4, but the right space 'some' has 4 rows; was the"):
        space_pair("name", {}, 0, 1, rows(9), rows(4), Pairing([0, 1], [4, 0]))
    with pytest.raises(InvalidPairing, match="names left row 7, but the left space"):
        space_pair("name", {}, 0, 1, rows(4), rows(9), Pairing([7], [4]))

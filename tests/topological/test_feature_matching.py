"""Matching of row sets over settings: by hand, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim_topological.settings.feature_matching import jaccard_matrix, match_features

ROWS = st.sets(st.integers(0, 9), min_size=1, max_size=8)


def arrays(setting):
    return [np.array(sorted(each), dtype=np.int64) for each in setting]


def jaccard(one, other):
    return len(set(one) & set(other)) / len(set(one) | set(other))


@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=5))
def test_jaccard_of_all_pairs(left, right):
    found = jaccard_matrix(arrays(left), arrays(right), 10).toarray()
    assert found.tolist() == [[jaccard(one, other) for other in right] for one in left]


def test_nobody_is_matched_to_a_second_best():
    # Setting 0 has a large and a small set; that of setting 1 is nearer to the large one, though near enough to both.
    found = match_features([arrays([range(8), range(5)]), arrays([range(7)])], 10)
    assert [rows.tolist() for rows in found.rows] == [list(range(8)), list(range(5))]
    assert found.alive.tolist() == [[True, True], [True, False]]
    assert found.jaccard.tolist() == [[1.0, 0.875], [1.0, 0.0]]
    assert found.place.tolist() == [[0, 0], [1, -1]]
    assert found.representative.tolist() == [0, 0]
    assert found.share_alive.tolist() == [1.0, 0.5]


def test_features_do_not_drift_along_a_chain():
    sliding = [arrays([range(start, start + 6)]) for start in range(6)]  # neighbours share 5 of 7, second ones 4 of 8
    found = match_features(sliding, 12)
    assert found.representative[0] == 2
    assert found.alive.tolist() == [[True] * 5 + [False], [False] * 5 + [True]]


def test_the_threshold_itself_is_enough():
    two = [arrays([range(4)]), arrays([range(2)])]
    assert match_features(two, 4, threshold=0.5).share_alive.tolist() == [1.0]
    assert match_features(two, 4, threshold=0.51).share_alive.tolist() == [0.5, 0.5]
    for wrong in (0.0, 1.1, float("nan")):
        with pytest.raises(GeomsimError, match="above 0 and at most 1"):
            match_features(two, 4, threshold=wrong)


@settings(max_examples=80)
@given(st.lists(st.lists(ROWS, max_size=4), max_size=6), st.sampled_from([0.3, 0.5, 0.8]))
def test_every_set_belongs_to_one_feature_and_is_close_to_its_medoid(sweep, threshold):
    found = match_features([arrays(each) for each in sweep], 10, threshold)
    held = sorted((setting, int(place)) for row in found.place for setting, place in enumerate(row) if place >= 0)
    assert held == [(setting, place) for setting, each in enumerate(sweep) for place in range(len(each))]
    for number, rows in enumerate(found.rows):
        own = found.representative[number]
        assert sorted(sweep[own][found.place[number, own]]) == rows.tolist()
        for setting in np.flatnonzero(found.alive[number]):
            other = sweep[setting][found.place[number, setting]]
            assert found.jaccard[number, setting] == jaccard(rows.tolist(), other) >= threshold
            if setting != own:  # each is the other's best
                assert jaccard(rows.tolist(), other) == max(jaccard(rows.tolist(), each) for each in sweep[setting])
                assert jaccard(rows.tolist(), other) == max(jaccard(each, other) for each in sweep[own])
    assert found.alive.sum(axis=1).tolist() == sorted(found.alive.sum(axis=1).tolist(), reverse=True)

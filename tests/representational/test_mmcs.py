from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim_representational import mmcs as module
from geomsim_representational.mmcs import MMCS

Array = NDArray[np.float64]


def mmcs(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, MMCS(**parameters), null=None).score  # type: ignore[arg-type]


def clouds() -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    return random.normal(size=(30, 6)), random.normal(size=(50, 6))


@pytest.mark.parametrize("direction", ["left-to-right", "right-to-left"])
@pytest.mark.parametrize("absolute", [True, False])
def test_keeps_the_contract(direction: str, absolute: bool) -> None:
    geomsim.testing.check_metric(MMCS(direction=direction, absolute=absolute))  # type: ignore[arg-type]


@pytest.mark.parametrize("absolute", [True, False])
def test_agrees_with_scikit_learn_both_ways(absolute: bool) -> None:
    left, right = clouds()
    cosines = cosine_similarity(left, right)
    cosines = np.abs(cosines) if absolute else cosines
    there, back = cosines.max(1).mean(), cosines.max(0).mean()
    assert mmcs(left, right, absolute=absolute) == pytest.approx(there, abs=1e-12)
    assert mmcs(left, right, absolute=absolute, direction="right-to-left") == pytest.approx(back, abs=1e-12)
    assert mmcs(right, left, absolute=absolute, direction="right-to-left") == pytest.approx(there, abs=1e-12)
    assert abs(there - back) > 1e-3


def test_a_part_is_found_in_the_whole() -> None:
    right = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    left = right[[6, 1, 3]] * np.array([[2.0], [1e-9], [1e9]])
    assert mmcs(left, right) == pytest.approx(1.0, abs=1e-12)
    # Of eight right angles three are found, and the other five are at right angles to all.
    assert mmcs(left, right, direction="right-to-left") == pytest.approx(3 / 8, abs=1e-12)


def test_known_angles_and_signs() -> None:
    angles = np.deg2rad([60.0, 180.0])
    left, right = np.array([[1.0, 0.0]]), np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert mmcs(left, right) == pytest.approx(0.5)
    assert mmcs(left, right, absolute=True) == pytest.approx(1.0)
    assert mmcs(left, -left) == pytest.approx(-1.0)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale_does_not_matter(scale: float) -> None:
    left, right = clouds()
    assert mmcs(left, right * scale) == pytest.approx(mmcs(left, right), abs=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = clouds()
    whole = mmcs(left, right)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 50 * 7)
    assert mmcs(left, right) == pytest.approx(whole, abs=1e-14)


def test_explains_row_by_row() -> None:
    left, right = clouds()
    right[11] = left[5]
    result = geomsim.compare(left, right, MMCS(), null=None)
    assert result.explanation is not None
    table = result.explanation.tables["rows"]
    assert (table["best"][5], table["cosine"][5]) == (11, pytest.approx(1.0))
    assert np.mean(table["cosine"]) == pytest.approx(result.score)
    assert result.facts["rows of the right that are best for a row of the left"] == len(set(table["best"]))


def test_refuses_what_it_cannot_judge() -> None:
    left, right = clouds()
    # As metrics do where they are undefined: a study then goes on with its other comparisons.
    expected = r"left rows have width 6 and the right rows 4: cosines need one width; compare .* or use a metric that"
    with pytest.raises(DegenerateSpace, match=expected):
        mmcs(left, right[:, :4])
    right[[2, 7]] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 2 of 50 rows are zero \(row numbers 2, 7\)"):
        mmcs(left, right)
    with pytest.raises(GeomsimError, match="direction is one of left-to-right, right-to-left; got 'both'"):
        MMCS(direction="both")  # type: ignore[arg-type]


def test_a_shuffle_is_refused() -> None:
    left, right = clouds()
    with pytest.raises(GeomsimError, match="MMCS is unpaired"):
        geomsim.compare(left, right, MMCS(), null="shuffle")


def test_float16_is_read() -> None:
    left, right = clouds()
    low = MMCS().prepare(torch.from_numpy(left).half())
    assert float(MMCS().score(low, MMCS().prepare(torch.from_numpy(right)))) == pytest.approx(
        mmcs(left, right), abs=1e-3
    )


@pytest.mark.parametrize("direction", ["left-to-right", "right-to-left"])
def test_copies_of_all_rows_change_nothing(direction: str) -> None:
    left, right = clouds()
    copies = mmcs(left[np.arange(90) % 30], right[np.arange(100) % 50], direction=direction)
    assert copies == pytest.approx(mmcs(left, right, direction=direction), abs=1e-12)


def test_points_on_a_line_and_fewer_rows_than_columns() -> None:
    along = np.array([1.0, -2.0, 3.0, 0.5])
    line = np.outer(along, [0.3, -1.0, 4.0])
    assert mmcs(line, line) == pytest.approx(1.0, abs=1e-12)
    assert mmcs(line, line[[1]]) == pytest.approx(-0.5, abs=1e-12)  # one row of four points the same way
    assert mmcs(line, line[[1]], absolute=True) == pytest.approx(1.0, abs=1e-12)
    wide = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0]
    assert mmcs(wide[:3], wide[2:6]) == pytest.approx(1 / 3, abs=1e-12)


def test_float16_spaces_are_read_as_they_stand() -> None:
    left, right = (side.astype(np.float16) for side in clouds())
    found = geomsim.compare(geomsim.Space(left), geomsim.Space(right), MMCS(), null=None).score
    assert found == mmcs(left.astype(np.float64), right.astype(np.float64))

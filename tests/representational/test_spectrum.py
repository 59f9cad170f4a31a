from __future__ import annotations

import json
from itertools import product
from math import inf, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim_representational.spectrum import SingularValues

Array = NDArray[np.float64]
NORMALIZE = ("l2", "sum", "max", None)


def distance(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, SingularValues(**parameters), null=None).score  # type: ignore[arg-type]


def with_values(values: list[float], rows: int = 20, seed: int = 0) -> Array:
    """Points with these singular values."""
    random = np.random.default_rng(seed)
    U = np.linalg.qr(random.normal(size=(rows, len(values))))[0]
    V = np.linalg.qr(random.normal(size=(len(values), len(values))))[0]
    return (U * values) @ V


def expected_spectra(left: Array, right: Array, normalize: str | None, centre: bool) -> tuple[Array, Array]:
    spectra = []
    for points in (left, right):
        values = np.linalg.svd(points - points.mean(0) if centre else points, compute_uv=False)
        scale = {"l2": np.linalg.norm(values), "sum": values.sum(), "max": values.max(), None: 1.0}[normalize]
        spectra.append(values / scale)
    longer = max(map(len, spectra))
    one, two = (np.pad(values, (0, longer - len(values))) for values in spectra)
    return one, two


@pytest.mark.parametrize("normalize", NORMALIZE)
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize(("left_shape", "right_shape"), [((60, 8), (60, 8)), ((60, 8), (45, 5)), ((6, 30), (40, 9))])
def test_agrees_with_numpy_and_scipy(
    normalize: str | None, centre: bool, left_shape: tuple[int, int], right_shape: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=left_shape) + 1
    right = random.normal(size=right_shape) * np.linspace(1, 3, right_shape[1])
    one, two = expected_spectra(left, right, normalize, centre)
    chosen = {"normalize": normalize, "centre": centre}
    assert distance(left, right, distance="l2", **chosen) == pytest.approx(np.linalg.norm(one - two), abs=1e-11)
    expected = wasserstein_distance(one, two)
    assert distance(left, right, distance="wasserstein", **chosen) == pytest.approx(expected, abs=1e-11)


def test_by_hand() -> None:
    left, right = with_values([3.0, 4.0]), with_values([5.0], seed=1)
    assert distance(left, right, normalize=None) == pytest.approx(sqrt(1 + 9))  # (4, 3) against (5, 0)
    assert distance(left, right, normalize=None, distance="wasserstein") == pytest.approx(2.0)
    assert distance(left, right, normalize="l2") == pytest.approx(sqrt(0.2**2 + 0.6**2))
    assert distance(left, right, normalize="sum") == pytest.approx(sqrt(2) * 3 / 7)
    assert distance(left, right, normalize="max") == pytest.approx(0.75)


@pytest.mark.parametrize("normalize", NORMALIZE)
def test_rows_need_no_correspondence(normalize: str | None) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(50, 6))
    rotation = np.linalg.qr(random.normal(size=(6, 6)))[0]
    assert distance(left, left[random.permutation(50)] @ rotation, normalize=normalize) == pytest.approx(0, abs=1e-12)


def test_no_correspondence_of_counts_either() -> None:
    random = np.random.default_rng(0)
    assert distance(random.normal(size=(500, 6)), random.normal(size=(90, 6))) < 0.1


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-200, 1e200])
@pytest.mark.parametrize("normalize", ["l2", "sum", "max"])
def test_scale_does_not_matter_where_normalised(normalize: str, scale: float) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(50, 6)), random.normal(size=(50, 6)) * np.arange(1, 7)
    plain = distance(left, right, normalize=normalize)
    assert distance(left, right * scale, normalize=normalize) == pytest.approx(plain, abs=1e-12)


def test_range_of_the_default_is_almost_reached() -> None:
    # One direction against very many equal ones.
    far = distance(np.eye(400)[:, :1] * 5, np.eye(400))
    assert 1.37 < far < sqrt(2)


@pytest.mark.parametrize(
    ("normalize", "kind", "largest"),
    [
        ("l2", "l2", sqrt(2)),
        ("sum", "l2", sqrt(2)),
        ("max", "l2", inf),
        (None, "l2", inf),
        ("l2", "wasserstein", 1.0),
        ("sum", "wasserstein", 1.0),
        ("max", "wasserstein", 1.0),
        (None, "wasserstein", inf),
    ],
)
def test_declared_range_depends_on_the_parameters(normalize: str | None, kind: str, largest: float) -> None:
    assert SingularValues(normalize=normalize, distance=kind).score_range == (0.0, largest)  # type: ignore[arg-type]


def test_declared_invariances_depend_on_the_parameters() -> None:
    assert SingularValues.unchanged_by == {"rotation", "column_permutation", "scaling"}
    assert SingularValues(normalize=None).unchanged_by == {"rotation", "column_permutation"}
    assert "translation" in SingularValues(centre=True).unchanged_by


def test_parameters_survive_json() -> None:
    for normalize, kind, centre in product(NORMALIZE, ("l2", "wasserstein"), (True, False)):
        metric = SingularValues(normalize=normalize, distance=kind, centre=centre)  # type: ignore[arg-type]
        assert SingularValues(**json.loads(json.dumps(metric.parameters()))) == metric


def test_noise_floor_tells_equal_from_different() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(300, 6))
    same = geomsim.compare(left, random.normal(size=(300, 6)), "singular-values")
    other = geomsim.compare(left, random.normal(size=(300, 6)) * np.arange(1, 7), "singular-values")
    assert same.p_value is None
    assert same.facts["multiple of the floor"] < 2
    assert other.facts["multiple of the floor"] > 5


def test_refuses_a_zero_spectrum_only_where_it_is_normalised() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(DegenerateSpace, match=r"right space: all points are zero, .*use normalize=None"):
        distance(points, np.zeros((30, 4)))
    with pytest.raises(DegenerateSpace, match="left space: all 30 rows are equal"):
        distance(np.full((30, 4), 0.1), points, centre=True)
    assert distance(np.zeros((30, 4)), points, normalize=None) == pytest.approx(np.linalg.norm(points))
    assert (
        geomsim.compare(np.zeros((30, 4)), points, SingularValues(normalize=None), null=None).facts[
            "participation ratio left"
        ]
        == 0.0
    )


def test_refuses_unknown_parameters() -> None:
    with pytest.raises(GeomsimError, match="normalize is one of l2, sum, max, None; got 'l1'"):
        SingularValues(normalize="l1")  # type: ignore[arg-type]
    with pytest.raises(GeomsimError, match="distance is one of l2, wasserstein; got 'l1'"):
        SingularValues(distance="l1")  # type: ignore[arg-type]


def test_explains_with_both_spectra() -> None:
    result = geomsim.compare(with_values([2.0, 2.0, 2.0]), with_values([7.0], seed=1), "singular-values", null=None)
    assert result.facts["participation ratio left"] == pytest.approx(3.0)
    assert result.facts["participation ratio right"] == pytest.approx(1.0)
    assert result.explanation is not None
    assert result.explanation.tables["spectrum"]["right"] == pytest.approx([1.0, 0.0, 0.0])

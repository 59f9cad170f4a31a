"""Gromov-Wasserstein distance between two clouds: how much of their distances no matching of rows can keep."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, InvalidConfig, UnpairedMetric
from geomsim_topological.couplings.canonical import canonical_order
from geomsim_topological.couplings.gromov import GromovPlan, gromov_plan
from geomsim_topological.couplings.gromov_tables import plan_facts, tables_of_plan
from geomsim_topological.couplings.measured_space import Floats, MeasuredSpace, measured_space
from geomsim_topological.rows.landmarks import LARGEST, DistinctRows, Landmarks, distinct_rows, farthest_points
from geomsim_topological.whole_numbers import check_whole

Normalise = Literal["diameter", "rms"]

_COPY = 1e-13  # rows closer than this share of their size differ by rounding only
_FAR_DOWN = 2.0**-64
_TILE = 1 << 20  # distances at a time
_AS_NEAR = 1e-9  # of a squared distance


@dataclass(frozen=True, eq=False)
class LandmarkSpace:
    """Landmarks of a cloud, in an order that follows from their distances, each with the rows nearest to it."""

    space: MeasuredSpace
    counts: Floats  # (landmarks,): rows nearest to each
    n_rows: int
    covering_radius: float  # in the units of `space`
    unit: float  # by which distances were divided; of points beyond 1e300 it counts in 2**64


def _kept_by(metric: GromovWasserstein) -> frozenset[str]:
    kept = {"rotation", "translation", "column_permutation"}
    return frozenset(kept | {"scaling"} if metric.normalise is not None else kept)


@dataclass(frozen=True)
class GromovWasserstein(UnpairedMetric[LandmarkSpace]):
    r"""Gromov-Wasserstein distance of two clouds, each a space of distances with a mass on every landmark.

    .. math:: \Bigl( \min_P \sum_{ii'jj'} (d(i, i') - d'(j, j'))^2 P_{ij} P_{i'j'} \Bigr)^{1/2}, \quad
        P 1 = p, \; P^\top 1 = q

    d are Euclidean distances of landmarks, rows chosen each farthest from those before it; p is the share of rows
    nearest to each, and a row as near to several counts in parts for each of them. Rows need not correspond, nor be
    equally many or wide.

    Larger is farther, from 0, in units of the diameter at most 1; 0 for a copy that is rotated, moved, mirrored or, if
    normalised, scaled. Not halved, as Mémoli (2011) does. It is the root of the least value that was found from all
    starts: never below the true distance of the landmarks, which obeys the triangle inequality; above it where every
    start ends in a local minimum. All rows lie within the covering radius of a landmark: the distance of
    all rows is that of the landmarks but for twice the covering radii of both sides.

    Parameters
    ----------
    landmarks
        use at most so many rows of a side. Time grows with their third power.
    normalise
        "diameter" divides distances by the largest one, "rms" by the root mean square of all (by mass), which a single
        far row moves less; None leaves them as they are.
    starts
        how many plans are improved; see :func:`geomsim_topological.couplings.gromov.gromov_plan`.

    Raises InvalidConfig for parameters that do not exist and DegenerateSpace for equal rows.

    >>> import geomsim
    >>> points = np.random.default_rng(0).normal(size=(40, 3))
    >>> geomsim.compare(points, 5 - 2 * points[::-1], GromovWasserstein(), null=None).score < 1e-7
    True
    """

    landmarks: int = 100
    normalise: Normalise | None = "diameter"
    starts: int = 20

    larger_means = "farther"
    score_range = ByParameters(lambda metric: (0.0, 1.0 if metric.normalise == "diameter" else inf))
    unchanged_by = ByParameters(_kept_by)

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_whole("landmarks", self.landmarks, 2)
        check_whole("starts", self.starts, 1)
        if self.normalise is not None and self.normalise not in get_args(Normalise):
            raise InvalidConfig(f"normalise is 'diameter', 'rms' or None, got {self.normalise!r}")

    def prepare(self, points: Tensor) -> LandmarkSpace:
        """Distances of landmarks and the share of rows at each; independent of the order of the rows."""
        cloud = points.detach().cpu().numpy()
        cloud = cloud if cloud.dtype in (np.float32, np.float64) else cloud.astype(np.float64)
        far_down = _FAR_DOWN if self.normalise is not None and float(np.abs(cloud).max()) > LARGEST else 1.0
        distinct = distinct_rows(cloud * cloud.dtype.type(far_down) if far_down != 1.0 else cloud)
        chosen = farthest_points(distinct, self.landmarks)
        places = distinct.centred(chosen.rows)
        distances = cdist(places, places)
        diameter = float(distances.max())
        if diameter <= _COPY:  # the largest entry is between 1/2 and 1
            raise DegenerateSpace(
                f"all {len(points)} rows are equal, so there are no distances to compare; look where they come from"
            )
        counts = nearest_counts(distinct, chosen)
        found = measured_space(distances / diameter, counts / counts.sum())
        # Lengths relative to the diameter, which no power of two of the points can spoil.
        relative = float(np.sqrt(found.mean_square)) if self.normalise == "rms" else 1.0
        unit = diameter * distinct.unit * relative
        space = measured_space(found.distances / relative if self.normalise else found.distances * unit, found.mass)
        order = canonical_order(space.distances, space.mass)
        ordered = MeasuredSpace(space.distances[np.ix_(order, order)], space.mass[order])
        radius = chosen.covering_radius * (distinct.unit / unit if self.normalise else distinct.unit)
        return LandmarkSpace(ordered, counts[order], len(points), radius, unit if self.normalise else 1.0)

    def score(self, left: LandmarkSpace, right: LandmarkSpace) -> Tensor:
        """The root of the value of the best plan."""
        return torch.tensor(gromov_plan(left.space, right.space, starts=self.starts).distance, dtype=torch.float64)

    def plan(self, left: LandmarkSpace, right: LandmarkSpace) -> GromovPlan:
        """The best plan behind the score, with all starts carried through, so that its optima are counted."""
        return gromov_plan(left.space, right.space, starts=self.starts, every_start=True)

    def explain(self, left: LandmarkSpace, right: LandmarkSpace) -> Explanation:
        """The landmarks of either side, how the plan was found, and where it takes them; landmarks go by numbers."""
        found = self.plan(left, right)
        facts: dict[str, float | int | str] = {}
        for name, side in (("left", left), ("right", right)):
            facts |= {
                f"rows {name}": side.n_rows,
                f"landmarks {name}": len(side.counts),
                f"covering radius {name}": side.covering_radius,
                f"unit {name}": side.unit,
            }
        names = tuple(tuple(map(str, range(len(side.counts)))) for side in (left, right))
        tables = tables_of_plan(found, left.space, right.space, names[0], names[1], (left.counts, right.counts))
        return Explanation({**facts, **plan_facts(found)}, tables)


def nearest_counts(distinct: DistinctRows, landmarks: Landmarks) -> NDArray[np.float64]:
    """(landmarks,): how many rows are nearest to each; a row as near to several counts in equal parts."""
    if len(landmarks.rows) == len(distinct.rows):
        return distinct.counts[landmarks.rows].astype(np.float64)
    places = distinct.centred(landmarks.rows)
    squares = np.einsum("ij,ij->i", places, places)
    counts = np.zeros(len(places))
    height = max(1, _TILE // max(places.shape))
    for start in range(0, len(distinct.rows), height):
        tile = slice(start, start + height)
        rows = distinct.centred(tile)
        lengths = np.einsum("ij,ij->i", rows, rows)
        apart = squares - 2.0 * (rows @ places.T) + lengths[:, None]
        least = apart.min(axis=1)
        near = apart <= (least + _AS_NEAR * (lengths + least))[:, None]
        counts += (distinct.counts[tile] / near.sum(axis=1)) @ near
    return counts

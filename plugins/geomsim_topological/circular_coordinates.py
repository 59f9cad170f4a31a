"""Circular coordinates: where on a loop each row is, as an angle.

1. The *loop* is a bar of persistent homology among landmarks, with a cocycle that counts turns in whole numbers.
2. The cocycle is *smoothed*: each landmark gets an angle, such that angles change as evenly as can be.
3. Every row gets the weighted mean angle of the landmarks near it.

de Silva, Morozov and Vejdemo-Johansson (2011), "Persistent cohomology and circular coordinates"; Perea (2020), "Sparse
circular coordinates via principal Z-bundles".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace, InvalidConfig, InvalidSpace, Space
from geomsim_topological.circles.circle_map import TURN, CircleMap
from geomsim_topological.circles.cocycles import Loops, integer_cocycle, lifted_cocycle, loops_of
from geomsim_topological.circles.harmonic import Weights, edge_weights, simplest, smoothed
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.homology.landmark_cloud import LandmarkCloud, landmark_cloud

Floats = NDArray[np.float64]

# Loops at least so long, by that of the loop asked for, may be taken off it where they are mixed up in it.
_COMPARABLE = 0.5
_MOST_MIXED = 8  # a real space has few loops at a time, noise has hundreds alike
# Balls of this many covering radii overlap, so that angles change from landmark to landmark without a jump.
_OVERLAP = 2.0


@dataclass(frozen=True, eq=False)
class CircularCoordinates:
    """Where each row is on a loop; made by :func:`circular_coordinates`. Lengths are in units of the points.

    Angles are known up to a rotation and a reflection: neither a zero nor a sense of turning is in the data.
    """

    angles: Floats
    """(rows,): radians in [0, 2 pi); NaN where not `defined`."""
    defined: NDArray[np.bool_]
    """(rows,): whether the row has an angle: it is near a landmark, on the loop's part of the cloud."""
    bar: tuple[float, float]
    """Birth and death of the loop."""
    bar_number: int
    """Its place among the loops, longest first."""
    certified: bool
    """Whether the bar is longer than 4 covering radii, so that the loop is one of all rows and not of the landmarks
    alone. Where every row is a landmark it is always so, and says nothing about chance: see
    :func:`geomsim_topological.loop_significance.loop_significance`."""
    scale: float
    """Landmarks up to so far apart are joined; between birth and death."""
    radius: float
    """Of the ball around each landmark in which rows have an angle; 0.0 where every row is a landmark."""
    covering_radius: float
    """Largest distance of a row to its nearest landmark."""
    energy: float
    """Mean squared step of the angle along an edge, by weight, in radians squared; what smoothing has made least."""
    longest_step: float
    """Largest step along an edge, in radians. Beyond pi the angle does not tell which way an edge turns."""
    beyond_balls: int
    """Rows farther than `radius` from every landmark; not `defined`."""
    off_loop: int
    """Rows in a part of the cloud that the loop is not in, at this scale; not `defined`."""
    combined: tuple[tuple[int, int], ...]
    """Loops mixed up in this one that were taken off or added: (bar number, how many times)."""
    prime: int
    """Of the coefficients Z/p of the cocycle that was lifted to whole numbers."""
    n_landmarks: int
    """Number of landmarks."""
    map: CircleMap = field(repr=False)
    """The map from the space of the points to the circle."""

    def of(self, points: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Angles of other rows of the same space, and whether they are defined. Raises InvalidSpace for other widths.

        >>> turn = 2 * np.pi * np.arange(40) / 40
        >>> found = circular_coordinates(np.column_stack([np.cos(turn), np.sin(turn)]), landmarks=20)
        >>> found.of([[1.0, 0.0], [0.0, 0.0]])[1].tolist()
        [True, False]
        """
        cloud = (points if isinstance(points, Space) else Space(points)).numpy()
        if cloud.shape[1] != len(self.map.centre):
            raise InvalidSpace(f"the loop is in a space of width {len(self.map.centre)}, points have {cloud.shape[1]}")
        angles, _, carried = self.map(cloud)
        return angles, carried

    def to_dict(self) -> dict[str, Any]:
        """Everything but the map, ready for JSON; undefined angles are None."""
        kept = {name: value for name, value in vars(self).items() if name not in ("map", "angles", "defined", "bar")}
        return {
            **kept,
            "bar": list(self.bar),
            "combined": [list(pair) for pair in self.combined],
            "angles": [
                angle if known else None for angle, known in zip(self.angles.tolist(), self.defined, strict=True)
            ],
        }

    def __repr__(self) -> str:
        birth, death = self.bar
        known = "certified" if self.certified else "not certified"
        return (
            f"CircularCoordinates(loop {self.bar_number} from {birth:.4g} to {death:.4g}, {known}, "
            f"{int(self.defined.sum())} of {len(self.angles)} rows defined, {self.n_landmarks} landmarks)"
        )


def circular_coordinates(
    points: Any,
    bar: int = 0,
    landmarks: int | None = None,
    field: int = 47,
    scale: float | None = None,
    radius: float | None = None,
    weights: Weights = "density",
    memory_budget: int | None = None,
) -> CircularCoordinates:
    """Angles of all rows around the longest loop of a cloud, or another of its loops.

    Parameters
    ----------
    points
        (rows, width): a numpy array, a torch tensor, a :class:`geomsim.Space` or a path.
    bar
        0 is the longest loop, 1 the next; the order is that of :func:`geomsim_topological.persistence.diagram`.
    landmarks
        use at most so many rows, farthest points; None is all rows up to 300, and 300 of more.
    field
        a prime p up to 127: loops are sought with coefficients in Z/p. Small primes more often fail to give whole
        numbers.
    scale
        at which landmarks are joined, at least the loop's birth and below its death; None is the middle.
    radius
        of the balls around landmarks in which rows have angles, at most half the scale; None is two covering radii, or
        half the scale where that is less. The balls of a certified loop always hold every row.
    weights
        "density" evens out angles along the curve, "uniform" along the rows; see
        :func:`geomsim_topological.circles.harmonic.edge_weights`.
    memory_budget
        bytes; None is half of what is free.

    Where several loops live at the same scale, each at least half as long as this, they are found up to sums of each
    other, as those of a torus: multiples of the others, at most 8 loops, are taken off where that makes the angle turn
    less, and counted in `combined`.

    Raises
    ------
    InvalidSpace
        when the points cannot be read.
    DegenerateSpace
        when there is no loop at all.
    InvalidConfig
        for parameters that do not exist: a loop beyond the last, a scale at which the loop does not live.
    GeomsimError
        when the cocycle is none in whole numbers, modulo several primes.

    >>> turn = 2 * np.pi * np.arange(30) / 30
    >>> found = circular_coordinates(np.column_stack([np.cos(turn), np.sin(turn)]))
    >>> found
    CircularCoordinates(loop 0 from 0.2091 to 1.732, certified, 30 of 30 rows defined, 30 landmarks)
    >>> steps = np.diff(found.angles) % (2 * np.pi)
    >>> bool(np.allclose(steps, steps[0])), round(float(min(steps[0], 2 * np.pi - steps[0])), 4)
    (True, 0.2094)
    """
    return find_loops(points, landmarks, field, memory_budget).coordinates(bar, scale, radius, weights)


@dataclass(frozen=True, eq=False)
class FoundLoops:
    """The loops of a cloud, from each of which :meth:`coordinates` makes angles; made by :func:`find_loops`."""

    points: NDArray[np.floating[Any]]
    cloud: LandmarkCloud
    loops: Loops

    @property
    def diagram(self) -> Diagram:
        """The bars, in units of the points."""
        unit = self.cloud.unit
        return Diagram(
            self.loops.bars * unit,
            dimension=1,
            covering_radius=self.cloud.covering_radius * unit,
            diameter=float(self.loops.distances.max()) * unit,
            n_points=self.cloud.n_points,
            n_landmarks=len(self.cloud.rows),
            field=self.loops.field,
        )

    def coordinates(
        self, bar: int = 0, scale: float | None = None, radius: float | None = None, weights: Weights = "density"
    ) -> CircularCoordinates:
        """Angles around one loop; parameters and errors are those of :func:`circular_coordinates`."""
        cloud, bars = self.cloud, self.loops.bars
        if weights not in get_args(Weights):
            raise InvalidConfig(f"weights is one of {', '.join(get_args(Weights))}; got {weights!r}")
        self._check_bar(bar)
        at = self._scale(bar, scale)
        reach = self._radius(at, radius)
        share = edge_weights(self.loops.distances, at, weights)
        cocycle, prime = integer_cocycle(self.loops, bar, at)
        combination, combined = self._unmixed(bar, at, cocycle, share)
        smooth = smoothed(combination, share)
        circle = CircleMap(cloud.rows, cloud.centre, cloud.unit, reach, smooth.angles, smooth.steps, smooth.carrying)
        angles, inside, carried = circle(self.points)
        birth, death = bars[bar] * cloud.unit
        return CircularCoordinates(
            angles=angles,
            defined=carried,
            bar=(float(birth), float(death)),
            bar_number=bar,
            certified=bool(bars[bar, 1] - bars[bar, 0] > 4.0 * cloud.covering_radius),
            scale=at * cloud.unit,
            radius=reach * cloud.unit,
            covering_radius=cloud.covering_radius * cloud.unit,
            energy=smooth.energy * TURN**2,
            longest_step=float(np.abs(smooth.steps).max()) * TURN,
            beyond_balls=int((~inside).sum()),
            off_loop=int((inside & ~carried).sum()),
            combined=combined,
            prime=prime,
            n_landmarks=len(cloud.rows),
            map=circle,
        )

    def _check_bar(self, bar: int) -> None:
        count = len(self.loops.bars)
        if isinstance(bar, bool) or not isinstance(bar, int) or bar < 0:
            raise InvalidConfig(f"bar is the number of a loop, 0 for the longest; got {bar!r}")
        if not count:
            raise DegenerateSpace(
                f"{len(self.cloud.rows)} landmarks of {self.cloud.n_points} rows have no loop at any scale, so there "
                "is none to go around: use more landmarks, or look whether these rows lie on a curve at all"
            )
        if bar >= count:
            raise InvalidConfig(f"there are {count} loops, 0 to {count - 1}; loop {bar} was asked for")

    def _scale(self, bar: int, scale: float | None) -> float:
        birth, death = self.loops.bars[bar]
        if scale is None:
            return float(birth + (death - birth) / 2.0)
        unit = self.cloud.unit
        if not birth <= scale / unit < death:
            raise InvalidConfig(
                f"loop {bar} lives from {birth * unit:.6g} to {death * unit:.6g}, death excluded; got scale={scale!r}"
            )
        return scale / unit

    def _radius(self, scale: float, radius: float | None) -> float:
        if radius is None:
            return min(scale / 2.0, _OVERLAP * self.cloud.covering_radius)
        unit = self.cloud.unit
        if not 0.0 <= radius / unit <= scale / 2.0:
            raise InvalidConfig(
                f"radius is at most half the scale, {scale * unit / 2.0:.6g}, for there balls that meet belong to "
                f"joined landmarks; got {radius!r}. Use a larger scale, up to the loop's death, for a larger radius"
            )
        return radius / unit

    def _unmixed(
        self, bar: int, scale: float, cocycle: NDArray[np.int64], share: Floats
    ) -> tuple[NDArray[np.int64], tuple[tuple[int, int], ...]]:
        """The cocycle less the multiples of comparable loops that make it turn more, and which those are."""
        bars = self.loops.bars
        long = bars[:, 1] - bars[:, 0] >= _COMPARABLE * (bars[bar, 1] - bars[bar, 0])
        alive = np.flatnonzero(long & (bars[:, 0] <= scale) & (scale < bars[:, 1])).tolist()
        # In the order of the bars for each of them, so that two do not come out as the same combination.
        found = {
            other: cocycle if other == bar else lifted_cocycle(self.loops, other, scale)
            for other in sorted({*alive[:_MOST_MIXED], bar})
        }
        every = {other: values for other, values in found.items() if values is not None}
        if len(every) == 1:
            return cocycle, ()
        rows = simplest([smoothed(each, share).steps for each in every.values()], share)
        times = rows[list(every).index(bar)].tolist()
        mixed = tuple((other, count) for other, count in zip(every, times, strict=True) if count and other != bar)
        return np.asarray(np.tensordot(times, np.stack(list(every.values())), axes=1)), mixed


def find_loops(
    points: Any, landmarks: int | None = None, field: int = 47, memory_budget: int | None = None
) -> FoundLoops:
    """All loops of a cloud, once, for the angles around several; parameters are those of :func:`circular_coordinates`.

    >>> turn = 2 * np.pi * np.arange(30) / 30
    >>> find_loops(np.column_stack([np.cos(turn), np.sin(turn)])).diagram
    Diagram(dimension 1, 1 bars, 1 certified, 30 landmarks of 30 points)
    """
    cloud = landmark_cloud(points, 1, landmarks, memory_budget=memory_budget)
    values = (points if isinstance(points, Space) else Space(points)).numpy()
    return FoundLoops(values, cloud, loops_of(cloud.distances(), field))

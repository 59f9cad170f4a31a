"""Metrics on persistence diagrams: whether two clouds have components, loops or voids of the same sizes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import inf
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimWarning, InvalidConfig, UnpairedMetric
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.homology.diagram_distances import Order, bottleneck_distance, wasserstein_distance
from geomsim_topological.homology.landscape import landscape_distance
from geomsim_topological.homology.rips import MOST_LANDMARKS_FOR_VOIDS, check_request
from geomsim_topological.persistence import default_landmarks, diagram
from geomsim_topological.rows.landmarks import LARGEST

_BARS_SHOWN = 20
# Rows closer together than this share of their size differ by the rounding of float64 only.
_COPY = 1e-13
_FAR_DOWN = 2.0**-64


@dataclass(frozen=True, eq=False)
class Bars:
    """What is compared of a diagram: its finite bars, in units of the diameter where they are normalised.

    A cloud has exactly one bar that never dies, that of its last component in dimension 0, born at 0: it is the same on
    both sides and adds nothing to any of the distances, so it is left out.
    """

    values: NDArray[np.float64]  # (bars, 2), longest first
    diagram: Diagram


def _kept_by(metric: DiagramMetric) -> frozenset[str]:
    kept = {"rotation", "translation", "column_permutation"}
    return frozenset(kept | {"scaling"} if metric.normalise else kept)


def _half_a_diameter(metric: DiagramMetric) -> tuple[float, float]:
    """No normalised bar is farther than one half from the diagonal."""
    return 0.0, 0.5 if metric.normalise else inf


@dataclass(frozen=True)
class DiagramMetric(UnpairedMetric[Bars]):
    """What the metrics on persistence diagrams share: the diagram of each side.

    Parameters
    ----------
    dimension
        0 compares components, 1 loops, 2 voids.
    landmarks
        use at most so many rows of a side, see :func:`geomsim_topological.persistence.diagram`; None takes 300 in
        dimensions 0 and 1, 100 in dimension 2, 30 beyond. The choice does not depend on the order of the rows, but
        where rows are equally far from those chosen before, it does on rounding.
    normalise
        divide all births and deaths by the side's diameter, the largest distance of two landmarks.

    Raises InvalidConfig for parameters that do not exist and DegenerateSpace for equal rows. Warns where landmarks were
    chosen and none of the bars is long enough to be certain.
    """

    dimension: int = 1
    landmarks: int | None = None
    normalise: bool = True

    larger_means = "farther"
    score_range = (0.0, inf)
    unchanged_by = ByParameters(_kept_by)
    triangle = True  # each is a distance of diagrams, and a side's diagram does not depend on the other side

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_request(self.dimension, "ripser", 2)
        if self.landmarks is not None and self.landmarks < 2:
            raise InvalidConfig(f"landmarks is at least 2, or None; got {self.landmarks}")
        if self.dimension >= 2 and (self.landmarks or 0) > MOST_LANDMARKS_FOR_VOIDS:
            raise InvalidConfig(
                f"dimension {self.dimension} of more than {MOST_LANDMARKS_FOR_VOIDS} points takes too long: ask for "
                f"landmarks={MOST_LANDMARKS_FOR_VOIDS} or fewer, got {self.landmarks}"
            )

    def prepare(self, points: Tensor) -> Bars:
        """The diagram of landmarks; see :func:`geomsim_topological.persistence.diagram`."""
        landmarks = default_landmarks(self.dimension) if self.landmarks is None else self.landmarks
        largest = float(points.abs().max())
        if self.normalise and largest > LARGEST:
            # Exact, and of no consequence in units of the diameter; lengths of such points overflow.
            points, largest = points * _FAR_DOWN, largest * _FAR_DOWN
        found = diagram(points, self.dimension, landmarks)
        if found.diameter <= _COPY * largest:
            raise DegenerateSpace(
                f"all {len(points)} rows are equal, so there is no shape to compare; look where they come from"
            )
        if found.covering_radius and self.dimension and not found.certified.any():
            warnings.warn(
                f"with {found.n_landmarks} landmarks of {found.n_points} rows none of the {len(found.bars)} bars in "
                f"dimension {self.dimension} is longer than 4 covering radii ({4 * found.covering_radius:.3g}), so "
                "none is certain to be there in all rows: use more landmarks, or first reduce the width (PCA) or the "
                "noise",
                GeomsimWarning,
                stacklevel=2,
            )
        return Bars(found.finite / found.diameter if self.normalise else found.finite, found)

    def explain(self, left: Bars, right: Bars) -> Explanation:
        """How many bars each side has, how far they can be trusted, and the longest.

        Lengths are those of the points; of points beyond 1e300, which are divided by 2**64, in units of 2**64.
        """
        facts: dict[str, float | int | str] = {}
        tables = {}
        for name, side in (("left", left), ("right", right)):
            found = side.diagram
            facts |= {
                f"bars {name}": len(found.bars),
                f"certified bars {name}": int(found.certified.sum()),
                f"landmarks {name}": found.n_landmarks,
                f"covering radius {name}": found.covering_radius,
                f"diameter {name}": found.diameter,
            }
            longest = found.finite[:_BARS_SHOWN]
            tables[f"longest finite bars {name}"] = {
                "birth": longest[:, 0].tolist(),
                "death": longest[:, 1].tolist(),
                "certified": (longest[:, 1] - longest[:, 0] > 4.0 * found.covering_radius).tolist(),
            }
        return Explanation(facts, tables)


@dataclass(frozen=True)
class PersistenceBottleneck(DiagramMetric):
    r"""Bottleneck distance of persistence diagrams: the largest difference of matched components, loops or voids.

    .. math:: \min_\phi \max_x \lVert x - \phi(x) \rVert_\infty

    x runs over the bars (birth, death) of both sides, :math:`\phi` over the ways of matching them, where a bar may be
    left over at half its length. Only the worst bar counts; noise in the short ones does not. Larger is farther. Range
    [0, 1/2] in units of the diameter, else from 0. Moving each row by at most e moves an unnormalised score of all rows
    by at most 2 e; with landmarks, add 2 covering radii for each side.

    Parameters, errors and warnings are those of :class:`DiagramMetric`.

    Cohen-Steiner, Edelsbrunner and Harer (2007), "Stability of persistence diagrams".

    >>> import geomsim
    >>> angle = 2 * np.pi * np.arange(48) / 48
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> line = np.linspace(0, 1, 48)[:, None]
    >>> round(geomsim.compare(circle, line, PersistenceBottleneck(), null=None).score, 4)
    0.4003
    """

    score_range = ByParameters(_half_a_diameter)

    def score(self, left: Bars, right: Bars) -> Tensor:
        """The distance of the prepared bars."""
        return torch.tensor(bottleneck_distance(left.values, right.values), dtype=torch.float64)


@dataclass(frozen=True)
class PersistenceWasserstein(DiagramMetric):
    r"""Wasserstein distance of persistence diagrams: all differences of matched components, loops or voids together.

    .. math:: \Bigl( \min_\phi \sum_x \lVert x - \phi(x) \rVert_\infty^q \Bigr)^{1/q}

    As :class:`PersistenceBottleneck`, with `order` q = 1 or 2: every bar counts, the many short ones of noise among
    them, for q = 2 less so. Larger is farther, from 0. Unequal numbers of rows give unequal numbers of short bars:
    compare sides of the same number of landmarks. Time O(bars^3).

    Parameters, errors and warnings are those of :class:`DiagramMetric`.

    Cohen-Steiner, Edelsbrunner, Harer and Mileyko (2010), "Lipschitz functions have L_p-stable persistence".

    >>> import geomsim
    >>> square, spread = [[0, 0], [1, 0], [0, 1], [1, 1]], [[0.0], [1.0], [2.0], [3.0]]
    >>> metric = PersistenceWasserstein(dimension=0, normalise=False, order=1)
    >>> geomsim.compare(square, spread, metric, null=None).score
    0.0
    """

    order: Order = 1

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.order not in get_args(Order):
            raise InvalidConfig(f"order is 1 or 2, got {self.order!r}")

    def score(self, left: Bars, right: Bars) -> Tensor:
        """The distance of the prepared bars."""
        return torch.tensor(wasserstein_distance(left.values, right.values, self.order), dtype=torch.float64)


@dataclass(frozen=True)
class PersistenceLandscape(DiagramMetric):
    r"""L2 distance of persistence landscapes: how much the profiles of components, loops or voids differ.

    .. math:: \Bigl( \sum_k \int (\lambda_k(t) - \mu_k(t))^2 \, dt \Bigr)^{1/2}

    :math:`\lambda_k(t)` is the k-th largest of :math:`\max(0, \min(t - b, d - t))` over the bars (b, d) of the left
    side, :math:`\mu_k` of the right; see :func:`geomsim_topological.persistence.landscape_distance`. A bar of length p
    on its own counts :math:`(p^3 / 12)^{1/2}`, so long bars count for much more than short ones. Larger is farther,
    from 0.

    Parameters, errors and warnings are those of :class:`DiagramMetric`.

    Bubenik (2015), "Statistical topological data analysis using persistence landscapes".

    >>> import geomsim
    >>> square = [[0, 0], [3, 0], [0, 3], [3, 3]]
    >>> metric = PersistenceLandscape(normalise=False)
    >>> length = 3 * 2**0.5 - 3
    >>> abs(geomsim.compare(square, [[0.0], [1.0]], metric, null=None).score - (length**3 / 12) ** 0.5) < 1e-12
    True
    """

    def score(self, left: Bars, right: Bars) -> Tensor:
        """The distance of the prepared bars."""
        return torch.tensor(landscape_distance(left.values, right.values), dtype=torch.float64)

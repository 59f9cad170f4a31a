"""Whether a loop is more than chance: its length against those of clouds without a loop behind them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig, Space
from geomsim.progress import tracked
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.persistence import diagram
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]
CloudNull = Literal["gaussian", "columns"]

_FEWEST_ROWS = 4  # fewer points have no loop


@dataclass(frozen=True, eq=False)
class LoopSignificance:
    """What :func:`loop_significance` found."""

    length: float
    """Persistence of the loop in the points, death less birth; 0.0 where there is none."""
    p_value: float
    """Share of clouds with as long a loop, the points among them."""
    lengths: Floats
    """(draws,): persistence of the longest loop of each cloud that was drawn."""
    certified: bool
    """Whether the points' longest loop is certified, see :class:`geomsim_topological.homology.diagram.Diagram`."""
    null: CloudNull
    """How clouds were drawn."""
    seed: int
    """Of the draws."""
    diagram: Diagram
    """The loops of the points."""

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**vars(self), "lengths": self.lengths.tolist(), "diagram": self.diagram.to_dict()}

    def __repr__(self) -> str:
        return (
            f"LoopSignificance(length {self.length:.4g}, chance {self.lengths.mean():.4g} up to "
            f"{self.lengths.max():.4g}, p = {self.p_value:.2g})"
        )


def loop_significance(
    points: Any,
    landmarks: int | None = 100,
    draws: int = 99,
    null: CloudNull = "gaussian",
    seed: int = 0,
    before: Callable[[Floats], ArrayLike] | None = None,
) -> LoopSignificance:
    r"""Whether the longest loop of a cloud is longer than clouds without structure have by chance.

    Parameters
    ----------
    points
        (rows, width): a numpy array, a torch tensor, a :class:`geomsim.Space` or a path; at least 4 rows.
    landmarks
        use at most so many rows of the points and of each draw; None is up to 300, which takes longer.
    draws
        number of clouds: the smallest p-value is 1 / (1 + draws).
    null
        "gaussian" draws normal points under the condition that their mean and covariance are exactly those of the
        points: rows :math:`m + Q S V^\top`, where the centred points are :math:`U S V^\top` and Q is uniform among the
        matrices whose columns are orthonormal and sum to zero. Whatever Gaussian the points may come from, the test is
        then exact; it does not depend on the axes. "columns" shuffles each column by itself, which keeps what each
        column is like and nothing else; it depends on the axes, and a plane circle's columns are dense near both ends,
        so that its draws are hollow as well and have long loops.
    before
        what is done to points before their loops are sought, and therefore to each draw as well: a projection to the
        plane that shows the loop best, say, or :func:`geomsim_topological.denoising.knn_mean`. A plane that was chosen
        by looking for a circle shows one in any cloud wide enough, and only draws that are treated alike say so. Do not
        give points that were treated already.

    The p-value is (1 + clouds whose longest loop is as long) / (1 + draws). It does not fall where clouds have as many
    dimensions as rows less one and equal variance in all: there every such cloud is the same, and p is 1.

    Raises InvalidSpace for points that cannot be read, DegenerateSpace for fewer than 4 rows or equal ones, and
    InvalidConfig for parameters that do not exist. Warns where the loop is not certified.

    Langsrud (2005), "Rotation tests"; Davison and Hinkley (1997), section 4.2, for p-values of this kind.

    >>> turn = 2 * np.pi * np.arange(31) / 31
    >>> loop_significance(np.column_stack([np.cos(turn), np.sin(turn)]), draws=19).p_value
    0.05
    """
    if null not in get_args(CloudNull):
        raise InvalidConfig(f"null is one of {', '.join(get_args(CloudNull))}; got {null!r}")
    check_whole("draws", draws, 1)
    cloud = np.asarray((points if isinstance(points, Space) else Space(points)).numpy(), dtype=np.float64)
    if len(cloud) < _FEWEST_ROWS or (cloud == cloud[0]).all():
        raise DegenerateSpace(
            f"{len(cloud)} rows, {len(np.unique(cloud, axis=0))} of them different, have no loop to judge: at least "
            f"{_FEWEST_ROWS} are needed; look where they come from"
        )
    found = _diagram(cloud, landmarks, before)
    length = _longest(found)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    draw = _gaussian(cloud) if null == "gaussian" else _columns(cloud)
    clouds = tracked(range(draws), draws, "clouds by chance")
    lengths = np.array([_longest(_diagram(draw(random), landmarks, before)) for _ in clouds])
    certified = bool(found.certified[:1].any())
    if length and not certified:
        warnings.warn(
            f"the longest loop, {length:.4g}, is not certified: with {found.n_landmarks} landmarks of {found.n_points} "
            f"rows only loops longer than {4 * found.covering_radius:.4g} are certain to be in all rows. The p-value "
            "speaks of the landmarks; use more of them, or reduce the dimensions or the noise",
            GeomsimWarning,
            stacklevel=2,
        )
    # Equal up to rounding: where draws are rotations of the points their lengths differ in the last digits.
    as_long = int((lengths >= length * (1.0 - 1e-9)).sum())
    return LoopSignificance(length, (1 + as_long) / (1 + draws), lengths, certified, null, seed, found)


def _diagram(cloud: Floats, landmarks: int | None, before: Callable[[Floats], ArrayLike] | None) -> Diagram:
    return diagram(cloud if before is None else np.asarray(before(cloud)), 1, landmarks)


def _longest(found: Diagram) -> float:
    return float(found.persistence.max(initial=0.0))


def _gaussian(cloud: Floats) -> Callable[[np.random.Generator], Floats]:
    """Clouds of the same mean and covariance, uniform among all such."""
    centre = cloud.mean(axis=0)
    # Singular values and directions of the centred points, from the triangular factor, which is small.
    triangle = np.linalg.qr(cloud - centre, mode="r")
    singular, directions = np.linalg.svd(triangle, full_matrices=False)[1:]
    kept = singular > singular[0] * max(cloud.shape) * np.finfo(np.float64).eps
    axes = singular[kept, None] * directions[kept]

    def draw(random: np.random.Generator) -> Floats:
        normal = random.normal(size=(len(cloud), len(axes)))
        frame, corner = np.linalg.qr(normal - normal.mean(axis=0))
        # The signs make the frame uniform: that of a QR decomposition is a matter of convention.
        return np.asarray(centre + (frame * np.sign(np.diagonal(corner))) @ axes)

    return draw


def _columns(cloud: Floats) -> Callable[[np.random.Generator], Floats]:
    def draw(random: np.random.Generator) -> Floats:
        return random.permuted(cloud, axis=0)

    return draw

"""Geometry score (Khrulkov and Oseledets 2018): whether two clouds have the same number of loops for as long."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimWarning, InvalidConfig, UnpairedMetric
from geomsim_topological.homology.witness import WitnessSettings, relative_living_times
from geomsim_topological.neighbours.neighbour_graph import in_own_order
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]

_FEWEST = 8


@dataclass(frozen=True, eq=False)
class LivingTimes:
    """For how long there are 0, 1, 2, ... loops, in each draw of landmarks and on average."""

    draws: Floats  # (repeats, loops)
    mean: Floats  # (loops,)
    landmarks: int
    different_rows: int


@dataclass(frozen=True)
class GeometryScore(UnpairedMetric[LivingTimes]):
    r"""Squared difference of the mean relative living times of loops: do both clouds have as many, for as long?

    .. math:: \sum_i \bigl( \mathrm{MRLT}(i) - \mathrm{MRLT}'(i) \bigr)^2

    On random landmarks grows a witness complex: an edge or triangle of landmarks is there at a if for it, and for each
    of its edges, some row has it among its nearest landmarks, where no other landmark may be nearer by more than a. Of
    all a from 0 to `gamma` times the largest distance, RLT(i) is the share at which there are exactly i independent
    loops, and MRLT(i) its mean over all draws of landmarks: roughly, how sure one is that the cloud has i loops.

    Range [0, 2]; larger is farther. 0 for equal distributions of the number of loops, however large the loops are; 2
    where both sides are sure of different numbers. A square, so no distance in the strict sense. Unchanged by
    rotation, scaling and translation. A score holds the chance of the landmarks: `explain` tells how much of it two
    sides that are alike would have.

    Parameters
    ----------
    landmarks
        in one draw, 32; half of the different rows where there are fewer than twice as many. A warning tells where the
        sides end up with different numbers, which cannot be compared.
    gamma
        how far the complex grows. The paper has 1/128 for 5,000 rows and 64 landmarks; with fewer rows gaps between
        them need a larger one, and 1/8 (as in the authors' example of 1,000 rows and 32 landmarks) serves from some
        hundred rows on.
    loops
        numbers of loops that are told apart, 0 to ``loops - 1``, where the last stands for all beyond it.
    repeats
        draws of landmarks.
    seed
        of the draws. Rows are put in the order of their distances from the mean first, so the score does not depend on
        the order in which they came; equal rows count once.

    Time O(repeats x rows x landmarks^3) at worst, where nearly all distances are alike, and much less elsewhere.

    Raises DegenerateSpace for fewer than 8 different rows and rows that differ by less than numbers can tell;
    InvalidConfig for parameters that do not exist.

    Khrulkov and Oseledets (2018), "Geometry score: a method for comparing generative adversarial networks".

    >>> import geomsim
    >>> angle = 2 * np.pi * np.arange(400) / 400
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> line = np.arange(400.0)[:, None]
    >>> round(geomsim.compare(circle, line, GeometryScore(repeats=20), null=None).score, 1)
    2.0
    """

    landmarks: int = 32
    gamma: float = 0.125
    loops: int = 100
    repeats: int = 100
    seed: int = 0

    larger_means = "farther"
    score_range = (0.0, 2.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name, least in (("landmarks", 4), ("loops", 2), ("repeats", 2), ("seed", 0)):
            check_whole(name, getattr(self, name), least)
        if not 0.0 < self.gamma <= 1.0:
            raise InvalidConfig(f"gamma is a share of the largest distance, above 0 and at most 1; got {self.gamma!r}")

    def prepare(self, points: Tensor) -> LivingTimes:
        """The relative living times of all draws."""
        numbers = points.detach().cpu().double().numpy()
        rows = in_own_order(np.ldexp(numbers, -math.frexp(float(np.abs(numbers).max()))[1]))
        if len(rows) < _FEWEST:
            raise DegenerateSpace(
                f"{len(rows)} different rows are too few for landmarks and their witnesses; use at least {_FEWEST}"
            )
        rows = rows - rows.mean(axis=0)
        landmarks = min(self.landmarks, len(rows) // 2)
        settings = WitnessSettings(landmarks, self.gamma, self.loops, self.repeats, self.seed)
        found = relative_living_times(rows, settings)
        return LivingTimes(found, found.mean(axis=0), landmarks, len(rows))

    def score(self, left: LivingTimes, right: LivingTimes) -> Tensor:
        """The squared difference; warns where the sides have different numbers of landmarks."""
        if left.landmarks != right.landmarks:
            fewer = min(left.landmarks, right.landmarks)
            warnings.warn(
                f"the left side has {left.landmarks} landmarks and the right {right.landmarks}, which makes different "
                f"numbers of loops by itself; use landmarks={fewer} for both",
                GeomsimWarning,
                stacklevel=2,
            )
        return torch.tensor(np.square(left.mean - right.mean).sum(), dtype=torch.float64).clamp_max(2.0)

    def explain(self, left: LivingTimes, right: LivingTimes) -> Explanation:
        """The mean number of loops on either side, what the draws alone would score, and all living times."""
        counts = np.arange(len(left.mean))
        by_chance = sum(float(side.draws.var(axis=0, ddof=1).sum()) / len(side.draws) for side in (left, right))
        facts: dict[str, float | int | str] = {"score by the draw of landmarks": by_chance}
        for name, side in (("left", left), ("right", right)):
            facts |= {
                f"different rows {name}": side.different_rows,
                f"landmarks {name}": side.landmarks,
                f"mean loops {name}": float(side.mean @ counts),
                f"most likely loops {name}": int(side.mean.argmax()),
            }
        seen = np.flatnonzero((left.mean > 0) | (right.mean > 0))
        table: dict[str, list[Any]] = {
            "loops": seen.tolist(),
            "left": left.mean[seen].tolist(),
            "right": right.mean[seen].tolist(),
        }
        return Explanation(facts, {"relative living times": table})

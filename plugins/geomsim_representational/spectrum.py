"""Distance of singular value spectra."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, UnpairedMetric

Normalize = Literal["l2", "sum", "max"]
SpectrumDistance = Literal["l2", "wasserstein"]


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a cloud, falling, normalised."""

    values: Tensor  # (min(rows, width),)


def _unchanged_by(metric: SingularValues) -> frozenset[str]:
    kept = {"rotation", "column_permutation"}
    if metric.normalize is not None:
        kept.add("scaling")
    if metric.centre:
        kept.add("translation")
    return frozenset(kept)


def _range(metric: SingularValues) -> tuple[float, float]:
    if metric.normalize is None:
        return 0.0, inf
    if metric.distance == "wasserstein":
        return 0.0, 1.0
    return 0.0, inf if metric.normalize == "max" else sqrt(2)


@dataclass(frozen=True)
class SingularValues(UnpairedMetric[Spectrum]):
    r"""How far apart the singular values of the two sides are, as a whole spectrum; rows need no correspondence.

    .. math:: \lVert s - s' \rVert_2 \quad\text{or}\quad \frac{1}{m} \sum_{i=1}^m \lvert s_i - s'_i \rvert

    s and s' are the falling singular values, the shorter spectrum padded with zeros to the length m of the longer.
    `normalize` divides each spectrum by its Euclidean norm ("l2"), its sum ("sum") or its largest value ("max"), or
    by nothing (None). `distance` is "l2" (the first form) or "wasserstein" (the second: the 1-Wasserstein distance of
    the values with uniform mass). `centre` subtracts the mean row first.

    Larger is farther. Range [0, sqrt 2] for "l2" with "l2" or "sum", [0, 1] for "wasserstein" with any normalisation,
    else unbounded. Unchanged by rotation, by scaling where normalised, by translation where centred.

    Raises DegenerateSpace where a spectrum to be normalised is zero, and where one that is not adds up to infinity.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, 3 * points[::-1], "singular-values", null=None).score, 6)
    0.0
    """

    normalize: Normalize | None = "l2"
    distance: SpectrumDistance = "l2"
    centre: bool = False

    larger_means = "farther"
    score_range = ByParameters(_range)
    unchanged_by = ByParameters(_unchanged_by)
    # Padding with zeros leaves "l2" one distance for all lengths; the mean of "wasserstein" is over another length for
    # each pair, so by a longer spectrum the way round can be shorter.
    triangle = ByParameters[bool](lambda metric: metric.distance == "l2")

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.normalize is not None and self.normalize not in get_args(Normalize):
            raise GeomsimError(f"normalize is one of {', '.join(get_args(Normalize))}, None; got {self.normalize!r}")
        if self.distance not in get_args(SpectrumDistance):
            raise GeomsimError(f"distance is one of {', '.join(get_args(SpectrumDistance))}; got {self.distance!r}")

    def prepare(self, points: Tensor) -> Spectrum:
        """Singular values; O(rows x width x min(rows, width))."""
        points = points.double()
        largest = float(points.abs().max())
        points = points / (largest or 1.0)  # no sum leaves the range of numbers
        # Rounding in the mean leaves specks where rows are equal.
        speck = torch.finfo(points.dtype).eps * max(points.shape) if self.centre else 0.0
        values = torch.linalg.svdvals(points - points.mean(0) if self.centre else points)
        if self.normalize is None:
            values = values * largest
            if float(values.sum()) > torch.finfo(values.dtype).max / 4:
                raise DegenerateSpace(
                    f"the singular values of points as large as {largest:.3g} add up to more than a number can hold; "
                    "divide both sides by a common factor, or normalise the spectra"
                )
            return Spectrum(values)
        if float(values[0]) <= speck:
            what = f"all {len(points)} rows are equal" if self.centre else "all points are zero"
            raise DegenerateSpace(f"{what}, so the spectrum cannot be normalised; use normalize=None")
        values = values / values[0]  # first, so that no square leaves the range of numbers
        if self.normalize == "l2":
            values = values / torch.linalg.vector_norm(values)
        elif self.normalize == "sum":
            values = values / values.sum()
        return Spectrum(values)

    def score(self, left: Spectrum, right: Spectrum) -> Tensor:
        """Distance of the padded spectra."""
        first, second = _padded(left, right)
        apart = first - second
        unit = apart.abs().max().clamp(min=torch.finfo(apart.dtype).tiny)  # no square leaves the range of numbers
        apart = apart / unit
        return unit * (torch.linalg.vector_norm(apart) if self.distance == "l2" else apart.abs().mean())

    def explain(self, left: Spectrum, right: Spectrum) -> Explanation:
        """Both spectra, and the participation ratio of each: how many directions carry the cloud."""
        first, second = _padded(left, right)
        return Explanation(
            {
                "participation ratio left": _participation(left.values),
                "participation ratio right": _participation(right.values),
            },
            {
                "spectrum": {
                    "place": list(range(1, len(first) + 1)),
                    "left": first.tolist(),
                    "right": second.tolist(),
                }
            },
        )


def _padded(left: Spectrum, right: Spectrum) -> tuple[Tensor, Tensor]:
    longer = max(len(left.values), len(right.values))
    first, second = (torch.nn.functional.pad(side.values, (0, longer - len(side.values))) for side in (left, right))
    return first, second


def _participation(values: Tensor) -> float:
    """(sum s^2)^2 / sum s^4; 0 for a zero spectrum, which no direction carries."""
    largest = float(values.max())
    if not largest:
        return 0.0
    variances = (values / largest).square()
    return float(variances.sum()) ** 2 / float(variances.square().sum())

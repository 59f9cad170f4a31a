"""Representational similarity analysis (Kriegeskorte et al. 2008)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, GeomsimWarning, Moments, PairedMetric
from geomsim_representational.dissimilarity import Dissimilarities, Dissimilarity, dissimilarities
from geomsim_representational.rsa_kendall import kendall_profile
from geomsim_representational.rsa_profiles import (
    Profile,
    cosine_profile,
    pearson_profile,
    spearman_profile,
    whitened_profile,
)

Comparing = Literal["spearman", "pearson", "kendall", "cosine", "whitened-cosine"]

_PROFILES: dict[Comparing, Callable[[Dissimilarities], Profile]] = {
    "spearman": spearman_profile,
    "pearson": pearson_profile,
    "kendall": kendall_profile,
    "cosine": cosine_profile,
    "whitened-cosine": whitened_profile,
}
_DEFINED_FOR_EQUALS = ("cosine", "whitened-cosine")  # equal dissimilarities have a direction unless they are zero
_UNCHANGED_BY = {
    "correlation": frozenset({"scaling", "column_permutation"}),
    "cosine": frozenset({"scaling", "rotation", "column_permutation"}),
    "euclidean": frozenset({"scaling", "rotation", "translation", "column_permutation"}),
    "sqeuclidean": frozenset({"scaling", "rotation", "translation", "column_permutation"}),
}
_MANY_TIES = 0.1


def _unchanged_by(metric: RSA) -> frozenset[str]:
    return _UNCHANGED_BY[metric.dissimilarity]


@dataclass(frozen=True)
class RSA(PairedMetric[Profile]):
    r"""Correlation of the dissimilarities of all pairs of left rows with those of the paired right rows.

    .. math:: \operatorname{corr}_{i<j}\left(\delta(x_i, x_j),\, \delta(y_i, y_j)\right)

    `dissimilarity` :math:`\delta` is "correlation" (1 - Pearson r of two rows), "euclidean", "sqeuclidean" or "cosine"
    (1 - cosine of two rows). `compare` is

    - "spearman" (average ranks for ties), "pearson", or "cosine" (no centring);
    - "kendall": tau-b, the share of pairs of pairs in the same order less that in the other, tied ones left out;
    - "whitened-cosine": the cosine :math:`d^\top V^{-1} d' / (\lvert d \rvert_V \lvert d' \rvert_V)` with V the
      covariance that equal independent noise on all rows gives to squared distances. It is the inner product of the
      double-centred dissimilarities, so with "sqeuclidean" it equals linear `cka`.

    Range [-1, 1], larger is closer. Unchanged by scaling; by rotation unless "correlation"; by translation for the two
    Euclidean ones.

    Pitfalls: "cosine" and "whitened-cosine" are not 0 by chance, as dissimilarities are not negative: read them beside
    their null. Dissimilarities that differ by rounding are ties (1e-12; of squared distances, as a share of the squared
    lengths of both rows about the median row), and those within as much of zero are zero: rounding decides no rank.
    Time and memory grow with the square of the rows (n = 10,000 takes 4 GB); "kendall" takes O(n^2 log n) for each
    order, some two hundred times as long as the others (n = 400: 13 ms).

    `null_moments` are exact, with the third, in n^3 / 3 operations for each side; "kendall" has none.

    Raises DegenerateSpace for fewer than three rows, for rows on which the dissimilarity is undefined (constant rows
    for "correlation", zero rows for "cosine"), and where all dissimilarities are equal (for the two cosines: zero).

    References: Kriegeskorte, Mur, Bandettini 2008, "Representational similarity analysis", Front. Syst. Neurosci.;
    Diedrichsen, Berlot, Mur, Schütt, Shahbazi, Kriegeskorte 2021, "Comparing representational geometries using whitened
    unbiased-distance-matrix similarity", Neurons, Behavior, Data analysis and Theory; Mantel 1967 for the moments.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(geomsim.compare(points, 2 * points, "rsa", null=None).score, 6)
    1.0
    """

    dissimilarity: Dissimilarity = "correlation"
    compare: Comparing = "spearman"

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = ByParameters(_unchanged_by)

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name, choices in (("dissimilarity", get_args(Dissimilarity)), ("compare", get_args(Comparing))):
            if getattr(self, name) not in choices:
                raise GeomsimError(f"{name} is one of {', '.join(choices)}; got {getattr(self, name)!r}")

    def prepare(self, points: Tensor) -> Profile:
        """Dissimilarities, ranked, centred or whitened, and normalised; O(rows^2 x width)."""
        n_rows = len(points)
        if n_rows < 3:
            raise DegenerateSpace(f"{n_rows} rows have fewer than two dissimilarities to correlate; use more rows")
        found = dissimilarities(points, self.dissimilarity)
        if found.all_zero or (found.all_equal and self.compare not in _DEFINED_FOR_EQUALS):
            pairs = len(found.ordered_by)
            raise DegenerateSpace(
                f"all {pairs} dissimilarities are equal, so there is nothing to correlate; look for equal rows, "
                "or use another dissimilarity"
            )
        profile = _PROFILES[self.compare](found)
        if (profile.tied_share or 0.0) > _MANY_TIES:
            warnings.warn(
                f"{profile.tied_share:.0%} of the dissimilarities are tied with another one, so their ranks say "
                "little; look for duplicated rows, or use compare='pearson'",
                GeomsimWarning,
                stacklevel=2,
            )
        return profile

    def score(self, left: Profile, right: Profile, order: Tensor) -> Tensor:
        """Agreement of the two profiles, the right one reordered."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Profile, right: Profile, orders: Tensor) -> Tensor:
        """No dissimilarity is computed again: each order only gathers those of the right side."""
        return left.scores(right, orders).clamp(-1.0, 1.0)  # rounding lifts a perfect score above 1 by an eps or two

    def bytes_per_order(self, left: Profile, right: Profile) -> int:
        """What is moved for one order."""
        return left.bytes_per_order(right)

    def null_moments(self, left: Profile, right: Profile) -> Moments | None:
        """Exact mean, variance and skewness over all orders; None for "kendall"."""
        return left.moments(right)

    def null_mean(self, left: Profile, right: Profile) -> float | None:
        """The mean alone, O(rows^2); None for "kendall"."""
        return left.mean(right)

    def explain(self, left: Profile, right: Profile) -> Explanation:
        """Share of tied pairs, and what each row adds to the score: a row with little is arranged differently.

        Kendall's tau is no sum over rows, so "kendall" has the facts only.
        """
        facts: dict[str, float | int | str] = {"pairs of rows": left.rows * (left.rows - 1) // 2}
        if left.tied_share is not None and right.tied_share is not None:
            facts |= {"tied pairs left": left.tied_share, "tied pairs right": right.tied_share}
        adds = left.added_by_row(right)
        if adds is None:
            return Explanation(facts)
        return Explanation(facts, {"rows": {"row": list(range(left.rows)), "adds": adds.tolist()}})

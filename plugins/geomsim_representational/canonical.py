"""What the metrics of canonical correlations share: bases, their products and statistics, and what few rows mean."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning, Moments
from geomsim_representational.alignment import Alignment
from geomsim_representational.reordering_moments import reordering_mean, reordering_moments

Statistic = Literal["mean", "mean-squared"]


@dataclass(frozen=True)
class PrincipalAxes:
    """The singular values of a centred cloud that exceed rounding, with their left singular vectors."""

    columns: Tensor  # (rows, rank), orthonormal
    values: Tensor  # (rank,), falling, in units of the largest entry of the points


def principal_axes(points: Tensor) -> PrincipalAxes:
    """Thin singular value decomposition of the centred points, cut at the rank; O(rows x width^2).

    Raises DegenerateSpace where all rows are equal.
    """
    read_to = torch.finfo(points.dtype).eps
    points = points.double()
    points = points / (float(points.abs().max()) or 1.0)  # no sum leaves the range of numbers
    n_rows, width = points.shape
    U, s, _ = torch.linalg.svd(points - points.mean(0), full_matrices=False)
    # Rounding in the mean leaves specks where a column is constant: measure rank against the points themselves.
    # float32 points carry rounding of their own, which would pass for many small components.
    rounding = max(torch.finfo(points.dtype).eps * max(n_rows, width), 8 * read_to)
    rank = int((s > rounding * max(float(s[0]), 1.0)).sum())
    if rank == 0:
        raise DegenerateSpace("all rows are equal, so there is no component to keep; look where these rows come from")
    return PrincipalAxes(U[:, :rank], s[:rank])


def products(left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
    """left' right[order] for each order, (draws, k, k'); one at a time, small enough to stay in the cache."""
    transposed = left.T.contiguous()
    found = left.new_empty(len(orders), left.shape[1], right.shape[1])
    for order, product in zip(orders, found, strict=True):
        torch.mm(transposed, right.index_select(0, order), out=product)
    return found


def correlations(products: Tensor) -> Tensor:
    """Canonical correlations of orthonormal bases from their products, (..., min(k, k')), falling."""
    found: Tensor = torch.linalg.svdvals(products)
    return found.clamp(max=1.0)  # rounding lifts a perfect one above 1 by an eps or two


def check_statistic(statistic: str) -> None:
    """Raise GeomsimError unless this is a statistic of canonical correlations."""
    if statistic not in get_args(Statistic):
        raise GeomsimError(f"statistic is one of {', '.join(get_args(Statistic))}; got {statistic!r}")


def statistics(left: Tensor, right: Tensor, orders: Tensor, statistic: Statistic) -> Tensor:
    """Mean or mean square of the canonical correlations of two orthonormal bases for each order, (draws,).

    Singular values are taken only for "mean", as their squares sum to those of all entries of the product.
    """
    found = products(left, right, orders)
    if statistic == "mean":
        return correlations(found).mean(-1)
    return (found.square().sum((1, 2)) / min(found.shape[1:])).clamp(max=1.0)


def statistic_moments(left: Tensor, right: Tensor, statistic: Statistic) -> Moments | None:
    """Exact moments over all orders of "mean-squared", with mean max(k, k') / (n - 1); None for "mean".

    The sum of squares is tr(UU' P VV' P') for bases U (rows, k) and V (rows, k') with centred columns.
    """
    if statistic == "mean":
        return None
    moments = reordering_moments(_projection(left), _projection(right))
    pairs = min(left.shape[1], right.shape[1])
    assert moments.variance is not None
    return Moments(moments.mean / pairs, moments.variance / pairs**2, moments.skewness)


def statistic_mean(left: Tensor, right: Tensor, statistic: Statistic) -> float | None:
    """The mean alone of :func:`statistic_moments`; O(rows x k)."""
    if statistic == "mean":
        return None
    return reordering_mean(_projection(left), _projection(right)) / min(left.shape[1], right.shape[1])


def _projection(basis: Tensor) -> Alignment:
    return Alignment(basis, None, basis.square().sum(1))


def warn_of_few_rows(n_rows: int, k_left: int, k_right: int, metric: str) -> None:
    """Say so where canonical correlations are high by chance; called by the `score` of a metric."""
    if n_rows < 10 * (k_left + k_right):
        forced = max(0, k_left + k_right - (n_rows - 1))
        also = f"; {forced} correlations are 1 by algebra" if forced else ""
        warnings.warn(
            f"{n_rows} rows for {k_left} + {k_right} components: {metric} is high by chance when rows are fewer than "
            f"ten times the components{also}. Read it against its null, or keep fewer components",
            GeomsimWarning,
            stacklevel=3,
        )

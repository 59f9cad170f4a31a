"""What an endless stream would give: covariances of the activations, and the scores that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.plan import Plan
from geomsim_synthetic.setting import SIDES

# Directions with less than this share of the largest variance carry nothing but rounding.
_RANK = 1e-10


@dataclass(frozen=True)
class PopulationValues:
    """Scores of two networks' activations over an endless stream.

    Attributes
    ----------
    canonical_correlations
        descending, as many as the smaller rank.
    cka
        linear CKA: ``|S_lr|_F^2 / (|S_ll|_F |S_rr|_F)``.
    procrustes
        ``|S_lr|_* / sqrt(tr S_ll tr S_rr)``, the nuclear norm over the sizes.
    """

    canonical_correlations: tuple[float, ...]
    cka: float
    procrustes: float


class Covariances(NamedTuple):
    """Means and covariances of both networks' activations on one token.

    Attributes
    ----------
    left_mean, right_mean
        (width,).
    left, right, cross
        (left width, left width), (right width, right width), (left width, right width).
    """

    left_mean: NDArray[np.float64]
    right_mean: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    cross: NDArray[np.float64]


def population_values(covariances: Covariances) -> PopulationValues:
    """The scores that belong to these covariances.

    >>> same = np.diag([2.0, 1.0])
    >>> population_values(Covariances(np.zeros(2), np.zeros(2), same, same, same)).cka
    1.0
    """
    _, _, left, right, cross = covariances
    whitened = _inverse_root(left) @ cross @ _inverse_root(right).T
    correlations = np.linalg.svd(whitened, compute_uv=False)
    norms = np.linalg.norm(left) * np.linalg.norm(right)
    nuclear = np.linalg.svd(cross, compute_uv=False).sum()
    return PopulationValues(
        canonical_correlations=tuple(np.minimum(correlations, 1.0).tolist()),
        cka=float(np.linalg.norm(cross) ** 2 / norms),
        procrustes=float(nuclear / np.sqrt(np.trace(left) * np.trace(right))),
    )


def activation_covariances(plan: Plan, layer: int = 0) -> Covariances:
    """Means and covariances of the activations, from the law of every source: no token is drawn."""
    means, blocks = code_moments(plan)
    setting = plan.setting
    directions = [side.source_directions(layer) for side in plan.sides]
    products = [
        directions[a].T @ (blocks[a][b] @ directions[b]) for a, b in ((0, 0), (1, 1), (0, 1))
    ]  # fmt: skip
    activation_means = []
    for side, mean, own in zip(plan.sides, means, products[:2], strict=True):
        own += setting.noise**2 * np.eye(len(own))
        own[side.outliers, side.outliers] += setting.outlier_deviation**2
        shifted = mean @ side.source_directions(layer)
        shifted[side.outliers] += setting.outlier_mean
        activation_means.append(shifted)
    return Covariances(activation_means[0], activation_means[1], *products)


def code_moments(plan: Plan) -> tuple[list[NDArray[np.float64]], list[list[Any]]]:
    """Mean magnitude of each source, and covariances of sources as sparse (sources, sources) by side and side."""
    from scipy.sparse import coo_array

    setting = plan.setting
    mean, square = setting.magnitude_law.scale, setting.magnitude_law.second_moment
    n, n_sources = setting.n_features, len(plan.left.feature)
    means = [mean * side.probability for side in plan.sides]
    entries: dict[tuple[int, int], list[tuple[Any, Any, Any]]] = {(0, 0): [], (1, 1): [], (0, 1): []}

    def independent(sides: tuple[int, int], sources: NDArray[np.int64], together: NDArray[np.float64]) -> None:
        value = square * together - means[sides[0]][sources] * means[sides[1]][sources]
        entries[sides].append((sources, sources, value))

    dense = n + np.arange(setting.dense)
    for side in (0, 1):
        own = np.concatenate([np.flatnonzero(plan.sides[side].is_free), dense])
        independent((side, side), own, plan.sides[side].probability[own])
    common = np.flatnonzero(plan.left.is_free & plan.right.is_free & plan.is_shared)
    chance = plan.sides[0].probability[common] * setting.seen_shares[1]
    independent((0, 1), common, chance)

    def group(sources: NDArray[np.int64], second: NDArray[np.float64], on: list[int], is_missed: bool = False) -> None:
        """Covariances of sources whose magnitudes have this second moment where both networks see all firings."""
        rows, columns = (grid.ravel() for grid in np.meshgrid(sources, sources, indexing="ij"))
        shares = setting.seen_shares if is_missed else (1.0, 1.0)
        for (a, b), kept in entries.items():
            if a not in on or b not in on:
                continue
            seen = shares[a] * shares[b] * second
            if a == b:  # a firing that is seen is seen, whatever it is multiplied with
                np.fill_diagonal(seen, shares[a] * np.diag(second))
            covariance = seen - np.outer(means[a][sources], means[b][sources])
            kept.append((rows, columns, covariance.ravel()))

    for placed in plan.placed:
        structure = placed.structure
        moments = structure.moments(placed.probability)
        on = [side for side, name in enumerate(SIDES) if placed.on(name)]
        second = (square if structure.one_magnitude else mean**2) * moments.second
        np.fill_diagonal(second, square * np.diag(moments.second))
        is_missed = structure.place == "both" and structure.may_be_missed
        for side in on:
            means[side][placed.ranks] = mean * moments.first * (setting.seen_shares[side] if is_missed else 1.0)
        group(placed.ranks, second, on, is_missed)
    if setting.junk:
        sources = n + setting.dense + np.arange(setting.junk)
        group(sources, np.diag(square * plan.left.probability[sources]), [0, 1])

    def matrix(sides: tuple[int, int]) -> Any:
        rows, columns, values = (np.concatenate(column) for column in zip(*entries[sides], strict=True))
        return coo_array((values, (rows, columns)), shape=(n_sources, n_sources)).tocsr()

    cross = matrix((0, 1))
    return means, [[matrix((0, 0)), cross], [cross.T, matrix((1, 1))]]


def _inverse_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = eigenvalues > _RANK * eigenvalues[-1]
    root: NDArray[np.float64] = (vectors[:, kept] / np.sqrt(eigenvalues[kept])).T
    return root

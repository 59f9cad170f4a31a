"""Distances between rows in tiles: products first, and differences where the products cannot tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.rows.grouped_rows import grouped
from geomsim_topological.rows.row_order import CentredCloud, tiles

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_HEIGHT = 256  # rows that are held against a tile of all others
_WIDTH = 1 << 13  # others in a tile
_SPARE = 12  # neighbours kept beyond the k-th, among which rounding may have mixed up the order


def neighbour_distances(cloud: CentredCloud, k: int) -> Floats:
    """For each row, the distance to its k-th nearest other row, k < rows, in the units of the points.

    Candidates come from matrix products, which cancel; the distances to these are measured again from differences, and
    where a row that was no candidate might still be nearer, those to all rows are.
    """
    different, places, counts = cloud.distinct()
    kept = min(k + _SPARE, len(different))
    found = np.empty(len(different))
    for begin in range(0, len(different), _HEIGHT):
        here = np.arange(begin, min(begin + _HEIGHT, len(different)))
        candidates, beyond = _candidates(cloud, different, different[here], kept)
        exact = _from_differences(cloud, different[here], different[candidates])
        found[here] = _kth(exact, counts[candidates], k + 1)
        unsure = here[(found[here] > 0) & (found[here] ** 2 >= beyond)]
        for place in unsure:
            found[place] = _kth(_to_all(cloud, different[[place]], different), counts[None], k + 1)[0]
    return np.asarray(found[places] * cloud.unit)


def _kth(distances: Floats, counts: Numbers, k: int) -> Floats:
    """In each row, the k-th smallest distance, where each stands as often as `counts` says."""
    order = np.argsort(distances, axis=1)
    reached = np.cumsum(np.take_along_axis(np.broadcast_to(counts, distances.shape), order, axis=1), axis=1) >= k
    nearest = np.take_along_axis(distances, order, axis=1)
    return np.asarray(nearest[np.arange(len(nearest)), reached.argmax(axis=1)])


def _candidates(cloud: CentredCloud, different: Numbers, rows: Numbers, kept: int) -> tuple[Numbers, Floats]:
    """Places of the nearest `kept` rows, and a bound that the squared distance to no other row is below."""
    queries = cloud.centred(rows)
    own = np.einsum("ij,ij->i", queries, queries)[:, None]
    place = np.empty((len(rows), 0), dtype=np.int64)
    low = np.empty((len(rows), 0))
    beyond = np.full(len(rows), np.inf)
    for start in range(0, len(different), _WIDTH):
        bounds = _lower_bounds(queries, own, cloud.centred(different[start : start + _WIDTH]))
        nearest, rest = _smallest(bounds, kept)
        low = np.hstack([low, np.take_along_axis(bounds, nearest, axis=1)])
        place = np.hstack([place, nearest + start])
        nearest, dropped = _smallest(low, kept)
        low = np.take_along_axis(low, nearest, axis=1)
        place = np.take_along_axis(place, nearest, axis=1)
        beyond = np.minimum(beyond, np.minimum(rest, dropped))
    return place, beyond


def _smallest(bounds: Floats, kept: int) -> tuple[Numbers, Floats]:
    """Columns of the smallest `kept` in each row, and the smallest of the others."""
    if bounds.shape[1] <= kept:
        columns = np.broadcast_to(np.arange(bounds.shape[1]), bounds.shape)
        return columns, np.full(len(bounds), np.inf)
    order = np.argpartition(bounds, kept, axis=1)
    return order[:, :kept], np.take_along_axis(bounds, order[:, kept : kept + 1], axis=1)[:, 0]


def _lower_bounds(queries: Floats, own: Floats, others: Floats) -> Floats:
    """Squared distances less the most that rounding may have added."""
    rounding = (queries.shape[1] + 8) * float(np.finfo(np.float64).eps)
    bounds = queries @ others.T
    bounds *= -2.0
    bounds += (1.0 - 2.0 * rounding) * own
    bounds += (1.0 - 2.0 * rounding) * np.einsum("ij,ij->i", others, others)
    return bounds


def _from_differences(cloud: CentredCloud, rows: Numbers, others: Numbers) -> Floats:
    """Distance of each row to its own others, (rows, others of each)."""
    found = np.empty(others.shape)
    here = cloud.exact(rows)
    for tile in tiles(len(rows), others.shape[1] * here.shape[1]):
        apart = cloud.exact(others[tile].ravel()).reshape(-1, others.shape[1], here.shape[1])
        apart -= here[tile, None]
        found[tile] = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
    return found


def _to_all(cloud: CentredCloud, row: Numbers, others: Numbers) -> Floats:
    """Distance of one row to others, (1, others)."""
    here = cloud.exact(row)
    found = np.empty((1, len(others)))
    for tile in tiles(len(others), here.shape[1]):
        apart = cloud.exact(others[tile]) - here
        found[0, tile] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found


def distances_to(cloud: CentredCloud, centre: Floats, rows: Numbers | None = None) -> Floats:
    """Distance of rows, or of all, to a point in units of ``cloud.unit``, from differences."""
    n_rows, width = cloud.cloud.shape
    found = np.empty(n_rows if rows is None else len(rows))
    for tile in tiles(len(found), width):
        apart = cloud.exact(tile if rows is None else rows[tile])
        apart -= centre
        found[tile] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found


def rows_within(cloud: CentredCloud, centres: Numbers, radii: Floats) -> list[Numbers]:
    """For each centre, itself a row, the rows that :func:`distances_to` puts within its radius, ascending.

    Radii are in units of ``cloud.unit``. Matrix products decide where their rounding leaves no doubt.
    """
    points = cloud.exact(centres)
    middle = cloud.centred(centres)
    own = np.einsum("ij,ij->i", middle, middle)
    rounding = (middle.shape[1] + 8) * float(np.finfo(np.float64).eps)
    inner, outer = np.square(radii) * (1 - 4 * rounding), np.square(radii) * (1 + 4 * rounding)
    labels, sizes = [], []
    for tile in tiles(len(cloud.cloud), max(len(centres), middle.shape[1])):
        rows = cloud.centred(tile)
        squares = np.einsum("ij,ij->i", rows, rows)[:, None] + own
        doubt = 4 * rounding * squares
        squares -= 2.0 * (rows @ middle.T)
        inside = squares + doubt <= inner
        row, centre = np.nonzero(~inside & (squares - doubt <= outer))
        if len(row):
            inside[row, centre] = _pairs_within(cloud, points, radii, row + tile.start, centre)
        labels.append(np.nonzero(inside)[1].astype(np.int32))
        sizes.append(inside.sum(axis=1))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    return grouped(starts, np.concatenate(labels), len(centres))


def _pairs_within(
    cloud: CentredCloud, points: Floats, radii: Floats, row: Numbers, centre: Numbers
) -> NDArray[np.bool_]:
    inside = np.empty(len(row), dtype=bool)
    for part in tiles(len(row), points.shape[1]):
        apart = cloud.exact(row[part])
        apart -= points[centre[part]]
        inside[part] = np.sqrt(np.einsum("ij,ij->i", apart, apart)) <= radii[centre[part]]
    return inside

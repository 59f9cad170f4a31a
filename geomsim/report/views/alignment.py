"""The pose of a right map that brings it nearest to the left one along pairs of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import GeomsimError

Floats = NDArray[np.float64]
Affine = tuple[float, float, float, float, float, float]

_SHUFFLES = 20
_FEWEST = 3  # pairs that say how to turn; two always agree
_WIDEST = 1.5  # how much larger or smaller than the left map the right one may become


def align(
    left_places: Floats,
    right_places: Floats,
    left_rows: ArrayLike,
    right_rows: ArrayLike,
    weight: ArrayLike | None = None,
) -> tuple[Affine, str]:
    r"""Turn, mirror, scale and move the right map (Procrustes) to lie nearest to the left one along pairs of rows.

    .. math:: \min_{Q, t} \sum_i w_i \lVert x_{l_i} - s \, y_{r_i} Q - t \rVert^2

    The right map keeps its shape. The scale s gives partners the same spread on both sides; the scale of least squares
    would shrink the right map by r, so that it were small wherever pairs agree little. Whatever the pairs are, the
    spread of all rows stays within 1.5 times that of the left map, both ways.

    The words say how well that goes: the correlation r between the coordinates of partners after it, in [0, 1],

    .. math:: r = \lVert X^T W Y \rVert_* \, / \, (\lVert W^{1/2} X \rVert_F \lVert W^{1/2} Y \rVert_F)

    of the centred places X and Y of the pairs, beside the mean of r over 20 seeded shuffles of the pairs: maps of
    unrelated spaces can be brought together a little, too. Where fewer than three pairs are there, or those of a side
    lie on one place, only centre and spread are matched.

    Parameters
    ----------
    left_places, right_places
        (rows, 2).
    left_rows, right_rows
        the pairs, by row numbers; of equal length.
    weight
        of each pair; those at or below 0 count nothing. All count alike without, or where none is above 0.

    Returns
    -------
    (a, b, c, d, e, f), by which the right map's (x, y) becomes (a x + c y + e, b x + d y + f), and the words.
    """
    l, r = (np.asarray(rows, dtype=np.int64) for rows in (left_rows, right_rows))
    for side, rows, places in (("left", l, left_places), ("right", r, right_places)):
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(places):
            raise GeomsimError(f"a pair names a {side} row that a map of {len(places)} rows has not")
    w = np.ones(len(l)) if weight is None else np.clip(np.asarray(weight, dtype=np.float64), 0, None)
    if len(r) != len(l) or len(w) != len(l):
        raise GeomsimError(f"{len(l)} left rows, {len(r)} right rows and {len(w)} weights are not pairs")
    w = w / w.sum() if w.sum() > 0 else np.full(len(l), 1 / max(len(l), 1))
    ratio = (_spread(left_places) or 1.0) / (_spread(right_places) or 1.0)
    x, y = (places[rows] - w @ places[rows] for places, rows in ((left_places, l), (right_places, r)))
    counted = int((w > 0).sum())
    if counted < _FEWEST or not (_size(x, w) and _size(y, w)):
        middle = left_places.mean(axis=0) - ratio * right_places.mean(axis=0)
        why = f"{_pairs(counted)} cannot say how to turn it"
        if counted >= _FEWEST:
            why = "the pairs of a side lie on one place"
        words = f"The right map is brought to centre and spread of the left one; {why}."
        return _affine(ratio * np.eye(2), middle), words
    u, _, v = np.linalg.svd(y.T @ (w[:, None] * x))
    turn = float(np.clip(np.sqrt(_size(x, w) / _size(y, w)), ratio / _WIDEST, ratio * _WIDEST)) * (u @ v)
    random = np.random.default_rng(0)
    shuffled = [_agreement(x, right_places[r[random.permutation(len(r))]], w) for _ in range(_SHUFFLES)]
    words = (
        f"The right map is turned, mirrored and scaled to lie nearest to the left one along {_pairs(counted)}: "
        f"r {_agreement(x, y, w):.2f} between the places of partners, and {np.mean(shuffled):.2f} when the pairs are "
        f"shuffled (mean of {_SHUFFLES})."
    )
    return _affine(turn, w @ left_places[l] - (w @ right_places[r]) @ turn), words


def _agreement(x: Floats, y: Floats, w: Floats) -> float:
    """The correlation of places after the best turn; `x` is centred, `y` need not be."""
    y = y - w @ y
    sizes = _size(x, w) * _size(y, w)
    return float(np.linalg.svd(y.T @ (w[:, None] * x), compute_uv=False).sum() / np.sqrt(sizes)) if sizes else 0.0


def _size(centred: Floats, w: Floats) -> float:
    return float(w @ (centred**2).sum(axis=1))


def _spread(places: Floats) -> float:
    """Root of the mean squared distance from the centre."""
    return float(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())) if len(places) else 0.0


def _affine(turn: Floats, move: Floats) -> Affine:
    (a, b), (c, d) = turn.tolist()
    return a, b, c, d, float(move[0]), float(move[1])


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"

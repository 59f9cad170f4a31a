"""Prototypes: the rows of one concept collapsed to their mean or to a few cluster centres, for comparing concepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig, InvalidSpace
from geomsim.pairing import Pairing
from geomsim.space import Space

_STARTS = 10  # of k-means, the best is kept

_Clusters = dict[str, list[NDArray[np.int64]]]  # the rows of each centre of each concept


def prototypes(space: Space, labels: Sequence[str | None], *, centres: int = 1, seed: int = 0) -> Space:
    """One row per concept: the mean of its rows; or `centres` rows per concept, the means of its k-means clusters.

    Concepts come in the order of their names. With one centre the ids are these names, so that
    :meth:`geomsim.Pairing.by_id` brings the prototypes of two models together. With more, the ids are ``name/1``,
    ``name/2``, ..., the largest cluster first; centre 1 of one model is then *not* centre 1 of another, and
    :func:`paired_prototypes` is the function to use.

    Parameters
    ----------
    space
        (rows, width); computed in float64, on the CPU.
    labels
        the concept of each row; rows labelled None are left out, and counted in ``provenance["prototypes"]``.
    centres
        rows per concept.
    seed
        of k-means (Euclidean, the best of ten starts); each concept is clustered by itself.

    Returns
    -------
    Space
        (concepts x centres, width) float64. With more than one centre its groups are the concepts: the centres of a
        concept lie together by construction, and are not exchangeable with those of others one by one.

    Raises
    ------
    InvalidSpace
        where there is not one label per row, no row has one, or a concept has fewer distinct rows than centres.
    InvalidConfig
        where `centres` is below 1.

    >>> space = Space([[0.0, 0.0], [0.0, 2.0], [5.0, 5.0], [9.0, 9.0]], name="four")
    >>> found = prototypes(space, ["sea", "sea", "land", None])
    >>> found.ids, found.points.tolist()
    (('land', 'sea'), [[5.0, 5.0], [0.0, 1.0]])
    >>> found.provenance["prototypes"]["left_out"]
    1
    """
    points = _values(space)
    clusters = _clustered(points, _members(labels, len(points), f"space {space.name!r}", "rows"), centres, seed, space)
    return _collapsed(space, points, clusters, centres, {"seed": seed}, len(points))


def paired_prototypes(
    left: Space,
    right: Space,
    pairing: Pairing,
    labels: Sequence[str | None],
    *,
    centres: int = 1,
    seed: int = 0,
    clustered: Literal["left", "right"] = "left",
) -> tuple[Space, Space]:
    """Prototypes of both sides, row i of one belonging to row i of the other: compare them without a pairing.

    The pairs of a concept are split into clusters by the rows of one side, and a centre is the mean of the same pairs
    on either side. So the centres correspond, and the clusters do not depend on the pairing: rows of the other side
    had no say in them. Clusters made from both sides together would be split where both happen to agree, and so make
    pairs look alike that were drawn at random.

    Parameters
    ----------
    left, right, pairing
        the two spaces and their pairs. A row counts once for each pair it is in.
    labels
        the concept of each pair; pairs labelled None are left out, and counted in ``provenance["prototypes"]``.
    centres, seed
        as for :func:`prototypes`.
    clustered
        the side whose rows are clustered. It matters with more than one centre: the clustered side is spread out by
        construction, the other only as far as it is arranged alike. Report it, or both.

    Raises
    ------
    InvalidPairing
        where the pairing points outside a space.
    InvalidSpace, InvalidConfig
        as :func:`prototypes`, with pairs in place of rows; or where `clustered` names no side.

    >>> left = Space([[0.0], [1.0], [9.0], [10.0]])
    >>> right = Space([[3.0], [5.0], [1.0], [1.0]])
    >>> first, second = paired_prototypes(left, right, Pairing.identity(4), ["a"] * 4, centres=2)
    >>> first.points.tolist(), second.points.tolist()
    ([[0.5], [9.5]], [[4.0], [1.0]])
    """
    if clustered not in ("left", "right"):
        raise InvalidConfig(f"clustered must be 'left' or 'right', got {clustered!r}")
    spaces = pairing.apply(left, right)
    points = tuple(_values(space) for space in spaces)
    members = _members(labels, len(pairing), "the pairing", "pairs")
    chosen = 0 if clustered == "left" else 1
    clusters = _clustered(points[chosen], members, centres, seed, spaces[chosen])
    note = {"seed": seed, "clustered": clustered, "pairing": dict(pairing.provenance)}
    first, second = (
        _collapsed(space, values, clusters, centres, note, len(pairing))
        for space, values in zip(spaces, points, strict=True)
    )
    return first, second


def _values(space: Space) -> NDArray[np.float64]:
    return np.asarray(space.numpy(), dtype=np.float64)


def _members(labels: Sequence[str | None], expected: int, called: str, what: str) -> dict[str, NDArray[np.int64]]:
    """The numbers of the rows of each concept, concepts in the order of their names."""
    if isinstance(labels, str) or len(labels) != expected:
        raise InvalidSpace(f"{called} has {expected} {what} but {len(labels)} labels; one each is needed, or None")
    found: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is None:
            continue
        if not isinstance(label, str) or not label:
            raise InvalidSpace(f"{called}: label {row} is {label!r}; a label is the name of a concept, or None")
        found.setdefault(label, []).append(row)
    if not found:
        raise InvalidSpace(f"{called}: none of its {expected} {what} has a label, so there are no concepts to compare")
    return {name: np.array(found[name], dtype=np.int64) for name in sorted(found)}


def _clustered(
    points: NDArray[np.float64], members: dict[str, NDArray[np.int64]], centres: int, seed: int, space: Space
) -> _Clusters:
    if centres < 1:
        raise InvalidConfig(f"a concept needs at least one centre, got centres={centres}")
    if centres == 1:
        return {name: [rows] for name, rows in members.items()}
    distinct = {name: len(np.unique(points[rows], axis=0)) for name, rows in members.items()}
    few = {name: count for name, count in distinct.items() if count < centres}
    if few:
        name = next(iter(few))
        raise InvalidSpace(
            f"space {space.name!r}: concept {name!r} has {few[name]} distinct rows, fewer than {centres} centres"
            + (f", and so have {len(few) - 1} other concepts" if len(few) > 1 else "")
            + "; ask for fewer centres or leave these concepts out (label None)"
        )
    return {name: _split(points, rows, centres, seed) for name, rows in members.items()}


def _split(points: NDArray[np.float64], rows: NDArray[np.int64], centres: int, seed: int) -> list[NDArray[np.int64]]:
    """The rows of each k-means cluster, the largest first and equal ones by their first row."""
    from sklearn.cluster import KMeans

    found = KMeans(n_clusters=centres, n_init=_STARTS, random_state=seed).fit_predict(points[rows])
    clusters = [rows[found == number] for number in range(centres)]
    return sorted(clusters, key=lambda cluster: (-len(cluster), cluster[0]))


def _collapsed(
    space: Space, points: NDArray[np.float64], clusters: _Clusters, centres: int, note: dict[str, Any], of: int
) -> Space:
    means = np.stack([points[rows].mean(axis=0) for parts in clusters.values() for rows in parts])
    sizes = {name: [len(rows) for rows in parts] for name, parts in clusters.items()}
    left_out = of - sum(sum(parts) for parts in sizes.values())
    names = list(sizes) if centres == 1 else [f"{name}/{i}" for name in sizes for i in range(1, centres + 1)]
    groups = None if centres == 1 else np.repeat(np.arange(len(sizes)), centres)
    provenance = {**space.provenance, "prototypes": {"centres": centres, "rows": sizes, "left_out": left_out, **note}}
    return Space(means, ids=names, groups=groups, name=space.name, provenance=provenance)

"""Two spaces that were compared, and which of their rows belong together, for the linked maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from geomsim.errors import InvalidPairing
from geomsim.pairing import Pairing
from geomsim.report.page.contents import Column, Links, SpacePair, SpaceRows
from geomsim.report.views.alignment import align


def space_pair(
    name: str,
    labels: Mapping[str, Any],
    left_index: int,
    right_index: int,
    left: SpaceRows,
    right: SpaceRows,
    pairing: Pairing | None,
    *,
    by_row: bool = True,
) -> SpacePair:
    """A pair of spaces with its links, and the right map turned to the left one where both have one.

    Without a pairing row i belongs to row i, as :func:`geomsim.compare` has it, where both sides have as many rows;
    otherwise, or unless `by_row`, there are no links.

    Raises InvalidPairing where a pair names a row that a space has not.
    """
    links = None
    if pairing is not None:
        _check_inside(pairing, left, right)
        links = _links(pairing)
    elif by_row and left.n_rows == right.n_rows and left.n_rows:
        links = Links(np.arange(left.n_rows), np.arange(left.n_rows), None, "")
    if left.places is None or right.places is None:
        return SpacePair(name, left_index, right_index, labels, links)
    none = np.empty(0, dtype=np.int64)
    strength = None if pairing is None else pairing.weight if pairing.mass is None else pairing.mass
    affine, words = align(
        left.places,
        right.places,
        none if links is None else links.left,
        none if links is None else links.right,
        strength,
    )
    return SpacePair(name, left_index, right_index, labels, links, affine, words)


def _links(pairing: Pairing) -> Links:
    measure = str(pairing.provenance.get("measure", "pearson" if "method" in pairing.provenance else "weight"))
    named = "correlation" if measure == "pearson" else measure
    columns = [] if pairing.mass is None else [Column("mass", pairing.mass)]
    return Links(pairing.left, pairing.right, pairing.weight, named, columns)


def _check_inside(pairing: Pairing, left: SpaceRows, right: SpaceRows) -> None:
    for side, space, rows in (("left", left, pairing.left), ("right", right, pairing.right)):
        if (largest := int(rows.max())) >= space.n_rows:
            raise InvalidPairing(
                f"the pairing names {side} row {largest}, but the {side} space {space.name!r} has {space.n_rows} rows; "
                "was the pairing made for other spaces, or are left and right swapped?"
            )

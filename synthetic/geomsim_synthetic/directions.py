"""Where features point in both networks, and what they drift towards from layer to layer.

What is shared is arranged once, in as many dimensions as the narrower network has, and carried into each network by an
isometry. Features turn one by one; those of a planted group turn together, so that it keeps its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.arrangement import (
    leaning,
    perpendicular,
    perpendicular_together,
    random_directions,
    random_isometry,
    same_covariance,
    turned,
)
from geomsim_synthetic.placing import Placed
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.randomness import Draw, generator
from geomsim_synthetic.setting import SIDES, Setting


class Directions(NamedTuple):
    """Directions at layer 0 and what they drift towards, of equal length and at right angles: (rows, width) each."""

    toward: NDArray[np.float64]
    aside: NDArray[np.float64]


class Arrangement(NamedTuple):
    """What both networks share: directions of all ranks and then of junk features, and the way into each network."""

    sides: tuple[Directions, Directions]
    isometries: tuple[NDArray[np.float64], NDArray[np.float64]]

    def carried(self, side: int) -> Directions:
        """The shared directions in the width of a network."""
        return Directions(*(rows @ self.isometries[side] for rows in self.sides[side]))

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(left width, right width): carries the left arrangement into the right network."""
        return self.isometries[0].T @ self.isometries[1]


def shared_arrangement(setting: Setting, placed: Sequence[Placed]) -> Arrangement:
    """The arrangement that both networks see; InvalidConfig where a shape needs more dimensions than there are."""
    seed, narrower = setting.seed, min(setting.widths)
    arrangement = np.vstack(
        [
            random_directions(generator(seed, Draw.ARRANGEMENT), setting.n_features, narrower),
            random_directions(generator(seed, Draw.EXTRA_DIRECTIONS, 2), setting.junk, narrower),
        ]
    )
    shapes = [each for each in placed if isinstance(each.structure, Planted) and each.is_common]
    sides = []
    for side, name in enumerate(SIDES):
        rows = arrangement.copy()
        for each in shapes:
            rows[each.ranks] = shape_rows(setting, each, name, narrower)
        if side == 1:
            rows = _noisy(setting, rows, shapes)
        # The drift is drawn once for both, so that layer l of one belongs to layer l of the other.
        aside = perpendicular(rows, generator(seed, Draw.DRIFT, 2))
        for each in shapes if setting.drift else ():
            aside[each.ranks] = perpendicular_together(rows[each.ranks], generator(seed, Draw.DRIFT, 2, each.number))
        sides.append(Directions(rows, aside))
    isometries = [
        random_isometry(generator(seed, Draw.ISOMETRY, side), narrower, width)
        for side, width in enumerate(setting.widths)
    ]
    return Arrangement((sides[0], sides[1]), (isometries[0], isometries[1]))


def own_directions(setting: Setting, placed: Sequence[Placed], side: int) -> Directions:
    """Directions of all ranks of one network that has none in common with the other."""
    seed, width = setting.seed, setting.widths[side]
    rows = random_directions(generator(seed, Draw.OWN_DIRECTIONS, side), setting.n_features, width)
    aside = perpendicular(rows, generator(seed, Draw.DRIFT, side))
    for each in placed:
        is_own = not each.is_common or setting.geometry == "independent"
        if isinstance(each.structure, Planted) and each.on(SIDES[side]) and is_own:
            shaped = shape_rows(setting, each, SIDES[side], width, side)
            random = generator(seed, Draw.DRIFT, side, 2, each.number)
            rows[each.ranks] = shaped
            aside[each.ranks] = (perpendicular_together if setting.drift else perpendicular)(shaped, random)
    return Directions(rows, aside)


def extra_directions(setting: Setting, side: int) -> tuple[Directions, Directions]:
    """Directions of one network's dense distractors, and of junk features where no arrangement is shared."""
    found = []
    for count, place, drift in ((setting.dense, (), 3), (setting.junk, (1,), 1)):
        rows = random_directions(
            generator(setting.seed, Draw.EXTRA_DIRECTIONS, side, *place), count, setting.widths[side]
        )  # fmt: skip
        found.append(Directions(rows, perpendicular(rows, generator(setting.seed, Draw.DRIFT, side, drift))))
    return found[0], found[1]


def shape_rows(setting: Setting, placed: Placed, name: str, width: int, *place: int) -> NDArray[np.float64]:
    """Directions of a planted group in `width` dimensions; where it has no shape, its reordered counterpart."""
    planted = placed.structure
    assert isinstance(planted, Planted)
    rows = planted.shape.coordinates
    dimensions = rows.shape[1]
    where = (
        f"structures[{placed.number}]: a planted {planted.name} of size {planted.cells} lies in {dimensions} "
        f"dimensions, but the (narrower) network has width {width}"
    )
    if dimensions > width:
        raise InvalidConfig(f"{where}; plant a smaller one or widen the network")
    if dimensions == width and width % 2 and (setting.drift or setting.geometry_noise):
        raise InvalidConfig(
            f"{where}, an odd number, in which it cannot turn (drift={setting.drift:g}, "
            f"geometry_noise={setting.geometry_noise:g}) and keep its shape; make the network wider by one"
        )
    random = generator(setting.seed, Draw.STRUCTURE_PLACE, placed.number, *place)
    isometry = random_isometry(random, dimensions, width)
    if not planted.has_shape(name):
        rows = same_covariance(rows, random)
    return rows @ isometry


def _noisy(setting: Setting, rows: NDArray[np.float64], shapes: Sequence[Placed]) -> NDArray[np.float64]:
    """The right arrangement: rows turned by arctan of the noise, one by one and planted groups as a whole."""
    amount = setting.geometry_noise
    noisy = turned(rows, generator(setting.seed, Draw.TURNING), amount)
    for each in shapes if amount else ():
        random = generator(setting.seed, Draw.TURNING, each.number)
        noisy[each.ranks] = leaning(rows[each.ranks], perpendicular_together(rows[each.ranks], random), amount)
    return noisy

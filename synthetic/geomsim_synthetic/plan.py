"""From a setting to two networks: which features each carries, how they lie, what its dictionary makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.arrangement import perpendicular, random_directions, random_isometry
from geomsim_synthetic.correlated import CorrelatedGroup
from geomsim_synthetic.faults import FaultyRows, faulty_rows, turned_rows
from geomsim_synthetic.hierarchy import Hierarchy
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.randomness import Draw, generator
from geomsim_synthetic.setting import SIDES, Setting
from geomsim_synthetic.structure import Structure

KINDS: dict[type[Structure], str] = {CorrelatedGroup: "correlated", Hierarchy: "hierarchy", Planted: "planted"}


@dataclass(frozen=True, eq=False)
class Placed:
    """A structure and the ranks of its members."""

    structure: Structure
    number: int
    ranks: NDArray[np.int64]
    probability: NDArray[np.float64]

    def on(self, side: str) -> bool:
        """Whether this network carries its features."""
        return self.structure.place in ("both", side)


@dataclass(frozen=True, eq=False)
class SidePlan:
    """One network before any token is drawn.

    Sources are all that it adds up, in this order: features by rank, dense distractors, junk features.

    Attributes
    ----------
    name
        "left" or "right".
    feature
        (sources,) number of each source; shared ones have one number in both networks.
    kinds
        of each source: plain, correlated, hierarchy, planted, dense or junk.
    probability
        (sources,) of firing in this network.
    is_free
        (features,) bool: ranks that fire by themselves, without a structure.
    directions, asides
        (sources, width) at layer 0, and what they drift towards: of equal length, at right angles.
    rows
        how the dictionary writes the sources down.
    outliers
        neurons that are far off.
    """

    name: str
    feature: NDArray[np.int64]
    kinds: tuple[str, ...]
    probability: NDArray[np.float64]
    is_free: NDArray[np.bool_]
    directions: NDArray[np.float64]
    asides: NDArray[np.float64]
    rows: FaultyRows
    outliers: NDArray[np.int64]
    setting: Setting

    @property
    def number(self) -> int:
        """0 for the left, 1 for the right network."""
        return SIDES.index(self.name)

    def source_directions(self, layer: int) -> NDArray[np.float64]:
        """(sources, width) at a layer: ``cos(layer t) directions + sin(layer t) asides`` with ``t = arctan(drift)``."""
        if not layer or not self.setting.drift:
            return self.directions
        angle = layer * np.arctan(self.setting.drift)
        turned: NDArray[np.float64] = np.cos(angle) * self.directions + np.sin(angle) * self.asides
        return turned

    def row_directions(self, layer: int) -> NDArray[np.float64]:
        """(rows, width) of the dictionary at a layer."""
        random = generator(self.setting.seed, Draw.FAULT_DIRECTION, self.number)
        return self.rows.directions(
            self.source_directions(layer), random, self.setting.faults[self.number].split_turn
        )  # fmt: skip

    @cached_property
    def first_layer_rows(self) -> NDArray[np.float64]:
        """The dictionary's rows at layer 0, kept since every block of tokens is written with them."""
        return self.row_directions(0)

    @property
    def row_feature(self) -> NDArray[np.int64]:
        """(rows,) the (first) feature that each row stands for, -1 for a dead row."""
        return np.array([int(self.feature[row.sources[0]]) if row.sources else -1 for row in self.rows.rows])


@dataclass(frozen=True, eq=False)
class Plan:
    """Both networks before any token is drawn, and how they belong together."""

    setting: Setting
    is_shared: NDArray[np.bool_]
    placed: tuple[Placed, ...]
    left: SidePlan
    right: SidePlan
    rotation: NDArray[np.float64] | None

    @property
    def sides(self) -> tuple[SidePlan, SidePlan]:
        """Left and right."""
        return self.left, self.right


@lru_cache(maxsize=4)
def plan(setting: Setting) -> Plan:
    """Everything about two networks that does not depend on a token.

    Raises InvalidConfig where a planted shape needs more dimensions than a network has, or faults more features.
    """
    n = setting.n_features
    order = generator(setting.seed, Draw.SHARING).permutation(n)
    is_shared = np.zeros(n, dtype=bool)
    is_shared[order[: setting.n_shared]] = True
    placed = _placed(setting, order)
    isometries = _isometries(setting)
    shared_directions = _shared_directions(setting, placed)
    sides = [_side(setting, side, is_shared, placed, isometries[side], shared_directions[side]) for side in (0, 1)]
    has_rotation = setting.geometry == "shared" and (setting.n_shared or setting.junk)
    rotation = isometries[0].T @ isometries[1] if has_rotation else None
    return Plan(setting, is_shared, placed, sides[0], sides[1], rotation)


def _placed(setting: Setting, order: NDArray[np.int64]) -> tuple[Placed, ...]:
    """Shared structures take the first of the order, own ones the last: a larger share moves nothing."""
    used = dict.fromkeys(("both", *SIDES), 0)
    placed = []
    for number, structure in enumerate(setting.structures):
        start = used[structure.place]
        used[structure.place] = start + structure.size
        pool = order if structure.place == "both" else order[::-1]
        ranks = pool[start : start + structure.size]
        placed.append(Placed(structure, number, ranks, structure.probabilities(setting.probability[ranks])))
    return tuple(placed)


def _isometries(setting: Setting) -> list[NDArray[np.float64]]:
    narrower = min(setting.widths)
    return [
        random_isometry(generator(setting.seed, Draw.ISOMETRY, side), narrower, width)
        for side, width in enumerate(setting.widths)
    ]


def _shared_directions(setting: Setting, placed: tuple[Placed, ...]) -> list[NDArray[np.float64]]:
    """The arrangement of all ranks and junk features, for each network, in as many dimensions as the narrower has."""
    seed, narrower, n = setting.seed, min(setting.widths), setting.n_features
    arrangement = np.vstack(
        [
            random_directions(generator(seed, Draw.ARRANGEMENT), n, narrower),
            random_directions(generator(seed, Draw.EXTRA_DIRECTIONS, 2), setting.junk, narrower),
        ]
    )
    sides = []
    for name in SIDES:
        rows = arrangement.copy()
        for each in placed:
            if isinstance(each.structure, Planted) and each.structure.place == "both":
                rows[each.ranks] = _shape_rows(setting, each.structure, each.number, name, narrower, ())
        sides.append(rows)
    sides[1] = turned_rows(sides[1], generator(seed, Draw.TURNING), setting.geometry_noise)
    return sides


def _shape_rows(
    setting: Setting, planted: Planted, number: int, name: str, width: int, place: tuple[int, ...]
) -> NDArray[np.float64]:
    """Directions of a planted group in `width` dimensions; where it has no shape, its reordered counterpart."""
    rows = planted.shape.coordinates
    if rows.shape[1] > width:
        raise InvalidConfig(
            f"structures[{number}]: a planted {planted.name} of size {planted.cells} lies in {rows.shape[1]} "
            f"dimensions, but the (narrower) network has width {width}; plant a smaller one or widen the network"
        )
    random = generator(setting.seed, Draw.STRUCTURE_PLACE, number, *place)
    isometry = random_isometry(random, rows.shape[1], width)
    if not planted.has_shape(name):
        rows = _same_covariance(rows, random)
    return rows @ isometry


def _same_covariance(rows: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Other rows with the same mean and covariance: a random rotation among rows that leaves (1, ..., 1) in place."""
    n = len(rows)
    basis = np.linalg.qr(np.column_stack([np.ones(n), random.standard_normal((n, n - 1))]))[0][:, 1:]
    mixed = basis @ random_isometry(random, n - 1, n - 1) @ basis.T
    other: NDArray[np.float64] = rows.mean(axis=0) + mixed @ (rows - rows.mean(axis=0))
    return other


def _side(
    setting: Setting,
    side: int,
    is_shared: NDArray[np.bool_],
    placed: tuple[Placed, ...],
    isometry: NDArray[np.float64],
    arrangement: NDArray[np.float64],
) -> SidePlan:
    seed, n, name, width = setting.seed, setting.n_features, SIDES[side], setting.widths[side]
    probability = setting.probability.copy()
    kinds = np.full(n, "plain", dtype=object)
    for each in placed:
        if each.on(name):
            kinds[each.ranks] = KINDS[type(each.structure)]
            probability[each.ranks] = each.probability
    is_free = kinds == "plain"
    plain = np.flatnonzero(is_free & is_shared)
    missed = [each.ranks for each in placed if each.structure.place == "both" and each.structure.may_be_missed]
    probability[np.concatenate([plain, *missed])] *= setting.seen_shares[side]

    directions = random_directions(generator(seed, Draw.OWN_DIRECTIONS, side), n, width)
    asides = perpendicular(directions, generator(seed, Draw.DRIFT, side))
    junk_directions = random_directions(generator(seed, Draw.EXTRA_DIRECTIONS, side, 1), setting.junk, width)
    junk_asides = perpendicular(junk_directions, generator(seed, Draw.DRIFT, side, 1))
    if setting.geometry == "shared":
        # The drift is drawn once for both, so that layer l of one belongs to layer l of the other.
        drift = perpendicular(arrangement, generator(seed, Draw.DRIFT, 2))
        directions[is_shared] = arrangement[:n][is_shared] @ isometry
        asides[is_shared] = drift[:n][is_shared] @ isometry
        junk_directions, junk_asides = arrangement[n:] @ isometry, drift[n:] @ isometry
    for each in placed:
        is_own = each.structure.place != "both" or setting.geometry == "independent"
        if isinstance(each.structure, Planted) and each.on(name) and is_own:
            shaped = _shape_rows(setting, each.structure, each.number, name, width, (side,))
            directions[each.ranks] = shaped
            asides[each.ranks] = perpendicular(shaped, generator(seed, Draw.DRIFT, side, 2, each.number))
    dense_directions = random_directions(generator(seed, Draw.EXTRA_DIRECTIONS, side), setting.dense, width)
    dense_asides = perpendicular(dense_directions, generator(seed, Draw.DRIFT, side, 3))

    ranks = np.arange(n)
    own_numbers = ranks if side == 0 else np.where(is_shared, ranks, n + ranks)
    dense_numbers = (2 + side) * n + np.arange(setting.dense)
    all_kinds = (*kinds.tolist(), *["dense"] * setting.dense, *["junk"] * setting.junk)
    all_probabilities = np.concatenate(
        [
            probability,
            np.full(setting.dense, setting.dense_probability),
            np.full(setting.junk, setting.junk_rate / max(1, setting.junk)),
        ]
    )
    edges = [
        (int(each.ranks[parent]), int(each.ranks[child]))
        for each in placed
        if isinstance(each.structure, Hierarchy) and each.structure.place == "both"
        for parent, child in each.structure.edges
    ]
    rows = faulty_rows(
        setting.faults[side],
        all_kinds,
        all_probabilities,
        plain,
        edges,
        generator(seed, Draw.ROW_ORDER, side).permutation(len(all_kinds)),
        generator(seed, Draw.FAULT_PLACE, side),
        name,
    )
    return SidePlan(
        name=name,
        feature=np.concatenate([own_numbers, dense_numbers, 4 * n + np.arange(setting.junk)]),
        kinds=all_kinds,
        probability=all_probabilities,
        is_free=np.asarray(is_free, dtype=bool),
        directions=np.vstack([directions, dense_directions, junk_directions]),
        asides=np.vstack([asides, dense_asides, junk_asides]),
        rows=rows,
        outliers=generator(seed, Draw.OUTLIER_PLACE, side).permutation(width)[: setting.outliers],
        setting=setting,
    )

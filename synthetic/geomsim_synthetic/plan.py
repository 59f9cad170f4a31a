"""From a setting to two networks: which features each carries, how they lie, what its dictionary makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.correlated import CorrelatedGroup
from geomsim_synthetic.directions import (
    Arrangement,
    Directions,
    extra_directions,
    own_directions,
    shared_arrangement,
)
from geomsim_synthetic.faulty_rows import FaultyRows, faulty_rows
from geomsim_synthetic.hierarchy import Hierarchy
from geomsim_synthetic.placing import Placed, placed_structures
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.randomness import Draw, generator
from geomsim_synthetic.setting import SIDES, Setting
from geomsim_synthetic.structure import Structure

KINDS: dict[type[Structure], str] = {CorrelatedGroup: "correlated", Hierarchy: "hierarchy", Planted: "planted"}


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
    """Everything about two networks that does not depend on a token; kept, so nobody may write into it.

    Raises InvalidConfig where a planted shape needs more dimensions than a network has, or faults more features.
    """
    n = setting.n_features
    order = generator(setting.seed, Draw.SHARING).permutation(n)
    is_shared = np.zeros(n, dtype=bool)
    is_shared[order[: setting.n_shared]] = True
    placed = placed_structures(setting, order)
    arrangement = shared_arrangement(setting, placed)
    sides = [_side(setting, side, is_shared, placed, arrangement) for side in (0, 1)]
    has_rotation = setting.geometry == "shared" and (setting.n_shared or setting.junk)
    rotation = arrangement.rotation if has_rotation else None
    return Plan(setting, is_shared, placed, sides[0], sides[1], rotation)


def _side(
    setting: Setting,
    side: int,
    is_shared: NDArray[np.bool_],
    placed: tuple[Placed, ...],
    arrangement: Arrangement,
) -> SidePlan:
    seed, n, name = setting.seed, setting.n_features, SIDES[side]
    probability = setting.probability.copy()
    kinds = np.full(n, "plain", dtype=object)
    for each in placed:
        if each.on(name):
            kinds[each.ranks] = KINDS[type(each.structure)]
            probability[each.ranks] = each.probability
    is_free = kinds == "plain"
    plain = np.flatnonzero(is_free & is_shared)
    missed = [each.ranks for each in placed if each.is_common and each.structure.may_be_missed]
    probability[np.concatenate([plain, *missed])] *= setting.seen_shares[side]
    junk_probability = setting.junk_rate / max(1, setting.junk)
    extra = [np.full(setting.dense, setting.dense_probability), np.full(setting.junk, junk_probability)]
    all_probabilities = np.concatenate([probability, *extra])
    all_kinds = (*kinds.tolist(), *["dense"] * setting.dense, *["junk"] * setting.junk)

    ranks = np.arange(n)
    own_numbers = ranks if side == 0 else np.where(is_shared, ranks, n + ranks)
    dense_numbers = (2 + side) * n + np.arange(setting.dense)
    edges = [
        (int(each.ranks[parent]), int(each.ranks[child]))
        for each in placed
        if isinstance(each.structure, Hierarchy) and each.is_common
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
    directions = _directions(setting, side, is_shared, placed, arrangement)
    return SidePlan(
        name=name,
        feature=np.concatenate([own_numbers, dense_numbers, 4 * n + np.arange(setting.junk)]),
        kinds=all_kinds,
        probability=all_probabilities,
        is_free=np.asarray(is_free, dtype=bool),
        directions=directions.toward,
        asides=directions.aside,
        rows=rows,
        outliers=generator(seed, Draw.OUTLIER_PLACE, side).permutation(setting.widths[side])[: setting.outliers],
        setting=setting,
    )


def _directions(
    setting: Setting,
    side: int,
    is_shared: NDArray[np.bool_],
    placed: tuple[Placed, ...],
    arrangement: Arrangement,
) -> Directions:
    """Directions of all sources: what is shared as arranged, everything else the network's own."""
    n = setting.n_features
    own = own_directions(setting, placed, side)
    dense, junk = extra_directions(setting, side)
    if setting.geometry == "shared":
        common = arrangement.carried(side)
        for rows, shared_rows in zip(own, common, strict=True):
            rows[is_shared] = shared_rows[:n][is_shared]
        junk = Directions(common.toward[n:], common.aside[n:])
    return Directions(*(np.vstack(parts) for parts in zip(own, dense, junk, strict=True)))

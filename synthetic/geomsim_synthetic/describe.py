"""Putting the truth about two networks into words and numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geomsim_synthetic.correspondence import links
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.placing import Placed
from geomsim_synthetic.plan import KINDS, Plan, SidePlan
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.population import activation_covariances, population_values
from geomsim_synthetic.structure import firing_correlation
from geomsim_synthetic.truth import GroupTruth, NetworkTruth, Truth


def truth_of(plan: Plan, left: SimulatedNetwork, right: SimulatedNetwork, layer: int) -> Truth:
    """The truth about a plan at a layer, with how often each row fired in what was drawn."""
    setting = plan.setting
    found = links(plan)
    return Truth(
        source="two_models",
        seed=setting.seed,
        n_features=setting.n_features,
        n_shared=setting.n_shared,
        setting=setting,
        shared_features=tuple(np.flatnonzero(plan.is_shared).tolist()),
        links=found,
        shared_cosine=_shared_cosine(plan, layer),
        layer=layer,
        document_lengths=tuple(setting.document_lengths.tolist()),
        left=_network_truth(plan.left, left, {link.left for link in found}),
        right=_network_truth(plan.right, right, {link.right for link in found}),
        groups=tuple(_group_truth(plan, placed) for placed in plan.placed),
        activations=population_values(activation_covariances(plan, layer)),
    )


def _shared_cosine(plan: Plan, layer: int) -> float | None:
    setting = plan.setting
    # Each network's features drift at right angles to where they point there, and these are turned against each other.
    has_many = bool(setting.geometry_noise and setting.drift and layer)
    if plan.rotation is None or has_many:
        return None
    return float(1.0 / np.sqrt(1.0 + setting.geometry_noise**2))


def _network_truth(side: SidePlan, network: SimulatedNetwork, linked: set[int]) -> NetworkTruth:
    rows = side.rows.rows
    return NetworkTruth(
        width=network.width,
        feature=tuple(network.feature.tolist()),
        features=tuple(tuple(side.feature[list(row.sources)].tolist()) for row in rows),
        kind=tuple(row.kind for row in rows),
        probability=tuple(row.probability for row in rows),
        firings=tuple(np.bincount(network.codes.indices, minlength=len(rows)).tolist()),
        absent=tuple(row for row in range(len(rows)) if row not in linked),
        outliers=tuple(side.outliers.tolist()),
    )


def _group_truth(plan: Plan, placed: Placed) -> GroupTruth:
    structure = placed.structure
    rows = {side.name: tuple(side.rows.first_row[placed.ranks].tolist()) for side in plan.sides if placed.on(side.name)}
    carrier = plan.right if structure.place == "right" else plan.left
    common = GroupTruth(
        kind=KINDS[type(structure)],
        place=structure.place,
        features=tuple(carrier.feature[placed.ranks].tolist()),
        left_rows=rows.get("left", ()),
        right_rows=rows.get("right", ()),
        firing_correlation=tuple(map(tuple, firing_correlation(structure, placed.probability).tolist())),
    )
    if not isinstance(structure, Planted):
        return common
    shape = structure.shape
    return replace(
        common,
        shape=structure.name,
        left_betti=shape.betti if structure.has_shape("left") else (),
        right_betti=shape.betti if structure.has_shape("right") else (),
        rips_scale=shape.rips_scale,
        equal_distance=shape.equal_distance,
        tree_lengths=shape.tree_lengths,
    )

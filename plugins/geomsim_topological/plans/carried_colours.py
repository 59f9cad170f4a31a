"""Values of the nodes of one graph carried to the nodes of another along a transport plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError
from geomsim_topological.plans.plan_tables import Plan, as_sparse


@dataclass(frozen=True, eq=False)
class CarriedColours:
    """Values of the receiving nodes, and which of them no mass reached."""

    values: NDArray[np.float64]
    """(nodes,) or (nodes, channels), finite; a node that no mass reached has the mean over all mass."""
    unreached: tuple[str, ...]
    """The names of those nodes: draw them in another way."""

    def __repr__(self) -> str:
        without = f", {len(self.unreached)} of them without incoming mass" if self.unreached else ""
        return f"CarriedColours({len(self.values)} nodes{without})"


def carry(plan: Plan, values: ArrayLike, receiving_names: Sequence[str]) -> CarriedColours:
    r"""Barycentric projection: a receiving node has the mean of the values that its mass comes from.

    .. math:: w_l = \sum_k P_{kl} v_k \Big/ \sum_k P_{kl}

    Parameters
    ----------
    plan
        P, (giving nodes, receiving nodes).
    values
        v, one number per giving node, or (giving nodes, channels) such as red, green and blue; finite.
    receiving_names
        a name per receiving node.

    Raises GeomsimError for values that are not finite, or not one per giving node.

    >>> carry(np.array([[0.25, 0.0], [0.25, 0.5]]), [0.0, 1.0], ["x", "y"]).values.tolist()
    [0.5, 1.0]
    """
    found = as_sparse(plan)
    given = np.asarray(values, dtype=np.float64)
    if given.ndim not in (1, 2) or len(given) != found.shape[0]:
        raise GeomsimError(
            f"values are one number, or one line of channels, for each of the {found.shape[0]} giving nodes, "
            f"got shape {given.shape}"
        )
    if not np.isfinite(given).all():
        nodes = np.flatnonzero(~np.isfinite(given.reshape(len(given), -1)).all(axis=1))
        raise GeomsimError(
            f"the values of {len(nodes)} nodes are not finite, first of node number {nodes[0]}: give them a number"
        )
    channels = given.reshape(len(given), -1)
    mass = np.asarray(found.sum(axis=0)).ravel()
    reached = mass > 0
    carried = np.asarray(found.T @ channels)
    mean = carried.sum(axis=0) / max(float(mass.sum()), np.finfo(float).tiny)
    carried[reached] /= mass[reached, None]
    carried[~reached] = mean
    # A mean lies between the smallest and the largest value; rounding may lift it out.
    carried = np.clip(carried, channels.min(axis=0), channels.max(axis=0)) if len(channels) else carried
    unreached = tuple(receiving_names[node] for node in np.flatnonzero(~reached).tolist())
    return CarriedColours(carried.reshape(-1, *given.shape[1:]), unreached)

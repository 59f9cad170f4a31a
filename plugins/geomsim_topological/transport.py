"""Optimal transport, with every answer of the solver checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError

Floats = NDArray[np.float64]

# How far the marginals of a plan may lie from the masses.
_TOLERANCE = 1e-6
_ITERATIONS = 10_000_000


@dataclass(frozen=True, eq=False)
class Transport:
    """A plan (left, right) whose entries sum to 1, and its cost."""

    plan: Floats
    value: float


def exact_transport(cost: ArrayLike, left_mass: ArrayLike, right_mass: ArrayLike) -> Transport:
    r"""The cheapest way to move one mass onto another, by the network simplex (Bonneel et al. 2011, in POT).

    .. math:: \min_{P \ge 0} \sum_{kl} M_{kl} P_{kl} \quad \text{where } P 1 = p, \; P^\top 1 = q

    Parameters
    ----------
    cost
        M, (left, right), finite; whole numbers are taken as float64.
    left_mass, right_mass
        p, (left,) and q, (right,): not negative, each with sum 1 to 1e-6, by which they are divided.

    The solver's own value is not used: the cost is computed again from the plan, in float64.

    Raises GeomsimError for masses or costs that are no such thing, and for a plan that is not finite or whose marginals
    miss the masses by more than 1e-6.

    >>> exact_transport([[0, 1], [1, 0]], [0.5, 0.5], [0.25, 0.75]).value
    0.25
    """
    import ot

    M = np.ascontiguousarray(cost, dtype=np.float64)
    p, q = _mass(left_mass, "left"), _mass(right_mass, "right")
    if M.shape != (len(p), len(q)):
        raise GeomsimError(f"the cost must be (left, right), ({len(p)}, {len(q)}), got {M.shape}")
    if not np.isfinite(M).all():
        where = tuple(int(place) for place in np.argwhere(~np.isfinite(M))[0])
        raise GeomsimError(
            f"{int((~np.isfinite(M)).sum())} costs are not finite, first at {where}: "
            "replace infinite costs by large ones, twice the largest finite one for example"
        )
    # The masses are checked here, and the duals, which POT would centre, are not used: half the time of small problems.
    plan, log = ot.emd(p, q, M, numItermax=_ITERATIONS, log=True, center_dual=False, check_marginals=False)
    if log["warning"] is not None:
        raise GeomsimError(f"the transport solver gave up on {M.shape[0]} x {M.shape[1]} masses: {log['warning']}")
    return checked(plan, M, p, q)


def checked(plan: Floats, cost: Floats, left_mass: Floats, right_mass: Floats) -> Transport:
    """The plan with its cost, or GeomsimError where it is not finite, has negative mass, or misses a marginal."""
    if not np.isfinite(plan).all():
        raise GeomsimError("the transport solver returned a plan that is not finite")
    if plan.min() < -_TOLERANCE:
        raise GeomsimError(f"the transport solver returned a plan with a negative mass, {plan.min():.3g}")
    for side, found, wanted in (("left", plan.sum(axis=1), left_mass), ("right", plan.sum(axis=0), right_mass)):
        miss = float(np.abs(found - wanted).max())
        if miss > _TOLERANCE:
            raise GeomsimError(
                f"the transport solver returned a plan of total mass {plan.sum():.6g} whose {side} marginal misses "
                f"the mass by {miss:.3g}, more than {_TOLERANCE:g}"
            )
    return Transport(plan, float((plan * cost).sum()))


def _mass(mass: ArrayLike, side: str) -> Floats:
    values = np.asarray(mass, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise GeomsimError(f"the {side} mass is one number for each place, got an array of shape {values.shape}")
    if not np.isfinite(values).all() or values.min() < 0:
        raise GeomsimError(f"the {side} mass has entries that are negative or not finite")
    total = float(values.sum())
    if abs(total - 1) > _TOLERANCE:
        raise GeomsimError(f"the {side} mass sums to {total:.8g}, expected 1: divide by the sum")
    return values / total

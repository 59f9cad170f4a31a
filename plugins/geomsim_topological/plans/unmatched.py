"""Optimal transport that may leave mass where it is: partial and unbalanced, both solved exactly.

Each is a balanced problem with one more place on either side, a dummy that takes what stays unmatched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.transport import Transport, exact_transport

Floats = NDArray[np.float64]
Variant = Literal["balanced", "partial", "unbalanced"]

_VARIANTS = ("balanced", "partial", "unbalanced")
_REGULARISATION = 0.4  # sets of rows with a Jaccard similarity below .2 stay unmatched


def partial_transport(cost: ArrayLike, left_mass: ArrayLike, right_mass: ArrayLike, mass: float) -> Transport:
    r"""The cheapest way to move a given part of one mass onto another (Caffarelli and McCann 2010, Figalli 2010).

    .. math:: \min_{P \ge 0} \sum_{kl} M_{kl} P_{kl} \quad
        \text{where } P 1 \le p, \; P^\top 1 \le q, \; \sum_{kl} P_{kl} = m

    Solved as a balanced problem with a dummy place on each side that takes 1 - m for nothing (Chapel et al. 2020).

    Parameters
    ----------
    cost
        M, (left, right), not negative.
    left_mass, right_mass
        p and q, each with sum 1.
    mass
        m, how much is moved, above 0 and at most 1.

    Raises GeomsimError for masses or costs that are no such thing, InvalidConfig for a part that is none.

    >>> partial_transport([[0.0, 1.0], [1.0, 0.5]], [0.5, 0.5], [0.5, 0.5], mass=0.6).plan.round(3).tolist()
    [[0.5, 0.0], [0.0, 0.1]]
    """
    _check_mass(mass)
    M = _not_negative(cost)
    if mass == 1.0:
        return exact_transport(M, left_mass, right_mass)
    # Mass from dummy to dummy would be matched mass above m: any price above 0 keeps it away.
    dear = 1.0 + float(M.max(where=np.isfinite(M), initial=0.0))
    plan = _with_dummies(M, left_mass, right_mass, aside=1.0 - mass, price=0.0, between=dear)
    return Transport(plan, float((plan * M).sum()))


def unbalanced_transport(
    cost: ArrayLike, left_mass: ArrayLike, right_mass: ArrayLike, regularisation: float = _REGULARISATION
) -> Transport:
    r"""Transport that may leave mass on either side unmatched, at a price (Piccoli and Rossi 2014).

    .. math:: \min_{P \ge 0, \; P 1 \le p, \; P^\top 1 \le q} \sum_{kl} M_{kl} P_{kl}
        + \lambda \bigl(\lVert p - P 1 \rVert_1 + \lVert q - P^\top 1 \rVert_1\bigr)

    The marginals are penalised by total variation. That is linear, hence solved exactly by a dummy place on each side,
    with a sparse plan; and the parameter has a plain meaning: mass is matched where that costs less than twice
    :math:`\lambda`. From half the largest cost upwards, all of it is.

    Parameters
    ----------
    cost
        M, (left, right), not negative.
    left_mass, right_mass
        p and q, each with sum 1.
    regularisation
        :math:`\lambda`, positive.

    The value includes the price of what stays unmatched.

    Raises GeomsimError for masses or costs that are no such thing, InvalidConfig for a price that is none.

    >>> found = unbalanced_transport([[0.0, 1.0], [1.0, 0.9]], [0.5, 0.5], [0.5, 0.5], regularisation=0.4)
    >>> found.plan.tolist(), found.value
    ([[0.5, 0.0], [0.0, 0.0]], 0.4)
    """
    _check_regularisation(regularisation)
    M = _not_negative(cost)
    plan = _with_dummies(M, left_mass, right_mass, aside=1.0, price=float(regularisation), between=0.0)
    unmatched = max(0.0, 2.0 * (1.0 - float(plan.sum())))
    return Transport(plan, float((plan * M).sum()) + regularisation * unmatched)


@dataclass(frozen=True)
class Matching:
    """Which transport problem is solved, with its parameters.

    Parameters
    ----------
    variant
        "balanced": all mass is matched. "partial": the cheapest `mass` of it, see :func:`partial_transport`.
        "unbalanced": what is matched cheaper than twice `regularisation`, see :func:`unbalanced_transport`.
    mass
        of "partial" alone, which needs it.
    regularisation
        of "unbalanced" alone; None is 0.4.

    Raises InvalidConfig for a variant that does not exist, and for a parameter that it lacks or has no use for.
    """

    variant: Variant = "balanced"
    mass: float | None = None
    regularisation: float | None = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.variant not in _VARIANTS:
            raise InvalidConfig(f"variant is one of {', '.join(map(repr, _VARIANTS))}, got {self.variant!r}")
        if self.variant == "partial":
            if self.mass is None:
                raise InvalidConfig(
                    "variant='partial' needs the share of mass to match, for example mass=0.8 for the cheapest 80%"
                )
            _check_mass(self.mass)
        elif self.mass is not None:
            raise InvalidConfig(f"mass={self.mass!r} is for variant='partial', and the variant is {self.variant!r}")
        if self.variant == "unbalanced":
            if self.regularisation is None:
                object.__setattr__(self, "regularisation", _REGULARISATION)
            _check_regularisation(self.regularisation)
        elif self.regularisation is not None:
            raise InvalidConfig(
                f"regularisation={self.regularisation!r} is for variant='unbalanced', and the variant is "
                f"{self.variant!r}"
            )

    @property
    def solve(self) -> Callable[[ArrayLike, ArrayLike, ArrayLike], Transport]:
        """The best plan and its value, of cost, left mass and right mass."""
        if self.variant == "partial":
            assert self.mass is not None
            mass = self.mass
            return lambda cost, left, right: partial_transport(cost, left, right, mass)
        if self.variant == "unbalanced":
            assert self.regularisation is not None
            price = self.regularisation
            return lambda cost, left, right: unbalanced_transport(cost, left, right, price)
        return exact_transport


def _with_dummies(
    M: Floats, left_mass: ArrayLike, right_mass: ArrayLike, *, aside: float, price: float, between: float
) -> Floats:
    """The plan between the real places where a dummy of mass `aside` stands on each side."""
    p, q = (np.asarray(mass, dtype=np.float64) for mass in (left_mass, right_mass))
    for side, mass in (("left", p), ("right", q)):
        # The mass of the dummies must not make up for what lacks here.
        if mass.ndim != 1 or not abs(float(mass.sum()) - 1) <= 1e-6:
            raise GeomsimError(f"the {side} mass sums to {float(mass.sum()):.8g}, expected 1: divide by the sum")
    extended = np.full((M.shape[0] + 1, M.shape[1] + 1), price)
    extended[:-1, :-1] = M
    extended[-1, -1] = between
    total = 1.0 + aside
    found = exact_transport(extended, np.append(p / p.sum(), aside) / total, np.append(q / q.sum(), aside) / total)
    return np.ascontiguousarray(found.plan[:-1, :-1] * total)


def _not_negative(cost: ArrayLike) -> Floats:
    M = np.asarray(cost, dtype=np.float64)
    if M.ndim != 2 or not M.size:
        raise GeomsimError(f"the cost is one number for each left and right place, got shape {M.shape}")
    if M.min() < 0:
        where = tuple(int(place) for place in np.argwhere(M < 0)[0])
        raise GeomsimError(f"the cost at {where} is {M[where]:.3g}: with mass left unmatched, costs are not negative")
    return M


def _check_mass(mass: object) -> None:
    if not isinstance(mass, int | float | np.number) or not 0 < float(mass) <= 1:
        raise InvalidConfig(f"mass is the share of mass to match, above 0 and at most 1, got {mass!r}")


def _check_regularisation(regularisation: object) -> None:
    if not isinstance(regularisation, int | float | np.number) or not 0 < float(regularisation) < float("inf"):
        raise InvalidConfig(f"regularisation is the price of a unit of unmatched mass, above 0, got {regularisation!r}")

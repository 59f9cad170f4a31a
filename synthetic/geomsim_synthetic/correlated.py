"""Features that fire together: a Gaussian copula, and the firing correlations that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import is_real, one_of, whole
from geomsim_synthetic.checks import probabilities as checked_probabilities
from geomsim_synthetic.correlation_matrix import as_matrix, checked_correlation
from geomsim_synthetic.plain import keep_plain
from geomsim_synthetic.structure import Events, Moments, Structure, Where

# Gauss-Legendre nodes for the integral over the correlation; the integrand is smooth once its end is stretched.
_NODES = 64


@dataclass(frozen=True)
class CorrelatedGroup(Structure):
    r"""A group of features that fire together: feature i fires where a normal variable exceeds its threshold.

    ``z ~ N(0, correlation)``, feature i fires where ``z[i] > Phi^{-1}(1 - p[i])``, so each keeps its probability. The
    correlation of the firings themselves is smaller than that of ``z``; :meth:`firing_correlation` gives it.

    Parameters
    ----------
    members
        number of features, at least 2.
    correlation
        one number for all pairs, or a (members, members) correlation matrix.
    where
        "both" networks carry these features, or "left" or "right" alone.
    probability
        one firing probability for all or one per feature; None leaves to each that of its rank in the profile.

    Raises
    ------
    InvalidConfig
        on a matrix that is not positive semi-definite (how far, and what would be nearest) or a probability outside
        (0, 1).

    >>> CorrelatedGroup(2, 0.5, probability=0.5).firing_correlation()[0, 1]
    np.float64(0.33333333333333...)
    """

    may_be_missed: ClassVar[bool] = True

    members: int
    correlation: float | tuple[tuple[float, ...], ...] = 0.5
    where: Where = "both"
    probability: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        whole("members", self.members, 2)
        one_of("where", self.where, ("both", "left", "right"))
        keep_plain(self)
        if not isinstance(self.correlation, tuple):
            self._refuse_impossible_number(self.correlation)
        checked = checked_correlation(self.matrix)
        if len(checked) != self.members:
            raise InvalidConfig(f"correlation is {len(checked)} x {len(checked)} for {self.members} members")
        if self.probability is not None:
            self.probabilities(np.empty(self.members))

    @property
    def size(self) -> int:
        """Number of features."""
        return self.members

    @property
    def place(self) -> Where:
        """Which networks carry them."""
        return self.where

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Correlations of the normal variables, (members, members)."""
        if isinstance(self.correlation, tuple):
            return as_matrix(self.correlation, "correlation")
        matrix = np.full((self.members, self.members), float(self.correlation))
        np.fill_diagonal(matrix, 1.0)
        return matrix

    def _refuse_impossible_number(self, correlation: Any) -> None:
        """Equal correlations of n variables have the eigenvalues ``1 - c`` and ``1 + (n - 1) c``."""
        least = -1.0 / (self.members - 1)
        if not is_real(correlation) or np.isnan(correlation):
            raise InvalidConfig(f"correlation={correlation!r} must be a number or a matrix of numbers")
        if not least <= correlation <= 1.0:
            raise InvalidConfig(
                f"correlation={correlation:g}: correlations of {self.members} features are not positive semi-definite "
                f"unless they are between {least:.3g} and 1; {np.clip(correlation, least, 1.0):.3g} is the nearest "
                f"that is possible ({max(least - correlation, correlation - 1.0):.3g} away)"
            )

    @cached_property
    def _root(self) -> NDArray[np.float64]:
        """The symmetric square root of the correlation matrix, which may be singular.

        It is the only one: where eigenvalues are equal, as with equal correlations, any basis of their vectors is
        right, processors find different ones, and a root made of these alone gives each machine data of its own.
        """
        eigenvalues, vectors = np.linalg.eigh(self.matrix)
        root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T
        return root

    def probabilities(self, profile: NDArray[np.float64]) -> NDArray[np.float64]:
        """The given probabilities, or those of the profile."""
        if self.probability is None:
            return profile
        given: Any = self.probability
        if not isinstance(given, tuple):
            given = np.full(self.members, given)
        return checked_probabilities("probability", given, self.members)

    def draw(self, generator: np.random.Generator, probabilities: NDArray[np.float64], n_tokens: int) -> Events:
        """Normal variables with these correlations, cut at the thresholds."""
        from scipy.special import ndtri

        normal = generator.standard_normal((n_tokens, self.members)) @ self._root.T
        token, member = np.nonzero(normal > -ndtri(probabilities))
        return Events(token, member, np.ones(len(token), dtype=np.float32))

    def moments(self, probabilities: NDArray[np.float64]) -> Moments:
        """Firing probabilities, and those of firing together."""
        together = joint_firing(probabilities, self.matrix)
        np.fill_diagonal(together, probabilities)
        return Moments(probabilities, together)

    def firing_correlation(self, probabilities: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Correlation of the firings (0 or 1) of each two features; probabilities where the group has none itself."""
        from geomsim_synthetic.structure import firing_correlation

        if probabilities is None:
            if self.probability is None:
                raise InvalidConfig("firing correlations depend on the probabilities; give them")
            probabilities = self.probabilities(np.empty(0))
        return firing_correlation(self, probabilities)


def joint_firing(probabilities: NDArray[np.float64], correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""P(both fire) for each two features of a Gaussian copula, (size, size); the diagonal means nothing.

    .. math:: \Phi_2(h, k; \rho) = \Phi(h) \Phi(k) + \int_0^{\arcsin \rho} \frac{1}{2\pi}
              \exp\left(-\frac{h^2 + k^2 - 2 h k \sin t}{2 \cos^2 t}\right) dt

    with ``h = Phi^{-1}(p[i])`` and ``k = Phi^{-1}(p[j])``. Plackett (1954), with the substitution rho = sin t.
    """
    from scipy.special import ndtri

    thresholds = ndtri(probabilities)
    h, k = thresholds[:, None], thresholds[None, :]
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    end = np.arcsin(np.clip(correlation, -1.0, 1.0))
    together = np.multiply.outer(probabilities, probabilities)
    for node, weight in zip(nodes, weights, strict=True):
        angle = end * (node + 1.0) / 2.0
        exponent = -(h**2 + k**2 - 2.0 * h * k * np.sin(angle)) / (2.0 * np.maximum(np.cos(angle) ** 2, 1e-300))
        together = together + weight * end / 2.0 * np.exp(exponent) / (2.0 * np.pi)
    limit: NDArray[np.float64] = np.clip(together, 0.0, np.minimum.outer(probabilities, probabilities))
    return limit

"""How strongly a latent is active where it is active at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.latents import value_range
from geomsim.errors import InvalidCodes, InvalidConfig

Scale = Literal["linear", "log"]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class ActivationHistogram:
    """The non-zero activations of one latent, counted in bins.

    Parameters
    ----------
    edges
        (bins + 1,) float64; a bin holds its lower edge, the last one both. Empty for a latent that is never active.
    counts
        (bins,) int64; their sum is `firings`.
    n_tokens, firings
        tokens in all, and those on which the activation is not 0.
    quantiles
        of the non-zero activations, by share: ``quantiles[0.5]`` is their median. Empty for a latent that is never
        active.
    mean
        of the non-zero activations, 0 for a latent that is never active.
    minimum, maximum
        of all activations, zeros included.
    scale
        whether the bins are of equal width, or of equal ratio.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    n_tokens: int
    firings: int
    quantiles: Mapping[float, float]
    mean: float
    minimum: float
    maximum: float
    scale: Scale

    @property
    def firing_rate(self) -> float:
        """Share of tokens on which the latent is not zero, in [0, 1]."""
        return self.firings / self.n_tokens

    @property
    def share_of_zeros(self) -> float:
        """Share of tokens on which the latent is zero, in [0, 1]."""
        return (self.n_tokens - self.firings) / self.n_tokens

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers and lists that JSON can hold."""
        return {
            "n_tokens": self.n_tokens, "firings": self.firings, "firing_rate": self.firing_rate,
            "share_of_zeros": self.share_of_zeros, "mean": self.mean, "minimum": self.minimum, "maximum": self.maximum,
            "quantiles": {f"{share:g}": value for share, value in self.quantiles.items()}, "scale": self.scale,
            "edges": self.edges.tolist(), "counts": self.counts.tolist(),
        }  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"ActivationHistogram({self.firings} of {self.n_tokens} tokens active, {len(self.counts)} {self.scale} "
            f"bins, maximum {self.maximum:.4g})"
        )


_MOST_BINS = 10_000


def activation_histogram(codes: Codes, latent: int, bins: int = 20, *, scale: Scale = "linear") -> ActivationHistogram:
    """Count a latent's non-zero activations in bins.

    Parameters
    ----------
    codes
        sparse or dense, in memory or mapped from disk.
    latent
        its number.
    bins
        how many.
    scale
        "linear": bins of equal width from 0 to the largest activation (from the least one, where there are negative
        ones, as neurons have). "log": bins of equal ratio from the smallest activation to the largest, all of which
        must be positive; where they are all one, from half of it to its double.

    Raises
    ------
    InvalidCodes
        where there is no such latent, or a logarithmic scale meets negative activations.
    InvalidConfig
        for fewer than one bin, more than 10,000, or another scale.

    >>> codes = Codes.from_dense([[1.0], [0.0], [4.0], [2.0], [0.0], [2.0]])
    >>> found = activation_histogram(codes, 0, bins=4)
    >>> found.counts, found.edges, found.maximum
    (array([0, 1, 2, 1]), array([0., 1., 2., 3., 4.]), 4.0)
    >>> activation_histogram(codes, 0, bins=2, scale="log").edges
    array([1., 2., 4.])
    """
    if not 1 <= bins <= _MOST_BINS:
        raise InvalidConfig(f"bins is {bins}; from 1 to {_MOST_BINS:,} can be made")
    if scale not in get_args(Scale):
        raise InvalidConfig(f"scale must be one of {', '.join(get_args(Scale))}, got {scale!r}")
    values = codes.latent(latent)
    active = values[values != 0].astype(np.float64)
    negative = int((active < 0).sum())
    if scale == "log" and negative:
        raise InvalidCodes(
            f"latent {latent} of {codes!r} is negative on {negative} of {codes.n_tokens} tokens, and bins of equal "
            "ratio need positive activations; use scale='linear'"
        )
    edges, counts = np.empty(0), np.empty(0, dtype=np.int64)
    if len(active):
        edges = _edges(active, bins, scale)
        counts = np.histogram(active, edges)[0].astype(np.int64)
    low, high = value_range(values) if len(active) < len(values) else (float(active.min()), float(active.max()))
    quantiles = np.quantile(active, QUANTILES).tolist() if len(active) else []
    return ActivationHistogram(
        edges=edges,
        counts=counts,
        n_tokens=codes.n_tokens,
        firings=len(active),
        quantiles=dict(zip(QUANTILES, quantiles, strict=False)),
        mean=float(active.mean()) if len(active) else 0.0,
        minimum=low,
        maximum=high,
        scale=scale,
    )


def _edges(active: NDArray[np.float64], bins: int, scale: Scale) -> NDArray[np.float64]:
    if scale == "linear":
        return np.linspace(min(0.0, float(active.min())), max(0.0, float(active.max())), bins + 1)
    low, high = float(active.min()), float(active.max())
    return np.geomspace(*((low, high) if low < high else (low / 2, high * 2)), bins + 1)

"""When features fire that know nothing of each other: their probabilities, and their firings on a block of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import is_real
from geomsim_synthetic.checks import probabilities as given_probabilities

PROFILES = ("zipf", "uniform", "linear")
# A feature that fires more often than not is a dense latent: a different thing, which no profile may yield by accident.
LARGEST_PROBABILITY = 0.5


def firing_probabilities(
    n_features: int, mean_active: float, firing: str | Sequence[float] | NDArray[Any] = "zipf"
) -> NDArray[np.float64]:
    """Firing probability of each feature, most frequent first.

    With weights ``w[i]`` of the profile, ``p[i] = min(1/2, c w[i])`` and ``c`` such that ``sum(p) == mean_active``.

    Parameters
    ----------
    n_features
        number of features.
    mean_active
        expected number of features that fire on a token.
    firing
        ``"zipf"``: ``w[i] = 1 / (i + 1)``; ``"uniform"``: ``w[i] = 1``; ``"linear"``: ``w[i] = n_features - i``;
        or the probabilities themselves, one per feature, whose order is kept and whose sum is the mean.

    Raises
    ------
    InvalidConfig
        on an unknown profile, a mean that no capped profile can have, or a probability that is not between 0 and 1.

    >>> firing_probabilities(4, 0.5, "linear")
    array([0.2 , 0.15, 0.1 , 0.05])
    >>> firing_probabilities(3, 1.0, "zipf")
    array([0.5, 0.3, 0.2])
    """
    if not isinstance(firing, str):
        return given_probabilities("firing", firing, n_features)
    ranks = np.arange(n_features, dtype=np.float64)
    weights = {"zipf": 1.0 / (ranks + 1.0), "uniform": np.ones(n_features), "linear": n_features - ranks}.get(firing)
    if weights is None:
        raise InvalidConfig(
            f"firing={firing!r} is no known profile; use one of {', '.join(PROFILES)}, or one probability per feature"
        )
    if not is_real(mean_active):
        raise InvalidConfig(f"mean_active={mean_active!r} must be a number, the expected number of features that fire")
    limit = LARGEST_PROBABILITY * n_features
    if not 0.0 < mean_active <= limit:
        raise InvalidConfig(
            f"mean_active={mean_active:g} is out of range: with {n_features} features it must be above 0 (a feature "
            f"with probability 0 never fires) and at most {limit:g} (none fires on more than half of the tokens)"
        )
    # The more features are held at the cap, the more the others must take over: find the first number that fits.
    rest = np.cumsum(weights[::-1])[::-1]
    for n_capped in range(n_features):
        scale = (mean_active - n_capped * LARGEST_PROBABILITY) / rest[n_capped]
        if scale * weights[n_capped] <= LARGEST_PROBABILITY:
            break
    probabilities: NDArray[np.float64] = np.minimum(LARGEST_PROBABILITY, scale * weights)
    return probabilities


def draw_firings(
    generator: np.random.Generator, probabilities: NDArray[np.float64], n_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """On which tokens which feature fires: two arrays, one entry per firing, ordered by token and then feature.

    All firings are independent, feature i with probability ``p[i]`` on every token. Points of a Poisson process with
    rate ``-log(1 - p[i])`` are dropped on the tokens; a feature fires on a token that got at least one. That is exact,
    since ``P(at least one) = 1 - exp(log(1 - p[i])) = p[i]``, and the cost follows the firings alone.

    >>> tokens, features = draw_firings(np.random.default_rng(0), np.array([0.01, 0.2]), 1000)
    >>> np.bincount(features)
    array([ 11, 170])
    """
    counts = generator.poisson(-np.log1p(-probabilities) * n_tokens)
    features = np.repeat(np.arange(len(probabilities)), counts)
    places = generator.integers(0, n_tokens, len(features)) * len(probabilities) + features
    places.sort()
    places = places[np.concatenate([[True], places[1:] != places[:-1]])] if len(places) else places
    tokens, which = np.divmod(places, len(probabilities))
    return tokens, which

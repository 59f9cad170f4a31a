"""When features fire and how strongly: firing probabilities, and the stream of one feature over the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig

PROFILES = ("zipf", "uniform", "linear")
# A feature that fires more often than not is a dense latent: a different thing, which no profile may yield by accident.
LARGEST_PROBABILITY = 0.5
MAGNITUDES = (0.5, 1.5)


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
        return _given(firing, n_features)
    ranks = np.arange(n_features, dtype=np.float64)
    weights = {"zipf": 1.0 / (ranks + 1.0), "uniform": np.ones(n_features), "linear": n_features - ranks}.get(firing)
    if weights is None:
        raise InvalidConfig(
            f"firing={firing!r} is no known profile; use one of {', '.join(PROFILES)}, or one probability per feature"
        )
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


def _given(firing: Sequence[float] | NDArray[Any], n_features: int) -> NDArray[np.float64]:
    probabilities = np.asarray(firing, dtype=np.float64)
    if probabilities.shape != (n_features,):
        raise InvalidConfig(
            f"firing must hold one probability for each of the {n_features} features, got shape {probabilities.shape}"
        )
    outside = ~((probabilities > 0.0) & (probabilities < 1.0))
    if outside.any():
        first = int(np.argmax(outside))
        raise InvalidConfig(
            f"firing[{first}] = {probabilities[first]:g} is no firing probability: it must be above 0 and below 1, "
            f"since what fires never or always correlates with nothing ({int(outside.sum())} of {n_features} are out)"
        )
    return probabilities


def draw_firings(
    generator: np.random.Generator, probability: float, n_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Tokens on which a feature fires, ascending, and how strongly it does.

    Tokens are independent, each with this probability; magnitudes are uniform on [0.5, 1.5), so that a firing is
    never faint. The gaps between firings are drawn (they are geometric), so the cost follows the firings alone.

    >>> tokens, magnitudes = draw_firings(np.random.default_rng(0), 0.01, 1000)
    >>> len(tokens) == len(magnitudes), bool(tokens.max() < 1000)
    (True, True)
    """
    expected = n_tokens * probability
    batch = int(expected + 4.0 * np.sqrt(expected) + 8.0)
    pieces: list[NDArray[np.int64]] = []
    last = -1
    while last < n_tokens:
        # Gaps past the end all mean "no more"; shortening them keeps the running sum of rare features from overflowing.
        gaps = np.minimum(generator.geometric(probability, batch), n_tokens + 1)
        pieces.append(last + np.cumsum(gaps, dtype=np.int64))
        last = int(pieces[-1][-1])
    tokens = np.concatenate(pieces)
    tokens = tokens[tokens < n_tokens]
    low, high = MAGNITUDES
    return tokens, generator.uniform(low, high, len(tokens)).astype(np.float32)

"""What trained dictionaries stand for, so that a pairing of their latents can be judged by the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import is_real
from geomsim_synthetic.correspondence import Link, Relation
from geomsim_synthetic.generator import TwoModels
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.recovery import best_matches
from geomsim_synthetic.sae_lens_models import SaeLensModels
from geomsim_synthetic.setting import SIDES
from geomsim_synthetic.truth import NetworkTruth, Truth


def trained_truth(
    models: TwoModels | SaeLensModels,
    left_directions: ArrayLike,
    right_directions: ArrayLike,
    *,
    min_cosine: float = 0.9,
) -> Truth:
    """The truth about two trained dictionaries: latents of both sides that found one feature belong together.

    A latent stands for the source whose direction is nearest, if their cosine is at least `min_cosine`; otherwise for
    nothing. Features that several latents of one side stand for are "split". Only features that both dictionaries
    found can be paired: `correspondence_recovery` with this truth judges the pairing alone, not the training, which
    `share_recovered` judges.

    Parameters
    ----------
    models
        the networks on whose activations the dictionaries were trained.
    left_directions, right_directions
        (latents, width) of each.
    min_cosine
        above 0 and at most 1.

    Returns
    -------
    Truth
        of the same stream, with the trained latents for rows; kinds are "found" and "unknown", firings not counted.

    Raises
    ------
    InvalidConfig
        on a `min_cosine` out of range.
    InvalidSpace, DegenerateSpace
        as `mmcs`.
    """
    if not is_real(min_cosine) or not 0.0 < min_cosine <= 1.0:
        raise InvalidConfig(f"min_cosine={min_cosine!r} must be above 0 and at most 1")
    networks = (models.left, models.right)
    found = [
        _feature_of(network, directions, min_cosine)
        for network, directions in zip(networks, (left_directions, right_directions), strict=True)
    ]
    counts = [Counter(each.tolist()) for each in found]
    links = []
    for left, feature in enumerate(found[0].tolist()):
        if feature >= 0:
            is_one = counts[0][feature] == counts[1][feature] == 1
            relation: Relation = "one-to-one" if is_one else "split"
            links += [Link(left, right, feature, relation) for right in np.flatnonzero(found[1] == feature).tolist()]
    linked = {link.left for link in links}, {link.right for link in links}
    truth = models.truth
    sides = [
        _side(getattr(truth, side), features, rows) for side, features, rows in zip(SIDES, found, linked, strict=True)
    ]
    return replace(
        truth,
        source=f"trained on {truth.source}",
        links=tuple(sorted(links)),
        left=sides[0],
        right=sides[1],
        groups=(),
        activations=None,
        shared_cosine=None,
    )


def _feature_of(network: SimulatedNetwork, directions: ArrayLike, min_cosine: float) -> NDArray[np.int64]:
    cosine, source = best_matches(directions, network.source_directions)
    return np.where(cosine >= min_cosine, network.source_feature[source], -1)


def _side(truth: NetworkTruth, features: NDArray[np.int64], linked: set[int]) -> NetworkTruth:
    chances = {
        feature: chance for feature, chance in zip(truth.feature, truth.probability, strict=True) if feature >= 0
    }
    listed = features.tolist()
    return replace(
        truth,
        feature=tuple(listed),
        features=tuple((feature,) if feature >= 0 else () for feature in listed),
        kind=tuple("found" if feature >= 0 else "unknown" for feature in listed),
        probability=tuple(chances.get(feature, 0.0) for feature in listed),
        firings=(),
        absent=tuple(row for row in range(len(listed)) if row not in linked),
    )

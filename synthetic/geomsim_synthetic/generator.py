"""Two simulated networks that see one stream of features, share a known part of them, and each use their own basis.

1. Draw the features of the stream: when each fires, on which tokens, how strongly.
2. Arrange the shared features once, and carry that arrangement into each network by a random isometry; give each
   network random directions for what it carries alone.
3. Shuffle each network's rows, and add up what fires: activations = codes @ directions + noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from geomsim import InvalidConfig, InvalidPairing, Pairing
from geomsim_synthetic.arrangement import random_directions, random_isometry, turned
from geomsim_synthetic.firing import draw_firings, firing_probabilities
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.truth import Geometry, NetworkTruth, Truth

_TOKENS_PER_DOCUMENT = 100


@dataclass(frozen=True, eq=False, repr=False)
class TwoModels:
    """Two simulated networks and the truth about them.

    Attributes
    ----------
    left, right
        the networks; token i of one is token i of the other.
    rotation
        (left width, right width): ``left_directions @ rotation`` are the right directions of the shared features
        (up to ``geometry_noise``). None where no arrangement is shared.
    groups
        (tokens,) the document of each token.
    truth
        parameters, correspondence and population values as data.
    """

    left: SimulatedNetwork
    right: SimulatedNetwork
    rotation: NDArray[np.float64] | None
    groups: NDArray[np.int64]
    truth: Truth

    @property
    def pairing(self) -> Pairing:
        """The true correspondence: the left and right row of every shared feature, by left row.

        Raises InvalidPairing where nothing is shared. (``truth.pairs`` is empty then. None would be read as
        "row i belongs to row i" by `geomsim.compare`.)
        """
        if not self.truth.pairs:
            raise InvalidPairing(
                "these two networks share no feature (shared=0), so there is no true correspondence; "
                "for features that are shared but arranged independently use shared=1, geometry='independent'"
            )
        left, right = zip(*self.truth.pairs, strict=True)
        return Pairing(left, right, provenance={"method": "synthetic truth", "seed": self.truth.seed})

    def __repr__(self) -> str:
        truth = self.truth
        return (
            f"TwoModels({truth.n_features} features a side, {truth.n_shared} shared, widths {self.left.width} and "
            f"{self.right.width}, {truth.n_tokens} tokens in {truth.n_documents} documents)"
        )


def two_models(
    n_features: int = 256,
    shared: float = 0.5,
    width: int | tuple[int, int] = 64,
    n_tokens: int = 10_000,
    mean_active: float | None = None,
    firing: str | Sequence[float] | NDArray[Any] = "zipf",
    noise: float = 0.0,
    n_documents: int | None = None,
    seed: int = 0,
    *,
    geometry: Geometry = "shared",
    geometry_noise: float = 0.0,
) -> TwoModels:
    """Draw two networks that share a known part of their features.

    Each network carries ``n_features`` features: the shared ones, which fire on the same tokens with the same strength
    in both, and as many of its own, with the same firing probabilities as the other's own. Features are numbered by
    rank: feature ``i`` has the i-th firing probability; the right network's own feature of rank ``i`` is number
    ``n_features + i``. A feature writes its unit direction into the activations whenever it fires.

    Parameters
    ----------
    n_features
        features in each network, at least 2.
    shared
        share of them that both carry, in [0, 1], rounded to whole features. They are chosen without regard to how
        often they fire; those of a smaller share are among those of a larger one.
    width
        neurons, at least 2; one number or (left, right). Below ``n_features`` the features are in superposition.
    n_tokens
        tokens of the stream.
    mean_active
        expected number of features that fire on a token, in each network; 8 unless ``firing`` holds the
        probabilities, which have a mean of their own.
    firing
        profile of the firing probabilities, ``"zipf"``, ``"uniform"`` or ``"linear"``, none above 1/2; or one
        probability per feature, above 0 and below 1. See `firing.firing_probabilities`.
    noise
        standard deviation of Gaussian noise in every neuron, independent between networks; read out along any feature's
        direction it has this deviation too, whatever the width, and a firing has magnitude 0.5 to 1.5.
    n_documents
        documents of nearly equal length; about one per 100 tokens unless given.
    seed
        everything random follows from it. Streams of random numbers do not depend on each other: the left codes, for
        one, are the same for every ``shared``, ``width`` and ``noise``.
    geometry
        ``"shared"``: the shared features lie alike in both networks, all inner products among them are equal. The
        arrangement is drawn in as many dimensions as the narrower network has, and carried into each network by
        a random isometry, so this is exact for unequal widths too. ``"independent"``: shared features fire alike, but
        each network draws its directions anew: what is known to be unrelated under the true pairing.
    geometry_noise
        turns each shared feature's right direction by arctan of this, towards a random side.

    Returns
    -------
    TwoModels
        the networks, the true correspondence and all truth as data. The same arguments give the same bits on one
        installation of numpy and scipy.

    Raises
    ------
    InvalidConfig
        on any argument out of range: which, what was given and what is possible.

    Elhage et al. (2022), "Toy models of superposition"; Sharkey, Braun and Millidge (2022), "Taking features out of
    superposition with sparse autoencoders".

    >>> two = two_models(n_features=20, shared=0.5, width=(8, 6), n_tokens=300, mean_active=3, firing="uniform")
    >>> left, right = two.pairing.apply(two.left.space(), two.right.space())
    >>> np.allclose(left.points @ left.points.T, right.points @ right.points.T)
    True
    >>> bool((two.left.feature[two.pairing.left] == two.right.feature[two.pairing.right]).all())
    True
    """
    n_features = _whole("n_features", n_features, 2)
    n_tokens = _whole("n_tokens", n_tokens, 1)
    widths = _widths(width)
    seed = _whole("seed", seed, 0)
    n_shared = _n_shared(shared, n_features)
    noise, geometry_noise = _deviation("noise", noise), _deviation("geometry_noise", geometry_noise)
    if geometry not in get_args(Geometry):
        raise InvalidConfig(f"geometry={geometry!r} must be one of {', '.join(get_args(Geometry))}")
    if geometry == "independent" and geometry_noise:
        raise InvalidConfig(
            f"geometry_noise={geometry_noise:g} has no meaning where geometry='independent'; leave it at 0"
        )
    if not isinstance(firing, str) and mean_active is not None:
        raise InvalidConfig(
            f"mean_active={mean_active} was given beside firing probabilities, whose sum is the mean; leave it out"
        )
    probability = firing_probabilities(n_features, 8.0 if mean_active is None else mean_active, firing)
    lengths = _document_lengths(n_documents, n_tokens)
    groups = np.repeat(np.arange(len(lengths)), lengths)

    # Children are told apart by their place: new kinds of randomness go to the end, so that old seeds keep their bits.
    sharing, arranging, turning, *sides = np.random.SeedSequence(seed).spawn(5)
    is_shared = np.zeros(n_features, dtype=bool)
    is_shared[_generator(sharing).permutation(n_features)[:n_shared]] = True

    narrower = min(widths)
    arrangement = random_directions(_generator(arranging), n_features, narrower)
    arrangements = [arrangement, turned(arrangement, _generator(turning), geometry_noise)]
    features = [np.arange(n_features), np.where(is_shared, np.arange(n_features), n_features + np.arange(n_features))]
    kinds = [side.spawn(5) for side in sides]  # firing, isometry, own directions, order of rows, noise

    networks: list[SimulatedNetwork] = []
    isometries: list[NDArray[np.float64]] = []
    stream: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]] = {}
    for name, side_width, kind, placed, feature in zip(
        ("left", "right"), widths, kinds, arrangements, features, strict=True
    ):
        for rank, child in enumerate(kind[0].spawn(n_features)):
            if int(feature[rank]) not in stream:
                stream[int(feature[rank])] = draw_firings(_generator(child), float(probability[rank]), n_tokens)
        isometries.append(random_isometry(_generator(kind[1]), narrower, side_width))
        directions = random_directions(_generator(kind[2]), n_features, side_width)
        if geometry == "shared":
            directions[is_shared] = placed[is_shared] @ isometries[-1]
        order = _generator(kind[3]).permutation(n_features)
        codes = _codes([stream[int(number)] for number in feature[order]], n_tokens)
        activations: NDArray[np.float32] = np.asarray(codes @ directions[order], dtype=np.float32)
        if noise:
            activations += np.float32(noise) * _generator(kind[4]).standard_normal(activations.shape, dtype=np.float32)
        networks.append(SimulatedNetwork(name, directions[order], codes, activations, feature[order], groups))

    left, right = networks
    rotation = isometries[0].T @ isometries[1] if geometry == "shared" and n_shared else None
    right_row = {number: row for row, number in enumerate(right.feature.tolist())}
    truth = Truth(
        seed=seed,
        n_features=n_features,
        shared=float(shared),
        mean_active=float(probability.sum()),
        firing=firing if isinstance(firing, str) else "given",
        noise=noise,
        geometry=geometry,
        geometry_noise=geometry_noise,
        n_shared=n_shared,
        shared_features=tuple(np.flatnonzero(is_shared).tolist()),
        pairs=tuple(
            (row, right_row[number]) for row, number in enumerate(left.feature.tolist()) if number in right_row
        ),
        shared_cosine=None if rotation is None else float(1.0 / np.sqrt(1.0 + geometry_noise**2)),
        document_lengths=tuple(lengths.tolist()),
        left=_network_truth(left, probability),
        right=_network_truth(right, probability),
    )
    return TwoModels(left, right, rotation, groups, truth)


def _generator(seeds: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seeds))


def _codes(firings: list[tuple[NDArray[np.int64], NDArray[np.float32]]], n_tokens: int) -> csr_array[np.float32]:
    tokens = np.concatenate([column[0] for column in firings])
    magnitudes = np.concatenate([column[1] for column in firings])
    starts = np.concatenate([[0], np.cumsum([len(column[0]) for column in firings])])
    codes: csr_array[np.float32] = csc_array((magnitudes, tokens, starts), shape=(n_tokens, len(firings))).tocsr()
    return codes


def _network_truth(network: SimulatedNetwork, probability: NDArray[np.float64]) -> NetworkTruth:
    return NetworkTruth(
        width=network.width,
        feature=tuple(network.feature.tolist()),
        probability=tuple(probability[network.feature % len(probability)].tolist()),
        firings=tuple(np.bincount(network.codes.indices, minlength=network.n_features).tolist()),
    )


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidConfig(f"{name}={value!r} must be a whole number of at least {least}")
    return int(value)


def _widths(width: Any) -> tuple[int, int]:
    if isinstance(width, int | np.integer):
        return _whole("width", width, 2), _whole("width", width, 2)
    if not isinstance(width, tuple | list) or len(width) != 2:
        raise InvalidConfig(f"width={width!r} must be one whole number or a pair (left, right)")
    return _whole("width[0]", width[0], 2), _whole("width[1]", width[1], 2)


def _n_shared(shared: float, n_features: int) -> int:
    if isinstance(shared, str) or not 0.0 <= shared <= 1.0:
        raise InvalidConfig(f"shared={shared!r} must be a fraction between 0 and 1 of the features")
    n_shared = int(np.floor(shared * n_features + 0.5))
    if shared and not n_shared:
        raise InvalidConfig(
            f"shared={shared!r} of {n_features} features is less than half a feature; "
            f"use 0 or at least {1 / n_features:.3g}"
        )
    return n_shared


def _deviation(name: str, value: Any) -> float:
    if isinstance(value, str) or not 0.0 <= value < np.inf:
        raise InvalidConfig(f"{name}={value!r} must be a finite number of at least 0")
    return float(value)


def _document_lengths(n_documents: int | None, n_tokens: int) -> NDArray[np.int64]:
    if n_documents is None:
        n_documents = max(1, n_tokens // _TOKENS_PER_DOCUMENT)
    n_documents = _whole("n_documents", n_documents, 1)
    if n_documents > n_tokens:
        raise InvalidConfig(
            f"n_documents={n_documents} is more than n_tokens={n_tokens}; a document has at least one token"
        )
    lengths = np.full(n_documents, n_tokens // n_documents, dtype=np.int64)
    lengths[: n_tokens % n_documents] += 1
    return lengths
